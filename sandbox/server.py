"""Runs the simulated bksb and the mailbox: in a thread (for tests) or as a separate process."""

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
from sandbox.bksb.faults.http_switches import add_fault_switches
from sandbox.bksb.faults.page import add_fault_pages
from sandbox.bksb.faults.wire import Connections
from sandbox.bksb.journal import FolderInUseError
from sandbox.bksb.site import BksbSite
from sandbox.files import write_private
from sandbox.mailbox.messages import Mailbox
from sandbox.mailbox.pages import add_mailbox_pages
from sandbox.mailbox.server import MailServer
from sandbox.pages import add_pages
from sandbox.world.people import invent
from sandbox.world.population import World
from sandbox.world.storage import WorldMismatchError, load_or_create, london_today

HOST = "127.0.0.1"
KEYS_FILE = "keys.json"
SERVER_FILE = "server.json"
MAIL_FOLDER = "mail"
START_SECONDS = 30


class PortTakenError(Exception):
    """Another program listens on the requested port."""


class Sandbox:
    """A simulated bksb and a mailbox that run on this machine while the `with` block lasts.

    `world`: by default, 100 invented people as they are today. `folder`: keeps accounts and messages over a restart;
    without it, nothing is kept. Ports: by default, any free ones. `host`: the address to listen on; the default is
    reachable from this machine only. Raises PortTakenError or FolderInUseError.
    """

    def __init__(
        self,
        world: World | None = None,
        folder: Path | None = None,
        *,
        host: str = HOST,
        api_port: int = 0,
        smtp_port: int = 0,
        keys: tuple[str, str] | None = None,
        behaviour: Behaviour | None = None,
    ) -> None:
        self.world = world or invent(100, london_today())
        self.access_key, self.secret_key = keys or (secrets.token_hex(16), secrets.token_urlsafe(32))
        self.site = BksbSite(self.world, folder)
        self.mailbox = Mailbox(folder / MAIL_FOLDER if folder else None)
        self.mail_server = MailServer(self.mailbox)
        self._behaviour = behaviour
        self._host = host
        self._ports = api_port, smtp_port
        self._opened = ExitStack()
        self.url = ""
        self.smtp_port = 0

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.callback(self.site.close)
            web = opened.enter_context(_open_listener(self._host, self._ports[0]))
            mail = opened.enter_context(_open_listener(self._host, self._ports[1]))
            self.url = f"http://{self._host}:{web.getsockname()[1]}"
            self.smtp_port = mail.getsockname()[1]
            app = create_app(self.site, self.access_key, self.secret_key, self._behaviour)
            add_pages(app, self.site, self.mailbox)
            add_mailbox_pages(app, self.mailbox)
            add_fault_switches(app, self.site)
            add_fault_pages(app, self.site)
            opened.enter_context(_serve_http(app, web))
            self.mail_server.start(mail)
            opened.callback(self.mail_server.stop)
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()


@contextmanager
def _serve_http(app: FastAPI, listener: socket.socket) -> Iterator[None]:
    """Serve the application from a separate thread."""
    connections = app.state.connections = Connections()
    config = uvicorn.Config(
        app,
        http=connections.make_protocol(),
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
        if not server.running.wait(START_SECONDS):
            raise RuntimeError(f"The sandbox did not start within {START_SECONDS} s.")
        yield
    finally:
        server.should_exit = True
        thread.join()


class _Server(uvicorn.Server):
    """A uvicorn server that sets an event once it accepts connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.running = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.running.set()


def _open_listener(host: str, port: int) -> socket.socket:
    listener = socket.socket()
    # Lets a restarted sandbox use its old port at once.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise PortTakenError(
            f"Port {port} of {host} is taken. Stop the program that uses it, or choose another port."
        ) from error
    return listener


def main() -> None:
    """Serve the sandbox of a folder until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.server", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder for accounts, messages and keys")
    parser.add_argument("--learners", type=int, help="people in the MIS (default in a new sandbox: 600)")
    parser.add_argument(
        "--today", type=date.fromisoformat, help="first day of a new sandbox, YYYY-MM-DD (default: today)"
    )
    parser.add_argument("--host", default=HOST, help=f"address to listen on (default: {HOST})")
    parser.add_argument("--keys", type=Path, help=f"file with the two keys (default: {KEYS_FILE} in the folder)")
    parser.add_argument(
        "--api-port", type=int, default=0, help="port of the API and the web pages (default: any free one)"
    )
    parser.add_argument("--smtp-port", type=int, default=0, help="port of the mail server (default: any free one)")
    options = parser.parse_args()
    stopped = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: stopped.set())
    try:
        world = load_or_create(options.data, options.learners, options.today)
        sandbox = Sandbox(
            world,
            options.data,
            host=options.host,
            api_port=options.api_port,
            smtp_port=options.smtp_port,
            keys=_load_keys(options.keys or options.data / KEYS_FILE),
        )
        with sandbox:
            _announce(sandbox, options.data / SERVER_FILE)
            stopped.wait()
            (options.data / SERVER_FILE).unlink(missing_ok=True)
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
    # the keys are in the file only: what is printed may end in a log
    print(json.dumps({"url": sandbox.url, "smtp_port": sandbox.smtp_port}), flush=True)


def _load_keys(path: Path) -> tuple[str, str]:
    """Return the keys in the file. The first call makes random ones."""
    if not path.exists():
        write_private(path, json.dumps([secrets.token_hex(16), secrets.token_urlsafe(32)]))
    access_key, secret_key = json.loads(path.read_text(encoding="utf-8"))
    return access_key, secret_key


if __name__ == "__main__":
    main()
