"""Exports by a browser: the answer to a posted form is a downloaded file (WEB-79, WEBMAIL-85, STORE-135..139).

The file is streamed from one snapshot. The snapshot keeps the account's write-ahead log from being reset, so a client
must read at a minimum pace, and the store may end the export when the log has grown too long (STORE-161).
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
import trio

from moxlite import lazyimport
from moxlite.store.errors import BadMailboxName, StorageFull, StoreError
from moxlite.store.exports.items import Container, ExportFailed, ExportOrder, FileForm, download_name
from moxlite.web import metrics
from moxlite.web.calls import MAX_BODY
from moxlite.web.errors import APIError
from moxlite.web.guards import account_of, page_session, pages, refuse_foreign, require_fresh
from moxlite.web.headers import SERVICE_HEADERS, disposition
from moxlite.web.http.errors import ClientGone, HTTPError
from moxlite.web.http.exchange import parse_fields
from moxlite.web.storeerrors import RETRY_AFTER, page_error
from moxlite.wording import worded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.auth.sessions import Session
    from moxlite.store.changelog.account import Account
    from moxlite.store.exports.engine import Export
    from moxlite.web.cookies import Caller
    from moxlite.web.http.exchange import ResponseWriter
from moxlite.web.sessions import Sessions

IDs: TypeAlias = "tuple[int, ...] | None"
Opened: TypeAlias = "Callable[[Session, IDs], AbstractAsyncContextManager[tuple[Account, IDs]]]"

logger = logging.getLogger("moxlite.web.exports")

MAX_PER_ACCOUNT: Final = 2  # at a time; each holds a snapshot, and an account has only a few
MAX_IDS: Final = 100_000  # messages that are listed by id (WEBMAIL-26)
GRACE: Final = 600.0  # seconds that any export may take: to begin, and to count a large mbox before it is written
SLOWEST: Final = 32 << 10  # octets per second that a client must read on average after that: a line of 256 kbit/s
LONGEST: Final = 24 * 3600.0  # seconds that a snapshot is held at most

TYPES: Final = {
    Container.NONE: "application/mbox",  # RFC 4155
    Container.TAR: "application/x-tar",
    Container.TGZ: "application/gzip",
    Container.ZIP: "application/zip",
}
HEADERS: Final = (
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    *SERVICE_HEADERS,
)


class BrowserExports:
    """The exports of a server. `directory` is for temporary files: ``data/tmp``."""

    def __init__(self, accounts: Accounts, directory: Path) -> None:
        self._accounts = accounts
        self._directory = directory
        self._running: Counter[str] = Counter()

    async def answer(
        self, caller: Caller, sessions: Sessions, writer: ResponseWriter, opened: Opened | None = None
    ) -> None:
        """Answer ``POST export`` with the file. `opened` opens the account of the listed messages and translates their
        ids; without it they are the user's own. Raises HTTPError before the first octet, ClientGone if it cannot be
        finished.
        """
        request = caller.request
        if request.method != "POST":
            raise HTTPError(405, "Use POST to request an export.", (("allow", "POST"),))
        kind = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise HTTPError(415, "Send a form (application/x-www-form-urlencoded).")
        refuse_foreign(request)
        await page_session(sessions, caller)  # before anything of the body is read
        fields = parse_fields((await request.body.read(MAX_BODY)).decode("utf-8", "replace"))
        try:
            with pages():
                # Again, now with the token: a form that a script submits cannot have header fields.
                session = await sessions.check(caller, csrf_token=fields.pop("csrf", ""))
                order = _order(fields)
                if sessions.app == "webaccount" or not (order.mailbox or order.ids):
                    sessions.require_confirmed(session)
                else:
                    require_fresh(sessions, session)
        except APIError as e:
            raise HTTPError(403, e.text) from e
        await lazyimport.load("moxlite.store.exports.engine")
        from moxlite.store.exports.engine import Export

        # No await between the look and the count.
        if self._running[session.account] >= MAX_PER_ACCOUNT:
            raise HTTPError(
                429, "2 exports are already running for this account. Wait for one to finish.", (RETRY_AFTER,)
            )
        self._running[session.account] += 1
        complete = False
        try:
            async with (opened or self._own)(session, order.ids) as (account, ids):
                order = msgspec.structs.replace(order, ids=ids)
                await self._send(Export(account, order, self._directory), session.account, order, writer)
            complete = True
        finally:
            metrics.account_exports.labels(result="complete" if complete else "broken").inc()
            self._running[session.account] -= 1
            if not self._running[session.account]:
                del self._running[session.account]

    @asynccontextmanager
    async def _own(self, session: Session, ids: IDs) -> AsyncIterator[tuple[Account, IDs]]:
        async with account_of(self._accounts, session) as account:
            yield account, ids

    async def _send(self, export: Export, account: str, order: ExportOrder, writer: ResponseWriter) -> None:
        began = trio.current_time()
        try:
            async with aclosing(export.stream()) as pieces:
                with trio.CancelScope(deadline=began + GRACE) as scope:
                    piece = await anext(pieces, b"")
                    name = disposition(download_name(order, time.time_ns() // 1000))
                    await writer.start(200, (("content-type", TYPES[order.container]), name, *HEADERS))
                    while piece:
                        await writer.write(piece)
                        # By what was sent so far: a client may pause, but not hold the snapshot with an octet now and
                        # then.
                        scope.deadline = began + min(GRACE + writer.sent / SLOWEST, LONGEST)
                        # An account that was removed meanwhile must not go on leaving the server.
                        if not self._accounts.exists(account):
                            raise ClientGone
                        piece = await anext(pieces, b"")
                if scope.cancelled_caught:
                    logger.warning("export timed out", extra={"kv": _facts(account, export, writer)})
                    raise ClientGone
            await writer.finish()
        except (StoreError, OSError) as e:
            if writer.started:
                # A connection that ends before the body does tells the browser of the failure (RFC 9112 §8).
                kv = {**_facts(account, export, writer), "err": str(e)}
                logger.warning("export interrupted", extra={"kv": kv})
                raise ClientGone from e
            raise _refusal(e) from e


def _facts(account: str, export: Export, writer: ResponseWriter) -> dict[str, object]:
    return {"account": account, "messages": export.messages, "octets": writer.sent}


def _refusal(error: StoreError | OSError) -> HTTPError:
    """The answer to an export that failed before it began."""
    match error:
        case ExportFailed() | BadMailboxName():
            return HTTPError(400, worded("Couldn't export: {reason}.", reason=error))
        case OSError() | StorageFull():
            return HTTPError(507, "The server's disk is full.")
        case _:
            assert isinstance(error, StoreError)
            return page_error(error) or HTTPError(503, "This account's storage isn't available right now.")


def _order(fields: dict[str, str]) -> ExportOrder:
    """The export that the form asks for. Raises HTTPError 400."""
    try:
        form = FileForm(fields.pop("format", ""))
        container = Container(fields.pop("archive", ""))
    except ValueError as e:
        raise HTTPError(400, "format must be maildir or mbox. archive must be none, tar, tgz, or zip.") from e
    mailbox, recursive = fields.pop("mailbox", ""), fields.pop("recursive", "") in ("1", "true", "on")
    ids = _ids(fields.pop("messageids", ""))
    if fields:
        raise HTTPError(400, f"Unknown form field: {next(iter(fields))[:80]!r}")
    if mailbox and ids is not None:
        raise HTTPError(400, "You can export either a folder or selected messages, not both.")
    return ExportOrder(form=form, container=container, mailbox=mailbox, recursive=recursive, ids=ids)


def _ids(text: str) -> tuple[int, ...] | None:
    if not text:
        return None
    numbers = text.split(",")
    if len(numbers) > MAX_IDS or not all(one.isascii() and one.isdigit() and len(one) <= 16 for one in numbers):
        raise HTTPError(400, f"messageids must be up to {MAX_IDS} numbers, separated by commas.")
    return tuple(dict.fromkeys(int(one) for one in numbers))
