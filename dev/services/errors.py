"""Errors that end a ./run command."""


class RunError(Exception):
    """The command cannot continue. Only the text is printed, so it says what to do next."""


class PostgresError(RunError):
    """The embedded PostgreSQL cannot be used."""
