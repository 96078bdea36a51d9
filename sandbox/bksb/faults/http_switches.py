"""HTTP calls that switch faults and behaviours: /_sandbox/faults and /_sandbox/behaviour."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from fastapi import FastAPI, Request, Response

from sandbox.bksb.behaviour import BehaviourError
from sandbox.bksb.faults.catalogue import KINDS, FaultError, parse_fault
from sandbox.bksb.faults.plan import FaultPlan
from sandbox.bksb.responses import respond
from sandbox.bksb.site import BksbSite


def add_fault_switches(app: FastAPI, site: BksbSite) -> None:
    """Add the calls. They need no key, because everything behind them is invented."""
    switches = _Switches(site)
    app.get("/_sandbox/faults")(switches.show_faults)
    app.post("/_sandbox/faults")(switches.add_faults)
    app.delete("/_sandbox/faults")(switches.clear_faults)
    app.delete("/_sandbox/faults/{number}")(switches.remove_fault)
    app.get("/_sandbox/behaviour")(switches.show_behaviour)
    app.post("/_sandbox/behaviour")(switches.change_behaviour)


class _Switches:
    def __init__(self, site: BksbSite) -> None:
        self._site = site

    def show_faults(self) -> Response:
        return respond(_describe_plan(self._site.faults))

    async def add_faults(self, request: Request) -> Response:
        try:
            body = await _read_json(request)
            seed = request.query_params.get("seed")
            if seed is not None and not (seed.isascii() and seed.isdigit()):
                raise FaultError("seed must be a whole number.")
            added = [parse_fault(value) for value in (body if isinstance(body, list) else [body])]
        except FaultError as error:
            return respond({"Message": str(error)}, 400)
        if seed is not None:
            self._site.faults.seed = int(seed)
        self._site.faults.add(*added)
        return self.show_faults()

    def clear_faults(self) -> Response:
        self._site.faults.clear()
        return self.show_faults()

    def remove_fault(self, number: int) -> Response:
        if not self._site.faults.remove(number):
            return respond({"Message": f"Fault {number} is not on."}, 404)
        return self.show_faults()

    def show_behaviour(self) -> Response:
        return respond(asdict(self._site.behaviour))

    async def change_behaviour(self, request: Request) -> Response:
        try:
            body = await _read_json(request)
            if not isinstance(body, Mapping):
                raise BehaviourError("The body must be a JSON object of behaviours.")
            self._site.behaviour = self._site.behaviour.replace(body)
        except (FaultError, BehaviourError) as error:
            return respond({"Message": str(error)}, 400)
        return self.show_behaviour()


async def _read_json(request: Request) -> object:
    try:
        value: object = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise FaultError("The body is not JSON.") from None
    return value


def _describe_plan(plan: FaultPlan) -> dict[str, object]:
    return {
        "faults": [{"number": one.number, **asdict(one.fault), "played": one.played} for one in plan.list_active()],
        "played": plan.count_played(),
        "seed": plan.seed,
        "kinds": {name: kind.description for name, kind in KINDS.items()},
    }
