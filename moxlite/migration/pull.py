"""An import: the mailboxes of another server into an account (IMAP-137..139).

Theory of operation
-------------------
A run goes through the mailboxes one after another. It compares each with its rows in ``imap_copy``, and fetches only
what differs. Messages are added by jobs of at most `JOB` messages, as all imports do: staged in small units between
which deliveries can pass, and made visible at once with their threads. The row that links a remote message to a local
one is written together with the message. So a run that was interrupted at any point is continued by the next one.

Flags are compared with the flags that were last seen *at the source*: a change there is carried over, a change here
stays.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Final

import msgspec
import trio

from moxlite.migration.fetching import Feed, FetchTarget, MessageFetcher
from moxlite.migration.listing import (
    GOOGLE,
    annotations_of,
    as_remote,
    fetch_facts,
    fetch_marks,
    flags_changed,
    flags_in,
    list_boxes,
    list_uids,
)
from moxlite.migration.names import OTHERS_MOVED, Place, places
from moxlite.migration.problems import Problems, Transfer, shown
from moxlite.net.imapclient import Client, IMAPClientError, Refused
from moxlite.operations.copies import Copied, MailboxPlan, MailboxStep
from moxlite.proto.imap import commands as c, responses as r
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import BadMailboxName, LimitExceeded, MailboxNotAllowed, StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.imports.adding import add_messages
from moxlite.store.imports.items import Progress
from moxlite.store.mail.annotations import annotations as own_annotations, set_annotation
from moxlite.store.mail.mailboxes import WITH_MAILBOX, ensure_mailbox, set_special_use, subscribe, unsubscribe
from moxlite.store.mail.remotes import (
    SLICE,
    Origin,
    Remote,
    RemoteMessage,
    Role,
    copies_by_google,
    count_copies,
    find_remote,
    forget_lost,
    has_copies,
    has_lost,
    has_marked,
    known_uids,
    link,
    match_lost,
    match_marked,
    merge_flags,
    open_remote,
    remove_gone,
    seed_lost,
    settle,
)
from moxlite.store.mail.systemmailbox import KEPT, is_kept
from moxlite.store.names import INBOX, SEPARATOR, check_name
from moxlite.store.options import INITIAL_SPECIAL_USE
from moxlite.store.rows.mailboxes import mailbox_by_name, mailbox_by_use
from moxlite.store.types import MailboxID, MessageID, SpecialUse
from moxlite.wording import Worded, worded

JOB: Final = 1_000
"""Messages that appear at once; their unit takes 50 ms. A kill loses less than one job."""

PAUSE: Final = 60.0
"""Seconds between two looks at the source with ``--continuous``; new mail in its Inbox ends the pause."""

MARKED: Final = 50
"""Messages of which header fields are compared in one unit: each has 64 KiB of them at most."""

ON_LOOP: Final = 10_000
"""Numbers compared on the event loop without a pause, in 2 ms."""

STATUS_BATCH: Final = 50
"""STATUS commands sent before their responses are read."""


class Pull:
    """One import. It can be run again with another connection, and continues then."""

    role: Role = "source"

    def __init__(self, transfer: Transfer) -> None:
        self._account = transfer.account
        self._accounts = transfer.accounts
        self._order = transfer.order
        self._tell = transfer.tell
        self._tmp = transfer.tmp
        self._counts = _Counts()
        self.problems = Problems(transfer.tell)
        self._pace = _Pace(0, 0)
        self._inbox = _SourceInbox()

    @property
    def result(self) -> Copied:
        """Counts of the work done so far."""
        return Copied(
            self._counts.messages, self._counts.flags, self._counts.removed, self._counts.mailboxes, self.problems.count
        )

    @property
    def progress(self) -> int:
        """A number that grows with all work done. The copy fails if connections break repeatedly without progress."""
        return self._counts.messages + self._counts.flags + self._counts.removed

    async def once(self, client: Client) -> None:
        """Copy everything in which the source differs from the account.

        Raises: IMAPClientError: the connection cannot be used; StoreError: the account cannot be used.
        """
        found = await self.places(client)
        statuses = await self.statuses(client, found)
        inbox = next((status for name, status in statuses.items() if name.upper() == "INBOX"), {})
        self._inbox.looked_at = (inbox.get("UIDVALIDITY"), inbox.get("UIDNEXT"), inbox.get("MESSAGES"))
        self._counts.mailboxes = len(found)
        self._pace = _Pace(sum(status.get("MESSAGES") or 0 for status in statuses.values()), self._counts.messages)
        for place in found:
            status = statuses.get(place.box.name, {})
            if not await self._is_done(place, status):
                await self._mailbox(client, place)
            self._pace.left -= status.get("MESSAGES") or 0
        for text in client.misunderstood:
            await self.problems.add(worded("unexpected response from the server: {reason}", reason=text))

    async def pause(self, client: Client) -> None:
        """Wait until there may be something new. Raises IMAPClientError."""
        await self._inbox.changed(client)

    # --- one mailbox

    async def places(self, client: Client) -> list[Place]:
        """The mailboxes of the source that are copied, with their targets. Raises IMAPClientError."""
        boxes = await list_boxes(client, self.problems)
        if self.role == "link":  # two servers that link each other would mirror without end
            boxes = [box for box in boxes if not box.remote]
        elif self._order.public != "copied" and (public := [box.name for box in boxes if box.public]):
            if self._order.public == "named":
                names = ", ".join(repr(shown(name)) for name in public)
                await self.problems.add(worded("skipped folders for everybody: {names}", names=names))
            boxes = [box for box in boxes if not box.public]
        found = places(
            boxes,
            own=await self._account.read(own_names, op="import"),
            maps=self._order.maps,
            excludes=self._order.excludes,
            leave_out=frozenset(self._order.leave_out),
            prefix=self._order.prefix,
            uses_below=self.role == "link",
        )
        for place in found:
            if place.target.partition(SEPARATOR)[0] == OTHERS_MOVED:
                await self.problems.remark(
                    worded("renamed folder {name} to {to}", name=repr(shown(place.box.name)), to=repr(place.target))
                )
        return found

    async def statuses(self, client: Client, found: Sequence[Place]) -> dict[str, dict[str, int]]:
        """What STATUS says of mailboxes, by name and item. Raises IMAPClientError."""
        items = ("MESSAGES", "UIDNEXT", "UIDVALIDITY") + (
            ("HIGHESTMODSEQ",) if client.has("CONDSTORE", "QRESYNC") else ()
        )
        statuses: dict[str, dict[str, int]] = {}
        for start in range(0, len(found), STATUS_BATCH):
            commands = [c.Status(place.box.name, items) for place in found[start : start + STATUS_BATCH]]
            try:
                async with aclosing(client.stream(*commands)) as responses:
                    async for response in responses:
                        if isinstance(response, r.StatusData):
                            values = {name: value for name, value in response.items if isinstance(value, int)}
                            statuses[response.mailbox] = values
            except Refused:  # a mailbox that cannot be opened; it is reported when it is copied
                continue
        return statuses

    async def _remote(self, place: Place) -> Remote | None:
        order = self._order
        return await self._account.read(
            lambda r: find_remote(r, self.role, order.host, order.user, place.box.name), op="import"
        )

    async def _is_done(self, place: Place, status: Mapping[str, int]) -> bool:
        """Whether STATUS shows that a mailbox needs no work."""
        remote = await self._remote(place)
        if remote is None or not unchanged(remote, status):
            return False
        if not self._order.delete:
            return True
        return await self._account.scan(lambda r: count_copies(r, remote.id), op="import") == remote.messages

    async def _mailbox(self, client: Client, place: Place) -> None:
        name = place.box.name
        try:
            target = check_name(place.target)
        except BadMailboxName as error:
            await self.problems.add(_left_out(name, error))
            return
        # Before the mailbox is opened there: its mail would be refused one by one.
        if await self._account.read(lambda r: is_kept(r, target, self._account.config), op="import"):
            await self.problems.add(_left_out(name, MailboxNotAllowed(KEPT)))
            return
        try:
            selected = await client.examine(name)
        except Refused as error:
            await self.problems.add(_left_out(name, error))
            return
        uids = await list_uids(client, self._order.since)
        if self._order.dry_run:
            remote = await self._remote(place)
            same = remote is not None and remote.uidvalidity == selected.uidvalidity
            known = await self.known(remote.id) if remote is not None and same else array("I")
            await self._tell(MailboxPlan(shown(name), target, len(uids), len(await without(uids, known))))
            return
        remote = await self.prepared(client, place, target, selected.uidvalidity)
        known = await self.known(remote.id)
        new_uids = await without(uids, known)
        if await self._account.read(lambda r: has_lost(r, remote.id), op="import"):
            new_uids = await self.match(client, remote, new_uids)
            await self._account.write(lambda tx: forget_lost(tx, remote.id))  # what was not found is not there
        # Flags first, as they are small: a run that is interrupted in the new messages has brought them at least.
        await self._carry_flags(client, remote, known)
        # With `since` older messages are not listed, which does not mean that they are gone there.
        if self._order.delete and self._order.since is None:
            await self.remove(remote, await without(known, uids))
        # The state is kept only when nothing was left out: else the next run would pass over the mailbox as unchanged.
        if await self._copy(client, place, target, remote, new_uids) and self._order.since is None:
            state = partial(settle, messages=selected.exists, uidnext=selected.uidnext, modseq=selected.modseq)
            await self._account.write(lambda tx: state(tx, remote.id))

    async def known(self, remote_id: int, since: int = 0) -> array[int]:
        """UIDs above `since` that have a row, ascending."""
        found: array[int] = array("I")
        while True:
            after = found[-1] if found else since
            some = await self._account.read(lambda r, after=after: known_uids(r, remote_id, after), op="import")  # type: ignore[misc] # bound now
            found.extend(some)
            if len(some) < SLICE:
                return found

    async def prepared(self, client: Client, place: Place, target: str, uidvalidity: int) -> Remote:
        """The row of a mailbox in ``imap_copy``; if the mailbox is new here, create it as it is at the source."""
        order, box = self._order, place.box
        first = await self._remote(place) is None
        entries = await annotations_of(client, box.name) if first else []
        left_out: list[str] = []
        name = repr(shown(box.name))

        def unit(tx: AccountTx) -> tuple[Remote, MailboxID, bool]:
            # Asked in the unit: a mail program may make the mailbox while its annotations are fetched.
            is_new = mailbox_by_name(tx, target) is None
            own = ensure_mailbox(tx, target)
            if place.use and own.name != INBOX and mailbox_by_use(tx, place.use) is None:
                set_special_use(tx, own.id, own.special_use | place.use)
            if first and box.subscribed:
                subscribe(tx, target, WITH_MAILBOX)
            elif is_new and not box.subscribed:
                unsubscribe(tx, target)
            has = {annotation.key for annotation in own_annotations(tx, own.id)} if entries else set()
            for key, value in entries:
                try:
                    # What the user has set here stays.
                    if key not in has:
                        set_annotation(tx, own.id, key, value, is_string=b"\0" not in value)
                except LimitExceeded as error:
                    left_out.append(
                        worded("folder {name}: skipped annotation {key}: {reason}", name=name, key=key, reason=error)
                    )
            remote = open_remote(
                tx, self.role, order.host, order.user, box.name, uidvalidity=uidvalidity, mailbox_id=own.id
            )
            return remote, own.id, bool(own.total + own.deleted) and not has_copies(tx, remote.id)

        remote, mailbox_id, seed = await self._account.write(unit)
        for text in left_out:
            await self.problems.add(text)
        after: int | None = 0
        while seed and after is not None:
            seeding = partial(seed_lost, remote_id=remote.id, mailbox_id=mailbox_id, after=after)
            after = await self._account.write(seeding)
        return remote

    async def match(self, client: Client, remote: Remote, uids: Sequence[int]) -> array[int]:
        """Match messages whose UIDs have changed by their keys; returns the UIDs of messages that are really new."""
        new: array[int] = array("I")
        for start in range(0, len(uids), SLICE):
            async with aclosing(fetch_facts(client, uids[start : start + SLICE], message_id=True)) as some:
                remote_messages = [as_remote(facts) async for facts in some]
            again = await self._account.write(partial(match_lost, remote_id=remote.id, found=remote_messages))
            again |= await _match_marked(
                self._account, client, remote, [message.uid for message in remote_messages if message.uid not in again]
            )
            await self.merge(
                remote,
                [
                    (remote_message.uid, remote_message.flags)
                    for remote_message in remote_messages
                    if remote_message.uid in again
                ],
            )
            new.extend(uid for uid in uids[start : start + SLICE] if uid not in again)
        return new

    async def _carry_flags(self, client: Client, remote: Remote, known: Sequence[int]) -> None:
        if not known:
            return
        if remote.modseq and client.selected is not None and client.selected.modseq:
            if client.selected.modseq != remote.modseq:
                async with aclosing(flags_changed(client, remote.modseq)) as parts:
                    async for part in parts:
                        await self.merge(remote, part)
            return
        for start in range(0, len(known), SLICE):
            await self.merge(remote, await flags_in(client, known[start : start + SLICE]))

    async def merge(self, remote: Remote, seen: Sequence[tuple[int, str]]) -> None:
        """Carry over flags: pairs of UID and flags as `join_words`. Raises StoreError."""
        for start in range(0, len(seen), SLICE):
            some = seen[start : start + SLICE]
            try:
                self._counts.flags += await self._account.write(partial(merge_flags, remote_id=remote.id, seen=some))
            except LimitExceeded as error:
                await self.problems.add(worded("some flags weren't copied: {reason}", reason=error))

    async def remove(self, remote: Remote, gone: Sequence[int]) -> None:
        """Remove messages that are gone at the source. Raises StoreError."""
        for start in range(0, len(gone), SLICE):
            some = gone[start : start + SLICE]
            self._counts.removed += await self._account.write(partial(remove_gone, remote_id=remote.id, uids=some))

    # --- new messages

    async def _add(self, feed: Feed, progress: Progress, count: int, remote: Remote) -> int:
        """Add the messages of a feed, `count` at most; returns how many were added. Raises StoreError, OSError."""
        del count, remote
        return await add_messages(self._account, self._accounts, feed.items(), progress, self._tmp)

    async def _copy(self, client: Client, place: Place, target: str, remote: Remote, uids: Sequence[int]) -> bool:
        """Add new messages; returns whether all of them are here now."""
        before, added = self.problems.reports, 0
        for start in range(0, len(uids), JOB):
            self._account.check_space()
            await self._tell(self._pace.step(place, start, len(uids), self._counts.messages))
            added += await self.job(client, place, target, remote, uids[start : start + JOB], start, len(uids))
        if uids:
            await self._tell(self._pace.step(place, len(uids), len(uids), self._counts.messages))
        return self.problems.reports == before

    async def job(
        self,
        client: Client,
        place: Place,
        target: str,
        remote: Remote,
        uids: Sequence[int],
        start: int,
        total: int,
    ) -> int:
        """Add some messages. If the connection breaks, the error is raised after the messages received so far were
        added.
        """
        feed, order = Feed(), self._order
        failure: IMAPClientError | StoreError | OSError | None = None
        progress = Progress(b"", self._account.name)

        async def here(ids: Collection[int]) -> Mapping[int, MessageID]:
            return await self._account.read(
                lambda r: copies_by_google(r, order.host, order.user, ids, self.role), op="import"
            )

        async def known(found: Sequence[tuple[RemoteMessage, MessageID]]) -> None:
            def unit(tx: AccountTx) -> None:
                for remote_message, message_id in found:
                    link(
                        tx,
                        Origin(remote.id, remote_message.uid, 0, 0, remote_message.flags, remote_message.gm_msgid),
                        message_id,
                        remote_message.key,
                    )

            await self._account.write(unit)

        async def fetch() -> None:
            nonlocal failure
            try:
                await fetching.run(uids)
            except (IMAPClientError, StoreError, OSError) as error:
                failure = error
            finally:
                feed.close()

        async def listen() -> None:
            async for _ in progress.subscribe():
                if progress.counts:
                    await self._tell(self._pace.step(place, start + progress.messages, total, self._counts.messages))

        fetching = MessageFetcher(
            client,
            self._account,
            course=FetchTarget(shown(place.box.name), remote.id, target),
            feed=feed,
            problem=self.problems.add,
            here=here,
            known=known,
            only_others=place.box.everything and client.has(GOOGLE),
            tmp=self._tmp,
        )
        added = 0
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fetch)
            nursery.start_soon(listen)
            try:
                added = await self._add(feed, progress, len(uids), remote)
            except (StoreError, OSError) as error:
                failure = error
            nursery.cancel_scope.cancel()
        self._counts.messages += added
        self.problems.refused += fetching.refused
        for text in progress.problems:
            await self.problems.add(text)
        if failure is not None:
            raise failure
        return added


async def _match_marked(account: Account, client: Client, remote: Remote, uids: Sequence[int]) -> set[int]:
    """Match messages whose sizes or dates have changed, too; returns their UIDs."""
    matched: set[int] = set()
    for start in range(0, len(uids), MARKED):
        if not await account.read(lambda r: has_marked(r, remote.id), op="import"):
            break
        marked = await fetch_marks(client, uids[start : start + MARKED])
        matched |= await account.write(partial(match_marked, remote_id=remote.id, marked=marked))
    return matched


def _left_out(name: str, reason: Exception) -> Worded:
    return worded("skipped folder {name}: {reason}", name=repr(shown(name)), reason=reason)


class _Counts(msgspec.Struct):
    """The work done so far."""

    messages: int = 0
    flags: int = 0
    removed: int = 0
    mailboxes: int = 0


class _SourceInbox:
    """The Inbox of the source between two runs.

    `looked_at`: its UIDVALIDITY, UIDNEXT and number of messages at the last run.
    """

    def __init__(self) -> None:
        self.looked_at: tuple[int | None, ...] = ()
        self._opened: tuple[int | None, ...] = ()

    async def changed(self, client: Client) -> None:
        """Return when it has changed, or after `PAUSE`. Raises IMAPClientError."""
        if client.has("IDLE"):
            found = await client.examine("INBOX")
            opened = (found.uidvalidity, found.uidnext, found.exists)
            came = opened not in (self.looked_at, self._opened)  # during the last look; IDLE does not report it
            self._opened = opened
            if not came:
                await client.idle(PAUSE)
        else:
            await trio.sleep(PAUSE)


class _Pace:
    """The speed of a run, and the messages left to look at."""

    def __init__(self, left: int, before: int) -> None:
        self.left = left
        self._before = before
        self._started = time.monotonic()

    def step(self, place: Place, done: int, total: int, copied: int) -> MailboxStep:
        """The progress in a mailbox, with the seconds left (-1: not known yet). `copied`: messages of all runs."""
        seconds = time.monotonic() - self._started
        added = copied - self._before + done
        left = max(self.left - done, 0)
        estimate = int(left * seconds / added) if added >= 50 and seconds >= 1 else -1
        return MailboxStep(shown(place.box.name), done, total, estimate, left)


def own_names(r: Reader) -> dict[SpecialUse, str]:
    names = {}
    for use in SpecialUse:
        box = mailbox_by_use(r, use)
        names[use] = INITIAL_SPECIAL_USE[use] if box is None else box.name
    return names


def unchanged(remote: Remote, status: Mapping[str, int]) -> bool:
    """Whether CONDSTORE shows that a mailbox has not changed since the end of the last run."""
    modseq = status.get("HIGHESTMODSEQ", 0)
    return (
        modseq > 0
        and remote.modseq == modseq
        and remote.messages == status.get("MESSAGES")
        and remote.uidnext == status.get("UIDNEXT")
        and remote.uidvalidity == status.get("UIDVALIDITY")
    )


async def without(numbers: array[int], others: array[int]) -> array[int]:
    """The numbers that are not in `others`; both are ascending."""
    if len(numbers) + len(others) <= ON_LOOP:
        return _without(numbers, others)
    return await trio.to_thread.run_sync(_without, numbers, others)


def _without(numbers: array[int], others: array[int]) -> array[int]:
    found: array[int] = array("I")
    at = 0
    for number in numbers:
        while at < len(others) and others[at] < number:
            at += 1
        if at == len(others) or others[at] != number:
            found.append(number)
    return found
