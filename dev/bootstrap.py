"""Builds the environment in .run/venv from the pinned requirements, then runs the command in it.

Uses the standard library only, because it runs before anything is installed.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]
RUN = ROOT / ".run"
VENV = RUN / "venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "complete"
INPUTS = ("requirements.txt", "requirements-dev.txt", "constraints.txt", "pyproject.toml")


class BootstrapError(Exception):
    """The environment could not be built. The text says what to do next."""


def base_stamp() -> str:
    """Identifies the Python and the folder of an environment. If either changes, it must be built again."""
    return hashlib.sha256(f"{sys.version}\n{ROOT}".encode()).hexdigest()


def wanted_stamp() -> str:
    """The stamp of an environment built by this Python from the current requirements."""
    inputs = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in INPUTS))
    return f"{base_stamp()} {inputs.hexdigest()}"


def built_stamp() -> str:
    """The stamp of the environment in .run/venv, or an empty string if it is incomplete."""
    return STAMP.read_text() if STAMP.exists() else ""


def pinned_uv() -> str:
    match = re.search(r"^uv==\S+", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    if match is None:
        raise BootstrapError("constraints.txt does not pin uv. Add a line: uv==VERSION")
    return match[0]


def installer_environment() -> dict[str, str]:
    """The caller's environment (mirrors, certificates), with all caches inside the clone."""
    environment = dict(os.environ)
    environment.setdefault("UV_CACHE_DIR", str(RUN / "cache"))
    environment.setdefault("UV_SYSTEM_CERTS", "1")
    environment["UV_PYTHON_DOWNLOADS"] = "never"
    environment["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    environment.pop("PIP_TARGET", None)
    environment.pop("PIP_USER", None)
    return environment


def install(*arguments: str) -> None:
    step = subprocess.run(arguments, cwd=ROOT, env=installer_environment(), check=False)
    if step.returncode:
        raise BootstrapError(
            f"the environment could not be built: {Path(arguments[0]).name} ended with exit code {step.returncode}. "
            "Its message is above. Check the network or your package index settings, then try again."
        )


def build() -> None:
    """Builds or updates .run/venv. If this is interrupted, the next command starts again."""
    if built_stamp().startswith(base_stamp()):
        print("Updating the environment in .run/venv", file=sys.stderr, flush=True)
        STAMP.unlink()
    else:
        print("Preparing the environment in .run/venv (once, about a minute)", file=sys.stderr, flush=True)
        shutil.rmtree(VENV, ignore_errors=True)
        install(getattr(sys, "_base_executable", sys.executable), "-m", "venv", str(VENV))
    install(str(PYTHON), "-m", "pip", "install", "--quiet", "--no-cache-dir", pinned_uv())
    into = [str(VENV / "bin" / "uv"), "pip", "install", "--quiet", "--python", str(PYTHON)]
    requirements = ["-r", "requirements.txt", "-r", "requirements-dev.txt", "-c", "constraints.txt"]
    install(*into, "--compile-bytecode", *requirements)
    install(*into, "--no-deps", "--no-build-isolation", "-e", ".")
    STAMP.write_text(wanted_stamp())


def prepare() -> None:
    """Makes sure that the environment is complete, and keeps a shared lock on it.

    The lock survives the exec in main(), so no command rebuilds an environment that another command is using.
    """
    try:
        RUN.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(RUN / "venv.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BootstrapError(
            f"cannot write {error.filename}: {error.strerror}. If it belongs to another user, run as that user "
            "or delete .run first."
        ) from None
    fcntl.flock(lock, fcntl.LOCK_SH)
    if built_stamp() != wanted_stamp():
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another ./run command that is using the environment", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        if built_stamp() != wanted_stamp():
            build()
        fcntl.flock(lock, fcntl.LOCK_SH)
    os.set_inheritable(lock, True)


def main() -> NoReturn:
    try:
        prepare()
    except BootstrapError as error:
        sys.exit(f"run: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    os.environ["RUN_CALLED_FROM"] = os.getcwd()
    os.chdir(ROOT)
    os.execv(PYTHON, [str(PYTHON), "-m", "dev.commands", *sys.argv[1:]])  # noqa: S606 - needs no shell


if __name__ == "__main__":
    main()
