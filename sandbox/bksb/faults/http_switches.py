"""Switches faults and behaviours over HTTP, for tests and scripts: /_sandbox/faults and /_sandbox/behaviour."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from fastapi import FastAPI, Request, Response

from sandbox.bksb.answers import answer
from sandbox.bksb.behaviour import BehaviourError
from sandbox.bksb.faults.catalogue import KINDS, FaultError, FaultPlan, parse_fault
from sandbox.bksb.site import BksbSite


def add_fault_admin(app: FastAPI, site: BksbSite) -> None:
    """Adds the calls. No key needed, as the sandbox listens on this machine only."""

    @app.get("/_sandbox/faults")
    def faults() -> Response:
        return answer(_told(site.faults))

    @app.post("/_sandbox/faults")
    async def add_faults(request: Request) -> Response:
        try:
            told = await _json(request)
            seed = request.query_params.get("seed")
            if seed is not None and not (seed.isascii() and seed.isdigit()):
                raise FaultError("seed is a whole number.")
            added = [parse_fault(one) for one in (told if isinstance(told, list) else [told])]
        except FaultError as error:
            return answer({"Message": str(error)}, 400)
        if seed is not None:
            site.faults.seed = int(seed)
        site.faults.add(*added)
        return answer(_told(site.faults))

    @app.delete("/_sandbox/faults")
    def clear_faults() -> Response:
        site.faults.clear()
        return answer(_told(site.faults))

    @app.delete("/_sandbox/faults/{number}")
    def remove_fault(number: int) -> Response:
        if not site.faults.remove(number):
            return answer({"Message": f"No fault number {number} is on."}, 404)
        return answer(_told(site.faults))

    @app.get("/_sandbox/behaviour")
    def behaviour() -> Response:
        return answer(asdict(site.behaviour))

    @app.post("/_sandbox/behaviour")
    async def change_behaviour(request: Request) -> Response:
        try:
            told = await _json(request)
            if not isinstance(told, Mapping):
                raise BehaviourError("The body is a JSON object of behaviours.")
            site.behaviour = site.behaviour.changed(told)
        except (FaultError, BehaviourError) as error:
            return answer({"Message": str(error)}, 400)
        return answer(asdict(site.behaviour))


async def _json(request: Request) -> object:
    try:
        told: object = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise FaultError("The body is not JSON.") from None
    return told


def _told(plan: FaultPlan) -> dict[str, object]:
    return {
        "faults": [{"number": one.number, **asdict(one.fault), "played": one.played} for one in plan.active()],
        "played": plan.played(),
        "seed": plan.seed,
        "kinds": {kind: known.plays for kind, known in KINDS.items()},
    }
