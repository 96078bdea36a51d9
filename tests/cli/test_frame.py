"""What all commands of `python -m bksb` share: help, wrong arguments and exit codes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bksb.cli import COMMANDS, main


def test_the_help_lists_every_command(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for command in COMMANDS:
        assert f"\n    {command}" in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_its_options(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"], prog="./run")
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: ./run {command}") and "\noptions:\n" in shown


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["migrate", "--wrong"], ["relink", "P1"], ["sql"]])
def test_wrong_arguments_end_with_2_and_a_usage_line(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: python -m bksb")


def test_airflow_is_not_imported_for_help():
    script = (
        "import sys; from bksb.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'airflow'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"
