"""What stands before the handlers of an app: whose request it is, whether a foreign page caused it, whose account is
meant.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from moxlite.store.errors import AccountRemoved, AccountUnknown, StoreError
from moxlite.web.errors import APIError
from moxlite.web.http.errors import HTTPError
from moxlite.web.storeerrors import page_error

if TYPE_CHECKING:
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.store.auth.sessions import Session
    from moxlite.web.http.exchange import Request
    from moxlite.web.sessions import Caller, Sessions

__all__ = ["account_of", "account_pages", "page_session", "pages", "parse_fields", "query_parameters", "refuse_foreign"]

MAX_FIELDS: Final = 16  # of a query or a form; ours have fewer


def refuse_foreign(request: Request) -> None:
    """Refuse what another site's page does here. Raises HTTPError 403 (WEB-132, WEBMAIL-113)."""
    if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise HTTPError(403, "This is only for our own pages.")
    origin = request.headers.get("origin")
    if origin is not None and origin != request.origin:
        raise HTTPError(403, "This is only for our own pages.")


async def page_session(sessions: Sessions, caller: Caller) -> Session:
    """The session of a request by its cookie alone, if no foreign page can have caused it (WEBMAIL-14). Raises
    HTTPError 403.
    """
    site = caller.request.headers.get("sec-fetch-site")
    if site not in (None, "same-origin", "none"):
        raise HTTPError(403, "This is only for our own pages.")
    try:
        with pages():
            return await sessions.check(caller, csrf=False)
    except APIError as e:
        raise HTTPError(403, e.text) from e


def query_parameters(request: Request) -> dict[str, str]:
    """The parameters of the query; of several of one name the first. Raises HTTPError 400."""
    return parse_fields(request.query)


def parse_fields(text: str) -> dict[str, str]:
    """Fields of a query or of a form (``application/x-www-form-urlencoded``); of several of one name the first. Raises
    HTTPError 400.
    """
    try:
        return {name: values[0] for name, values in parse_qs(text, max_num_fields=MAX_FIELDS).items()}
    except ValueError as e:
        raise HTTPError(400, "The query or form of this request cannot be read.") from e


@asynccontextmanager
async def account_of(accounts: Accounts, session: Session) -> AsyncIterator[OpenAccount]:
    """The account of a session, for what is no call. Raises HTTPError 404, 503, 507."""
    with account_pages():
        async with accounts.use(session.account) as account:
            yield account


@contextmanager
def account_pages() -> Iterator[None]:
    """As `pages`, and an account that is gone is a page that is not found."""
    try:
        with pages():
            yield
    except (AccountUnknown, AccountRemoved) as e:
        raise HTTPError(404, "This account is no longer there.") from e


@contextmanager
def pages() -> Iterator[None]:
    """Around what is no call: errors of the store become HTTPErrors, but for those that say an account is gone."""
    try:
        yield
    except (AccountUnknown, AccountRemoved):
        raise
    except StoreError as e:
        answer = page_error(e)
        if answer is None:
            raise
        raise answer from e
