"""Responses that break on the connection: resets, and bodies that end too early."""

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from typing import Any

from fastapi import Request, Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

Peer = tuple[str, int]


class Connections:
    """The open connections of a server, by client address. ASGI gives an application no access to them."""

    def __init__(self) -> None:
        self._open: dict[Peer, asyncio.Transport] = {}

    def make_protocol(self) -> type[asyncio.Protocol]:
        """Return an HTTP protocol for uvicorn that registers its connections here."""
        opened = self._open

        class TrackedProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
            def connection_made(self, transport: asyncio.Transport) -> None:
                self.peer: Peer = transport.get_extra_info("peername")[:2]
                opened[self.peer] = transport
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                opened.pop(self.peer, None)
                super().connection_lost(exc)

        return TrackedProtocol

    def find(self, scope: Scope) -> asyncio.Transport | None:
        """Return the connection of a request, or None if the client has disconnected."""
        return self._open.get(tuple(scope["client"]))


def reset(transport: asyncio.Transport) -> None:
    """End a connection with a TCP reset."""
    duplicate = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
    with duplicate:
        duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class BrokenResponse(Response):
    """Sends the start of a response, if there is one, then calls `end` on the connection."""

    def __init__(self, started: Response | None, end: Callable[[asyncio.Transport], None]) -> None:
        super().__init__()
        self._started = started
        self._end = end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._started is not None:
            head: dict[str, Any] = {"type": "http.response.start", "status": self._started.status_code}
            await send(head | {"headers": self._started.raw_headers})
            await send({"type": "http.response.body", "body": self._started.body, "more_body": True})
        transport = scope["app"].state.connections.find(scope)
        if transport is not None:
            self._end(transport)
        while (await receive())["type"] != "http.disconnect":
            pass


def drop_connection() -> Response:
    """Return a response that sends nothing and resets the connection."""
    return BrokenResponse(None, reset)


def truncate(whole: Response, chunked: bool) -> Response:
    """Return the first half of a response, with its full Content-Length or as an unfinished chunked transfer."""
    half = Response(bytes(whole.body)[: len(whole.body) // 2], whole.status_code)
    half.raw_headers = [
        (name, value) for name, value in whole.raw_headers if not (chunked and name.lower() == b"content-length")
    ]
    return BrokenResponse(half, lambda transport: transport.close())


async def wait_for_client(request: Request, seconds: float) -> None:
    """Wait until the seconds have passed or the client disconnects."""
    await request.body()
    try:
        async with asyncio.timeout(seconds):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return
