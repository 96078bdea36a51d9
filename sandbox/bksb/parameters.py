"""Reads the parameters of a call. Raises RefusedError (status 400) for one that is missing or invalid."""

from collections.abc import Sequence
from typing import TypeVar

from fastapi import Request

from sandbox.bksb.responses import INVALID_REQUEST, RefusedError

DEFAULT_RECORDS_PER_PAGE = 20

T = TypeVar("T")


def require_parameter(request: Request, name: str) -> str:
    """Return a query parameter. It must not be missing or empty."""
    value = request.query_params.get(name)
    if not value:
        raise RefusedError(400, INVALID_REQUEST)
    return value


def parse_number(text: str) -> int:
    """Parse a whole number without a sign, of at most 11 digits."""
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise RefusedError(400, INVALID_REQUEST)
    return int(text)


def read_page(request: Request, page_cap: int) -> tuple[int, int]:
    """Return the number of the page, from 1, and the size of a page, at most `page_cap`."""
    page = parse_number(request.query_params.get("page", "1"))
    size = parse_number(request.query_params.get("recordsPerPage", str(DEFAULT_RECORDS_PER_PAGE)))
    if page < 1 or size < 1:
        raise RefusedError(400, INVALID_REQUEST)
    return page, min(size, page_cap)


def cut_page(rows: Sequence[T], page: int, size: int) -> tuple[Sequence[T], dict[str, int]]:
    """Return one page of a list, and its Pagination."""
    start = (page - 1) * size
    pagination = {"CurrentPage": page, "TotalRecords": len(rows), "RecordsPerPage": size}
    return rows[start : start + size], pagination
