"""The people of a world: their rows in the MIS, the bksb accounts from before the first sync, and their eligibility."""

import calendar
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property


class Kind(StrEnum):
    """What is special about a person. Each has one kind, and is eligible on the anchor date unless it says not."""

    PLAIN = "plain"
    EXAMPLE = "example"  # P000123, the person in the commands that the documents print

    # Dates and statuses of the programme
    PARTIAL_ENTRY = "partial_entry"  # not eligible
    DORMANT = "dormant"  # not eligible
    ENDED_TODAY = "ended_today"
    ENDED_27_DAYS_AGO = "ended_27_days_ago"
    ENDED_30_DAYS_AGO = "ended_30_days_ago"  # eligible, but for a month after February
    ENDED_31_DAYS_AGO = "ended_31_days_ago"  # eligible after a month of 31 days
    ENDED_32_DAYS_AGO = "ended_32_days_ago"  # not eligible
    ENDED_ONE_MONTH_AGO = "ended_one_month_ago"
    ENDED_ONE_MONTH_AND_A_DAY_AGO = "ended_one_month_and_a_day_ago"  # not eligible
    ENDS_LATER = "ends_later"
    PAST_PLANNED_END = "past_planned_end"
    COMPLETED_LONG_AGO = "completed_long_ago"  # not eligible
    WITHDRAWN_LONG_AGO = "withdrawn_long_ago"  # not eligible
    ON_BREAK = "on_break"  # not eligible
    STARTS_TODAY = "starts_today"
    STARTS_TOMORROW = "starts_tomorrow"  # not eligible
    STARTED_LONG_AGO = "started_long_ago"
    NO_START_DATE = "no_start_date"  # not eligible
    NO_EPISODE = "no_episode"  # not eligible

    # Several programmes
    TWO_PROGRAMMES = "two_programmes"
    TWO_PROGRAMMES_SAME_START = "two_programmes_same_start"
    OLDER_LIVE_NEWER_NOT_LIVE = "older_live_newer_not_live"
    OLDER_ENDED_NEWER_LIVE = "older_ended_newer_live"
    OLDER_LIVE_NEWER_ON_BREAK = "older_live_newer_on_break"
    NEXT_PROGRAMME_AHEAD = "next_programme_ahead"

    # Applicants
    APPLICANT = "applicant"
    APPLICANT_OFFERED = "applicant_offered"
    APPLICANT_WITH_ACCOUNT = "applicant_with_account"
    APPLICANT_TWO_APPLICATIONS = "applicant_two_applications"
    APPLICANT_OF_12_MONTHS_AGO = "applicant_of_12_months_ago"
    APPLICANT_OLD = "applicant_old"  # not eligible
    APPLICANT_OF_TOMORROW = "applicant_of_tomorrow"  # not eligible
    APPLICANT_NOT_LIVE = "applicant_not_live"  # not eligible
    APPLICANT_TRANSFERRED = "applicant_transferred"  # not eligible: the record left behind by TRANSFERRED_LEARNER
    TRANSFERRED_LEARNER = "transferred_learner"
    LEARNER_APPLYING_AGAIN = "learner_applying_again"  # one person id with an episode and a live application

    # E-mail addresses
    NO_EMAIL = "no_email"
    BLANK_EMAIL = "blank_email"
    MALFORMED_EMAIL = "malformed_email"
    REFUSED_EMAIL = "refused_email"  # well formed, but the sandbox mailbox refuses it
    SHARED_EMAIL = "shared_email"  # a pair
    SHARED_EMAIL_OTHER_CASE = "shared_email_other_case"  # a pair
    NO_EMAIL_BUT_ACCOUNT = "no_email_but_account"

    # Names and numbers
    NO_GIVEN_NAME = "no_given_name"
    NO_FAMILY_NAME = "no_family_name"
    APOSTROPHE_NAME = "apostrophe_name"
    ACCENTED_NAME = "accented_name"
    DOUBLE_NAME = "double_name"
    NON_LATIN_NAME = "non_latin_name"
    VERY_LONG_NAME = "very_long_name"
    NO_DATE_OF_BIRTH = "no_date_of_birth"
    LEARN_REF_NUMBER_WITH_SPACE = "learn_ref_number_with_space"
    NO_LEARN_REF_NUMBER = "no_learn_ref_number"
    SAME_LEARN_REF_NUMBER = "same_learn_ref_number"  # a pair: both would get the same username

    # bksb usernames
    STORED_USERNAME = "stored_username"
    STORED_IN_OTHER_CASE = "stored_in_other_case"
    STORED_BUT_UNKNOWN = "stored_but_unknown"
    STORED_ON_TWO_PEOPLE = "stored_on_two_people"  # a pair
    USERNAME_TAKEN = "username_taken"
    USERNAME_TAKEN_IN_OTHER_CASE = "username_taken_in_other_case"
    USERNAME_WITH_AT = "username_with_at"
    USERNAME_WITH_PLUS = "username_with_plus"
    USERNAME_WITH_APOSTROPHE = "username_with_apostrophe"
    USERNAME_WITH_SPACE = "username_with_space"
    USERNAME_NON_ASCII = "username_non_ascii"
    LEAVER_WITH_ACCOUNT = "leaver_with_account"  # not eligible

    # Results in bksb
    NO_RESULTS = "no_results"
    ONE_RESULT = "one_result"
    SIXTY_RESULTS = "sixty_results"
    VERY_MANY_RESULTS = "very_many_results"  # more than any one page


RESULTS_OF = {Kind.NO_RESULTS: 0, Kind.ONE_RESULT: 1, Kind.SIXTY_RESULTS: 60, Kind.VERY_MANY_RESULTS: 230}
"""How many initial and how many diagnostic results the account of a person of this kind has."""


@dataclass(frozen=True, slots=True)
class Person:
    """A row of the MIS table `person`."""

    person_id: str
    learn_ref_number: str | None
    forenames: str | None
    surname: str | None
    email: str | None
    date_of_birth: date | None
    bksb_username: str | None
    former_person_id: str | None


@dataclass(frozen=True, slots=True)
class Episode:
    """A row of the MIS table `episode`: one programme of one learner."""

    episode_id: int
    person_id: str
    programme: str
    system_status: str
    programme_status: str
    start_date: date | None
    planned_end_date: date | None
    actual_end_date: date | None


@dataclass(frozen=True, slots=True)
class Application:
    """A row of the MIS table `application`."""

    application_id: int
    person_id: str
    programme: str
    system_status: str
    application_status: str
    applied_date: date


@dataclass(frozen=True, slots=True)
class Account:
    """A bksb account that exists before the first sync; `results` fixes how many results of each sort it has."""

    username: str
    first_name: str
    last_name: str
    email: str
    results: int | None = None


@dataclass(frozen=True)
class World:
    """All people on the anchor date `today`: the MIS rows, and the bksb accounts from before the first sync."""

    learners: int
    today: date
    seed: int
    people: tuple[Person, ...]
    episodes: tuple[Episode, ...]
    applications: tuple[Application, ...]
    accounts: tuple[Account, ...]
    kinds: dict[str, Kind]

    def people_of(self, kind: Kind | str) -> tuple[str, ...]:
        """The person ids of one kind, in order; ValueError for a kind that does not exist."""
        wanted = Kind(kind)
        return tuple(person_id for person_id, kind_of_person in self.kinds.items() if kind_of_person is wanted)

    def person(self, person_id: str) -> Person:
        """One person; KeyError if there is none."""
        return self._by_id[person_id]

    @cached_property
    def _by_id(self) -> dict[str, Person]:
        return {person.person_id: person for person in self.people}

    def eligible_on(self, day: date) -> set[str]:
        """The people to synchronise on `day`, in plain Python, independent of the MIS query that it checks.

        Learners: a Live programme, not on a break, started by `day`, and not ended before one calendar month
        earlier. Applicants: a Live application, not transferred, made in the twelve months up to `day`.
        """
        ended_since = months_before(day, 1)
        applied_since = months_before(day, 12)
        learners = {
            episode.person_id
            for episode in self.episodes
            if episode.system_status == "Live"
            and episode.programme_status != "Break in learning"
            and episode.start_date is not None
            and episode.start_date <= day
            and (episode.actual_end_date is None or episode.actual_end_date >= ended_since)
        }
        applicants = {
            application.person_id
            for application in self.applications
            if application.system_status == "Live"
            and application.application_status != "Transferred"
            and applied_since <= application.applied_date <= day
        }
        return learners | applicants


def months_before(day: date, months: int) -> date:
    """The same day of the month, `months` calendar months earlier; the last day of a month that is too short for it."""
    year, month0 = divmod(day.year * 12 + day.month - 1 - months, 12)
    last = calendar.monthrange(year, month0 + 1)[1]
    return date(year, month0 + 1, min(day.day, last))
