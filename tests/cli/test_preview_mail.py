"""The command preview-mail."""

from email import message_from_bytes, policy

from bksb.cli import main
from bksb.mail.templates import KINDS


def test_the_preview_writes_every_message_without_airflow(config, tmp_path, capsys):
    (config / "templates" / "invitation.txt").write_text("Come in, {{ given_names }}")
    out = tmp_path / "out"
    assert main(["preview-mail", "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {
        f"{kind}.{end}" for kind in KINDS for end in ("txt", "html", "eml")
    }
    assert "Come in, Zoë-Mae" in (out / "invitation.txt").read_text(encoding="utf-8")
    assert message_from_bytes((out / "reminder.eml").read_bytes(), policy=policy.default)["To"]
    assert len(capsys.readouterr().out.splitlines()) == 6


def test_the_preview_uses_the_site_url_of_the_connection(airflow, connections, config, tmp_path):
    assert main(["preview-mail", "--conn", "bksb", "--out", str(tmp_path / "out")]) == 0
    assert connections["extra"]["site_url"] in (tmp_path / "out" / "invitation.txt").read_text(encoding="utf-8")


def test_the_preview_reports_what_is_wrong(config, tmp_path, capsys):
    (config / "templates" / "invitation.txt").mkdir()
    assert main(["preview-mail", "--out", str(tmp_path / "out")]) == 1
    assert "invitation.txt cannot be read" in capsys.readouterr().err
    (config / "templates" / "invitation.txt").rmdir()
    (tmp_path / "taken").write_text("")
    assert main(["preview-mail", "--out", str(tmp_path / "taken")]) == 1
    assert "choose another folder" in capsys.readouterr().err
