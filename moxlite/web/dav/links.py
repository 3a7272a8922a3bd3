"""Secret links of calendars over HTTP: read without a password by those who have the address (DAV-42)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from moxlite.admin.publicpages import LINKS_PATH
from moxlite.groupware.entries import TooBusy
from moxlite.groupware.links import calendar_file, sight
from moxlite.net.limits import RateLimiter, Window
from moxlite.processor import act_for, give_way
from moxlite.sandbox.turns import Turns
from moxlite.web.dav.places import NotThere
from moxlite.web.headers import SERVICE_HEADERS
from moxlite.web.http.conditional import matches
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.messages import Response
from moxlite.web.http.programlogin import FAILURE_DELAY, RETRY_AFTER

if TYPE_CHECKING:
    from moxlite.config.snapshot import CurrentConfig
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.web.http.exchange import Request, ResponseWriter

REQUESTS: Final = (Window(60, (30, 90, 270)), Window(3600, (200, 600, 1800)))
"""Requests per network over a minute and an hour. A program asks a few times an hour; each may open the database of an
account.
"""

DEADLINE: Final = 30.0
"""Seconds in which a calendar is made, its turn included; the largest takes one."""


AT_ONCE: Final = 2
WAITING: Final = 8
"""Calendars that are made at a time, of different accounts, and requests of one account that wait."""


class SecretLinks:
    """Answers requests for secret links. One calendar of an account and two in all are made at a time: those who ask
    need no password.
    """

    def __init__(self, config: CurrentConfig, accounts: Accounts) -> None:
        self._config = config
        self._accounts = accounts
        self._requests = RateLimiter(REQUESTS, exempt=config.current.static.rate_limits.exempt)
        self._turns = Turns(AT_ONCE, each=1, waiting=WAITING, seconds=DEADLINE, error=TooBusy)

    async def serve(self, request: Request, writer: ResponseWriter) -> None:
        """Answer GET and HEAD. Raises HTTPError, Refusal, StoreError, TooBusy."""
        if request.method not in ("GET", "HEAD"):
            raise HTTPError(405, "Method not supported.", (("allow", "GET, HEAD"),))
        if not self._requests.add(request.client):
            raise HTTPError(429, "Too many requests from your network. Try again in a minute.", (RETRY_AFTER,))
        answer = await self._answer(request)
        if answer is None:
            await trio.sleep(FAILURE_DELAY)  # the time does not tell which accounts there are
            raise NotThere
        await writer.respond(answer)

    async def _answer(self, request: Request) -> Response | None:
        name, _, file = request.path.removeprefix(LINKS_PATH).partition("/")
        settings = self._config.current.account(name)
        if settings is None or settings.login_disabled is not None or not file.endswith(".ics"):
            return None
        busy = any(parameter.partition("=")[0] == "free-busy" for parameter in request.query.split("&"))
        async with self._accounts.use(name) as account:
            seen = await sight(account, file.removesuffix(".ics"), busy=busy)
            if seen is None:
                return None
            # From here on it is the account's work. Before, each guess of a stranger would count as its own.
            request.account = name
            act_for(name)
            await give_way()
            headers = (("etag", f'"{seen.etag}"'), ("cache-control", "private, no-cache"), *SERVICE_HEADERS)
            if matches(",".join(request.headers.all("if-none-match")), seen.etag):
                return Response(304, headers)
            try:
                with trio.fail_after(DEADLINE):
                    async with self._turns.turn(name):
                        pieces = [text.encode() async for text in calendar_file(account, self._config.current, seen)]
            except trio.TooSlowError:
                raise TooBusy from None
        kind = (
            ("content-type", "text/calendar; charset=utf-8"),
            ("content-disposition", 'inline; filename="calendar.ics"'),
        )
        return Response(200, (*kind, *headers), b"".join(pieces))
