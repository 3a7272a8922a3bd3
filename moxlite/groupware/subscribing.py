"""Calendars of other servers, read from their addresses: each hour what has changed comes into the account (DAV-44).

The file is a stranger's: `net.httpclient` says which addresses may be asked, the answer is bounded, and the sandbox
takes it apart.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

import msgspec
import trio

from moxlite.groupware.entries import BadEntry, Expander, TooBusy, imported
from moxlite.groupware.files import ImportResult, note_changes, note_problems, unread_reason
from moxlite.ledger import NoRoom, ledger
from moxlite.metrics import Counter
from moxlite.net.httpclient import HTTPClient, HTTPError
from moxlite.processor import act_for, give_way
from moxlite.sandbox.jobs import MAX_ENTRIES, SplitCalendar, split_room
from moxlite.sandbox.messages import Refused
from moxlite.sandbox.processes import BUSY, NO_PROCESS, JobFailed
from moxlite.sandbox.turns import TooManyWaiting, Turns
from moxlite.store.errors import LimitExceeded, OverQuota, StoreError
from moxlite.store.groupware.collection import (
    COMPONENTS,
    Collection,
    CollectionChange,
    NoSuchCollection,
    changed,
    collection,
    delete_collection,
)
from moxlite.store.groupware.resources import ResourceFacts
from moxlite.store.groupware.scheduling import entry_name
from moxlite.store.groupware.subscriptions import (
    MAX_SUBSCRIPTIONS,
    Subscription,
    changed_entries,
    drop_entries,
    names_of,
    note_failure,
    note_success,
    put_entries,
    subscribe,
    subscription,
    subscriptions,
)
from moxlite.wording import reason_of, worded

if TYPE_CHECKING:
    from moxlite.sandbox.processes import Sandbox
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.changelog.account import Account
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.upkeep.outbox import OutboxRow

logger = logging.getLogger("moxlite.groupware")

REFRESHES: Final = Counter(
    "moxlite_calendar_refreshes_total", "Refreshes of subscribed calendars: changed, unchanged, failed.", ["result"]
)
for _result in ("changed", "same", "failed"):
    REFRESHES.labels(result=_result)

SECONDS: Final = 30.0
"""Seconds for a request. The user waits for the first one."""

MAX_FILE: Final = 5 << 20
"""Octets of a file: 15,000 events. So many are held for each request of another server; the rest is of the ledger."""

ROOM_SECONDS: Final = 60.0
"""Seconds for which a calendar waits for room in memory."""

ENTRY: Final = 300
"""Octets of an entry in memory beside its text."""

SHORTEST: Final = 30
"""Octets of the shortest entry."""

DEADLINE: Final = 300.0
"""Seconds in which a file comes into the account: rules may take a second each."""

AT_ONCE: Final = 2
"""Calendars that are read at a time, of different accounts."""

WAIT: Final = 3600.0
"""Seconds for which a calendar waits for its turn."""

ASKED: Final = 8
"""Calendars that are read at a time for users who wait, one of an account: another server is asked for each."""

_asked: Final = Turns(ASKED, each=1, waiting=5, seconds=SECONDS, error=TooBusy)

BATCH: Final = 50
"""Entries that are compared and put in one unit: 20 ms."""

REDIRECTS: Final = 5
"""Redirects that are followed for one request; a loop of them ends here."""

MOVED: Final = frozenset({301, 302, 303, 307, 308})
PERMANENT: Final = frozenset({301, 308})


class SubscriptionFailed(Exception):
    """Failed to load a calendar from its URL. The text gives the reason, for people."""


class FetchedFile(msgspec.Struct, frozen=True):
    """A file, None for one that is the same as before. `url`: where it is from now on."""

    url: str
    data: bytes | None
    etag: str = ""
    modified: str = ""


class Entry(msgspec.Struct, frozen=True):
    """An entry of a file."""

    name: str
    data: bytes


def address_of(text: str) -> str:
    """The address of a calendar as it is asked for, from what a user gives. Raises SubscriptionFailed."""
    url = text.strip()
    scheme, mark, rest = url.partition("://")
    if mark and scheme.lower() in ("webcal", "webcals"):
        url = f"https://{rest}"
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme != "https" or not url.isascii() or not url.isprintable():
        raise SubscriptionFailed("the calendar URL must start with https:// or webcal://")
    if "@" in parts.netloc:
        raise SubscriptionFailed("the URL can't include a user name or password")
    return url.partition("#")[0]


def host_of(url: str) -> str:
    """The host of an address, for logs: the rest may be secret."""
    # Addresses of calendars often have a token in their path or query, and logs are read by others than the owner.
    return urlsplit(url).hostname or ""


async def fetch(client: HTTPClient, url: str, known: Subscription | None = None) -> FetchedFile:
    """Read the file of an address, unless it is the `known` one. Raises SubscriptionFailed."""
    # An answer is checked in the order of HTTP: where it is, whether it is new, what it is. Each way out says something
    # else to the user, who can mend an address, but not a server. Only a chain of lasting redirects changes the address
    # that is kept: behind a temporary one the old address stays right.
    headers = [("Accept", "text/calendar, */*;q=0.5")]
    if known is not None and known.etag:
        headers.append(("If-None-Match", known.etag))
    if known is not None and known.modified:
        headers.append(("If-Modified-Since", known.modified))
    lasting = url
    for _ in range(REDIRECTS + 1):
        try:
            answer = await client.request("GET", url, headers=headers, seconds=SECONDS, max_body=MAX_FILE)
        except HTTPError as error:
            raise SubscriptionFailed(worded("can't reach the server: {reason}", reason=error)) from None
        if answer.status not in MOVED:
            break
        try:
            there = address_of(urljoin(url, answer.header("location")))
        except ValueError:
            raise SubscriptionFailed("the server redirected to an invalid URL") from None
        if lasting == url and answer.status in PERMANENT:
            lasting = there
        url = there
    if answer.status == 304 and known is not None:
        return FetchedFile(lasting, None)
    if answer.status != 200:
        raise SubscriptionFailed(worded("the server responded with {status}", status=answer.status))
    if answer.cut:
        raise SubscriptionFailed(worded("the calendar is larger than {size} MiB", size=MAX_FILE >> 20))
    begin, end = (octets.replace(b"\0", b"").upper() for octets in (answer.body[:4096], answer.body[-4096:]))  # UTF-16
    if b"BEGIN:VCALENDAR" not in begin:
        raise SubscriptionFailed("no calendar found at this URL")
    if b"END:VCALENDAR" not in end:  # so missing entries weren't deleted
        reason = "connection lost while downloading the calendar"
        raise SubscriptionFailed(worded("can't reach the server: {reason}", reason=reason))
    return FetchedFile(lasting, answer.body, _field(answer.header("etag")), _field(answer.header("last-modified")))


def memory_of(octets: int) -> int:
    """Octets that it takes to read a file of so many: the file, and the answer of the sandbox as it comes, as a part
    of its message, and as entries.
    """
    return octets + 3 * split_room(octets) + ENTRY * min(MAX_ENTRIES, octets // SHORTEST)


def _field(value: str) -> str:
    return value if len(value) <= 1000 and value.isprintable() and value.isascii() else ""


class Subscriptions:
    """Reads calendars of an account from their addresses."""

    def __init__(self, sandbox: Sandbox, client: HTTPClient) -> None:
        self._sandbox = sandbox
        self._client = client

    async def add(self, account: Account, address: str, title: str = "", colour: str = "", name: str = "") -> int:
        """Subscribe to a calendar, which is read now; returns its number. `name` of the collection: by default made of
        the address.

        Raises SubscriptionFailed, TooBusy, BadName, CollectionExists, LimitExceeded, OverQuota.
        """
        url = address_of(address)
        async with _asked.turn(account.name):
            return await self._add(account, url, title, colour, name)

    async def _add(self, account: Account, url: str, title: str, colour: str, name: str) -> int:
        there = await account.read(subscriptions, op="subscription")
        if any(subscription.url == url for subscription in there):
            raise SubscriptionFailed("you're already subscribed to this calendar")
        if len(there) >= MAX_SUBSCRIPTIONS:
            raise LimitExceeded(f"you can have up to {MAX_SUBSCRIPTIONS} subscribed calendars")
        # Before the calendar is made, so that a wrong address leaves none behind.
        fetched = await fetch(self._client, url)
        assert fetched.data is not None
        async with _room(len(fetched.data)):
            said, entries = await self._split(account, fetched.data)
            title = (title or said or host_of(url))[:200]
            return await self._make(account, fetched, entries, url, title, colour, name)

    async def _make(
        self, account: Account, fetched: FetchedFile, entries: list[Entry], url: str, title: str, colour: str, name: str
    ) -> int:
        new = Collection(
            0,
            "calendar",
            name or f"sub-{hashlib.sha256(url.encode()).hexdigest()[:16]}",
            display_name=title,
            components=COMPONENTS[:3],
            transparent=True,  # holidays and fixtures of others do not make busy
        )
        new = changed(new, CollectionChange(colour=colour))
        made = await account.write(lambda tx: subscribe(tx, new, url))
        logger.info("calendar subscribed", extra={"kv": {"account": account.name, "host": host_of(url)}})
        try:
            with trio.fail_after(DEADLINE):
                await self._take(account, made, fetched, entries)
        except (SubscriptionFailed, StoreError, TooBusy, trio.TooSlowError) as error:
            # The user is told that it has failed, and tries again: half a calendar would then be there already.
            await account.write(partial(delete_collection, collection_id=made.id))
            raise TooBusy if isinstance(error, trio.TooSlowError) else error from None
        return made.id

    async def refresh_now(self, account: Account, number: int) -> str:
        """As `refresh`, for a user who waits. Raises TooBusy, too."""
        async with _asked.turn(account.name):
            return await self.refresh(account, number)

    async def refresh(self, account: Account, number: int) -> str:
        """Read a calendar again; returns why it cannot be read, "" for success. The calendar keeps what it had. Raises
        NoSuchCollection.
        """
        before = await account.read(lambda r: subscription(r, number), op="subscription")
        if before is None:
            raise NoSuchCollection("you aren't subscribed to this calendar")
        where = await account.read(lambda r: collection(r, number), op="subscription")
        try:
            fetched = await fetch(self._client, before.url, before)
            changed = 0
            if fetched.data is None or hashlib.sha256(fetched.data).digest() == before.hash:
                # An answer 304 may leave the fields out; without the old ones the next request would fetch the whole
                # file.
                same = msgspec.structs.replace(fetched, etag=fetched.etag or before.etag)
                same = msgspec.structs.replace(same, modified=same.modified or before.modified)
                left = "" if before.failures else before.error
                await account.write(partial(_note, number=number, fetched=same, digest=before.hash, left=left))
            else:
                async with _room(len(fetched.data)):
                    _, entries = await self._split(account, fetched.data)
                    with trio.fail_after(DEADLINE):
                        changed = await self._take(account, where, fetched, entries)
        except (SubscriptionFailed, OverQuota, LimitExceeded) as error:
            return await self._failed(account, before, reason_of(error))
        except (TooBusy, trio.TooSlowError):
            return await self._failed(account, before, "timed out reading the calendar")
        REFRESHES.labels(result="changed" if changed else "same").inc()
        kv = {"account": account.name, "host": host_of(before.url), "changed": changed}
        logger.info("subscribed calendar refreshed", extra={"kv": kv})
        return ""

    async def _failed(self, account: Account, before: Subscription, why: str) -> str:
        await account.write(partial(note_failure, collection_id=before.collection_id, error=why))
        REFRESHES.labels(result="failed").inc()
        kv = {"account": account.name, "host": host_of(before.url), "err": str(why), "failures": before.failures + 1}
        logger.warning("failed to read calendar", extra={"kv": kv})
        return why

    async def _split(self, account: Account, data: bytes) -> tuple[str, list[Entry]]:
        try:
            async with self._sandbox.turn(account.name) as turn:
                found = await turn.do(SplitCalendar(data))
        except Refused as error:
            raise SubscriptionFailed(worded("can't read the calendar: {reason}", reason=error)) from None
        except JobFailed as error:
            if str(error) in (BUSY, NO_PROCESS):
                raise TooBusy from None
            raise SubscriptionFailed("timed out reading the calendar") from None
        entries = {entry_name(uid_entry.uid): uid_entry.data for uid_entry in found.entries}  # of a UID twice, the last
        return found.title, [Entry(*one) for one in entries.items()]

    async def _take(self, account: Account, where: Collection, fetched: FetchedFile, entries: list[Entry]) -> int:
        """Make the calendar have the entries of a file; returns how many have changed. What was put before an error
        stays, and is found the same by the next attempt; entries that the file no longer has go last.

        Raises SubscriptionFailed: none of the entries can be read. What is left out of single ones is kept.
        """
        expander = Expander(account)
        changed = 0
        done = ImportResult()
        for start in range(0, len(entries), BATCH):
            batch = entries[start : start + BATCH]
            places = await _changed(account, where, [(entry.name, entry.data) for entry in batch])
            ready = [one async for one in _ready(expander, where, (batch[place] for place in places), done)]
            if {data for _, data, _ in ready} - {entry.data for entry in batch}:
                # The calendar may have these already, as it can have them, not as their file does.
                pairs = [(name, data) for name, data, _ in ready]
                ready = [ready[place] for place in await _changed(account, where, pairs)]
            if ready:
                changed += await account.write(partial(put_entries, collection_id=where.id, entries=ready))
            await give_way()
        if done.unread and done.unread == len(entries):
            raise SubscriptionFailed(worded("can't read the calendar: {reason}", reason=done.problems[0]))
        kept = {entry.name for entry in entries}
        after = ""
        while names := await account.read(partial(names_of, collection_id=where.id, after=after), op="subscription"):
            after = names[-1]
            gone = [name for name in names if name not in kept]
            if gone:
                await account.write(partial(drop_entries, collection_id=where.id, names=gone))
                changed += len(gone)
        digest = hashlib.sha256(fetched.data or b"").digest()
        await account.write(partial(_note, number=where.id, fetched=fetched, digest=digest, left=_left_of(done)))
        return changed


@asynccontextmanager
async def _room(octets: int) -> AsyncIterator[None]:
    """Room in memory for reading a file of so many octets. Raises TooBusy."""
    hold = ledger().hold()
    try:
        await hold.take("file", memory_of(octets), ROOM_SECONDS)
        yield
    except NoRoom:
        raise TooBusy from None
    finally:
        hold.close()


async def _changed(account: Account, where: Collection, entries: list[tuple[str, bytes]]) -> list[int]:
    """As `changed_entries`, in a thread: a batch may have nearly all of the file's octets, which are compared line by
    line.
    """
    return await account.scan(partial(changed_entries, collection_id=where.id, entries=entries), op="subscription")


async def _ready(
    expander: Expander, where: Collection, entries: Iterable[Entry], done: ImportResult
) -> AsyncIterator[tuple[str, bytes, ResourceFacts]]:
    """The entries that a calendar can have; `done` gets why one cannot be read, and what is left out of others."""
    for entry in entries:
        try:
            made = await imported(expander, where, entry.data)
            note_changes(done, made)
            yield entry.name, made.data, made.facts
        except BadEntry as error:
            kv = {"calendar": where.id, "entry": entry.name, "err": str(error)}
            logger.warning("skipped subscribed calendar entry", extra={"kv": kv})
            note_problems(done, [unread_reason(entry.data, error)])


def _left_of(done: ImportResult) -> str:
    """Name what was left out of a file: the first entry by its title, and the number of others; "" for nothing."""
    if not done.problems:
        return ""
    others = done.unread + done.changed - 1
    return done.problems[0] if others < 1 else worded("{problem} (and {n} more)", problem=done.problems[0], n=others)


def _note(tx: AccountTx, number: int, fetched: FetchedFile, digest: bytes, left: str) -> None:
    note_success(tx, number, fetched.url, fetched.etag, fetched.modified, digest, left)


class Refresher:
    """Reads the calendars that are due, each in a task of its own that `start` starts. `reading`: accounts and numbers
    of those that wait or are read now.
    """

    def __init__(
        self,
        accounts: Accounts,
        subscriptions: Subscriptions,
        start: Callable[[Callable[[], Awaitable[None]]], None],
    ) -> None:
        self._accounts = accounts
        self._subscriptions = subscriptions
        self._start = start
        self._turns = Turns(AT_ONCE, each=1, waiting=MAX_SUBSCRIPTIONS, seconds=WAIT)
        self.reading: set[tuple[str, int]] = set()

    async def carry(self, account: Account, row: OutboxRow) -> None:
        """Begin to read the calendar that a row names, unless that has begun."""
        one = account.name, int(row.data)
        if one not in self.reading:
            # The row comes again while it is read, as nothing notes the attempt before its end.
            self.reading.add(one)
            self._start(partial(self._refresh, *one))
        await trio.lowlevel.checkpoint()

    async def _refresh(self, name: str, number: int) -> None:
        """Errors: StoreError, OSError and TooManyWaiting are logged, and the calendar is read again in an hour. All
        others come out.
        """
        act_for(name)
        try:
            async with self._turns.turn(name), self._accounts.use(name) as account:
                await self._subscriptions.refresh(account, number)
        except NoSuchCollection:
            pass  # it was removed meanwhile
        except (StoreError, OSError, TooManyWaiting) as error:
            why = str(error) or "too many calendars are waiting"
            logger.error("failed to read calendar", extra={"kv": {"account": name, "calendar": number, "err": why}})
        finally:
            self.reading.discard((name, number))
