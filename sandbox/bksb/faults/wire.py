"""Responses that break on the way: connections that are reset, and bodies that end too soon."""

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
    """The open connections of one server, by the address of the client: ASGI itself does not give them out."""

    def __init__(self) -> None:
        self._open: dict[Peer, asyncio.Transport] = {}

    def make_protocol(self) -> type[asyncio.Protocol]:
        """An HTTP protocol for uvicorn that keeps its connections in here while they last."""
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
        """The connection a request came by, unless the client has gone."""
        return self._open.get(tuple(scope["client"]))


def reset(transport: asyncio.Transport) -> None:
    """Ends a connection at once: the client sees a reset instead of an orderly end."""
    duplicate = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
    with duplicate:
        duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class BrokenResponse(Response):
    """The start of a response, if there is one, then what `end` does to the connection."""

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
    """No response: the connection is reset."""
    return BrokenResponse(None, reset)


def truncate(whole: Response, chunked: bool) -> Response:
    """The first half of a response, under a Content-Length for all of it or as an unfinished chunked transfer."""
    half = Response(bytes(whole.body)[: len(whole.body) // 2], whole.status_code)
    half.raw_headers = [
        (name, value) for name, value in whole.raw_headers if not (chunked and name.lower() == b"content-length")
    ]
    return BrokenResponse(half, lambda transport: transport.close())


async def wait_for_client(request: Request, seconds: float) -> None:
    """Waits until the seconds have passed or the client has left."""
    await request.body()
    try:
        async with asyncio.timeout(seconds):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return
