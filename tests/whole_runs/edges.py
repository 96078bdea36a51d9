"""Reports each boundary that a process crosses towards a database, bksb or the mail server.

Only third-party code is wrapped: connections of psycopg2, sessions of requests and smtplib.
"""

from __future__ import annotations

import re
import smtplib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import psycopg2
import psycopg2.extensions
import requests

from bksb.folders import SQL_FOLDER

Reach = Callable[[str], None]
"""Called with the name of a boundary, in the thread that crosses it. What it raises is raised there."""

HOUSEKEEPING = ("lock_writer", "create_extracted_person", "find_account_holder")
"""Statements that are left out of the names of transactions."""

MOST_NAMED = 3
"""Most statements in the name of a transaction. A longer one is named by its first and last."""

END_OF_MESSAGE = b"\r\n.\r\n"


@contextmanager
def watched(reach: Reach) -> Iterator[None]:
    """Call `reach` before and after each commit, each call of bksb and each step of a mail, until the block ends."""
    connect, send = psycopg2.connect, requests.Session.send

    def connect_watched(*arguments: Any, **named: Any) -> psycopg2.extensions.connection:
        connection = connect(*arguments, **({"connection_factory": _Connection} | named))
        connection.reach = reach
        return connection

    def send_watched(session: requests.Session, request: Any, **named: Any) -> requests.Response:
        call = f"{request.method} {re.sub('[0-9]+', '…', urlsplit(request.url).path)}"
        reach(f"before {call}")
        response = send(session, request, **named)
        reach(f"after {call}")
        return response

    with (
        mock.patch.object(psycopg2, "connect", connect_watched),
        mock.patch.object(requests.Session, "send", send_watched),
        mock.patch.multiple(smtplib.SMTP, **_watched_mail(reach)),
    ):
        yield


def _watched_mail(reach: Reach) -> dict[str, Any]:
    def step(name: str) -> Callable[..., Any]:
        original = getattr(smtplib.SMTP, name)

        def watched_step(server: smtplib.SMTP, *arguments: Any, **named: Any) -> Any:
            reach(f"before {name} of a mail")
            answer = original(server, *arguments, **named)
            reach(f"after {name} of a mail")
            return answer

        return watched_step

    send, getreply = smtplib.SMTP.send, smtplib.SMTP.getreply
    state = threading.local()

    def send_watched(server: smtplib.SMTP, content: Any) -> None:
        state.is_sent = isinstance(content, bytes) and content.endswith(END_OF_MESSAGE)
        if state.is_sent:
            reach("before a mail was transmitted")
        send(server, content)
        if state.is_sent:
            reach("after a mail was transmitted, before its reply")

    def getreply_watched(server: smtplib.SMTP) -> Any:
        reply = getreply(server)
        if getattr(state, "is_sent", False):
            state.is_sent = False
            reach("after the reply to a mail")
        return reply

    return {"mail": step("mail"), "rcpt": step("rcpt"), "send": send_watched, "getreply": getreply_watched}


class _Connection(psycopg2.extensions.connection):
    """Names each transaction by its statements. `with connection` calls `commit`, too."""

    reach: Reach

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.run_so_far: list[str] = []

    def cursor(self, *arguments: Any, **named: Any) -> Any:
        factory = named.pop("cursor_factory", None) or psycopg2.extensions.cursor
        return super().cursor(*arguments, cursor_factory=_watching(factory), **named)

    def commit(self) -> None:
        about = _about(self.run_so_far)
        self.run_so_far.clear()
        self.reach(f"before commit of {about}")
        super().commit()
        self.reach(f"after commit of {about}")

    def rollback(self) -> None:
        self.run_so_far.clear()
        super().rollback()


def _about(statements: list[str]) -> str:
    names = list(dict.fromkeys(statements))
    return " + ".join(names) if len(names) <= MOST_NAMED else f"{names[0]} … {names[-1]}"


@cache
def _watching(factory: type[Any]) -> type[Any]:
    class Watching(factory):
        def execute(self, statement: Any, *arguments: Any) -> Any:
            _note(self.connection, statement)
            return super().execute(statement, *arguments)

        def copy_expert(self, statement: Any, *arguments: Any) -> Any:
            _note(self.connection, statement)
            return super().copy_expert(statement, *arguments)

    return Watching


def _note(connection: Any, statement: Any) -> None:
    name = _names_of_statements().get(statement, "another statement")
    if name not in HOUSEKEEPING:
        connection.run_so_far.append(name)


@cache
def _names_of_statements() -> dict[str, str]:
    return {path.read_text(encoding="utf-8"): path.stem for path in SQL_FOLDER.rglob("*.sql")}
