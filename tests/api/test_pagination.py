"""Reads listings with any page size, shifting or repeated pages, and wrong totals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bksb.api.pagination import MAX_PAGES, Page, read_all_pages
from bksb.errors import RejectedError, TransientError


class Server:
    """A listing, newest first, that may change before each page is read."""

    def __init__(self, records, cap, *, honest_size=True, total=lambda true: true, beyond="empty", changes=()):
        self.records = list(records)
        self.cap = cap
        self.honest_size = honest_size
        self.total = total
        self.beyond = beyond
        self.changes = list(changes)
        self.newest = 10_000
        self.calls = 0

    def page(self, number):
        self.calls += 1
        if self.changes:
            for _ in range(self.changes.pop(0)):
                self.newest += 1
                self.records.insert(0, self.newest)
        rows = self.records[(number - 1) * self.cap : number * self.cap]
        if not rows and number > 1:
            if self.beyond == "refused":
                raise RejectedError("no such page")
            if self.beyond == "last page again":
                rows = self.records[-self.cap :]
        size = self.cap if self.honest_size else 100
        return Page({str(row): row for row in rows}, self.total(len(self.records)), size)


sizes = st.integers(0, 60)
caps = st.integers(1, 25)
ends = st.sampled_from(["empty", "refused", "last page again"])


@given(sizes, caps, ends, st.booleans())
def test_a_listing_that_does_not_change_is_read_completely_and_each_entry_once(count, cap, beyond, with_total):
    server = Server(range(count), cap, beyond=beyond, total=lambda true: true if with_total else None)
    listing = read_all_pages(server.page)
    assert listing.entries == list(range(count))
    # without a total, a full page of repeats does not prove that the listing has ended
    lost = not with_total and beyond == "last page again" and count >= cap
    assert listing.is_complete is not lost


@given(st.integers(1, 60), caps, st.lists(st.integers(0, 30), max_size=6), ends)
def test_results_that_arrive_during_reading_duplicate_and_hide_no_entry(count, cap, changes, beyond):
    server = Server(range(count), cap, changes=changes, beyond=beyond)
    try:
        listing = read_all_pages(server.page)
    except TransientError:
        return
    assert len(listing.entries) == len(set(listing.entries))
    assert set(range(count)) <= set(listing.entries) or not listing.is_complete


@given(st.integers(1, 60), caps, st.integers(0, 200), ends)
def test_a_wrong_total_loses_no_entry(count, cap, lie, beyond):
    listing = read_all_pages(Server(range(count), cap, total=lambda _: lie, beyond=beyond).page)
    assert listing.entries == list(range(count))
    assert listing.is_complete == (lie <= count)


@given(st.integers(1, 60), caps)
def test_two_equal_readings_count_even_if_the_total_keeps_changing(count, cap):
    totals = iter(range(1000, 9000))
    listing = read_all_pages(Server(range(count), cap, total=lambda _: next(totals)).page)
    assert listing.entries == list(range(count))


def test_a_listing_of_one_page_costs_one_call():
    server = Server(range(3), 100)
    read_all_pages(server.page)
    assert server.calls == 1


def test_a_full_page_is_never_the_end_even_if_the_total_is_reached():
    server = Server(range(40), 20, total=lambda _: 20)
    assert len(read_all_pages(server.page).entries) == 40


def test_without_totals_a_listing_whose_pages_shifted_is_read_again():
    server = Server(range(3), 2, total=lambda _: None, changes=[0, 2])
    assert set(range(3)) <= set(read_all_pages(server.page).entries)


def test_a_listing_that_never_ends_is_an_error():
    server = Server([], 1, changes=[1] * 10_000)
    with pytest.raises(TransientError, match=f"more than {MAX_PAGES} pages"):
        read_all_pages(lambda number: Page({str(number): number}, None, 1))
    with pytest.raises(TransientError):
        read_all_pages(server.page)


def test_a_refusal_of_the_first_page_is_passed_on():
    with pytest.raises(RejectedError):
        read_all_pages(lambda _: (_ for _ in ()).throw(RejectedError("no")))


def test_a_user_who_disappears_after_the_first_page_is_not_mistaken_for_the_end():
    asked = []

    def page(number):
        asked.append(number)
        if asked == [1]:
            return Page({key: key for key in range(20)}, total=None, size=20)
        raise RejectedError("no such user")

    with pytest.raises(RejectedError):
        read_all_pages(page)
    assert asked == [1, 2, 1]
