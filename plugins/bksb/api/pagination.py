"""Reads all pages of a listing. Pages may be cut short, shift, repeat or never end, and totals may be wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from bksb.errors import RejectedError, TransientError

Entry = TypeVar("Entry")

MAX_PAGES = 200
"""Pages read for one learner, at most. A server that sends more never ends."""

MAX_READINGS = 4
"""Maximum number of readings of a listing that changes while it is read."""


@dataclass(frozen=True)
class Page(Generic[Entry]):
    """One page: its entries by key, the total it claims (None if it claims none), and the size of a full page."""

    entries: Mapping[str, Entry]
    total: int | None
    size: int


@dataclass(frozen=True)
class AllPages(Generic[Entry]):
    """The entries of all pages, each once. `is_complete` is False if bksb may have more than it returned."""

    entries: list[Entry]
    is_complete: bool = True


@dataclass(frozen=True)
class _Reading(Generic[Entry]):
    found: dict[str, Entry]
    totals: frozenset[int | None]
    ended_empty: bool
    ended_full: bool = False

    @property
    def agrees(self) -> bool:
        """Whether all pages claimed the same total, and as many entries were found.

        If no page claimed a total, only an empty last page proves the end: a page of repeats may have shifted.
        """
        if self.totals == frozenset([None]):
            return self.ended_empty
        return self.totals == frozenset([len(self.found)])

    @property
    def may_hide_more(self) -> bool:
        """Whether a page claimed more, or the last page was full, held only repeats, and no page claimed a total."""
        promised_more = any(total is not None and total > len(self.found) for total in self.totals)
        return promised_more or (self.ended_full and self.totals == frozenset([None]))

    def all_pages(self) -> AllPages[Entry]:
        return AllPages(list(self.found.values()), is_complete=not self.may_hide_more)


def read_all_pages(page: Callable[[int], Page[Entry]]) -> AllPages[Entry]:
    """Return every entry once, in the order found. `page(n)` reads page n; the first page is 1.

    A reading counts if every page claimed the same total and that many entries were found. Otherwise the listing is
    read again, until two readings in a row find the same entries. Raises TransientError if it keeps changing or never
    ends.

    A listing of one page costs one call, if its total is reached and it is not full. A page that is cut short with a
    total that agrees is not noticed.
    """
    before: _Reading[Entry] | None = None
    for _ in range(MAX_READINGS):
        reading = _read_once(page)
        if reading.agrees or (before is not None and reading.found.keys() == before.found.keys()):
            return reading.all_pages()
        before = reading
    raise TransientError("bksb's list of results kept changing while it was read. It is read again later.")


def _read_once(page: Callable[[int], Page[Entry]]) -> _Reading[Entry]:
    found: dict[str, Entry] = {}
    totals: set[int | None] = set()
    for number in range(1, MAX_PAGES + 1):
        try:
            current = page(number)
        except RejectedError:
            # A server may refuse a page beyond the end. It also does so if the user was merged away meanwhile: then
            # page 1 fails when the listing is read again.
            if number == 1:
                raise
            return _Reading(found, frozenset(totals), ended_empty=False)
        totals.add(current.total)
        known = len(found)
        for key, entry in current.entries.items():
            found.setdefault(key, entry)
        nothing_new = len(found) == known
        if nothing_new or (totals == {len(found)} and len(current.entries) < current.size):
            ended_full = nothing_new and len(current.entries) >= current.size
            return _Reading(found, frozenset(totals), not current.entries, ended_full)
    raise TransientError(f"bksb sent more than {MAX_PAGES} pages for one learner, so reading stopped.")
