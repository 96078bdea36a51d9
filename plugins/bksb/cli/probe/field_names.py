"""Shows the names of fields in answers, except where a name may be content, such as a person's word."""

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
"""Names of fields that evidence knows; any other is withheld where it may be a person's word."""


class FieldNames:
    """The names of fields, and the texts that no name may repeat."""

    def __init__(self) -> None:
        self._withheld: set[str] = set()

    def withhold(self, texts: Iterable[str]) -> None:
        """From now on, show no name that is one of these texts, in lower case, or a word of one."""
        self._withheld.update(texts)

    def describe_list(self, body: object, list_name: str) -> str:
        """Under which name a page has its list, and whether there is anything in it."""
        if not isinstance(body, Mapping):
            return "the page is no object"
        if list_name in body:
            return f"{list_name}: {describe_kind(body[list_name])}{describe_emptiness(body[list_name])}"
        others = [name for name, value in body.items() if isinstance(value, list)]
        return f"not under {list_name}" + (f", but under {self._show(others)}" if others else ", and no other list")

    def describe(self, bodies: Iterable[object]) -> str:
        """Names of the fields of some objects with the JSON types of their values."""
        types: dict[str, set[str]] = {}
        for body in bodies:
            if isinstance(body, Mapping):
                for name, value in body.items():
                    types.setdefault(str(name), set()).add(describe_kind(value))
        return ", ".join(f"{self._show([name])} ({' or '.join(sorted(kinds))})" for name, kinds in types.items()) or "-"

    def _show(self, names: Iterable[str]) -> str:
        """Names of fields as they are, but for those that may be content: no plain word, or seen as a value."""
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
