"""Checks before the handlers of an app: the session of a request, whether a foreign page caused it, and its account."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from moxlite.store.errors import AccountRemoved, AccountUnknown, StoreError
from moxlite.web.errors import APIError
from moxlite.web.http.errors import HTTPError
from moxlite.web.storeerrors import page_error

if TYPE_CHECKING:
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.store.auth.sessions import Session
    from moxlite.web.cookies import Caller
    from moxlite.web.http.exchange import Request
from moxlite.web.sessions import Sessions


def refuse_foreign(request: Request) -> None:
    """Refuse a request that another site's page caused. Raises HTTPError 403 (WEB-132, WEBMAIL-113)."""
    # A sibling of this host is foreign, too: the site at www.example.org may be another's. Safari sends the field from
    # 16.4 on only, and other browsers over plain http never; there Origin decides, which each POST of a browser has.
    if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise HTTPError(403, "Only this server's own pages can use this URL.")
    origin = request.headers.get("origin")
    if origin is not None and origin != request.origin:
        raise HTTPError(403, "Only this server's own pages can use this URL.")


async def page_session(sessions: Sessions, caller: Caller) -> Session:
    """The session of a request by its cookie alone, unless a foreign page may have caused it (WEBMAIL-14). Raises
    HTTPError 403.
    """
    site = caller.request.headers.get("sec-fetch-site")
    # None: see above. "none" is a link that the user typed or has kept.
    if site not in (None, "same-origin", "none"):
        raise HTTPError(403, "Only this server's own pages can use this URL.")
    try:
        with pages():
            return await sessions.check(caller, csrf=False)
    except APIError as e:
        raise HTTPError(403, e.text) from e


def require_fresh(sessions: Sessions, session: Session) -> None:
    """Raise ConfirmNeeded on a device that stays logged in, unless its user gave the password or a second factor within
    the last 10 minutes: for what takes mail out of the account (WEBMAIL-22a).
    """
    if session.device or not session.proven:
        sessions.require_confirmed(session)


@asynccontextmanager
async def account_of(accounts: Accounts, session: Session) -> AsyncIterator[OpenAccount]:
    """The account of a session, for requests that are not API calls. Raises HTTPError 404, 503, 507."""
    with account_pages():
        async with accounts.use(session.account) as account:
            yield account


@contextmanager
def account_pages() -> Iterator[None]:
    """Turn errors of the store into HTTPErrors, as `pages`, and a missing account into 404."""
    try:
        with pages():
            yield
    except (AccountUnknown, AccountRemoved) as e:
        raise HTTPError(404, "This account no longer exists.") from e


@contextmanager
def pages() -> Iterator[None]:
    """Turn errors of the store into HTTPErrors, for requests that are not API calls. Errors about a missing account
    pass unchanged.
    """
    try:
        yield
    except (AccountUnknown, AccountRemoved):
        raise
    except StoreError as e:
        answer = page_error(e)
        if answer is None:
            raise
        raise answer from e
