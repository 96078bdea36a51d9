"""A server that gives the answers of a test in order, for answers that the sandbox cannot give."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class Scripted:
    """The answers still to give, of which the last is repeated, and the requests received."""

    url: str = ""
    answers: list[tuple[int, str, dict[str, str]]] = field(default_factory=list)
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)

    def answer(self, status: int, body: str, **headers: str) -> None:
        """Add an answer; header names take _ for -."""
        self.answers.append((status, body, {name.replace("_", "-"): value for name, value in headers.items()}))


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """A running server. Add its answers with `scripted.answer(...)`."""
    script = Scripted()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            script.headers.append(self.headers)
            script.seen.append((self.command, self.path, sent))
            status, body, headers = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
            encoded = body.encode()
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(encoded))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(encoded)
            if "Content-Length" in headers:
                self.close_connection = True

        do_GET = do_POST = handle_any

        def log_message(self, *_: object) -> None:
            """Keep the output of the tests clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    script.url = f"http://127.0.0.1:{server.server_port}"
    yield script
    server.shutdown()
    server.server_close()
