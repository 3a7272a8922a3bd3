"""Changes of a linked server: its mailboxes as mailboxes of the account (LINK-5..9).

Theory of operation
-------------------
It is an import that is never finished, and one in which removals count. A look goes through the mailboxes that may
have changed. First it surveys them: which messages are new, which are gone, which flags are others. A message that is
gone in one and new in another was moved there, so it is moved here; the rest of what is gone is removed here. As
mailboxes are surveyed one after another, a move in between would be seen in one of them alone: so what seems to be one
is looked at until nothing changes any more. Then it fetches what is new, the newest first, in portions between which
the caller may have something more urgent done.

A mailbox whose last look was complete is surveyed by its end and its counts: as many messages as there should be, so
none was removed. All else lists it whole, against the rows of ``imap_copy``.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, nullcontext
from functools import partial
from typing import Final

import msgspec
import trio

from moxlite.acceptance.linked import LinkSorter
from moxlite.migration.linkpull import FEW, PORTION, LinkPull, Survey
from moxlite.migration.listing import fetch_facts, flags_changed, flags_in, key_of, list_uids
from moxlite.migration.names import Place
from moxlite.migration.problems import Transfer, shown
from moxlite.migration.pull import unchanged, without
from moxlite.migration.upstream import ResentMessages
from moxlite.net.imapclient import Client, Refused, Selected
from moxlite.operations.copies import CopyByImap, MailboxStep
from moxlite.proto.imap import responses as r
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import BadMailboxName, MailboxHasChildren, MailboxNotAllowed
from moxlite.store.file.transaction import Reader
from moxlite.store.mail import remotes
from moxlite.store.mail.copying import move_ids
from moxlite.store.mail.links import (
    RemovedMessage,
    awaited_remotes,
    drop_copies,
    drop_remote,
    gone_rows,
    is_linked_already,
    linked_remotes,
    note_arrival,
    rename_remote,
)
from moxlite.store.mail.mailboxes import delete_mailbox, rename_mailbox
from moxlite.store.names import check_name
from moxlite.store.rows.mailboxes import mailbox_by_name, mailboxes
from moxlite.store.types import MailboxID, SpecialUse
from moxlite.wording import worded

AT_END: Final = 5_000
"""Messages since the last look that are asked for by one search."""

MOVED: Final = 5_000
"""New messages of a mailbox that are compared with what is gone elsewhere."""

NEWEST: Final = 500
"""Messages whose flags are asked for between two whole looks, at servers without CONDSTORE."""

MANY: Final = 100
"""Messages, if they are also over half of a mailbox, whose disappearance is believed at the second look only."""

ROUNDS: Final = 4
"""Surveys of a mailbox in one look at most, while messages are moved there."""

STRAY_SECONDS: Final = 5.0
"""Seconds of a connection in which what the one before has sent may still arrive there."""

DOUBT_SECONDS: Final = 600.0
"""Seconds until that second look, and for which a mailbox must be missing until it is removed here."""


class Calls(msgspec.Struct, frozen=True):
    """Functions of the mirror. `urgent`: called between two portions; it sends what was changed here, and returns
    whether the next one should wait for another look. `adopt`: takes new messages of Sent that are here already out of
    a survey.
    """

    urgent: Callable[[Client], Awaitable[bool]]
    adopt: Callable[[Client, Survey], Awaitable[None]]


class _LeftOut(msgspec.Struct):
    """Messages that were left out: `uids` by remote mailbox. `refused`: mailboxes of which the server gave not all,
    and their `states`, which are stored as unknown, so that the next connection asks for these again.
    """

    uids: dict[int, set[int]] = {}
    refused: set[int] = set()
    states: dict[tuple[int, int, MailboxID], remotes.Remote] = {}


class _SyncState(msgspec.Struct):
    """Findings of former looks. `doubted`: since when over half of a remote mailbox is gone; `missing`: since when a
    mailbox is, by name, in Trio's time. `compared`: UIDVALIDITY and modseq of a remote mailbox when flags were last the
    same on both sides, though not all new messages were fetched.
    """

    doubted: dict[int, float] = {}
    missing: dict[str, float] = {}
    compared: dict[int, tuple[int, int]] = {}


class Incoming:
    """The mailboxes of a linked server. `transfer.order.prefix` is the mailbox below which they are here.

    Args:
      turn: one link of an account adds a portion at a time, as imports do.
      sorter: decides about new mail of Inbox (LINK-31).
      resent: removes there what came twice.

    Attributes:
      found: the mailboxes there, from the last whole look, and those made there since. looked: when that look had
        surveyed them, in Trio's time.
      inbox: messages, UIDNEXT and HIGHESTMODSEQ of Inbox at the last look.
    """

    def __init__(
        self, transfer: Transfer, *, calls: Calls, turn: trio.Lock, sorter: LinkSorter | None, resent: ResentMessages
    ) -> None:
        self._account = transfer.account
        self._order = transfer.order
        self._tell = transfer.tell
        self._pull = LinkPull(transfer, sorter, resent)
        self._calls = calls
        self._turn = turn
        self._left = _LeftOut()
        self._noted = _SyncState()
        self.found: list[Place] = []
        self.inbox = (-1, -1, 0)
        self.looked = 0.0

    async def look(self, client: Client, *, inbox: bool = False) -> bool:
        """Look at all mailboxes, or at Inbox alone; returns whether all that is new was fetched. Raises
        IMAPClientError, StoreError.
        """
        surveys: dict[str, Survey] = {}
        if inbox:
            await self._survey_all(client, surveys, {}, inbox=True)
            # Inbox alone cannot tell where its messages have gone. Seen without the other mailboxes, a move is a
            # removal.
            if await self._moves(client, surveys.values()):
                return await self.look(client)
        else:
            self.found = await self._pull.places(client)
            statuses = await self._pull.statuses(client, self.found)
            await self._follow_names(client, statuses)
            rounds = 1
            while await self._survey_all(client, surveys, statuses):
                if rounds == ROUNDS or not await self._moves(client, surveys.values()):
                    break
                statuses, rounds = await self._pull.statuses(client, self.found), rounds + 1
            self.looked = trio.current_time()
        all_surveys = list(surveys.values())
        await self._settle_gone(client, all_surveys)
        for survey in all_surveys:
            if survey.place.box.use & SpecialUse.SENT and 0 < len(survey.new) <= PORTION:
                await self._calls.adopt(client, survey)
        return await self._fetch_new(client, all_surveys)

    async def _survey_all(
        self,
        client: Client,
        surveys: dict[str, Survey],
        statuses: Mapping[str, Mapping[str, int]],
        *,
        inbox: bool = False,
    ) -> bool:
        """Survey what has changed since the last look, and since these surveys; returns whether anything has."""
        here = await self._account.read(_names, op="link")
        rows = await self._account.read(self._remotes, op="link")
        awaited = await self._account.read(lambda r: awaited_remotes(r, self._order.host, self._order.user), op="link")
        changed = False
        for place in self.found:
            name = place.box.name
            remote, status, before = rows.get(name), statuses.get(name), surveys.get(name)
            if inbox and name.upper() != "INBOX":
                continue
            if before is not None and (status is None or before.is_like(status)):
                continue
            same = status is not None and remote is not None and unchanged(remote, status) and before is None
            if same and remote is not None and remote.mailbox_id in here and remote.id not in awaited:
                self._note_inbox(place, remote.messages, remote.uidnext, remote.modseq)
                continue
            # A mailbox that is away here, or awaits messages on their way, is surveyed though nothing has changed
            # there.
            survey = await self._survey(client, place, remote, here, whole=not inbox)
            if survey is not None:
                surveys[name], changed = survey, True
        return changed

    async def _moves(self, client: Client, surveys: Iterable[Survey]) -> bool:
        """Whether messages may have been moved while the mailboxes were surveyed: some are gone, or new ones are those
        of another mailbox.
        """
        if any(survey.gone for survey in surveys):
            return True
        for survey in surveys:
            if survey.place.box.everything or not 0 < len(survey.new) <= PORTION:
                continue
            await client.examine(survey.place.box.name)
            async with aclosing(fetch_facts(client, survey.new, message_id=True)) as facts:
                keys = [(listed.message_id, key_of(listed)) async for listed in facts if listed.message_id]
            if await self._account.read(partial(_any_linked, keys, self._order), op="link"):
                return True
        return False

    def _note_inbox(self, place: Place, messages: int, uidnext: int, modseq: int) -> None:
        if place.box.name.upper() == "INBOX":
            self.inbox = messages, uidnext, modseq

    def _remotes(self, r: Reader) -> dict[str, remotes.Remote]:
        rows = linked_remotes(r, self._order.host, self._order.user)
        for name, row in rows.items():
            if row.messages < 0:
                rows[name] = self._left.states.get((row.id, row.uidvalidity, row.mailbox_id), row)
        return rows

    # --- names

    async def _follow_names(self, client: Client, statuses: Mapping[str, Mapping[str, int]]) -> None:
        """Rename mailboxes here that were renamed there, and remove those that have been missing there for a while."""
        rows = await self._account.read(self._remotes, op="link")
        names = {place.box.name for place in self.found}
        now = trio.current_time()
        self._noted.missing = {name: self._noted.missing.get(name, now) for name in rows if name not in names}
        for place in self.found:
            if place.box.name in rows or not self._noted.missing:
                continue
            status = statuses.get(place.box.name, {})
            for old in list(self._noted.missing):
                remote = rows[old]
                alike = status.get("UIDVALIDITY") == remote.uidvalidity and status.get("UIDNEXT", 0) >= remote.uidnext
                if alike and await self._is_same(client, place.box.name, remote):
                    await self._account.write(partial(_renamed, remote=remote, place=place))
                    del self._noted.missing[old]
                    break
        for name, since in list(self._noted.missing.items()):
            if now - since >= DOUBT_SECONDS:
                await self._drop_mailbox(rows[name])

    async def _is_same(self, client: Client, name: str, remote: remotes.Remote) -> bool:
        """Whether a mailbox has the messages that one of another name had: the last of them are looked at."""
        # UIDVALIDITY is the time of its making at many servers, and so the same for mailboxes made together.
        known = (await self._pull.known(remote.id))[-5:]
        if not known:
            return False
        try:
            await client.examine(name)
        except Refused:
            return False
        rows = {
            removed_message.uid: removed_message.key
            for removed_message in await self._account.read(partial(_gone, remote.id, known, ()), op="link")
        }
        async with aclosing(fetch_facts(client, known, message_id=True)) as facts:
            keys = {listed_message.uid: key_of(listed_message) async for listed_message in facts}
        return bool(keys) and all(rows.get(uid) == key for uid, key in keys.items())

    async def _drop_mailbox(self, remote: remotes.Remote) -> None:
        await self._remove(remote, await self._pull.known(remote.id), await self._account.read(self._others, op="link"))
        await self._account.write(partial(_dropped, remote=remote))

    def _others(self, r: Reader) -> list[int]:
        """The mailboxes there that share no messages: all but Google's of all messages."""
        all_mail = {place.box.name for place in self.found if place.box.everything}
        return [remote.id for name, remote in self._remotes(r).items() if name not in all_mail]

    async def _remove(self, remote: remotes.Remote, gone: Sequence[int], others: Sequence[int]) -> None:
        """Remove messages that are gone there; those that are elsewhere there, or on their way, stay here."""
        for start in range(0, len(gone), remotes.SLICE):
            some = gone[start : start + remotes.SLICE]
            rows = await self._account.read(partial(_gone, remote.id, some, others), op="link")
            # One of Google's messages leaves a mailbox when its label is taken; it is still in the others.
            kept = [row.uid for row in rows if row.other is not None]
            if kept:
                await self._account.write(partial(drop_copies, remote_id=remote.id, uids=kept))
            left = set(kept)
            await self._pull.remove(remote, [uid for uid in some if uid not in left])

    # --- surveys

    async def _survey(
        self, client: Client, place: Place, remote: remotes.Remote | None, here: Mapping[MailboxID, str], *, whole: bool
    ) -> Survey | None:
        """Open a mailbox there and compare it; None if it cannot be opened, or not be here."""
        name = place.box.name
        try:
            target = here.get(remote.mailbox_id) if remote is not None else None
            target = target or check_name(place.target)
            selected = await client.examine(name)
        except (Refused, BadMailboxName) as error:
            await self._pull.problems.add(
                worded("skipped folder {name}: {reason}", name=repr(shown(name)), reason=error)
            )
            return None
        if remote is None or remote.uidvalidity != selected.uidvalidity or remote.mailbox_id not in here:
            remote = await self._pull.prepared(client, place, target, selected.uidvalidity)
        lost = await self._account.read(lambda r: remotes.has_lost(r, remote.id), op="link")
        ended = None if lost else await self._at_end(client, remote, selected)
        gone: array[int] = array("I")
        known: array[int] | None = None
        if ended is not None:
            exists, new = ended
        else:
            uids, known = await list_uids(client), await self._pull.known(remote.id)
            # What came after the mailbox was opened is listed, but is not below the UIDNEXT that is kept with this
            # number.
            exists = bisect_left(uids, selected.uidnext) if selected.uidnext else len(uids)
            new, gone = await without(uids, known), await without(known, uids)
            if lost:
                new = await self._pull.match(client, remote, new)
                if trio.current_time() - self._pull.began >= STRAY_SECONDS:
                    forget = partial(remotes.forget_lost, remote_id=remote.id)
                    self._pull.resent.note(remote.id, await self._account.write(forget))
        there = await self._pull.resent.withdraw(client, name, remote, new, gone)
        exists, new = exists - len(new) + len(there), there
        await self._flags_there(client, remote, selected, known, whole=whole)
        if unusable := self._left.uids.get(remote.id):
            new = array("I", [uid for uid in new if uid not in unusable])
        self._note_inbox(place, exists, selected.uidnext, selected.modseq)
        if len(gone) > MANY and known is not None and len(gone) * 2 > len(known):
            since = self._noted.doubted.setdefault(remote.id, trio.current_time())
            if trio.current_time() - since < DOUBT_SECONDS:
                gone, exists = array("I"), -1  # -1: the next look lists the mailbox again
        if exists >= 0:
            self._noted.doubted.pop(remote.id, None)
        return Survey(place, target, remote, exists, selected.uidnext, selected.modseq, new, gone)

    async def _at_end(
        self, client: Client, remote: remotes.Remote, selected: Selected
    ) -> tuple[int, array[int]] | None:
        """The number of messages below UIDNEXT and the new UIDs, if the numbers show that none was removed since the
        last complete look; else None.
        """
        # Without a state that is known, or with too many new UIDs for one answer, all are listed.
        if remote.messages < 0 or not 0 < remote.uidnext <= selected.uidnext <= remote.uidnext + AT_END:
            return None
        if selected.uidnext == remote.uidnext:
            return (remote.messages, array("I")) if selected.exists == remote.messages else None
        exists = selected.exists  # as with UIDNEXT: the next command may tell of newer ones
        answer = await client.run(b"UID SEARCH UID %d:%d" % (remote.uidnext, selected.uidnext - 1))
        found = {n for data in answer.of(r.SearchData) for n in data.numbers if remote.uidnext <= n < selected.uidnext}
        if exists != remote.messages + len(found):
            return None
        known = set(await self._pull.known(remote.id, remote.uidnext - 1))  # what was sent there since
        if not known <= found:
            return None
        return remote.messages + len(found), array("I", sorted(found - known))

    async def _flags_there(
        self, client: Client, remote: remotes.Remote, selected: Selected, known: array[int] | None, *, whole: bool
    ) -> None:
        """Carry over flags that changed there."""
        validity, compared = self._noted.compared.get(remote.id, (0, 0))
        since = max(remote.modseq, compared if validity == remote.uidvalidity else 0)
        if since and selected.modseq:
            if selected.modseq != since:
                async with aclosing(flags_changed(client, since)) as parts:
                    async for part in parts:
                        await self._pull.merge(remote, part)
        else:
            if known is None:
                known = await self._pull.known(remote.id, 0 if whole else max(remote.uidnext - NEWEST, 0))
            if not whole:
                known = known[-NEWEST:]
            for start in range(0, len(known), remotes.SLICE):
                await self._pull.merge(remote, await flags_in(client, known[start : start + remotes.SLICE]))
            if not whole:
                return
        self._noted.compared[remote.id] = remote.uidvalidity, selected.modseq

    # --- what is gone

    async def _settle_gone(self, client: Client, surveys: Sequence[Survey]) -> None:
        """Move what was moved there, and remove what was removed there."""
        gone: dict[bytes, tuple[Survey, RemovedMessage]] = {}
        others = await self._account.read(self._others, op="link")
        for survey in surveys:
            for start in range(0, len(survey.gone), remotes.SLICE):
                some = survey.gone[start : start + remotes.SLICE]
                rows = await self._account.read(partial(_gone, survey.remote.id, some, others), op="link")
                gone |= {row.key: (survey, row) for row in rows if row.other is None or row.other < 0}
        if gone:
            for survey in surveys:
                # More are the first copy of a mailbox, or a whole archive: not worth their facts for a move that may
                # not be there.
                if survey.new and len(survey.new) <= MOVED:
                    await self._follow_moves(client, survey, gone)
        for survey in surveys:
            await self._remove(survey.remote, survey.gone, others)

    async def _follow_moves(
        self, client: Client, survey: Survey, gone: dict[bytes, tuple[Survey, RemovedMessage]]
    ) -> None:
        """Move messages here that came into this mailbox from another one; these are taken out of `gone`."""
        await client.examine(survey.place.box.name)
        moved = set[int]()
        for start in range(0, len(survey.new), remotes.SLICE):
            some = survey.new[start : start + remotes.SLICE]
            async with aclosing(fetch_facts(client, some, message_id=True)) as facts:
                found = [
                    (listed_message, gone.pop(key))
                    async for listed_message in facts
                    if (key := key_of(listed_message)) in gone
                ]
            pairs = [(facts.uid, source.remote, one) for facts, (source, one) in found]
            await self._account.write(partial(_moved, pairs=pairs, to=survey.remote))
            await self._pull.merge(survey.remote, [(facts.uid, facts.flags) for facts, _ in found])
            moved.update(facts.uid for facts, _ in found)
            sources = {source.remote.id: (source, set[int]()) for _, (source, _) in found}
            for _, (source, removed_message) in found:
                sources[source.remote.id][1].add(removed_message.uid)
            for source, uids in sources.values():
                source.gone = array("I", [uid for uid in source.gone if uid not in uids])
        survey.new = array("I", [uid for uid in survey.new if uid not in moved])

    # --- what is new

    async def _fetch_new(self, client: Client, surveys: Sequence[Survey]) -> bool:
        """Fetch new messages, the newest first; returns whether all were."""
        for survey in surveys:
            left = len(survey.new)
            while left:
                self._account.check_space()
                # Between two portions what was changed here has gone there: another mailbox may be open, and this one
                # have another name here, or be gone.
                selected = await client.examine(survey.place.box.name)
                here = (await self._account.read(_names, op="link")).get(survey.remote.mailbox_id)
                if here is None or selected.uidvalidity != survey.remote.uidvalidity:
                    return False
                survey.target = here
                await self._tell(MailboxStep(shown(survey.place.box.name), len(survey.new) - left, len(survey.new)))
                portion = self._pull.sorting.portion(survey, left)
                before, refused = self._pull.problems.reports, self._pull.problems.refused
                async with self._turn if len(portion) > FEW else nullcontext():
                    await self._pull.job(
                        client, survey.place, survey.target, survey.remote, portion, 0, len(survey.new)
                    )
                # What cannot be taken is not asked for again by this connection: each look would fetch it anew.
                if self._pull.problems.reports > before:
                    there = await self._account.read(partial(_copies, survey.remote.id, portion), op="link")
                    self._left.uids.setdefault(survey.remote.id, set()).update(set(portion).difference(there))
                if self._pull.problems.refused > refused:
                    self._left.refused.add(survey.remote.id)
                left -= len(portion)
                if left and await self._calls.urgent(client):
                    return False
            await self._settle(survey)
        return True

    async def _settle(self, survey: Survey) -> None:
        """Record a complete look at a mailbox."""
        before, exists = survey.remote, survey.exists
        if (before.messages, before.uidnext, before.modseq) == (exists, survey.uidnext, survey.modseq):
            return
        now = msgspec.structs.replace(before, messages=exists, uidnext=survey.uidnext, modseq=survey.modseq)
        if before.id in self._left.refused:
            self._left.states[before.id, before.uidvalidity, before.mailbox_id] = now
            exists = -1
        state = partial(remotes.settle, messages=exists, uidnext=now.uidnext, modseq=now.modseq)
        await self._account.write(lambda tx: state(tx, before.id))


def _names(r: Reader) -> dict[MailboxID, str]:
    return {box.id: box.name for box in mailboxes(r)}


def _copies(remote_id: int, uids: Sequence[int], r: Reader) -> Mapping[int, object]:
    return remotes.copies(r, remote_id, uids)


def _gone(remote_id: int, uids: Sequence[int], others: Sequence[int], r: Reader) -> list[RemovedMessage]:
    return gone_rows(r, remote_id, uids, others)


def _any_linked(keys: Sequence[tuple[str, bytes]], order: CopyByImap, r: Reader) -> bool:
    return any(is_linked_already(r, order.host, order.user, message_id, key) for message_id, key in keys)


def _renamed(tx: AccountTx, *, remote: remotes.Remote, place: Place) -> None:
    """Give a mailbox the name that it has there now, unless another one here has that."""
    rename_remote(tx, remote.id, place.box.name)
    if mailbox_by_name(tx, place.target) is None and any(box.id == remote.mailbox_id for box in mailboxes(tx)):
        try:
            rename_mailbox(tx, remote.mailbox_id, place.target)
        except (BadMailboxName, MailboxNotAllowed):
            return  # it keeps its name here


def _dropped(tx: AccountTx, *, remote: remotes.Remote) -> None:
    """Forget a mailbox that is no longer there, and remove it here if nothing is left in it."""
    drop_remote(tx, remote.id)
    box = next((box for box in mailboxes(tx) if box.id == remote.mailbox_id), None)
    if box is not None and not box.exists:
        try:
            delete_mailbox(tx, box.id)
        except (MailboxHasChildren, MailboxNotAllowed):
            return


def _moved(tx: AccountTx, *, pairs: Sequence[tuple[int, remotes.Remote, RemovedMessage]], to: remotes.Remote) -> None:
    """Follow moves: new UID, the mailbox there before, and the row. What was moved here as well stays where it is: that
    move goes there (LINK-12).
    """
    for uid, source, removed_message in pairs:
        drop_copies(tx, source.id, [removed_message.uid])
        if removed_message.mailbox_id == source.mailbox_id:
            move_ids(tx, [removed_message.message_id], to.mailbox_id)
        note_arrival(tx, to.id, uid, removed_message.message_id, removed_message.key, removed_message.flags)
