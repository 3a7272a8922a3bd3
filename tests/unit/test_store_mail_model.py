"""The store against a plain Python model of it: any operations leave both the same, and the deep check finds nothing.

The model keeps the messages of each mailbox, and nothing else: counts, UIDs and changes are worked out from it.
"""

import tempfile
from functools import partial
from pathlib import Path

import pytest
import trio
from hypothesis import HealthCheck, given, settings, strategies as st

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.bus import Cursor
from moxlite.store.delivery.perform import append
from moxlite.store.junkflags import JunkFlagRules
from moxlite.store.mail.adding import Append
from moxlite.store.mail.copying import copy_messages, move_messages
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.flags import store_flags
from moxlite.store.mail.mailboxes import create_mailbox
from moxlite.store.options import AccountConfig, Options
from moxlite.store.rows import mailboxes as mailbox_rows, messages as message_rows
from moxlite.store.types import Flag, FlagsChanged, MailboxID, MessageAdded, MessagesRemoved
from tests.store_mail import look, mail, prepared
from tests.supervised import supervised

BOXES = ("Inbox", "a", "b")
MODES = ("add", "remove", "replace")

sets = st.lists(st.integers(1, 8), max_size=4)
flags = st.sampled_from([Flag(0), Flag.SEEN, Flag.DELETED, Flag.SEEN | Flag.DELETED, Flag.JUNK, Flag.NOTJUNK])
keywords = st.sampled_from([(), ("x",), ("X", "y")])
box_index = st.integers(0, len(BOXES) - 1)
operations = st.lists(
    st.one_of(
        st.tuples(st.just("append"), box_index, st.integers(1, 3), flags, keywords),
        st.tuples(st.just("store"), box_index, sets, st.sampled_from(MODES), flags, keywords),
        st.tuples(st.just("copy"), box_index, sets, box_index),
        st.tuples(st.just("move"), box_index, sets, box_index),
        st.tuples(st.just("expunge"), box_index, sets),
    ),
    max_size=14,
)


class ModelMessage:
    def __init__(self, uid: int, flags: Flag, keywords: frozenset[str], size: int) -> None:
        self.uid, self.flags, self.keywords, self.size = uid, flags, keywords, size


class Model:
    def __init__(self) -> None:
        self.boxes: list[dict[int, ModelMessage]] = [{} for _ in BOXES]
        self.uidnext = [1] * len(BOXES)
        self.gone: list[list[int]] = [[] for _ in BOXES]

    def append(self, box: int, flags: Flag, keywords: frozenset[str], size: int) -> None:
        uid = self.uidnext[box]
        self.uidnext[box] += 1
        self.boxes[box][uid] = ModelMessage(uid, flags, keywords, size)

    def pick(self, box: int, uids: list[int]) -> list[ModelMessage]:
        return [self.boxes[box][uid] for uid in sorted(set(uids)) if uid in self.boxes[box]]

    def store(self, box: int, uids: list[int], mode: str, flags: Flag, keywords: frozenset[str]) -> None:
        for message in self.pick(box, uids):
            if mode == "add":
                junk = flags & (Flag.JUNK | Flag.NOTJUNK)
                message.flags = (message.flags & ~(Flag.JUNK | Flag.NOTJUNK) if junk else message.flags) | flags
                message.keywords |= keywords
            elif mode == "remove":
                message.flags &= ~flags
                message.keywords -= keywords
            else:
                message.flags, message.keywords = flags, keywords

    def remove(self, box: int, uids: list[int]) -> None:
        for message in self.pick(box, uids):
            del self.boxes[box][message.uid]
            self.gone[box].append(message.uid)


class View:
    """What a subscriber makes of the events: it must end up as the mailboxes are."""

    def __init__(self) -> None:
        self.messages: dict[int, dict[int, tuple[Flag, tuple[str, ...]]]] = {}

    def apply(self, event: object) -> None:
        match event:
            case MessageAdded() | FlagsChanged():
                self.messages.setdefault(event.mailbox_id, {})[event.uid] = (event.flags, event.keywords)
            case MessagesRemoved():
                for uid in event.uids:
                    self.messages.get(event.mailbox_id, {}).pop(uid, None)
            case _:
                pass


async def perform(
    account: Account, ids: list[MailboxID], model: Model, number: int, operation: tuple[object, ...]
) -> None:
    match operation:
        case ("append", int(box), int(count), Flag() as bits, tuple(words)):
            items = [Append(await prepared(mail(number * 10 + n)), bits, words) for n in range(count)]
            await append(account, ids[box], items)
            for item in items:
                model.append(box, bits, frozenset(word.lower() for word in words), item.prepared.size)
        case ("store", int(box), list(uids), ("add" | "remove" | "replace") as mode, Flag() as bits, tuple(words)):
            await account.write(lambda tx: store_flags(tx, ids[box], uids, mode=mode, flags=bits, keywords=words))
            model.store(box, uids, mode, bits, frozenset(word.lower() for word in words))
        case ("copy", int(box), list(uids), int(target)):
            await account.write(lambda tx: copy_messages(tx, ids[box], uids, ids[target]))
            for message in model.pick(box, uids):
                model.append(target, message.flags, message.keywords, message.size)
        case ("move", int(box), list(uids), int(target)) if box != target:
            await account.write(lambda tx: move_messages(tx, ids[box], uids, ids[target]))
            for message in model.pick(box, uids):
                model.append(target, message.flags, message.keywords, message.size)
            model.remove(box, uids)
        case ("expunge", int(box), list(uids)):
            await account.write(lambda tx: expunge(tx, ids[box], uids))
            model.remove(box, uids)


async def compare(account: Account, ids: list[MailboxID], model: Model, view: View) -> None:
    for index, mailbox_id in enumerate(ids):
        found = await look(account, partial(message_rows.rows_by_uid, mailbox_id=mailbox_id, first=1))
        expected = [model.boxes[index][uid] for uid in sorted(model.boxes[index])]
        assert [(row.uid, row.flags, frozenset(row.keywords), row.size) for row in found] == [
            (message.uid, message.flags, message.keywords, message.size) for message in expected
        ]
        assert view.messages.get(mailbox_id, {}) == {row.uid: (row.flags, row.keywords) for row in found}
        box = await look(account, partial(mailbox_rows.mailbox, mailbox_id=mailbox_id))
        live = [message for message in expected if not message.flags & Flag.DELETED]
        assert (box.exists, box.total, box.deleted) == (len(expected), len(live), len(expected) - len(live))
        assert box.unseen == sum(not message.flags & Flag.SEEN for message in expected)
        assert box.unread == sum(not message.flags & Flag.SEEN for message in live)
        assert (box.size, box.size - box.deleted_size) == (
            sum(message.size for message in expected),
            sum(message.size for message in live),
        )
        assert box.uidnext == model.uidnext[index]
        vanished = await look(account, partial(message_rows.vanished, mailbox_id=mailbox_id, since=0))
        assert vanished == sorted(model.gone[index])


async def follow(cursor: Cursor, view: View) -> None:
    while cursor.pending():
        batch = await cursor.take()
        for event in batch.events:
            view.apply(event)
        cursor.acknowledge(batch.modseq)


async def run(steps: list[tuple[object, ...]], directory: Path, each: bool) -> None:
    config = AccountConfig(junk_flags=JunkFlagRules(enabled=False))
    options = Options(check_on_close=True, min_free_space=0, account_config=lambda name: config)
    served = Accounts(directory, options)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervised, served)
        async with served.use("mia") as account:
            for name in BOXES[1:]:
                await account.write(partial(create_mailbox, name=name))
            ids = []
            for name in BOXES:
                found = await look(account, partial(mailbox_rows.mailbox_by_name, name=name))
                assert found is not None
                ids.append(found.id)
            model, view = Model(), View()
            _, cursor = await account.subscribe()
            with cursor:
                for number, step in enumerate(steps):
                    await perform(account, ids, model, number, step)
                    if each:
                        await follow(cursor, view)
                await follow(cursor, view)
            await compare(account, ids, model, view)
            await account.settle()
            await compare(account, ids, model, view)
        nursery.cancel_scope.cancel()


@pytest.mark.slow  # 40 accounts are opened and checked
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(steps=operations, each=st.booleans())
def test_any_operations_leave_store_and_model_the_same(steps: list[tuple[object, ...]], each: bool) -> None:
    """STORE-16, STORE-19, STORE-23, STORE-25, STORE-26, STORE-29, STORE-31, STORE-40"""
    with tempfile.TemporaryDirectory() as directory:
        trio.run(run, steps, Path(directory), each)
