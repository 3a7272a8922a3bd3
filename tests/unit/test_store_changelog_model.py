"""A whole account against a plain Python model: counts, UIDs, modseq, the change log and the bus with a tiny tail.

Subscribers keep views by events alone (and by the results of their own units); after all is taken each view is the
account. The same for the change log read from any earlier modseq: applied to what was there then, it gives what is
there now (QRESYNC).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TypeAlias

import msgspec
import pytest
import trio
from hypothesis import HealthCheck, given, settings, strategies as st

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog import bus, unit
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.bus import Cursor
from moxlite.store.content.prepare import PreparedMessage, prepare
from moxlite.store.content.spool import Spool
from moxlite.store.file.transaction import Reader
from moxlite.store.junkflags import JunkFlagRules
from moxlite.store.mail import copying, expunging, mailboxes
from moxlite.store.mail.adding import add_message
from moxlite.store.mail.flags import Mode, store_flags
from moxlite.store.options import AccountConfig, Options
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.store.types import (
    Event,
    Flag,
    FlagsChanged,
    MailboxAdded,
    MailboxID,
    MailboxRemoved,
    MessageAdded,
    MessagesRemoved,
    ModSeq,
)
from tests.store_mail import changes_since

State: TypeAlias = tuple[int, tuple[str, ...]]
"""Flags and keywords of a message."""

View: TypeAlias = dict[int, dict[int, State]]
"""Mailbox id → UID → state."""

BOXES = 4
SUBSCRIBERS = 3  # the last one is told its own units too


class Step(msgspec.Struct, frozen=True):
    """One operation; numbers choose among what there is, by remainder. `by` is the subscriber who does it,
    `SUBSCRIBERS` for nobody.
    """

    kind: str
    by: int
    box: int
    other: int
    picks: tuple[int, ...]
    mode: Mode
    flags: int
    keywords: tuple[str, ...]


STEPS = st.builds(
    Step,
    kind=st.sampled_from(
        ["add", "add", "add", "flags", "flags", "copy", "move", "expunge", "take", "take", "delete", "remember"]
    ),
    by=st.integers(0, SUBSCRIBERS),
    box=st.integers(0, BOXES - 1),
    other=st.integers(0, BOXES - 1),
    picks=st.lists(st.integers(0, 7), min_size=1, max_size=5).map(tuple),
    mode=st.sampled_from(["add", "remove", "replace"]),
    flags=st.sampled_from([0, 1, 4, 64, 65, 69]),
    keywords=st.sampled_from([(), ("work",), ("work", "zoo")]),
)


class Subscriber:
    def __init__(self, cursor: Cursor, view: View, *, keep_own: bool) -> None:
        self.cursor = cursor
        self.view = view
        self.keep_own = keep_own

    async def take_all(self) -> None:
        while True:
            batch = await self.cursor.take()
            apply(self.view, batch.events)
            assert batch.modseq == self.cursor.modseq
            if not batch.more:
                break
        assert not self.cursor.pending()
        self.cursor.acknowledge(self.cursor.modseq)


def apply(view: View, events: tuple[Event, ...] | list[Event]) -> None:
    """Do to a view what events tell."""
    for event in events:
        match event:
            case MailboxAdded():
                view.setdefault(event.mailbox_id, {})
            case MailboxRemoved():
                view.pop(event.mailbox_id, None)
            case MessageAdded():
                view.setdefault(event.mailbox_id, {})[event.uid] = (int(event.flags), event.keywords)
            case MessagesRemoved():
                assert list(event.uids) == sorted(event.uids)
                for uid in event.uids:
                    view.get(event.mailbox_id, {}).pop(uid, None)
            case FlagsChanged():
                if event.uid in view[event.mailbox_id]:
                    view[event.mailbox_id][event.uid] = (int(event.flags), event.keywords)


def view_of(r: Reader) -> View:
    view: View = {box.id: {} for box in mailbox_rows.mailboxes(r)}
    for mailbox_id, uid, flags, keywords in r.rows("SELECT mailbox_id, uid, flags, keywords FROM message"):
        view[mailbox_id][uid] = (flags, tuple(keywords.split()))
    return view


class Machine:
    def __init__(
        self, account: Account, prepared: PreparedMessage, subscribers: list[Subscriber], boxes: list[MailboxID]
    ) -> None:
        self.account = account
        self.prepared = prepared
        self.subscribers = subscribers
        self.boxes = boxes
        self.model: View = {}
        self.uidnext = dict.fromkeys(boxes, 1)
        self.remembered: list[tuple[ModSeq, View]] = []

    def copy(self, view: View) -> View:
        return {mailbox_id: dict(rows) for mailbox_id, rows in view.items()}

    async def step(self, step: Step) -> None:
        account = self.account
        box = self.boxes[step.box]
        other = self.boxes[step.other]
        present = sorted(self.model[box])
        uids = sorted({present[pick % len(present)] for pick in step.picks}) if present else []
        subscriber = self.subscribers[step.by] if step.by < SUBSCRIBERS else None
        cursor = None if subscriber is None else subscriber.cursor
        before = account.bus.modseq
        match step.kind:
            case "take":
                if subscriber is not None:
                    await subscriber.take_all()
                    assert subscriber.view == self.model
                return
            case "remember":
                self.remembered.append((account.bus.modseq, self.copy(self.model)))
                return
            case "add":
                added = await account.write(
                    lambda tx: [
                        add_message(tx, self.prepared, box, flags=Flag(step.flags), keywords=step.keywords)
                        for _ in step.picks
                    ],
                    cursor,
                )
                assert [row.uid for row in added] == list(range(self.uidnext[box], self.uidnext[box] + len(added)))
                self.uidnext[box] += len(added)
                own: View = {box: {row.uid: (step.flags, tuple(sorted(step.keywords))) for row in added}}
                self.model[box].update(own[box])
                self.own(subscriber, own, new=True)
            case "flags":
                if not uids:
                    return
                stored = await account.write(
                    lambda tx: store_flags(
                        tx, box, uids, mode=step.mode, flags=Flag(step.flags), keywords=step.keywords
                    ),
                    cursor,
                )
                wanted = {uid: self.changed(self.model[box][uid], step) for uid in uids}
                changed: dict[int, State] = {row.uid: (int(row.flags), row.keywords) for row in stored.changed}
                assert changed == {uid: state for uid, state in wanted.items() if state != self.model[box][uid]}
                if not changed:
                    assert account.bus.modseq == before
                self.model[box].update(changed)
                self.own(subscriber, {box: changed}, new=False)
            case "copy" | "move":
                if not uids or (step.kind == "move" and box == other):
                    return
                operation = copying.copy_messages if step.kind == "copy" else copying.move_messages
                copied = await account.write(lambda tx: operation(tx, box, uids, other), cursor)
                assert list(copied.source_uids) == uids
                assert list(copied.target_uids) == list(range(self.uidnext[other], self.uidnext[other] + len(uids)))
                self.uidnext[other] += len(uids)
                new: dict[int, State] = {
                    target: self.model[box][uid] for uid, target in zip(uids, copied.target_uids, strict=True)
                }
                if step.kind == "move":
                    self.drop(subscriber, box, uids)
                self.model[other].update(new)
                self.own(subscriber, {other: new}, new=True)
            case "expunge":
                if not uids:
                    return
                gone = await account.write(lambda tx: expunging.expunge(tx, box, uids), cursor)
                assert list(gone.uids) == uids
                self.drop(subscriber, box, uids)
            case "delete":
                await self.delete(step, subscriber)
                return
        assert account.bus.modseq <= before + 1

    async def delete(self, step: Step, subscriber: Subscriber | None) -> None:
        """Delete a mailbox and make one of the same name, in two units."""
        old = self.boxes[step.box]
        name = f"box{step.box}"
        cursor = None if subscriber is None else subscriber.cursor
        await self.account.write(lambda tx: mailboxes.delete_mailbox(tx, old), cursor)
        created = await self.account.write(lambda tx: mailboxes.create_mailbox(tx, name), cursor)
        new = created[0].id
        self.boxes[step.box] = new
        del self.model[old], self.uidnext[old]
        self.model[new], self.uidnext[new] = {}, 1
        if subscriber is not None and not subscriber.keep_own:
            # It has heard of the old one long ago, or will never hear of it.
            await subscriber.take_all()
            subscriber.view.pop(old, None)
            subscriber.view.setdefault(new, {})

    def changed(self, state: State, step: Step) -> State:
        flags, keywords = state[0], set(state[1])
        match step.mode:
            case "add":
                flags, keywords = flags | step.flags, keywords | set(step.keywords)
            case "remove":
                flags, keywords = flags & ~step.flags, keywords - set(step.keywords)
            case "replace":
                flags, keywords = step.flags, set(step.keywords)
        return flags, tuple(sorted(keywords))

    def own(self, subscriber: Subscriber | None, rows: View, *, new: bool) -> None:
        """What the maker of a unit knows by its result."""
        if subscriber is not None and not subscriber.keep_own:
            for mailbox_id, states in rows.items():
                seen = subscriber.view.setdefault(mailbox_id, {})
                seen.update({uid: state for uid, state in states.items() if new or uid in seen})

    def drop(self, subscriber: Subscriber | None, box: int, uids: list[int]) -> None:
        for uid in uids:
            del self.model[box][uid]
            if subscriber is not None and not subscriber.keep_own:
                subscriber.view.get(box, {}).pop(uid, None)

    async def check(self) -> None:
        """The account is the model; the log from each remembered point leads to it."""

        def read(r: Reader) -> tuple[View, list[View]]:
            views = []
            for modseq, view in self.remembered:
                then = self.copy(view)
                for events in changes_since(r, modseq):
                    apply(then, events)
                views.append(then)
            return view_of(r), views

        now, views = await self.account.scan(read, op="test")
        assert now == self.model
        for view in views:
            assert view == now

        def counts(r: Reader) -> None:
            for box in mailbox_rows.mailboxes(r):
                states = self.model[box.id].values()
                deleted = [flags for flags, _ in states if flags & 64]
                assert (box.total, box.deleted) == (len(states) - len(deleted), len(deleted))
                assert box.unseen == sum(not flags & 1 for flags, _ in states)
                assert box.unread == sum(not flags & 65 for flags, _ in states)
                assert (box.size, box.deleted_size) == (
                    len(states) * self.prepared.size,
                    len(deleted) * self.prepared.size,
                )

        await self.account.scan(counts, op="test")


async def new_box(account: Account, name: str) -> MailboxID:
    return (await account.write(lambda tx: mailboxes.create_mailbox(tx, name)))[-1].id


async def play(folder: Path, steps: list[Step]) -> None:
    accounts = Accounts(folder, Options(check_on_close=True, min_free_space=0, account_config=lambda name: CONFIG))
    async with accounts.use("model") as account:
        with Spool.of(b"Subject: x\r\n\r\nbody\r\n") as spool:
            prepared = await prepare(spool)
            boxes = [await new_box(account, f"box{n}") for n in range(BOXES)]
            subscribers = []
            for number in range(SUBSCRIBERS):
                keep_own = number == SUBSCRIBERS - 1
                view, cursor = await account.subscribe(view_of, keep_own=keep_own)
                subscribers.append(Subscriber(cursor, view, keep_own=keep_own))
            machine = Machine(account, prepared, subscribers, boxes)
            machine.model = await account.scan(view_of, op="test")
            for step in steps:
                await machine.step(step)
            for subscriber in subscribers:
                await subscriber.take_all()
                assert subscriber.view == machine.model
            await machine.check()
            for subscriber in subscribers:
                subscriber.cursor.close()
        await account.eraser.once()
        assert await account.read(lambda r: r.value("SELECT count(*) FROM erase_queue"), op="test") == 0
    await accounts.aclose()


CONFIG = AccountConfig(initial_special_use={}, junk_flags=JunkFlagRules(enabled=False))


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(steps=st.lists(STEPS, min_size=5, max_size=50))
def test_an_account_is_what_its_model_says(steps: list[Step]) -> None:
    """STORE-16, 19, 22..26, 30, 33..36: with a tail of 4 events and a mark from 3 rows on, so all ways of reading are
    taken.
    """
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(bus, "TAIL_EVENTS", 4)
        patch.setattr(unit, "MARK_ROWS", 3)
        trio.run(play, Path(folder), steps)
