"""The errors that a ./run command may end with."""


class RunError(Exception):
    """A ./run command cannot go on; the text says what to do next, and is all that people see."""


class PostgresError(RunError):
    """The embedded PostgreSQL cannot be used."""
