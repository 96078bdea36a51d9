"""Runs the pretend bksb and the mailbox: in a thread for tests, or as a process of its own."""

import argparse
import json
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn
from fastapi import FastAPI

from sandbox.bksb.api import create_app
from sandbox.bksb.behaviour import Behaviour
from sandbox.bksb.faults.http_switches import add_fault_admin
from sandbox.bksb.faults.page import add_fault_pages
from sandbox.bksb.faults.wire import Connections
from sandbox.bksb.site import BksbSite, FolderInUseError
from sandbox.files import write_private
from sandbox.mailbox.server import Mailbox
from sandbox.pages import add_pages
from sandbox.world.people import invent
from sandbox.world.population import World
from sandbox.world.storage import WorldMismatchError, load_or_create, london_today

HOST = "127.0.0.1"
KEYS_FILE = "keys.json"
SERVER_FILE = "server.json"
MAIL_FOLDER = "mail"


class PortTakenError(Exception):
    """Another program listens on the port that was asked for."""


class Sandbox:
    """A running bksb and mailbox on this machine, from `with` to its end.

    Without a world it is one of 100 people that begins today; without a folder nothing is kept. Ports are free
    ones unless given; PortTakenError if a given one is in use, FolderInUseError if the folder is.
    """

    def __init__(
        self,
        world: World | None = None,
        folder: Path | None = None,
        *,
        api_port: int = 0,
        smtp_port: int = 0,
        keys: tuple[str, str] | None = None,
        behaviour: Behaviour | None = None,
    ) -> None:
        self.world = world or invent(100, london_today())
        self.access_key, self.secret_key = keys or (secrets.token_hex(16), secrets.token_urlsafe(32))
        self.site = BksbSite(self.world, folder)
        self.mailbox = Mailbox(folder / MAIL_FOLDER if folder else None)
        self._behaviour = behaviour
        self._ports = api_port, smtp_port
        self._opened = ExitStack()
        self.url = ""
        self.smtp_port = 0

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.callback(self.site.close)
            web = opened.enter_context(_listener(self._ports[0]))
            mail = opened.enter_context(_listener(self._ports[1]))
            self.url = f"http://{HOST}:{web.getsockname()[1]}"
            self.smtp_port = mail.getsockname()[1]
            app = create_app(self.site, self.access_key, self.secret_key, self._behaviour)
            add_pages(app, self.site, self.mailbox)
            add_fault_admin(app, self.site)
            add_fault_pages(app, self.site)
            opened.enter_context(_served(app, web))
            self.mailbox.start(mail)
            opened.callback(self.mailbox.stop)
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()


@contextmanager
def _served(app: FastAPI, listener: socket.socket) -> Iterator[None]:
    """Serves the application from a thread of its own."""
    connections = app.state.connections = Connections()
    config = uvicorn.Config(
        app,
        http=connections.protocol(),
        log_level="warning",
        access_log=False,  # query strings hold usernames
        lifespan="off",
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="bksb sandbox", daemon=True)
    thread.start()
    try:
        if not server.running.wait(30):
            raise RuntimeError("The sandbox did not start within 30 s.")
        yield
    finally:
        server.should_exit = True
        thread.join()


class _Server(uvicorn.Server):
    """Says when it runs."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.running = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.running.set()


def _listener(port: int) -> socket.socket:
    listener = socket.socket()
    # A port of a sandbox that has just ended can be taken again at once.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise PortTakenError(f"Port {port} of {HOST} is taken: stop what uses it, or choose another port.") from error
    return listener


def main() -> None:
    """Serves a sandbox folder until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.server", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds everything that is kept")
    parser.add_argument("--learners", type=int, help="people in the MIS; 600 in a new sandbox")
    parser.add_argument("--today", type=date.fromisoformat, help="first day of a new sandbox, YYYY-MM-DD; today")
    parser.add_argument("--api-port", type=int, default=0, help="port of the API and the pages; a free one")
    parser.add_argument("--smtp-port", type=int, default=0, help="port of the mail server; a free one")
    asked = parser.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        world = load_or_create(asked.data, asked.learners, asked.today)
        sandbox = Sandbox(
            world,
            asked.data,
            api_port=asked.api_port,
            smtp_port=asked.smtp_port,
            keys=_keys(asked.data / KEYS_FILE),
        )
        with sandbox:
            _announce(sandbox, asked.data / SERVER_FILE)
            stopped.wait()
            (asked.data / SERVER_FILE).unlink(missing_ok=True)
    except (WorldMismatchError, PortTakenError, FolderInUseError) as error:
        sys.exit(str(error))


def _announce(sandbox: Sandbox, path: Path) -> None:
    line = json.dumps(
        {
            "url": sandbox.url,
            "smtp_port": sandbox.smtp_port,
            "access_key": sandbox.access_key,
            "secret_key": sandbox.secret_key,
        }
    )
    write_private(path, line + "\n")
    print(line, flush=True)


def _keys(path: Path) -> tuple[str, str]:
    """The folder's keys; random ones the first time."""
    if not path.exists():
        write_private(path, json.dumps([secrets.token_hex(16), secrets.token_urlsafe(32)]))
    access_key, secret_key = json.loads(path.read_text(encoding="utf-8"))
    return access_key, secret_key


if __name__ == "__main__":
    main()
