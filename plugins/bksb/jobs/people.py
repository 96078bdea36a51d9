"""Writes the people of an MIS extract to the reporting database. Call these functions inside a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bksb.model import Person
from bksb.reporting.store import Store
from bksb.rules.task_split import bucket_of


def write_extract(store: Store, people: Sequence[Person]) -> None:
    """Copy people into the temporary table `extracted_person` of this transaction."""
    store.run("people/create_extracted_person")
    store.copy(
        "people/copy_extracted_person",
        (
            (
                person.person_id,
                bucket_of(person.person_id),
                person.person_kind,
                person.learn_ref_number,
                person.programme,
                person.programme_status,
                person.start_on,
                person.ended_on,
                person.given_names,
                person.family_name,
                person.email,
            )
            for person in people
        ),
    )


def record_people(store: Store, people: Sequence[Person], day_start: datetime) -> None:
    """Update `bksb.learner` and `bksb.learner_contact` from a complete, current extract."""
    write_extract(store, people)
    store.run("people/merge_learners", day_start=day_start)
    store.run("people/mark_no_longer_eligible")
    store.run("people/merge_contacts")
