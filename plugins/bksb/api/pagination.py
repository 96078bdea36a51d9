"""Reads a listing to its end without trusting it: pages may be capped, shift, repeat or never end; totals may lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from bksb.errors import RejectedError, TransientError

Entry = TypeVar("Entry")

MAX_PAGES = 200
"""A learner with more pages than this is a server that never ends."""

MAX_READINGS = 4
"""How often a listing that changes under us is read from its start."""


@dataclass(frozen=True)
class Page(Generic[Entry]):
    """One page: entries by their key, the total it claims (None: none), and how many entries a full page has."""

    entries: Mapping[str, Entry]
    total: int | None
    size: int


@dataclass(frozen=True)
class AllPages(Generic[Entry]):
    """Entries of all pages, each once; `is_complete` is False if there may be more than bksb returns."""

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
        """Whether all pages claimed one total, and it is what was found.

        Without totals an empty page at the end is the witness; a page of repeats may be one that shifted.
        """
        if self.totals == frozenset([None]):
            return self.ended_empty
        return self.totals == frozenset([len(self.found)])

    @property
    def may_hide_more(self) -> bool:
        """Whether a page promised more, or the end was a full page over again with no total to say that it was one."""
        promised_more = any(total is not None and total > len(self.found) for total in self.totals)
        return promised_more or (self.ended_full and self.totals == frozenset([None]))

    def all_pages(self) -> AllPages[Entry]:
        return AllPages(list(self.found.values()), is_complete=not self.may_hide_more)


def read_all_pages(page: Callable[[int], Page[Entry]]) -> AllPages[Entry]:
    """Every entry once, by its key, in the order met. `page(n)` gives page n, counted from 1.

    One reading is believed when every page claimed the same total and that many records were found. Otherwise
    the listing is read again, and believed when two readings in a row found the same. Raises TransientError
    when it keeps changing or never ends.

    A single page costs one call: it is the end when its total is reached and it is not full. What cannot be
    seen in one call, a page cut short *and* a total that agrees with it, is not seen.
    """
    before: _Reading[Entry] | None = None
    for _ in range(MAX_READINGS):
        reading = _read_once(page)
        if reading.agrees or (before is not None and reading.found.keys() == before.found.keys()):
            return reading.all_pages()
        before = reading
    raise TransientError("bksb's list of results kept changing while it was read; it is read again later.")


def _read_once(page: Callable[[int], Page[Entry]]) -> _Reading[Entry]:
    found: dict[str, Entry] = {}
    totals: set[int | None] = set()
    for number in range(1, MAX_PAGES + 1):
        try:
            current = page(number)
        except RejectedError:
            # some servers refuse a page beyond the end instead of sending an empty one; but so does one whose user
            # was merged away meanwhile, which page 1 shows when the listing is read once more
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
    raise TransientError(f"bksb sent more than {MAX_PAGES} pages for one learner; reading stopped.")
