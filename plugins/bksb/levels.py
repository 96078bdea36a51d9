"""Read bksb's free-text results: subject, level on the project's scale, percentage.

A result is parsed, never an enum: what is not in the tables below is kept raw by the caller, its
level is None and `recognised` is False, so that it is reported once and nothing is guessed.
The vocabulary is that of public evidence on bksb (docs/bksb-api.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SCALE = ("PRE", "E1", "E2", "E3", "L1", "L2", "L3")
"""Level codes in ascending order; the index is `level_order`."""

LEVEL_NAMES = {
    "PRE": "Pre-Entry",
    "E1": "Entry 1",
    "E2": "Entry 2",
    "E3": "Entry 3",
    "L1": "Level 1",
    "L2": "Level 2",
    "L3": "Level 3",
}

SUBJECT_WORDS = {
    "english": "English",
    "eng": "English",
    "literacy": "English",
    "maths": "Maths",
    "mathematics": "Maths",
    "math": "Maths",
    "numeracy": "Maths",
    "ict": "ICT",
    "digital": "ICT",
    "digi": "ICT",
}
"""First of these words in the result, else in the assessment's name or subject, decides the subject."""

UNKNOWN_SUBJECT = "Unknown"

LEVEL_PHRASES: tuple[tuple[str, str | None], ...] = (
    (r"pre[ -]?entry", "PRE"),
    (r"below entry (?:level )?1", "PRE"),
    (r"below entry (?:level )?2", "E1"),
    (r"below entry (?:level )?3", "E2"),
    (r"below level 1", "E3"),
    (r"below level 2", "L1"),
    (r"below level 3", "L2"),
    (r"entry (?:level )?1|e1", "E1"),
    (r"entry (?:level )?2|e2", "E2"),
    (r"entry (?:level )?3|e3", "E3"),
    (r"level 1|l1", "L1"),
    (r"level 2|l2", "L2"),
    (r"level 3|l3", "L3"),
    (r"gcse|functional skills", None),
)
"""The whole text beside the subject must be one of these, tried in order. "Below X" is the level under
X: the assessment saw that X was not reached and looked no further down. Screenings name no level."""

_PERCENT = re.compile(r"(\d{1,3}(?:\.\d+)?)\s*%?")
_WORD = re.compile(r"[a-z]+")
_LEVEL_PATTERNS = tuple((re.compile(phrase), code) for phrase, code in LEVEL_PHRASES)


@dataclass(frozen=True)
class Reading:
    """What a result text says. `percent` is 0 to 100; `recognised` is False where the text was new to us."""

    subject: str
    level_code: str | None
    percent: float | None
    recognised: bool

    @property
    def level_order(self) -> int | None:
        """Place on the scale, 0 (Pre-Entry) to 6 (Level 3), or None."""
        return None if self.level_code is None else SCALE.index(self.level_code)


def read_initial(result: str, assessment_name: str, course_subject: str) -> Reading:
    """Read an initial assessment's result, such as `English Level 1` or `Below Entry 3`."""
    subject, rest = _split_subject(result)
    code, recognised = _level(rest)
    return Reading(
        subject=subject or find_subject(assessment_name, course_subject),
        level_code=code,
        percent=None,
        recognised=recognised,
    )


def read_diagnostic(result: str, assessment_name: str, course_subject: str) -> Reading:
    """Read a diagnostic's result: a percentage, at the level its name says (`Maths L1 Diagnostic`).

    The level is the one that was diagnosed, not one that the learner reached.
    """
    match = _PERCENT.fullmatch(result.strip())
    percent = float(match.group(1)) if match else None
    if percent is not None and percent > 100:
        percent = None
    _, rest = _split_subject(re.sub(r"\bdiagnostic\b", "", assessment_name, flags=re.IGNORECASE))
    code, _ = _level(rest)
    return Reading(
        subject=find_subject(assessment_name, course_subject),
        level_code=code,
        percent=percent,
        recognised=percent is not None,
    )


def read_v5(ability: str, assessment_name: str, course_subject: str) -> Reading:
    """Read the ability that a V5 report gives for a component, such as `Level 1`; '' (left out) is no level."""
    if not ability.strip():
        return Reading(find_subject(assessment_name, course_subject), None, None, recognised=True)
    return read_initial(ability, assessment_name, course_subject)


def find_subject(*texts: str) -> str:
    """The subject that the first telling text names, or `Unknown`."""
    for text in texts:
        subject, _ = _split_subject(text.replace("_", " "))
        if subject:
            return subject
    return UNKNOWN_SUBJECT


def _split_subject(text: str) -> tuple[str | None, str]:
    lowered = " ".join(text.lower().split())
    for word in _WORD.finditer(lowered):
        subject = SUBJECT_WORDS.get(word.group())
        if subject:
            rest = lowered[: word.start()] + lowered[word.end() :]
            return subject, " ".join(rest.split())
    return None, lowered


def _level(text: str) -> tuple[str | None, bool]:
    for pattern, code in _LEVEL_PATTERNS:
        if pattern.fullmatch(text):
            return code, True
    return None, False
