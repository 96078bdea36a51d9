"""The answers that several parts of the pretend bksb give."""

import json

from fastapi import Response

from sandbox.bksb.behaviour import Behaviour


class RefusedError(Exception):
    """The call is answered with this status and body instead of what it asked for."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


def answer(body: object, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(
        json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        status,
        media_type="application/json; charset=utf-8",
    )


def nobody_has(username: str, behaviour: Behaviour) -> Response:
    """What getUserId says of a username that nobody has."""
    text, status = f"A user with username '{username}' not found.", behaviour.not_found_status
    if behaviour.not_found_body == "text":
        return Response(text, status, media_type="text/plain")
    return answer({"Message": text} if behaviour.not_found_body == "message" else text, status)
