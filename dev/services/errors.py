"""The error that every ./run command may end with."""


class RunError(Exception):
    """A ./run command cannot go on; the text says what to do next, and is all that people see."""
