"""The page on which a person sees and sets every fault and behaviour: plain forms, no script."""

from collections.abc import Mapping
from dataclasses import Field, fields
from html import escape
from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response

from sandbox.bksb.behaviour import Behaviour, BehaviourError
from sandbox.bksb.faults.catalogue import CALLS, KINDS, Fault, FaultError
from sandbox.bksb.faults.plan import ActiveFault, FaultPlan
from sandbox.bksb.site import BksbSite
from sandbox.html import render_page, render_table

PATH = "/faults"
FORM_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'"
STAGES = {
    "instead": "Instead of the answer",
    "wait": "Before the answer",
    "made": "After an account was made",
    "listing": "In a listing of results",
    "body": "In the body of an answer",
    "wire": "On the way to the client",
}

Form = Mapping[str, list[str]]


def add_fault_pages(app: FastAPI, site: BksbSite) -> None:
    """Adds `/faults` and the forms on it."""

    @app.get(PATH)
    def show_page(request: Request) -> Response:
        return _render_fault_page(site, {"kind": [request.query_params.get("kind", "")]})

    @app.post(PATH)
    async def switch_fault_on(request: Request) -> Response:
        form = await _read_form(request)
        try:
            site.faults.add(_parse_fault(form))
        except FaultError as error:
            return _render_fault_page(site, form, str(error))
        return _redirect_back()

    @app.post(f"{PATH}/clear")
    async def switch_fault_off(request: Request) -> Response:
        (number,) = (await _read_form(request)).get("number", ["all"])[:1]
        if number == "all":
            site.faults.clear()
        elif not (number.isascii() and number.isdigit() and len(number) < 9 and site.faults.remove(int(number))):
            return _render_fault_page(site, {}, "That fault is not on any more.")
        return _redirect_back()

    @app.post(f"{PATH}/behaviour")
    async def change_behaviour(request: Request) -> Response:
        form = await _read_form(request)
        try:
            switches = {name: _parse_value(name, values[0]) for name, values in form.items()}
            site.behaviour = site.behaviour.replace(switches)
        except BehaviourError as error:
            return _render_fault_page(site, {}, str(error))
        return _redirect_back()


async def _read_form(request: Request) -> dict[str, list[str]]:
    return parse_qs((await request.body()).decode(errors="replace"))


def _redirect_back() -> Response:
    return RedirectResponse(PATH, 303)


def _parse_value(name: str, text: str) -> object:
    """The value of a behaviour from its text; Behaviour refuses a text that does not fit."""
    for switch in fields(Behaviour):
        if switch.name == name:
            return next((choice for choice in _choices_of(switch) if str(choice) == text), _parse_whole_number(text))
    return text


def _parse_whole_number(text: str) -> object:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else text


def _choices_of(switch: "Field[object]") -> tuple[object, ...]:
    choices: tuple[object, ...] = switch.metadata["choices"]
    return choices


def _parse_fault(form: Form) -> Fault:
    given = {name: values[0].strip() for name, values in form.items()}
    return Fault(
        kind=given.get("kind", ""),
        calls=tuple(form["calls"]) if "calls" in form else None,
        user=given.get("user") or None,
        probability=_parse_number(given, "probability", 1.0) or 0.0,
        times=_parse_count(given, "times"),
        seconds=_parse_number(given, "seconds", None),
        cap=_parse_count(given, "cap"),
    )


def _parse_number(given: Mapping[str, str], name: str, otherwise: float | None) -> float | None:
    try:
        return float(given[name]) if given.get(name) else otherwise
    except ValueError:
        raise FaultError(f"{name} is a number, not “{given[name]}”.") from None


def _parse_count(given: Mapping[str, str], name: str) -> int | None:
    try:
        return int(given[name]) if given.get(name) else None
    except ValueError:
        raise FaultError(f"{name} is a whole number, not “{given[name]}”.") from None


def _render_fault_page(site: BksbSite, form: Form, wrong: str = "") -> Response:
    alert = f'<p role="alert"><strong>{escape(wrong)}</strong> Nothing was changed.</p>' if wrong else ""
    return render_page(
        "Faults",
        '<p><a href="/">Sandbox</a></p><p>What bksb does wrong, from the next call on. Nothing is on at first, and '
        f"everything is off again when the sandbox starts anew.</p>{alert}"
        f"<h2>On now</h2>{_render_active(site.faults)}"
        f'<h2 id="add">Switch on</h2>{_render_add_form(form)}'
        f"<h2>Behaviour</h2>{_render_behaviour_form(site.behaviour)}"
        f"<h2>Every fault</h2>{_render_catalogue()}",
        400 if wrong else 200,
        FORM_POLICY,
    )


def _render_active(plan: FaultPlan) -> str:
    active, played = plan.list_active(), plan.count_played()
    total = f"<p>Spoilt so far: {escape(_describe_counts(played))}.</p>" if played else ""
    if not active:
        return f"<p>Nothing: bksb is well.</p>{total}"
    rows = "".join(
        f"<tr><td><strong>{escape(one.fault.kind)}</strong><td>{escape(_describe_fault(one))}"
        f'<td><form method="post" action="{PATH}/clear">'
        f'<button name="number" value="{one.number}">Switch off</button></form>'
        for one in active
    )
    return (
        f"{render_table(('Fault', 'When', ''), rows)}{total}"
        f'<form method="post" action="{PATH}/clear"><button name="number" value="all">Switch everything off</button>'
        "</form>"
    )


def _describe_counts(played: Mapping[str, int]) -> str:
    return ", ".join(f"{kind} {number} times" if number > 1 else f"{kind} once" for kind, number in played.items())


def _describe_fault(one: ActiveFault) -> str:
    fault = one.fault
    parts = [", ".join(fault.calls) if fault.calls else "every call it can touch"]
    parts.append(f"for {fault.user}" if fault.user is not None else "for everybody")
    if fault.probability < 1:
        parts.append(f"with probability {fault.probability:g}")
    parts.append(f"{one.played} of {fault.times} times" if fault.times else f"{one.played} times so far")
    if KINDS[fault.kind].setting:
        parts.append(f"cap {fault.page_cap}" if KINDS[fault.kind].setting == "cap" else f"{fault.wait_seconds:g} s")
    return "; ".join(parts)


def _render_add_form(form: Form) -> str:
    chosen = form.get("kind", [""])[0]
    groups = "".join(
        f'<optgroup label="{title}">'
        + "".join(
            f"<option{' selected' if kind == chosen else ''}>{escape(kind)}"
            for kind, known in KINDS.items()
            if known.stage == stage
        )
        + "</optgroup>"
        for stage, title in STAGES.items()
    )
    calls = "".join(
        f'<label><input type="checkbox" name="calls" value="{call}"'
        f"{' checked' if call in form.get('calls', ()) else ''}> {call}</label>"
        for call in CALLS
    )
    texts = "".join(
        f'<label>{label}<input name="{name}" value="{escape(form.get(name, [""])[0])}" placeholder="{hint}"></label>'
        for name, label, hint in (
            ("user", "Person (user id or username)", "everybody"),
            ("probability", "Probability", "1"),
            ("times", "How many answers", "for ever"),
            ("seconds", "Seconds, for slow, create_then_timeout and the 429s that say when", "the usual"),
            ("cap", "Results on a page, for capped_page", "5"),
        )
    )
    return (
        f'<form method="post" action="{PATH}"><label>Fault<select name="kind">{groups}</select></label>'
        f"<fieldset><legend>Calls (none chosen: every one it can touch)</legend>{calls}</fieldset>{texts}"
        "<button>Switch on</button></form>"
    )


def _render_behaviour_form(behaviour: Behaviour) -> str:
    inputs = []
    for switch in fields(Behaviour):
        value, says = getattr(behaviour, switch.name), escape(switch.metadata["says"])
        options = "".join(f"<option{' selected' if choice == value else ''}>{choice}" for choice in _choices_of(switch))
        control = f'<select name="{switch.name}">{options}</select>'
        if not options:
            control = f'<input name="{switch.name}" value="{value}" inputmode="numeric">'
        inputs.append(f"<label><strong>{switch.name}</strong> {says}{control}</label>")
    return (
        "<p>What bksb does every time, where the evidence leaves it open.</p>"
        f'<form method="post" action="{PATH}/behaviour">{"".join(inputs)}<button>Change</button></form>'
    )


def _render_catalogue() -> str:
    tables = []
    for stage, title in STAGES.items():
        rows = "".join(
            f'<tr><td><a href="{PATH}?kind={kind}#add">{kind}</a><td>{escape(known.plays)}'
            for kind, known in KINDS.items()
            if known.stage == stage
        )
        tables.append(f"<h3>{title}</h3>{render_table(('Fault', 'What it plays'), rows)}")
    return "".join(tables)
