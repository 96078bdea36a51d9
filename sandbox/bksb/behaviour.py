"""Switches for what is not known about the real bksb: one for each [?] of docs/bksb-api.md."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal

LARGEST_PAGE = 1000

Often = Literal["sometimes", "always", "never"]
OFTEN: tuple[Often, ...] = ("sometimes", "always", "never")


class BehaviourError(ValueError):
    """There is no such behaviour, or it cannot have this value. The message lists what is possible."""


def _describe(description: str, *choices: object) -> dict[str, object]:
    return {"description": description, "choices": choices}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the simulated bksb answers every user. Raises BehaviourError for a value that is not a choice."""

    refusal_status: int = field(
        default=200,
        metadata=_describe(
            "Status when createUser refuses a user. The body is the reason, as a JSON string.", 200, 400
        ),
    )
    not_found_status: int = field(
        default=200,
        metadata=_describe("Status when getUserId does not find the username.", 200, 400, 404),
    )
    not_found_body: Literal["json", "text", "message"] = field(
        default="json",
        metadata=_describe(
            "Body of that response: a JSON string, plain text, or {“Message”: …}.", "json", "text", "message"
        ),
    )
    page_cap: int = field(
        default=100,
        metadata=_describe("Maximum number of results on a page, from 1 to 1000, even if recordsPerPage is higher."),
    )
    leaves_out_empty_lists: Often = field(
        default="sometimes",
        metadata=_describe(
            "Whether a page without results leaves out its list. “sometimes” means: for users with an odd id.", *OFTEN
        ),
    )
    null_for_no_sessions: Often = field(
        default="sometimes",
        metadata=_describe(
            "Whether a user without V5 sessions gets null instead of []. “sometimes” means: for users with an odd id.",
            *OFTEN,
        ),
    )
    merged_users: Literal["refused", "empty"] = field(
        default="refused",
        metadata=_describe(
            "Results of a user that was merged into another: “refused” is status 404, “empty” is no results.",
            "refused",
            "empty",
        ),
    )

    def __post_init__(self) -> None:
        for switch in fields(self):
            value, choices = getattr(self, switch.name), switch.metadata["choices"]
            if choices and value not in choices:
                known = ", ".join(str(choice) for choice in choices)
                raise BehaviourError(f"{switch.name} must be one of: {known}.")
        if type(self.page_cap) is not int or not 1 <= self.page_cap <= LARGEST_PAGE:
            raise BehaviourError(f"page_cap must be a whole number from 1 to {LARGEST_PAGE}.")

    def replace(self, switches: Mapping[str, object]) -> "Behaviour":
        """Return a copy with some switches changed. Raises BehaviourError for a switch that does not exist."""
        known = [switch.name for switch in fields(self)]
        for name in switches:
            if name not in known:
                raise BehaviourError(f"Unknown behaviour {name!r}. Choose one of: {', '.join(known)}.")
        return dataclasses.replace(self, **dict(switches))  # type: ignore[arg-type]
