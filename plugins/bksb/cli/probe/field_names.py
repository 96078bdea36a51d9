"""Describes the fields of answers by name. Withholds names that may be personal content."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from bksb.cli.probe.observation import describe_emptiness, describe_kind

KNOWN_FIELDS = {
    *("abilitymeasurement", "assessmenteoadata", "assessmentid", "assessmentname", "assessmenttype"),
    *("coursecomponentname", "coursename", "coursesubject", "currentpage", "datecompleted", "datestarted"),
    *("diagnosticassessmentresults", "initialassessmentresults", "measuredat", "measuringassessmentname", "message"),
    *("pagination", "recordsperpage", "result", "resultdate", "sessionid", "totalrecords"),
}
"""Names of fields that the project knows. Other names are withheld if they may be personal content."""


class FieldNames:
    """Describes fields, and withholds names that are also values in an answer."""

    def __init__(self) -> None:
        self._withheld: set[str] = set()

    def withhold(self, texts: Iterable[str]) -> None:
        """Withhold names that equal one of these lower-case texts, or a word of one."""
        self._withheld.update(texts)

    def describe_list(self, body: object, list_name: str) -> str:
        """Describe under which name a page has its list, and whether the list is empty."""
        if not isinstance(body, Mapping):
            return "the page is not an object"
        if list_name in body:
            return f"{list_name}: {describe_kind(body[list_name])}{describe_emptiness(body[list_name])}"
        others = [name for name, value in body.items() if isinstance(value, list)]
        return f"not under {list_name}" + (f", but under {self._show(others)}" if others else ", and no other list")

    def describe(self, bodies: Iterable[object]) -> str:
        """List the fields of these objects with the JSON types of their values."""
        types: dict[str, set[str]] = {}
        for body in bodies:
            if isinstance(body, Mapping):
                for name, value in body.items():
                    types.setdefault(str(name), set()).add(describe_kind(value))
        return ", ".join(f"{self._show([name])} ({' or '.join(sorted(kinds))})" for name, kinds in types.items()) or "-"

    def _show(self, names: Iterable[str]) -> str:
        """Join the names. Withhold names that are not a plain word, or that occur as a value."""
        shown = (
            name
            if name.lower() in KNOWN_FIELDS
            or (re.fullmatch(r"[A-Za-z_][A-Za-z_]{0,39}[0-9]{0,2}", name) and not self._is_content(name.lower()))
            else "(name withheld)"
            for name in names
        )
        return ", ".join(shown)

    def _is_content(self, name: str) -> bool:
        return any(name == text or (len(name) > 3 and name in text.split()) for text in self._withheld)
