"""A model of the reporting tables in plain Python, written from the documents, without SQL and zoneinfo.

Moments are naive and in UTC.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby

ORDER = {"PRE": 0, "E1": 1, "E2": 2, "E3": 3, "L1": 4, "L2": 5, "L3": 6}
HOUR = timedelta(hours=1)
NOT_KNOWN = 1000
"""Sorts after every level and percentage."""


@dataclass(frozen=True)
class When:
    """bksb's text for a date, and the time it names: the site's local time, or UTC. None: it names no time."""

    raw: str
    clock: datetime | None
    utc: bool = False


@dataclass(frozen=True)
class Fact:
    """One result as bksb shows it, with the subject, level and percentage that it means."""

    kind: str
    text: str
    assessment_name: str
    course_subject: str
    subject: str
    level: str | None
    percent: Decimal | None
    when: When


Place = tuple[str, str, str]
"""Source, session and component: the key of a result within a user."""


@dataclass(frozen=True)
class Answer:
    """The results of one source of one user at `asked_at`, complete or not."""

    user: int
    source: str
    asked_at: datetime
    complete: bool
    facts: dict[Place, Fact]


@dataclass
class Link:
    """A period in which a person had a bksb user. `until` is None while it lasts."""

    person: str
    user: int
    since: datetime
    until: datetime | None = None


class Clock:
    """Local time in one of three zones, by the rules of its law."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self._standard = {"Europe/London": 0, "Australia/Sydney": 10, "Australia/Perth": 8}[zone]

    def wall(self, moment: datetime) -> datetime:
        """Return the local time at a moment."""
        return moment + HOUR * (self._standard + self._is_summer(moment))

    def day(self, moment: datetime) -> date:
        return self.wall(moment).date()

    def moment(self, shown: datetime) -> datetime:
        """Return the moment of a local time: the first if there are two; in the gap in spring, by standard time."""
        standard = shown - HOUR * self._standard
        fitting = [moment for moment in (standard - HOUR, standard) if self.wall(moment) == shown]
        return fitting[0] if fitting else standard

    def _is_summer(self, moment: datetime) -> bool:
        year = moment.year
        if self.zone == "Europe/London":  # from 01:00 UTC of March's last Sunday to 01:00 UTC of October's
            return _sunday(year, 4, -1) + HOUR <= moment < _sunday(year, 11, -1) + HOUR
        if self.zone == "Australia/Sydney":  # 02:00 standard time: 16:00 UTC of the day before
            return not _sunday(year, 4, 0) - 8 * HOUR <= moment < _sunday(year, 10, 0) - 8 * HOUR
        return False


def _sunday(year: int, month: int, nth: int) -> datetime:
    """Return midnight of a month's first Sunday (0), or of the Sunday before it (-1)."""
    first = datetime.combine(date(year, month, 1), time())
    return first + timedelta(days=6 - first.weekday() + 7 * nth)


@dataclass(frozen=True)
class PersonResult:
    """A result of a person, and when it was completed."""

    person: str
    place: Place
    fact: Fact
    at: datetime | None

    @property
    def order(self) -> tuple[datetime | None, str, str]:
        """Order of sittings in time; by source and session at the same moment."""
        return self.at, *self.place[:2]

    @property
    def weakness(self) -> tuple[object, ...]:
        """Order of strands in a sitting: by level, then percentage, then name. The first counts."""
        level, percent = self.fact.level, self.fact.percent
        return ORDER.get(level, NOT_KNOWN), NOT_KNOWN if percent is None else percent, self.place[2]

    @property
    def is_level(self) -> bool:
        return self.fact.kind == "initial" and self.fact.level is not None and self.at is not None


class Model:
    """What was loaded, and the links. Every answer is computed afresh."""

    def __init__(self, zone: str, starting_point_days: int) -> None:
        self.clock = Clock(zone)
        self._window = timedelta(days=starting_point_days)
        self.links: list[Link] = []
        self.learners: dict[str, tuple[str, date | None]] = {}
        self.results: dict[tuple[int, Place], Fact] = {}
        self.replaced: list[tuple[int, Place, Fact]] = []
        self.missing: set[tuple[int, Place]] = set()
        self._known_until: dict[tuple[int, str], datetime] = {}

    # Events

    def load(self, answers: Sequence[Answer]) -> None:
        """Load answers. An answer older than the newest is dropped, and a changed result is replaced. A result that a
        complete answer does not show is missing until it is shown again."""
        for answer in answers:
            known = self._known_until.get((answer.user, answer.source))
            if known is not None and known > answer.asked_at:
                continue
            self._known_until[answer.user, answer.source] = answer.asked_at
            if answer.complete:
                self.missing |= {
                    (user, place) for user, place in self.results if (user, place[0]) == (answer.user, answer.source)
                }
            self.missing -= {(answer.user, place) for place in answer.facts}
            for place, fact in answer.facts.items():
                old = self.results.get((answer.user, place))
                if old is not None and old != fact:
                    self.replaced.append((answer.user, place, old))
                self.results[answer.user, place] = fact

    def link(self, person: str, user: int, now: datetime) -> None:
        """Link a person to a user, and end every other link of either."""
        for link in self.links:
            if link.until is None and (link.person == person or link.user == user):
                link.until = now
        self.links.append(Link(person, user, now))

    def move(self, former: str, person: str) -> None:
        """Give a person another id."""
        for link in self.links:
            if link.person == former:
                link.person = person

    def has_user(self, person: str) -> bool:
        return any(link.person == person and link.until is None for link in self.links)

    # Answers

    def person_results(self) -> Iterator[PersonResult]:
        """Yield each session once for each person, as under the user linked last, unless it is missing there."""
        last_link: dict[int, Link] = {}
        for link in self.links:
            other = last_link.get(link.user)
            if other is None or _is_newer(link, other):
                last_link[link.user] = link
        chosen: dict[tuple[str, Place], tuple[Link, Fact]] = {}
        for (user, place), fact in self.results.items():
            if user not in last_link:
                continue
            link = last_link[user]
            rival = chosen.get((link.person, place))
            if rival is None or _is_newer(link, rival[0]):
                chosen[link.person, place] = (link, fact)
        for (person, place), (link, fact) in chosen.items():
            if (link.user, place) not in self.missing:
                yield PersonResult(person, place, fact, self.moment_of(fact.when))

    def moment_of(self, when: When) -> datetime | None:
        if when.clock is None or when.utc:
            return when.clock
        return self.clock.moment(when.clock)

    def summary(self) -> dict[tuple[str, str], tuple[object, ...]]:
        """Return skill_summary: latest, best and starting level, diagnostic percentage, last assessed."""
        mine = defaultdict(list)
        for result in self.person_results():
            if result.at is not None:
                mine[result.person, result.fact.subject].append(result)
        lines = {}
        for (person, subject), results in mine.items():
            latest = best = start = percent = last = None
            for sitting in _sittings(results):
                last = sitting[0]
                percents = [one.fact.percent for one in sitting if one.fact.kind == "diagnostic"]
                percent = min((one for one in percents if one is not None), default=percent)
                levels = [one for one in sitting if one.is_level]
                if not levels:
                    continue
                latest = result = _weakest(levels)
                if best is None or ORDER[result.fact.level] > ORDER[best.fact.level]:
                    best = result
                if start is None and self._counts_as_start(result):
                    start = result
            lines[person, subject] = (*_level(latest), *_level(best)[:2], *_level(start), percent, last.at)
        return lines

    def _counts_as_start(self, result: PersonResult) -> bool:
        kind, start_on = self.learners.get(result.person, ("unknown", None))
        if kind != "learner":
            return kind == "applicant"
        return result.at >= self.clock.moment(datetime.combine(start_on, time()) - self._window)

    def activity(self) -> dict[tuple[date, str, str, str], tuple[int, int]]:
        """Return daily_activity: results and learners."""
        results: Counter[tuple[date, str, str, str]] = Counter()
        learners = defaultdict(set)
        for result in self.person_results():
            if result.at is not None:
                fact = result.fact
                key = (self.clock.day(result.at), fact.subject, fact.kind, fact.level or "")
                results[key] += 1
                learners[key].add(result.person)
        return {key: (number, len(learners[key])) for key, number in results.items()}

    def latest_results(self) -> dict[tuple[str, str, str], tuple[Place, str]]:
        """Return latest_result: the key of each result, and its text."""
        mine = defaultdict(list)
        for result in self.person_results():
            if result.at is not None:
                mine[result.person, result.fact.subject, result.fact.kind].append(result)
        latest = {key: _weakest(_sittings(results)[-1]) for key, results in mine.items()}
        return {key: (result.place, result.fact.text) for key, result in latest.items()}

    def levels_on(self, day: date) -> dict[tuple[str, str], tuple[object, ...]]:
        """Return skill_level_on(day): the levels at the end of the day."""
        mine = defaultdict(list)
        for result in self.person_results():
            if result.is_level and self.clock.day(result.at) <= day:
                mine[result.person, result.fact.subject].append(result)
        return {key: _level(_weakest(_sittings(results)[-1])) for key, results in mine.items()}


def _is_newer(link: Link, other: Link) -> bool:
    """Return whether a link counts before another: open before ended, then the later start."""
    return (link.until is None, link.since) > (other.until is None, other.since)


def _sittings(results: Iterable[PersonResult]) -> list[list[PersonResult]]:
    """Group results by sitting (the strands of a V5 session, or one result), in order."""
    ordered = sorted(results, key=lambda result: result.order)
    return [list(sitting) for _, sitting in groupby(ordered, key=lambda result: result.order)]


def _weakest(sitting: Sequence[PersonResult]) -> PersonResult:
    """Return the weakest strand."""
    return min(sitting, key=lambda one: one.weakness)


def _level(result: PersonResult | None) -> tuple[object, ...]:
    return (None, None, None) if result is None else (result.fact.level, ORDER[result.fact.level], result.at)
