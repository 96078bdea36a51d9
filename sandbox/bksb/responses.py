"""The responses that several parts of the pretend bksb give."""

import json

from fastapi import Response

from sandbox.bksb.behaviour import Behaviour

INVALID_REQUEST = {"Message": "The request is invalid."}
DENIED = {"Message": "Authorization has been denied for this request."}
NO_RESOURCE = {"Message": "No HTTP resource was found that matches the request URI."}


class RefusedError(Exception):
    """The call gets a response with this status and body instead of what it asked for."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


def respond(body: object, status: int = 200) -> Response:
    """A JSON response."""
    return Response(
        json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        status,
        media_type="application/json; charset=utf-8",
    )


def respond_not_found(username: str, behaviour: Behaviour) -> Response:
    """What getUserId says about a username that no user has."""
    text, status = f"A user with username '{username}' not found.", behaviour.not_found_status
    if behaviour.not_found_body == "text":
        return Response(text, status, media_type="text/plain")
    return respond({"Message": text} if behaviour.not_found_body == "message" else text, status)
