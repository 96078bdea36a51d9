"""Cuts a listing into pages when faults of a listing are on."""

import math
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sandbox.bksb.faults.catalogue import Fault
from sandbox.bksb.histories import Source
from sandbox.bksb.responses import INVALID_REQUEST, RefusedError
from sandbox.bksb.site import BksbSite
from sandbox.world.results import Result

SURPLUS = 3
FIRST_ENDLESS_SESSION_ID = 2_000_000_001
INVENTED = Result(0, "MATHS", "Maths Functional Skills", "2020-01-01T09:00:00", "Maths", 50000, "Maths Level 1")


def cut_faulty_page(
    site: BksbSite, user_id: int, source: Source, page: int, size: int, faults: MutableMapping[str, Fault]
) -> tuple[Sequence[Result], dict[str, int]]:
    """Return one page of a user's results, and its Pagination.

    `shifting_pages` adds a result to the site before page 2 is cut.
    """
    if page == 2 and "shifting_pages" in faults:
        del faults["shifting_pages"]  # only once: the client may request page 2 again
        _add_newest_result(site, user_id, source)
    results = site.results(user_id, source)
    requested_size = size
    if "capped_page" in faults:
        size = min(size, faults["capped_page"].page_cap)
    shown = _cut_page(results, page, size, faults)
    pagination = {
        "CurrentPage": page,
        "TotalRecords": _state_total(len(results), page, faults),
        "RecordsPerPage": requested_size,
    }
    if "total_missing" in faults:
        del pagination["TotalRecords"]
    return shown, pagination


def _add_newest_result(site: BksbSite, user_id: int, source: Source) -> None:
    newest = site.results(user_id, source)[0]
    now = datetime.now(ZoneInfo("Europe/London")).strftime("%Y-%m-%dT%H:%M:%S")
    site.add_result(
        user_id,
        source,
        newest.result,
        max(now, newest.completed_raw),
        course_subject=newest.course_subject,
        course_name=newest.course_name,
        assessment_name=newest.assessment_name,
        assessment_id=newest.assessment_id,
    )


def _cut_page(results: Sequence[Result], page: int, size: int, faults: Mapping[str, Fault]) -> Sequence[Result]:
    start = (page - 1) * size
    if "endless_same" in faults:
        return [results[place % len(results)] for place in range(size)]
    if "endless_new" in faults:
        real = results[start : start + size]
        template = results[-1] if results else INVENTED
        invented = range(FIRST_ENDLESS_SESSION_ID + start + len(real), FIRST_ENDLESS_SESSION_ID + start + size)
        return [*real, *(replace(template, session_id=session_id) for session_id in invented)]
    last = max(1, math.ceil(len(results) / size))
    if page > last:
        if "out_of_range_400" in faults:
            raise RefusedError(400, INVALID_REQUEST)
        if "out_of_range_404" in faults:
            raise RefusedError(404, {"Message": f"Page '{page}' not found."})
        if "repeated_last_page" in faults:
            start = (last - 1) * size
    return results[start : start + size]


def _state_total(total: int, page: int, faults: Mapping[str, Fault]) -> int:
    if "changing_total" in faults:
        total += page - 1
    if "total_too_high" in faults:
        total += SURPLUS
    return total // 2 if "total_too_low" in faults else total
