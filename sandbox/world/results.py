"""Invents the assessment results of an account, in the words that bksb uses (docs/bksb-api.md)."""

import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

LEVELS = ("Pre-Entry", "Entry 1", "Entry 2", "Entry 3", "Level 1", "Level 2", "Level 3")
ODD_RESULTS = (
    "Pre-Entry",
    "Below Entry 3",
    "Below Level 1",
    "GCSE English",
    "GCSE Maths",
    "Functional Skills",
)
UNKNOWN_RESULTS = ("See tutor", "Assessment voided (paper copy)")
HISTORY_DAYS = 730
UNFINISHED = "0001-01-01T00:00:00"


@dataclass(frozen=True, slots=True)
class Result:
    """One initial or diagnostic result. `completed_raw` and `result` are as bksb sends them."""

    session_id: int
    course_subject: str
    course_name: str
    completed_raw: str
    assessment_name: str
    assessment_id: int
    result: str | int


@dataclass(frozen=True, slots=True)
class Component:
    """One row of the end-of-assessment report of a V5 session. None: bksb leaves the key out."""

    course_component_name: str
    ability_measurement: str | None
    measuring_assessment_name: str | None
    measured_at: str | None


@dataclass(frozen=True, slots=True)
class Session:
    """One V5 assessment session. `completed_raw` is UNFINISHED until the learner completes it."""

    session_id: int
    course_subject: str
    assessment_type: int
    started_raw: str
    completed_raw: str
    components: tuple[Component, ...]

    @property
    def is_finished(self) -> bool:
        return self.completed_raw != UNFINISHED


@dataclass(frozen=True, slots=True)
class _Assessment:
    subject: str
    course_subject: str
    course_name: str
    name: str
    assessment_id: int


INITIAL = (
    _Assessment("English", "ENGLISH", "English Functional Skills", "English Initial Assessment", 50001),
    _Assessment("Maths", "MATHS", "Maths Functional Skills", "Maths Initial Assessment", 50000),
    _Assessment("Mathematics", "MATHS", "Mathematics", "Mathematics Initial Assessment (2010)", 40000),
    _Assessment("English", "ENGLISH", "English", "English Initial Assessment (2010)", 40001),
    _Assessment("ICT", "ICT", "ICT Functional Skills", "ICT Initial Assessment", 468),
)
SCREENING = (
    _Assessment("GCSE English", "ENGLISH", "GCSE English", "GCSE English Screening", 15001),
    _Assessment("GCSE Maths", "MATHS", "GCSE Maths", "GCSE Maths Screening", 15000),
)
DIAGNOSTIC_LEVELS = ("E2", "E3", "L1", "L2", "L3")
V5_COMPONENTS = {
    "ENG_NEW": ("Reading", "Writing", "Speaking, Listening and Communicating"),
    "MATHS_NEW": ("Number", "Measures, Shape and Space", "Handling Data"),
}


class ResultInventor:
    """Invents the results of one bksb account, all before `anchor`. Username and seed determine them.

    Session ids count up from `first_session_id`.
    """

    def __init__(self, username: str, seed: int, anchor: date, first_session_id: int) -> None:
        self._key = f"{seed}/{username.lower()}"
        self._anchor = anchor
        self._next_session_id = first_session_id

    def _take_session_id(self) -> int:
        self._next_session_id += 1
        return self._next_session_id - 1

    def _draw_moments(self, rng: random.Random, count: int) -> list[datetime]:
        """Draw moments in office hours of the two years before the anchor, oldest first."""
        days = [1 + int((HISTORY_DAYS - 1) * rng.random() ** 2) for _ in range(count)]
        if days and rng.random() < 0.2:
            days[0] = 1
        return sorted(
            datetime.combine(self._anchor - timedelta(days=day), time(8))
            + timedelta(seconds=rng.randrange(12 * 3600), microseconds=rng.randrange(1, 1_000_000))
            for day in days
        )

    def invent_initial_results(self, count: int | None = None) -> list[Result]:
        """Invent initial results, newest first. `count` None: a random number of them."""
        rng = random.Random(f"{self._key}/initial")
        count = _draw_count(rng) if count is None else count
        level = {subject: rng.randrange(1, 5) for subject in ("ENGLISH", "MATHS", "ICT")}
        results = []
        for number, moment in enumerate(self._draw_moments(rng, count)):
            assessment = rng.choice(INITIAL)
            step = rng.choice((-1, 0, 1, 1))
            level[assessment.course_subject] = min(max(level[assessment.course_subject] + step, 0), 6)
            text = LEVELS[level[assessment.course_subject]]
            if text != "Pre-Entry":
                text = f"{assessment.subject} {text}"
            if rng.random() < 0.05 or (count >= 60 and number < len(ODD_RESULTS)):
                text = ODD_RESULTS[number % len(ODD_RESULTS)]
                if text.startswith("GCSE") or text == "Functional Skills":
                    assessment = SCREENING[number % 2]
            elif rng.random() < 0.002 or (count >= 60 and number in (10, 20)):
                text = UNKNOWN_RESULTS[number // 10 % 2]
            results.append(self._make_result(assessment, moment, text, rng))
        return results[::-1]

    def invent_diagnostic_results(self, count: int | None = None) -> list[Result]:
        """Invent diagnostic results, newest first."""
        rng = random.Random(f"{self._key}/diagnostic")
        count = max(0, _draw_count(rng) - 1) if count is None else count
        results = []
        for moment in self._draw_moments(rng, count):
            subject, course_subject = rng.choice((("English", "ENGLISH"), ("Maths", "MATHS")))
            level = rng.randrange(len(DIAGNOSTIC_LEVELS))
            assessment = _Assessment(
                subject,
                course_subject,
                f"{subject} Functional Skills",
                f"{subject} {DIAGNOSTIC_LEVELS[level]} Diagnostic",
                60000 + level * 10 + (subject == "English"),
            )
            percent = rng.randrange(101)
            results.append(
                self._make_result(assessment, moment, rng.choice((str(percent), f"{percent}%", percent)), rng)
            )
        return results[::-1]

    def invent_sessions(self, count: int | None = None) -> list[Session]:
        """Invent V5 sessions, newest first. About a quarter of them are unfinished."""
        rng = random.Random(f"{self._key}/v5")
        count = rng.choice((0, 0, 0, 1, 2, 4)) if count is None else min(count, 12)
        sessions = []
        for moment in self._draw_moments(rng, count):
            course_subject = rng.choice(tuple(V5_COMPONENTS))
            started_raw, completed_raw = (
                format_moment(moment - timedelta(minutes=rng.randint(15, 90)), rng),
                format_moment(moment, rng),
            )
            components: tuple[Component, ...] = ()
            if rng.random() < 0.25:
                completed_raw = UNFINISHED
            else:
                components = tuple(
                    self._make_component(name, course_subject, completed_raw, rng)
                    for name in V5_COMPONENTS[course_subject]
                )
            sessions.append(
                Session(
                    self._take_session_id(),
                    course_subject,
                    rng.choice((1, 2)),
                    started_raw,
                    completed_raw,
                    components,
                )
            )
        return sessions[::-1]

    def _make_result(self, assessment: _Assessment, moment: datetime, result: str | int, rng: random.Random) -> Result:
        return Result(
            session_id=self._take_session_id(),
            course_subject=assessment.course_subject,
            course_name=assessment.course_name,
            completed_raw=format_moment(moment, rng),
            assessment_name=assessment.name,
            assessment_id=assessment.assessment_id,
            result=result,
        )

    def _make_component(self, name: str, course_subject: str, completed_raw: str, rng: random.Random) -> Component:
        level = rng.choice(LEVELS[1:6])
        subject = "English" if course_subject == "ENG_NEW" else "Maths"
        return Component(
            course_component_name=name,
            ability_measurement=rng.choice((level, f"{subject} {level}", f"Working at {level}", None)),
            measuring_assessment_name=rng.choice((f"{subject} {name}", None)),
            measured_at=rng.choice((completed_raw, None)),
        )


def _draw_count(rng: random.Random) -> int:
    """A few results for most accounts, none for some, sixty for one in a hundred."""
    chance = rng.random()
    if chance < 0.12:
        return 0
    if chance < 0.32:
        return 1
    return 60 if chance > 0.99 else rng.randint(2, 6)


def format_moment(moment: datetime, rng: random.Random) -> str:
    """Format a moment as bksb does: no time zone, and 0, 3 or 7 decimal digits of a second."""
    digits = rng.choice((0, 0, 3, 7))
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{moment.microsecond:06d}{rng.randrange(10)}"
    return f"{text}.{fraction[:digits]}" if digits else text
