"""How the pretend bksb answers where the evidence leaves it open: one switch for each [?] of docs/bksb-api.md."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal

LARGEST_PAGE = 1000

Often = Literal["sometimes", "always", "never"]
OFTEN: tuple[Often, ...] = ("sometimes", "always", "never")


class BehaviourError(ValueError):
    """There is no such behaviour; the message lists those that there are."""


def _explain(says: str, *choices: object) -> dict[str, object]:
    return {"says": says, "choices": choices}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What this bksb does every time, for every user. BehaviourError for a value that is not among the choices."""

    refusal_status: int = field(
        default=200,
        metadata=_explain("Status of the JSON string that says why createUser made nobody.", 200, 400),
    )
    not_found_status: int = field(
        default=200,
        metadata=_explain("Status of getUserId's answer for a username that nobody has.", 200, 400, 404),
    )
    not_found_body: Literal["json", "text", "message"] = field(
        default="json",
        metadata=_explain(
            "That answer as a JSON string, as plain text, or as {“Message”: …}.", "json", "text", "message"
        ),
    )
    page_cap: int = field(
        default=100,
        metadata=_explain("The most results on a page, whatever recordsPerPage asks for: 1 to 1000."),
    )
    leaves_out_empty_lists: Often = field(
        default="sometimes",
        metadata=_explain(
            "Whether a page without results lacks its list (sometimes: for users with an odd id).", *OFTEN
        ),
    )
    null_for_no_sessions: Often = field(
        default="sometimes",
        metadata=_explain("Whether a user without V5 sessions gets null, else [] (sometimes: with an odd id).", *OFTEN),
    )
    merged_users: Literal["refused", "empty"] = field(
        default="refused",
        metadata=_explain(
            "Results of a user that was merged away: status 404, or as if there were none.", "refused", "empty"
        ),
    )

    def __post_init__(self) -> None:
        for switch in fields(self):
            value, choices = getattr(self, switch.name), switch.metadata["choices"]
            if choices and value not in choices:
                known = ", ".join(str(choice) for choice in choices)
                raise BehaviourError(f"{switch.name} is one of {known}.")
        if type(self.page_cap) is not int or not 1 <= self.page_cap <= LARGEST_PAGE:
            raise BehaviourError(f"page_cap is a whole number from 1 to {LARGEST_PAGE}.")

    def replace(self, switches: Mapping[str, object]) -> "Behaviour":
        """This behaviour with some switches set otherwise. BehaviourError for a switch that does not exist."""
        known = [switch.name for switch in fields(self)]
        for name in switches:
            if name not in known:
                raise BehaviourError(f"There is no behaviour {name!r}. There are: {', '.join(known)}.")
        return dataclasses.replace(self, **dict(switches))  # type: ignore[arg-type]
