"""Measured figures, their targets, and the table that shows both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """One line of the table. A figure without a target is for information.

    Figures are compared as they are printed, rounded to `digits` decimals.
    """

    part: str
    name: str
    measured: float
    comparison: Literal["at least", "at most"] = "at most"
    target: float | None = None
    unit: str = ""
    digits: int = 2

    @property
    def met(self) -> bool:
        """Whether the target was met. True without a target."""
        if self.target is None:
            return True
        measured = round(self.measured, self.digits)
        return measured >= self.target if self.comparison == "at least" else measured <= self.target

    def cells(self) -> tuple[str, str, str, str, str]:
        """Return the texts of the line: part, name, measured, target, verdict."""
        if self.target is None:
            return self.part, self.name, self._format(self.measured), "", ""
        target = f"{self.comparison} {self._format(self.target)}"
        return self.part, self.name, self._format(self.measured), target, "met" if self.met else "MISSED"

    def _format(self, figure: float) -> str:
        return f"{figure:,.{self.digits}f}{self.unit}"


HEADER = ("", "figure", "measured", "target", "")


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a text table."""
    lines = [HEADER, *(figure.cells() for figure in figures)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    rows = []
    for line in lines:
        part, name, measured, target, verdict = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        rows.append(f"{part}  {name}  {measured.strip().rjust(widths[2])}  {target}  {verdict}".rstrip())
    return "\n".join(rows)


def exit_code(figures: Sequence[Figure]) -> int:
    """Return 1 if a target was missed, otherwise 0."""
    return 0 if all(figure.met for figure in figures) else 1
