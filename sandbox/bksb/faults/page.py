"""The web page that shows and switches faults and behaviours. Plain forms, no script."""

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
from sandbox.html import FRONT_PAGE_LINK, count_of, render_page, render_table

PATH = "/faults"
FORM_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'"
STAGES = {
    "instead": "Instead of the response",
    "wait": "Before the response",
    "made": "After an account is created",
    "listing": "In a listing of results",
    "body": "In the body of a response",
    "wire": "On the connection",
}

Form = Mapping[str, list[str]]


def add_fault_pages(app: FastAPI, site: BksbSite) -> None:
    """Add `/faults` and its forms."""

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
            return _render_fault_page(site, {}, "That fault is no longer on.")
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
    """Return the value of a behaviour from its text. Behaviour itself rejects an invalid text."""
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


def _parse_number(given: Mapping[str, str], name: str, default: float | None) -> float | None:
    try:
        return float(given[name]) if given.get(name) else default
    except ValueError:
        raise FaultError(f"{name} must be a number, not “{given[name]}”.") from None


def _parse_count(given: Mapping[str, str], name: str) -> int | None:
    try:
        return int(given[name]) if given.get(name) else None
    except ValueError:
        raise FaultError(f"{name} must be a whole number, not “{given[name]}”.") from None


def _render_fault_page(site: BksbSite, form: Form, error: str = "") -> Response:
    alert = f'<p role="alert"><strong>{escape(error)}</strong> Nothing was changed.</p>' if error else ""
    return render_page(
        "Faults",
        f"{FRONT_PAGE_LINK}<p>Make the simulated bksb fail. A fault acts from the next call until you switch it off or "
        'restart the sandbox. To change how bksb answers normally, see <a href="#behaviour">Behaviour</a>.</p>'
        f"{alert}"
        f"<h2>Faults that are on</h2>{_render_active(site.faults)}"
        f'<h2 id="add">Switch a fault on</h2>{_render_add_form(form)}'
        f"<h2>All faults</h2><p>Follow a link to select that fault in the form above.</p>{_render_catalogue()}"
        f'<h2 id="behaviour">Behaviour</h2>{_render_behaviour_form(site.behaviour)}',
        400 if error else 200,
        FORM_POLICY,
    )


def _render_active(plan: FaultPlan) -> str:
    active, played = plan.list_active(), plan.count_played()
    total = f"<p>Played so far: {escape(_describe_counts(played))}.</p>" if played else ""
    if not active:
        return f"<p>None. The simulated bksb works normally.</p>{total}"
    rows = "".join(
        f"<tr><td><strong>{escape(one.fault.kind)}</strong><td>{escape(_describe_fault(one))}"
        f'<td><form method="post" action="{PATH}/clear">'
        f'<button name="number" value="{one.number}">Switch off</button></form>'
        for one in active
    )
    return (
        f"{render_table(('Fault', 'Settings', ''), rows)}{total}"
        f'<form method="post" action="{PATH}/clear"><button name="number" value="all">Switch all off</button>'
        "</form>"
    )


def _describe_counts(played: Mapping[str, int]) -> str:
    return ", ".join(f"{kind} ({count_of(number, 'time')})" for kind, number in played.items())


def _describe_fault(one: ActiveFault) -> str:
    fault = one.fault
    parts = [", ".join(fault.calls) if fault.calls else "all possible calls"]
    parts.append(f"user {fault.user}" if fault.user is not None else "all users")
    if fault.probability < 1:
        parts.append(f"probability {fault.probability:g}")
    if KINDS[fault.kind].setting == "seconds":
        parts.append(f"{fault.wait_seconds:g} seconds")
    elif KINDS[fault.kind].setting == "cap":
        parts.append(count_of(fault.page_cap, "result") + " on a page")
    parts.append(
        f"played {one.played} of {count_of(fault.times, 'time')}"
        if fault.times
        else f"played {count_of(one.played, 'time')}"
    )
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
            ("user", "User (id or username)", "all users"),
            ("probability", "Probability, from 0 to 1", "1"),
            ("times", "Number of responses", "no limit"),
            ("seconds", "Seconds (slow, create_then_timeout, 429_seconds, 429_date)", "default"),
            ("cap", "Results on a page (capped_page)", "5"),
        )
    )
    return (
        f'<form method="post" action="{PATH}"><label>Fault<select name="kind">{groups}</select></label>'
        f"<fieldset><legend>Calls (none ticked: all possible calls)</legend>{calls}</fieldset>{texts}"
        "<button>Switch on</button></form>"
    )


def _render_behaviour_form(behaviour: Behaviour) -> str:
    inputs = []
    for switch in fields(Behaviour):
        value, description = getattr(behaviour, switch.name), escape(switch.metadata["description"])
        options = "".join(f"<option{' selected' if choice == value else ''}>{choice}" for choice in _choices_of(switch))
        control = f'<select name="{switch.name}">{options}</select>'
        if not options:
            control = f'<input name="{switch.name}" value="{value}" inputmode="numeric">'
        inputs.append(f"<label><strong>{switch.name}</strong> {description}{control}</label>")
    return (
        "<p>How bksb answers every call, where the behaviour of the real bksb is not known.</p>"
        f'<form method="post" action="{PATH}/behaviour">{"".join(inputs)}<button>Save behaviour</button></form>'
    )


def _render_catalogue() -> str:
    tables = []
    for stage, title in STAGES.items():
        rows = "".join(
            f'<tr><td><a href="{PATH}?kind={kind}#add">{kind}</a><td>{escape(known.description)}'
            for kind, known in KINDS.items()
            if known.stage == stage
        )
        tables.append(f"<h3>{title}</h3>{render_table(('Fault', 'Effect'), rows)}")
    return "".join(tables)
