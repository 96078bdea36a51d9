"""Reads bksb's free-text results: subject, level on the project's scale, percentage.

Texts are looked up in tables, which come from bksb.level_words. A text that is in no table is never guessed: its level
is None and `recognised` is False. The caller keeps it raw and reports it once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from bksb.errors import ConfigurationError

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

NO_LEVEL = "NONE"
"""The code for texts that are known and name no level. It appears in the tables only."""

UNKNOWN_SUBJECT = "Unknown"

_PERCENT = re.compile(r"(\d{1,3}(?:\.\d+)?)\s*%?")
_WORD = re.compile(r"[^\W\d_]+")
_BLANK = re.compile(r"[\s_]+|(?<=\w)[-\u2010-\u2015](?=\w)")


@dataclass(frozen=True)
class Reading:
    """What a result text means. `percent` is 0 to 100. `recognised` is False if the text is in no table."""

    subject: str
    level_code: str | None
    percent: float | None
    recognised: bool

    @property
    def level_order(self) -> int | None:
        """The position on the scale, 0 (Pre-Entry) to 6 (Level 3), or None."""
        return None if self.level_code is None else SCALE.index(self.level_code)


@dataclass(frozen=True)
class Vocabulary:
    """The tables: words that name a subject or another scale, and whole texts that name a level (None: no level).

    Texts are looked up and not matched by patterns, so that no text and no table can make reading slow.
    """

    subjects: Mapping[str, str]
    scales: Mapping[str, str]
    levels: Mapping[str, str | None]


def read_vocabulary(*files: tuple[str, bytes]) -> Vocabulary:
    """Read the tables from these files, each given as (name for messages, TOML). Later files override earlier ones.

    Raises ConfigurationError with the name of the file and what is wrong in it.
    """
    decoded = [(name, _decode(name, content)) for name, content in files]
    subjects: dict[str, str] = {}
    scales: dict[str, str] = {}
    levels: dict[str, str | None] = {}
    for name, tables in decoded:
        subjects |= _read_words(name, "subjects", tables.subjects)
        scales |= _read_words(name, "scales", tables.scales)
    for name, tables in decoded:
        levels |= _read_levels(name, tables.levels, subjects, scales)
    return Vocabulary(subjects, scales, levels)


def read_initial(result: str, assessment_name: str, course_subject: str, tables: Vocabulary) -> Reading:
    """Read an initial assessment's result, such as `English Level 1` or `Below Entry 3`."""
    subject, _ = _take_out(tables.subjects, _normalise(result))
    code, recognised = _find_level(tables, result, assessment_name, course_subject)
    return Reading(
        subject=subject or _find_subject(tables, assessment_name, course_subject),
        level_code=code,
        percent=None,
        recognised=recognised,
    )


def read_diagnostic(result: str, assessment_name: str, course_subject: str, tables: Vocabulary) -> Reading:
    """Read a diagnostic's result: a percentage, at the level in the assessment's name (`Maths L1 Diagnostic`).

    The level is that of the diagnostic, not one that the learner has reached.
    """
    percent = _parse_percent(result)
    name = re.sub(r"\bdiagnostic\b", "", assessment_name, flags=re.IGNORECASE)
    code, _ = _find_level(tables, name, course_subject)
    return Reading(
        subject=_find_subject(tables, assessment_name, course_subject),
        level_code=code,
        percent=percent,
        recognised=percent is not None,
    )


def read_v5(ability: str, assessment_name: str, course_subject: str, tables: Vocabulary) -> Reading:
    """Read the AbilityMeasurement of a V5 component: a level in the words of an initial assessment, or a percentage.

    bksb publishes no sample. An empty text counts as recognised, without a level. If the ability names no subject, the
    subject is the one that bksb was asked for.
    """
    # a percentage needs its sign: a bare number may be a mark, a band or a level
    percent = _parse_percent(ability) if "%" in ability else None
    if percent is None and ability.strip():
        return read_initial(ability, course_subject, assessment_name, tables)
    subject = _find_subject(tables, course_subject, assessment_name)
    return Reading(subject=subject, level_code=None, percent=percent, recognised=True)


def _parse_percent(text: str) -> float | None:
    match = _PERCENT.fullmatch(text.strip())
    percent = float(match.group(1)) if match else None
    return None if percent is None or percent > 100 else percent


def _find_subject(tables: Vocabulary, *texts: str) -> str:
    """Return the first subject that these texts name, or `Unknown`."""
    named = (_take_out(tables.subjects, _normalise(text))[0] for text in texts)
    return next((subject for subject in named if subject), UNKNOWN_SUBJECT)


def _find_level(tables: Vocabulary, text: str, *context: str) -> tuple[str | None, bool]:
    """Return the level that a text names, and whether the text is known. The context may name another scale."""
    scales = (_take_out(tables.scales, _normalise(around))[0] for around in context)
    around = next((scale for scale in scales if scale), None)
    _, rest = _take_out(tables.subjects, _normalise(text))
    key = _make_key(tables.scales, rest, around)
    return tables.levels.get(key), key in tables.levels


def _make_key(scales: Mapping[str, str], text: str, around: str | None = None) -> str:
    """Return the key of a normalised text in the tables. On another scale it begins with the scale's name."""
    scale, rest = _take_out(scales, text)
    scale = scale or around
    return f"{scale}: {rest}" if scale else rest


def _normalise(text: str) -> str:
    return _BLANK.sub(" ", text.lower()).strip()


def _take_out(words: Mapping[str, str], text: str) -> tuple[str | None, str]:
    """Return the meaning of the first known word in a normalised text, and the text without that word."""
    for word in _WORD.finditer(text):
        if word.group() in words:
            rest = text[: word.start()] + text[word.end() :]
            return words[word.group()], " ".join(rest.split())
    return None, text


Filled = Annotated[str, msgspec.Meta(pattern=r"\S")]


class _Tables(msgspec.Struct, forbid_unknown_fields=True):
    """One file: the words or texts for each meaning."""

    subjects: dict[Filled, list[Filled]] = {}
    scales: dict[Filled, list[Filled]] = {}
    levels: dict[Filled, list[Filled]] = {}


def _decode(name: str, content: bytes) -> _Tables:
    try:
        return msgspec.toml.decode(content, type=_Tables)
    except msgspec.ValidationError as error:
        raise _wrong(
            name,
            f"has a wrong entry ({error}). Under [subjects], [scales] and [levels], write a name and then a list of "
            "texts in quotes",
        ) from None
    except ValueError as error:  # not TOML, or not UTF-8; the message has line and column
        raise ConfigurationError(f"{name} cannot be read: {error}.") from None


def _wrong(name: str, what: str) -> ConfigurationError:
    return ConfigurationError(f"{name} {what}. Correct the file, then clear the task.")


def _read_words(name: str, table: str, meanings: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the meaning of each word of [subjects] or [scales], with words in lower case."""
    found: dict[str, str] = {}
    for meaning, text in _pairs(meanings):
        word = text.lower()
        if not _WORD.fullmatch(word):
            raise _wrong(name, f"has {text!r} for {meaning} under [{table}], which must be a single word of letters")
        if word in found:
            raise _wrong(name, f"has {text!r} twice under [{table}]: for {found[word]} and for {meaning}")
        found[word] = meaning
    return found


def _read_levels(
    name: str, codes: Mapping[str, Sequence[str]], subjects: Mapping[str, str], scales: Mapping[str, str]
) -> dict[str, str | None]:
    """Return the level of each text of [levels], with texts in the form in which they are looked up."""
    found: dict[str, str | None] = {}
    for code, text in _pairs(codes):
        if code not in (*SCALE, NO_LEVEL):
            raise _wrong(
                name, f"has the level {code} under [levels], which must be one of {', '.join((*SCALE, NO_LEVEL))}"
            )
        subject, plain = _take_out(subjects, _normalise(text))
        if subject:
            raise _wrong(
                name,
                f"has {text!r} for {code} under [levels]: a word in it names the subject {subject}. Leave that word "
                "out, because it is removed from a result before its level is looked up",
            )
        key = _make_key(scales, plain)
        if key in found:
            raise _wrong(name, f"has {text!r} twice under [levels]: for {found[key] or NO_LEVEL} and for {code}")
        found[key] = None if code == NO_LEVEL else code
    return found


def _pairs(table: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    return ((meaning, text) for meaning, texts in table.items() for text in texts)
