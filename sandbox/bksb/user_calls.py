"""bksb's calls for users: create, look up, log in, and groups."""

import secrets
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, quote
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from sandbox.bksb.creation_form import find_reason_to_refuse, read_date_of_birth
from sandbox.bksb.parameters import cut_page, parse_number, read_page, require_parameter
from sandbox.bksb.responses import RefusedError, respond, respond_not_found
from sandbox.bksb.site import BksbSite
from sandbox.bksb.users import User, UsernameTakenError

LONDON = ZoneInfo("Europe/London")


class UserCalls:
    def __init__(self, site: BksbSite) -> None:
        self._site = site

    async def create_user(self, request: Request) -> Response:
        if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            raise RefusedError(415, {"Message": "The request entity's media type is not supported for this resource."})
        form = dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))
        reason = find_reason_to_refuse(form)
        if reason:
            raise RefusedError(self._site.behaviour.refusal_status, reason)
        try:
            user = await run_in_threadpool(self._create_user, form)
        except UsernameTakenError:
            reason = f"A user with username '{form['Username']}' already exists."
            raise RefusedError(self._site.behaviour.refusal_status, reason) from None
        return respond(
            {
                "UserId": user.user_id,
                "Username": user.username,
                "Firstname": user.first_name,
                "Lastname": user.last_name,
                "Email": user.email,
                "Groups": ["Everyone"],
                "IsActive": True,
            }
        )

    def _create_user(self, form: dict[str, str]) -> User:
        return self._site.create_user(
            form["Username"],
            form["Firstname"],
            form["Lastname"],
            form.get("Email", ""),
            form["Password"],
            read_date_of_birth(form),
            form.get("AutoEnrolCourses", "false").lower() == "true",
        )

    async def is_username_exists(self, request: Request) -> Response:
        return respond(self._site.find(require_parameter(request, "username")) is not None)

    async def get_user_id(self, request: Request) -> Response:
        username = require_parameter(request, "username")
        user = self._site.find(username)
        if user is not None:
            return respond(user.user_id)
        return respond_not_found(username, self._site.behaviour)

    async def get_auto_login_link(self, request: Request) -> Response:
        user = find_user(self._site, request)
        token = secrets.token_hex(16)
        link = f"{request.base_url}bksbLive2/AutoLogin.aspx?username={quote(user.username, safe='')}&token={token}"
        expiry = datetime.now(LONDON).replace(tzinfo=None) + timedelta(minutes=15)
        return respond({"Link": link, "Expiry": expiry.isoformat(timespec="seconds")})

    async def search_user_groups(self, request: Request) -> Response:
        query = request.query_params.get("query", "").lower()
        groups = [{"GroupId": 1, "Name": "Everyone", "Members": len(self._site.users())}]
        groups = [group for group in groups if query in str(group["Name"]).lower()]
        shown, pagination = cut_page(groups, *read_page(request, self._site.behaviour.page_cap))
        return respond({"UserGroups": shown, "Pagination": pagination})


def find_user(site: BksbSite, request: Request) -> User:
    """Return the user with the id in the path or query. Raises RefusedError (status 404) if there is none."""
    user_id = parse_number(request.path_params.get("user_id") or require_parameter(request, "userId"))
    user = site.user(user_id)
    if user is None and site.behaviour.merged_users == "empty":
        user = site.merged_user(user_id)
    if user is None:
        raise RefusedError(404, {"Message": f"A user with id '{user_id}' not found."})
    return user
