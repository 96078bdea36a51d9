"""What was measured, what was promised, and the table of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """One line of the table; `target` None: measured, but nothing was promised.

    Measured figures are compared as they are printed, with `digits` digits after the point.
    """

    part: str
    says: str
    measured: float
    sense: Literal["at least", "at most"] = "at most"
    target: float | None = None
    unit: str = ""
    digits: int = 2

    @property
    def met(self) -> bool:
        """Whether the promise was kept; there is none to break without a target."""
        if self.target is None:
            return True
        measured = round(self.measured, self.digits)
        return measured >= self.target if self.sense == "at least" else measured <= self.target

    def cells(self) -> tuple[str, str, str, str, str]:
        """The line as the table shows it."""
        if self.target is None:
            return self.part, self.says, self._shown(self.measured), "", ""
        target = f"{self.sense} {self._shown(self.target)}"
        return self.part, self.says, self._shown(self.measured), target, "met" if self.met else "MISSED"

    def _shown(self, figure: float) -> str:
        return f"{figure:,.{self.digits}f}{self.unit}"


HEADER = ("", "figure", "measured", "target", "")


def table(figures: Sequence[Figure]) -> str:
    """The figures under one another."""
    lines = [HEADER, *(figure.cells() for figure in figures)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    shown = []
    for line in lines:
        part, says, measured, target, verdict = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        shown.append(f"{part}  {says}  {measured.strip().rjust(widths[2])}  {target}  {verdict}".rstrip())
    return "\n".join(shown)


def exit_code(figures: Sequence[Figure]) -> int:
    """1 if a target was missed."""
    return 0 if all(figure.met for figure in figures) else 1
