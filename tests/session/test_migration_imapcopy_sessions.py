"""Imports and exports by IMAP with our own server on the other side, and with one that is played (IMAP-137..139)."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from moxlite.migration import pull as pull_module
from moxlite.migration.commands import ImapCopyCommands
from moxlite.migration.copies import Copies, Kind
from moxlite.migration.problems import Transfer
from moxlite.migration.pull import Pull
from moxlite.migration.push import Push
from moxlite.net.control.server import CommandFailed
from moxlite.net.imapclient import Client, ConnectionLost, Credentials, log_in
from moxlite.net.resolver import FakeResolver, Resolver
from moxlite.net.tls.certificates import Trust
from moxlite.operations.copies import Copied, CopyByImap, Event, ExportByImap, ImportByImap, MailboxPlan, Note
from moxlite.store.accounts.access import publish_shares
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.status import fit_queue_mailbox, put_queued
from moxlite.store.mail.acl import set_rights
from moxlite.store.mail.annotations import annotations, set_annotation
from moxlite.store.mail.copying import move_messages
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.flags import store_flags
from moxlite.store.mail.mailboxes import create_mailbox, delete_mailbox, is_subscribed, unsubscribe
from moxlite.store.rows.mailboxes import mailbox_by_name, mailboxes
from moxlite.store.rows.messages import rows_by_uid
from moxlite.store.types import Flag, Mailbox, MessageRow
from tests.session.imapd_harness import PASSWORD, Imap, imap
from tests.store_mail import look, mail

RESOLVERS: Mapping[Kind, Resolver] = {"import": FakeResolver(), "export": FakeResolver()}

pytestmark = pytest.mark.served

__all__ = ["imap"]

FORGET_SENT = "DELETE FROM imap_copy WHERE remote_id IN (SELECT id FROM imap_remote WHERE role = 'target')"

Messages = dict[str, list[tuple[bytes, Flag, tuple[str, ...], int]]]


class Copying:
    """An import from mia to bo, or an export: both live on the same server."""

    def __init__(self, imap: Imap, tmp: Path) -> None:
        self.imap = imap
        self.tmp = tmp
        self.events: list[Event] = []
        self.plain = False
        """The server has no extensions."""

    async def tell(self, event: Event) -> None:
        """Keep it."""
        self.events.append(event)

    @property
    def notes(self) -> list[str]:
        """What was told to be left out."""
        return [event.text for event in self.events if isinstance(event, Note)]

    @asynccontextmanager
    async def client(self, limit: int | None = None) -> AsyncIterator[Client]:
        """A client of mia's; its connection breaks after so many octets from the server."""
        ours, theirs = trio.testing.memory_stream_pair()
        ended = trio.Event()
        self.imap.nursery.start_soon(self.imap.serve, theirs, self.imap.info(), self.imap.context, ended)
        client = Client(ours if limit is None else Breaking(ours, limit), strict=True)
        try:
            await client.greet()
            await log_in(client, Credentials("mia@example.org", PASSWORD))
            if self.plain:
                client.capabilities = frozenset({"IMAP4REV1"})
            await client.enable("UTF8=ACCEPT")
            yield client
        finally:
            with suppress(ConnectionLost):
                await client.logout()
            await trio.aclose_forcefully(ours)
            await ended.wait()

    async def run(self, kind: type[Pull | Push] = Pull, limit: int | None = None, **options: object) -> Pull | Push:
        """Once, with a connection of its own."""
        order = CopyByImap(account="bo", host="h", user="mia@example.org", **options)  # type: ignore[arg-type] # as given
        async with self.imap.accounts.use("bo") as account, self.client(limit) as client:
            copy = kind(Transfer(account, self.imap.accounts, order, self.tell, self.tmp))
            await copy.once(client)
            return copy


class Breaking(trio.abc.Stream):
    """A stream that ends after so many octets were received."""

    def __init__(self, stream: trio.abc.Stream, left: int) -> None:
        self._stream = stream
        self._left = left

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Until there are no more."""
        if not self._left:
            return b""
        data = await self._stream.receive_some(min(self._left, max_bytes or 65536))
        self._left -= len(data)
        return bytes(data)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Unchanged."""
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Unchanged."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Unchanged."""
        await self._stream.aclose()


@pytest.fixture
def copying(imap: Imap, tmp_path: Path) -> Copying:
    """From mia to bo."""
    return Copying(imap, tmp_path)


async def fill(imap: Imap, mailbox: str, first: int, count: int, flags: str = r"(\Seen work)") -> None:
    """Append messages to a mailbox of mia's."""
    async with imap.user(select=None) as c:
        for number in range(first, first + count):
            date = f'"{number % 28 + 1:02}-Feb-2021 10:00:00 +0100"'
            await c.append(mail(number), mailbox, flags, date)


async def contents(account: Account) -> Messages:
    """All messages by mailbox, in the order of UIDs."""
    found: Messages = {}
    for one in await look(account, mailboxes):
        rows: list[MessageRow] = await look(account, partial(rows_by_uid, mailbox_id=one.id, first=1))
        found[one.name] = [(await octets(account, row), row.flags, row.keywords, row.received) for row in rows]
    return found


async def octets(account: Account, row: MessageRow) -> bytes:
    """A message."""
    from moxlite.store.content.body import stream_message

    return b"".join([piece async for piece in stream_message(account, row.id)])


async def box(account: Account, name: str = "Inbox") -> Mailbox:
    """A mailbox that is there."""
    found = await look(account, lambda r: mailbox_by_name(r, name))
    assert found is not None
    return found


async def both(imap: Imap) -> tuple[Messages, Messages]:
    """Messages of mia and of bo."""
    async with imap.accounts.use("mia") as mia, imap.accounts.use("bo") as bo:
        return await contents(mia), await contents(bo)


@pytest.mark.parametrize("plain", [False, True])
async def test_all_is_copied_once_and_then_only_changes(imap: Imap, copying: Copying, plain: bool) -> None:
    """IMAP-137, IMAP-138, IMAP-139: content, flags, keywords, dates, mailboxes, subscriptions, uses, annotations;
    also from a server without CONDSTORE and other extensions.
    """
    copying.plain = plain
    await fill(imap, "Inbox", 0, 3)
    async with imap.account() as mia:

        def prepare(tx: AccountTx) -> None:
            create_mailbox(tx, "Lists/ä b")
            create_mailbox(tx, "Quiet")
            unsubscribe(tx, "Quiet")
            box = mailbox_by_name(tx, "Quiet")
            assert box is not None
            set_annotation(tx, box.id, "/private/comment", b"hush")

        await mia.write(prepare)
    await fill(imap, "Quiet", 10, 2, r"(\Flagged NonJunk)")
    await fill(imap, "Sent", 20, 1, r"(\Seen $Forwarded)")
    done = await copying.run()
    assert done.result.messages == 6
    assert copying.notes == []
    mia_has, bo_has = await both(imap)
    assert bo_has == mia_has
    async with imap.account("bo") as bo:
        assert not await look(bo, lambda r: is_subscribed(r, "Quiet"))
        assert await look(bo, lambda r: is_subscribed(r, "Lists/ä b"))
        quiet = await box(bo, "Quiet")
        notes = await look(bo, lambda r: annotations(r, quiet.id))
        assert [(one.key, one.value) for one in notes] == [("/private/comment", b"hush")][plain:]
        # What is changed here stays: also what was removed or moved.
        inbox, trash = await box(bo), await box(bo, "Trash")
        await bo.write(lambda tx: store_flags(tx, inbox.id, [1], mode="add", flags=Flag.FLAGGED))
        await bo.write(lambda tx: expunge(tx, inbox.id, [2]))
        await bo.write(lambda tx: move_messages(tx, inbox.id, [3], trash.id))
    again = await copying.run()
    assert (again.result.messages, again.result.flags) == (0, 0)
    async with imap.account() as mia:
        inbox = await box(mia)
        await mia.write(lambda tx: store_flags(tx, inbox.id, [1], mode="add", flags=Flag.ANSWERED, keywords=["new"]))
        await mia.write(lambda tx: store_flags(tx, inbox.id, [1], mode="remove", flags=Flag.SEEN))
    await fill(imap, "Inbox", 3, 1)
    third = await copying.run()
    assert (third.result.messages, third.result.flags) == (1, 1)
    _, bo_has = await both(imap)
    assert [(one[0], one[1], one[2]) for one in bo_has["Inbox"]] == [
        (mail(0), Flag.FLAGGED | Flag.ANSWERED, ("new", "work")),
        (mail(3), Flag.SEEN, ("work",)),
    ]
    assert [one[0] for one in bo_has["Trash"]] == [mail(2)]


async def test_removals_are_carried_over_only_if_that_is_asked_for(imap: Imap, copying: Copying) -> None:
    """IMAP-138."""
    await fill(imap, "Inbox", 0, 3)
    await copying.run()
    async with imap.account() as mia:
        inbox = await box(mia)
        await mia.write(lambda tx: expunge(tx, inbox.id, [2]))
    await copying.run()
    assert len((await both(imap))[1]["Inbox"]) == 3
    done = await copying.run(delete=True)  # also what was gone at the last run
    assert done.result.removed == 1
    assert [one[0] for one in (await both(imap))[1]["Inbox"]] == [mail(0), mail(2)]


async def test_a_changed_uidvalidity_doubles_nothing(imap: Imap, copying: Copying) -> None:
    """IMAP-138: messages are found again by Message-ID, size and date."""
    async with imap.account() as mia:
        await mia.write(lambda tx: create_mailbox(tx, "Work"))
    await fill(imap, "Work", 0, 3)
    await copying.run()
    async with imap.account() as mia:
        work = await box(mia, "Work")
        await mia.write(lambda tx: delete_mailbox(tx, work.id))
        await mia.write(lambda tx: create_mailbox(tx, "Work"))
    await fill(imap, "Work", 1, 3, r"(\Answered)")
    done = await copying.run()
    assert (done.result.messages, done.result.flags) == (1, 2)
    _, bo_has = await both(imap)
    assert [(one[0], one[1], one[2]) for one in bo_has["Work"]] == [
        (mail(0), Flag.SEEN | Flag.NOTJUNK, ("work",)),
        (mail(1), Flag.ANSWERED | Flag.NOTJUNK, ()),
        (mail(2), Flag.ANSWERED | Flag.NOTJUNK, ()),
        (mail(3), Flag.ANSWERED | Flag.NOTJUNK, ()),
    ]


async def test_messages_that_came_another_way_are_not_copied(imap: Imap, copying: Copying) -> None:
    """IMAP-138: the first run finds what is there already."""
    await fill(imap, "Inbox", 0, 3)
    await copying.run()
    async with imap.account("bo") as bo:
        await bo.write(lambda tx: tx.execute("DELETE FROM imap_copy"))
        await bo.write(lambda tx: tx.execute("DELETE FROM imap_remote"))
    await fill(imap, "Inbox", 3, 1)
    assert (await copying.run()).result.messages == 1
    assert len((await both(imap))[1]["Inbox"]) == 4


async def test_a_broken_connection_loses_nothing_and_doubles_nothing(
    imap: Imap, copying: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IMAP-138: wherever it breaks, the next run goes on."""
    monkeypatch.setattr(pull_module, "JOB", 7)
    await fill(imap, "Inbox", 0, 20)
    async with imap.account() as mia:
        large = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * 100_000
        async with imap.user(select=None) as c:
            await c.append(large, "Inbox", "", '"01-Mar-2021 10:00:00 +0100"')
        assert mia.name == "mia"
    counts = []
    for limit in (1_500, 5_000, 9_000, 14_000, 900_000):
        with pytest.raises(ConnectionLost):
            await copying.run(limit=limit)
        counts.append(len((await both(imap))[1]["Inbox"]))
    assert counts == sorted(counts)
    assert counts[0] < counts[-1] <= 21
    await copying.run()
    mia_has, bo_has = await both(imap)
    assert bo_has["Inbox"] == mia_has["Inbox"]
    assert copying.notes == []


async def test_a_dry_run_tells_and_changes_nothing(imap: Imap, copying: Copying) -> None:
    """IMAP-137."""
    await fill(imap, "Inbox", 0, 2)
    await copying.run(dry_run=True, excludes=["[!I]*", "Sent"], maps=[("Inbox", "Old")])
    plans = {event.source: event for event in copying.events if isinstance(event, MailboxPlan)}
    assert plans["Inbox"] == MailboxPlan("Inbox", "Old", 2, 2)
    assert "Sent" not in plans
    assert (await both(imap))[1] == {name: [] for name in (await both(imap))[1]}


async def test_only_newer_messages_and_then_the_rest(imap: Imap, copying: Copying) -> None:
    """IMAP-137: --since; a later run without it gets what was left out."""
    await fill(imap, "Inbox", 0, 10)
    await copying.run(since=1_612_483_200_000_000)  # 5 February 2021
    assert len((await both(imap))[1]["Inbox"]) == 6
    await copying.run()
    assert sorted(one[0] for one in (await both(imap))[1]["Inbox"]) == sorted(mail(number) for number in range(10))


async def test_an_export_is_the_reverse_and_can_be_interrupted(imap: Imap, copying: Copying) -> None:
    """IMAP-139: bo's mail goes to mia; then only changes; what was sent before the end is recognized."""
    await fill(imap, "Inbox", 0, 6)
    await fill(imap, "Sent", 10, 1)
    await copying.run()
    async with imap.account() as mia:
        for one in (await box(mia), await box(mia, "Sent")):
            await mia.write(partial(expunge, mailbox_id=one.id, uids=range(1, 100)))
    async with imap.account("bo") as bo:
        await bo.write(lambda tx: create_mailbox(tx, "Work/Deep"))
    done = await copying.run(Push)
    assert done.result.messages == 7
    mia_has, bo_has = await both(imap)
    assert mia_has == bo_has
    assert (await copying.run(Push)).result.messages == 0
    async with imap.account("bo") as bo:  # as if the run had ended before it noted what it sent
        await bo.write(
            lambda tx: tx.execute(
                "DELETE FROM imap_copy WHERE remote_id IN (SELECT id FROM imap_remote WHERE role = 'target')"
            )
        )
        inbox = await box(bo)
    assert (await copying.run(Push)).result.messages == 0
    async with imap.account("bo") as bo:
        await bo.write(lambda tx: store_flags(tx, inbox.id, [1, 2], mode="add", flags=Flag.FLAGGED, keywords=["x"]))
        await bo.write(lambda tx: store_flags(tx, inbox.id, [1], mode="remove", flags=Flag.SEEN))
    done = await copying.run(Push)
    assert (done.result.messages, done.result.flags) == (0, 2)
    mia_has, bo_has = await both(imap)
    assert mia_has == bo_has


async def test_an_export_to_a_plain_server_doubles_nothing(
    imap: Imap, copying: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IMAP-138: without UIDPLUS the UIDs of what was sent are found at the next run."""
    copying.plain = True
    await fill(imap, "Inbox", 0, 3)
    await copying.run()
    async with imap.account() as mia:
        await mia.write(partial(expunge, mailbox_id=(await box(mia)).id, uids=range(1, 100)))
    with monkeypatch.context() as patch:
        patch.setattr("moxlite.migration.push._appended", lambda argument: [])
        assert (await copying.run(Push)).result.messages == 3
    async with imap.account("bo") as bo:
        inbox = await box(bo)
        await bo.write(lambda tx: store_flags(tx, inbox.id, [2], mode="add", flags=Flag.FLAGGED))
    done = await copying.run(Push)
    assert (done.result.messages, done.result.flags) == (0, 1)
    mia_has, bo_has = await both(imap)
    assert mia_has == bo_has


# --- a server that is played


class Google:
    """Enough of Google's server for an import: labels as mailboxes, one message under several of them."""

    GREETING = b"* OK [CAPABILITY IMAP4rev1 X-GM-EXT-1 SPECIAL-USE LIST-EXTENDED] hi\r\n"

    def __init__(self, boxes: Mapping[str, tuple[str, list[int]]]) -> None:
        self.boxes = boxes
        self.fetched: list[int] = []
        self.selected: list[int] = []
        self.heard: list[str] = []

    async def serve(self, stream: trio.abc.Stream) -> None:
        """One connection."""
        await stream.send_all(self.GREETING)
        buffer = b""
        while data := await stream.receive_some(65536):
            buffer += data
            while b"\r\n" in buffer:
                line, buffer = buffer.split(b"\r\n", 1)
                tag, _, command = line.decode().partition(" ")
                self.heard.append(command)
                for answer in self.answers(command):
                    await stream.send_all(answer + b"\r\n")
                await stream.send_all(tag.encode() + b" OK done\r\n")

    def answers(self, command: str) -> list[bytes]:
        """Untagged responses."""
        if command.startswith("LIST"):
            uses = {name: " ".join(filter(None, (use, r"\Subscribed"))) for name, (use, _) in self.boxes.items()}
            return [f'* LIST ({words}) "/" "{name}"'.encode() for name, words in uses.items()]
        if match := re.match(r'STATUS "?([^"]*?)"? \(', command):
            name = next(name for name in self.boxes if name.lower() == match[1].lower())
            return [f'* STATUS "{name}" (MESSAGES {len(self.boxes[name][1])})'.encode()]
        if match := re.match(r'EXAMINE "?([^"]*?)"?$', command):
            name = next(name for name in self.boxes if name.lower() == match[1].lower())
            self.selected = self.boxes[name][1]
            return [f"* {len(self.selected)} EXISTS".encode(), b"* OK [UIDVALIDITY 7] x", b"* OK [UIDNEXT 99] x"]
        if command.startswith("UID SEARCH"):
            return [b"* SEARCH " + " ".join(str(n + 1) for n in range(len(self.selected))).encode()]
        if match := re.match(r"UID FETCH (\d+)(?::(\d+))?(?:,[\d:,]+)? \((.*)\)", command):
            return [self.message(uid, match[3]) for uid in self.uids(command.split()[2])]
        return []

    def uids(self, numbers: str) -> list[int]:
        """A set of numbers."""
        found: list[int] = []
        for one in numbers.split(","):
            low, _, high = one.partition(":")
            found += range(int(low), int(high or low) + 1)
        return [uid for uid in found if uid <= len(self.selected)]

    def message(self, uid: int, items: str) -> bytes:
        """A FETCH response."""
        number = self.selected[uid - 1]
        body = mail(number)
        if "BODY.PEEK[]" in items:
            self.fetched.append(number)
            return b"* %d FETCH (UID %d BODY[] {%d}\r\n%b)" % (uid, uid, len(body), body)
        return (
            f'* {uid} FETCH (UID {uid} FLAGS (\\Seen) INTERNALDATE "01-Feb-2021 10:00:00 +0000" '
            f"RFC822.SIZE {len(body)} X-GM-MSGID {(1 << 63) + number})"
        ).encode()


async def test_labels_of_google_share_their_messages(imap: Imap, copying: Copying) -> None:
    r"""IMAP-139: a message is fetched once, however many labels it has; ``\All`` gives what has none; nothing is
    changed there.
    """
    server = Google(
        {
            "INBOX": ("", [1, 2]),
            "Work": ("", [2, 3]),
            "[Gmail]/All Mail": (r"\All", [1, 2, 3, 4]),
            "[Gmail]/Starred": (r"\Flagged", [1]),
            "[Gmail]/Sent Mail": (r"\Sent", [3]),
        }
    )
    ours, theirs = trio.testing.memory_stream_pair()
    imap.nursery.start_soon(server.serve, theirs)
    client = Client(ours, strict=True)
    await client.greet()
    order = CopyByImap(account="bo", host="g", user="mia")
    async with imap.account("bo") as bo:
        await Pull(Transfer(bo, imap.accounts, order, copying.tell, copying.tmp)).once(client)
        has = {name: [one[0] for one in found] for name, found in (await contents(bo)).items() if found}
        assert has == {
            "Inbox": [mail(1), mail(2)],
            "Work": [mail(2), mail(3)],
            "Sent": [mail(3)],
            "Archive": [mail(4)],
        }
        bodies = await look(bo, lambda r: r.value("SELECT count(*) FROM body"))
    await client.aclose()
    assert bodies == 4
    assert sorted(server.fetched) == [1, 2, 3, 4]
    changing = re.compile(r"SELECT|STORE|EXPUNGE|BODY\[|APPEND|COPY|MOVE|CREATE|SUBSCRIBE ")
    assert [command for command in server.heard if changing.match(command.removeprefix("UID "))] == []


class Lying(Google):
    """It claims wrong sizes, leaves a message out, and tells of one that nobody asked for."""

    def message(self, uid: int, items: str) -> bytes:
        answer = super().message(uid, items)
        if "BODY.PEEK" in items:
            if self.selected[uid - 1] == 2:
                return b"* 5 FETCH (UID 4000000000 BODY[] {3}\r\nabc)"
            return answer
        return re.sub(rb"RFC822.SIZE \d+", b"RFC822.SIZE %d" % (3 if uid == 1 else 700_000), answer)


async def test_a_lying_server_costs_its_own_messages_only(imap: Imap, copying: Copying) -> None:
    """IMAP-138: sizes are not believed, what was not asked for is not taken, what is missing is told."""
    server = Lying({"INBOX": ("", [1, 2, 3])})
    ours, theirs = trio.testing.memory_stream_pair()
    imap.nursery.start_soon(server.serve, theirs)
    client = Client(ours, strict=True)
    await client.greet()
    order = CopyByImap(account="bo", host="g", user="mia")
    async with imap.account("bo") as bo:
        await Pull(Transfer(bo, imap.accounts, order, copying.tell, copying.tmp)).once(client)
        assert [one[0] for one in (await contents(bo))["Inbox"]] == [mail(1), mail(3)]
    await client.aclose()
    assert copying.notes == ["skipped Inbox, message with UID 2: the server didn't return it"]


async def test_what_was_left_out_twice_is_asked_for_a_third_time(imap: Imap, copying: Copying) -> None:
    """IMAP-138: it is told once, and the mailbox is not taken for complete."""
    server = Lying({"INBOX": ("", [1, 2, 3])})
    ours, theirs = trio.testing.memory_stream_pair()
    imap.nursery.start_soon(server.serve, theirs)
    client = Client(ours, strict=True)
    await client.greet()
    async with imap.account("bo") as bo:
        pull = Pull(
            Transfer(bo, imap.accounts, CopyByImap(account="bo", host="g", user="mia"), copying.tell, copying.tmp)
        )
        for _ in range(2):
            await pull.once(client)
            assert await look(bo, lambda r: r.value("SELECT messages FROM imap_remote")) == -1
    await client.aclose()
    assert (pull.result.problems, len(copying.notes)) == (1, 1)


class Shouting(Google):
    """It has a name and flags without end."""

    def message(self, uid: int, items: str) -> bytes:
        flags = " ".join([r"\Seen", "x" * 5_000, *(f"k{number}" for number in range(2_000))])
        return super().message(uid, items).replace(rb"FLAGS (\Seen)", b"FLAGS (%b)" % flags.encode())


async def test_names_and_flags_without_end_are_cut(imap: Imap, copying: Copying) -> None:
    """IMAP-138: what a server tells is bounded before it is kept or told."""
    long = "n" * 3_000
    server = Shouting({"INBOX": ("", [1]), long: ("", [2])})
    ours, theirs = trio.testing.memory_stream_pair()
    imap.nursery.start_soon(server.serve, theirs)
    client = Client(ours, strict=True)
    await client.greet()
    order = CopyByImap(account="bo", host="g", user="mia")
    async with imap.account("bo") as bo:
        await Pull(Transfer(bo, imap.accounts, order, copying.tell, copying.tmp)).once(client)
        [(octets_, flags, keywords, _)] = (await contents(bo))["Inbox"]
        stored = await look(bo, lambda r: r.value("SELECT max(length(flags)) FROM imap_copy"))
    await client.aclose()
    assert octets_ == mail(1)
    assert flags & Flag.SEEN
    assert len(keywords) == 100
    assert stored < 1_000
    assert [note[:30] for note in copying.notes if "folder" in note] == ["skipped folder '" + "n" * 14]
    assert max(map(len, copying.notes)) <= 500


# --- the command


class Played:
    """A copy whose connection breaks so often, and that gets on each time it says so."""

    def __init__(self, *steps: bool) -> None:
        self.steps = list(steps)
        self.progress = 0
        self.result = Copied(0, 0, 0, 0, 0)

    async def once(self, client: Client) -> None:
        """Break, or be done."""
        if self.steps:
            self.progress += self.steps.pop(0)
            raise ConnectionLost("the connection broke")

    async def pause(self, client: Client) -> None:
        """Never."""


async def test_what_comes_during_a_look_is_not_waited_for(
    imap: Imap, copying: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IMAP-137: IDLE tells only of what comes later."""
    order = CopyByImap(account="bo", host="h", user="mia@example.org", continuous=True)
    waits: list[float] = []

    async def idle(self: Client, seconds: float) -> bool:
        await trio.lowlevel.checkpoint()
        waits.append(seconds)
        return False

    monkeypatch.setattr(Client, "idle", idle)
    async with imap.accounts.use("bo") as account, copying.client() as client:
        copy = Pull(Transfer(account, imap.accounts, order, copying.tell, copying.tmp))
        await copy.once(client)
        for number in range(2):
            await fill(imap, "Inbox", number, 1)
            await copy.pause(client)
            assert waits == []
            await copy.once(client)
            assert copy.result.messages == number + 1
        await copy.pause(client)
        assert waits == [pull_module.PAUSE]


class Listening:
    """The caller's end of a command, as far as it is used."""

    def __init__(self) -> None:
        self.told = trio.Event()

    async def progress(self, value: object) -> None:
        """An event."""
        self.told.set()


async def test_the_command_ends_when_its_account_is_removed(
    imap: Imap, copying: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IMAP-137, STORE-140: also a continuous one, which waits for nothing; only one runs at a time."""
    await fill(imap, "Inbox", 0, 2)
    config = imap.context.config
    copies = Copies(config=config, accounts=imap.accounts, resolvers=RESOLVERS, trust=Trust(system=False))
    config.on_change(copies.reconfigured)
    commands = ImapCopyCommands(config, copies)
    order = ImportByImap(account="bo", host="h", user="mia@example.org", continuous=True)
    exchange: Any = Listening()
    failures: list[str] = []

    async def run() -> None:
        with pytest.raises(CommandFailed) as failure:
            await commands.import_(order, exchange)
        failures.append(str(failure.value))

    async with copying.client() as client:

        async def connected(*args: object, **options: object) -> Client:
            return client

        monkeypatch.setattr("moxlite.net.imapclient.connect", connected)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            await exchange.told.wait()
            with pytest.raises(CommandFailed, match="another IMAP import or export of bo is running"):
                await commands.export(ExportByImap(account="bo", host="h", user="mia@example.org"), exchange)
            domains = imap.context.config.domains_path
            domains.write_text(domains.read_text().split("[accounts.bo]")[0])
            await imap.context.config.reload()
    assert failures == ["account 'bo' is being deleted"]


@pytest.mark.parametrize(
    ("steps", "ends", "seconds"),
    [((True, True, False), True, 1 + 1 + 5), ((False,) * 6, False, 1 + 5 + 20 + 60 + 180), ((), True, 0)],
)
async def test_a_new_connection_is_made_as_long_as_that_helps(
    steps: tuple[bool, ...],
    ends: bool,
    seconds: float,
    copying: Copying,
    monkeypatch: pytest.MonkeyPatch,
    autojump_clock: trio.testing.MockClock,
) -> None:
    """IMAP-137: waits that grow, and begin anew with each progress."""

    async def connected(*args: object, **options: object) -> Client:
        ours, theirs = trio.testing.memory_stream_pair()
        await theirs.aclose()
        return Client(ours)

    monkeypatch.setattr("moxlite.net.imapclient.connect", connected)
    copies = Copies(
        config=copying.imap.context.config,
        accounts=copying.imap.accounts,
        resolvers=RESOLVERS,
        trust=Trust(system=False),
    )
    order = CopyByImap(account="bo", host="h", user="mia", password="secret")
    assert "secret" not in repr(order)
    before = trio.current_time()
    copy = Played(*steps)
    if ends:
        await copies._connected("import", copy, order, copying.tell, lambda: None, inside=True)
    else:
        with pytest.raises(ConnectionLost):
            await copies._connected("import", copy, order, copying.tell, lambda: None, inside=True)
    assert trio.current_time() - before == pytest.approx(seconds, abs=0.5)


async def test_mailboxes_of_other_users_are_left_out(imap: Imap, copying: Copying) -> None:
    """IMAP-137, IMAP-157: what others share with the user is theirs."""

    def share(tx: AccountTx) -> None:
        set_rights(tx, create_mailbox(tx, "Theirs")[-1].id, "mia", "lr")

    async with imap.account("bo") as account:
        await account.write(share)
        await publish_shares(imap.context.auth, account)
        await copying.run()
        assert not [box.name for box in await look(account, mailboxes) if box.name.startswith("Other Users")]
    assert any("skipped another user's folder 'Other Users/bo/Theirs'" in note for note in copying.notes)


async def test_the_mailbox_of_the_queue_is_left_out(imap: Imap, copying: Copying) -> None:
    """IMAP-162, IMAP-137, IMAP-139: bo's is neither filled nor sent; mia has one of that name of their own."""
    imap.queue_mailbox.add("bo")
    async with imap.account("bo") as bo, imap.account() as mia:
        await fit_queue_mailbox(bo)
        with Spool.of(mail(1)) as spool:
            await put_queued(bo, b"1 1", await prepare(spool), 1)
        await mia.write(lambda tx: create_mailbox(tx, "Outgoing/sub"))
        await copying.run()
        assert sorted(copying.notes) == [
            f"skipped folder {name!r}: Outgoing is reserved for the folder that shows queued messages"
            for name in ("Outgoing", "Outgoing/sub")
        ]
        await copying.run(Push)
        assert (await box(mia, "Outgoing")).total == 0
        assert (await box(bo, "Outgoing")).total == 1
