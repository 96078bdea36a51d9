"""Responses that several calls of the simulated bksb share."""

import json

from fastapi import Response

from sandbox.bksb.behaviour import Behaviour

INVALID_REQUEST = {"Message": "The request is invalid."}
DENIED = {"Message": "Authorization has been denied for this request."}
NO_RESOURCE = {"Message": "No HTTP resource was found that matches the request URI."}


class RefusedError(Exception):
    """The call is answered with this error status and body."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


def respond(body: object, status: int = 200) -> Response:
    """Return a JSON response."""
    return Response(
        json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        status,
        media_type="application/json; charset=utf-8",
    )


def respond_not_found(username: str, behaviour: Behaviour) -> Response:
    """Return the response of getUserId for a username that does not exist."""
    text, status = f"A user with username '{username}' not found.", behaviour.not_found_status
    if behaviour.not_found_body == "text":
        return Response(text, status, media_type="text/plain")
    return respond({"Message": text} if behaviour.not_found_body == "message" else text, status)
