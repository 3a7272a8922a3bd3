"""FETCH of many bodies: groups that are decoded ahead of what the client takes, and data that a slow disk must not hold
back (docs/spec/imap.md §10, bad input).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from moxlite.imapd.fetch import fetch as fetching
from moxlite.imapd.fetch.fetch import AHEAD, FEW, STEP, Group
from moxlite.store.changelog.account import Account
from moxlite.store.content.body import CHUNK_SIZE
from moxlite.store.delivery.perform import append
from moxlite.store.errors import StorageBroken, StorageFull
from moxlite.store.file import threads as store_threads
from moxlite.store.file.database import Database
from moxlite.store.mail.adding import Append
from moxlite.store.mail.expunging import expunge
from moxlite.store.types import Flag, MailboxID
from tests.session.imapd_harness import Client, Imap, imap
from tests.store_mail import prepared, put, rows
from tests.tools import eventually, settled

pytestmark = pytest.mark.served

__all__ = ["imap"]

BOX = MailboxID(1)
PART = STEP // 4
"""Octets of a message of which three make a group."""


def letter(number: int, size: int = PART) -> str:
    """A message of some `size`, the same for the same number."""
    line = f"{number:08} 0123456789 abcdefghijklmnopqrstuvwxyz\r\n"
    return f"Subject: {number}\r\n\r\n{line * (size // len(line))}"


def told(number: int, message: str) -> str:
    """The response with a whole message."""
    return f"* {number} FETCH (UID {number} BODY[] {{{len(message)}}}\r\n{message})"


async def fill(imap: Imap, messages: list[str]) -> None:
    """Append messages to mia's Inbox."""
    async with imap.account() as account:
        await append(account, BOX, [Append(await prepared(message.encode())) for message in messages])


@asynccontextmanager
async def slow_reader(imap: Imap) -> AsyncIterator[Client]:
    """A session of mia whose octets stay with the server until they are read; it is cut off at the end."""
    ours, theirs = trio.testing.lockstep_stream_pair()
    ended = trio.Event()
    imap.nursery.start_soon(imap.serve, theirs, imap.info(), imap.context, ended)
    client = Client(ours)
    await client.line()
    await client.login()
    await client.select()
    try:
        yield client
    finally:
        await trio.aclose_forcefully(ours)
        with trio.fail_after(30):
            await ended.wait()


class Counter:
    """The groups that were read, how many of them were written, and the most octets of those that were not."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.groups: list[Group] = []
        self.written = 0
        self.most = 0
        self._changed = trio.Event()
        read, result = Group.read, Group.result

        async def counted(group: Group, *, turn: bool) -> None:
            await read(group, turn=turn)
            self.groups.append(group)
            self.most = max(self.most, sum(one.octets for one in self.groups[self.written :]))
            self._changed.set()

        async def asked(group: Group) -> object:
            self.written += 1
            return await result(group)

        patch.setattr(Group, "read", counted)
        patch.setattr(Group, "result", asked)

    async def until(self, count: int) -> None:
        """Wait until so many groups were read."""
        with trio.fail_after(30):
            while len(self.groups) < count:
                self._changed = trio.Event()
                await self._changed.wait()


@pytest.fixture(params=[0, 1, 3])
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> store_threads.Workers:
    """How many threads there are for decoding."""
    workers = store_threads.Workers(request.param)
    monkeypatch.setattr(store_threads, "_workers", workers)
    return workers


async def test_bodies_come_whole_and_in_order(imap: Imap, threads: store_threads.Workers) -> None:
    """IMAP-93, IMAP-95, IMAP-101: whatever their sizes are, and wherever they are decoded."""
    sizes = [0, 1, 5_000, 40, *[PART] * 5, STEP, 3, STEP + 70_000, 900, *[2 * PART] * 3, 0, *[10] * (2 * FEW + 3)]
    sizes += [CHUNK_SIZE + 9_000, 7]  # one that is streamed, within a group
    messages = [letter(number, size) for number, size in enumerate(sizes, 1)]
    messages[4] = messages[4][:-9] + "a\0b\0\0\r\n\r\n"
    await fill(imap, messages)
    shown = [message.replace("\0", "\udc80") for message in messages]
    async with imap.user(enable=["CONDSTORE"]) as c:
        await c.ok("a COPY 1:3,10 Inbox")  # several messages with one body
        await c.ok("a NOOP")
        shown += [shown[0], shown[1], shown[2], shown[9]]
        assert await c.ok("a UID FETCH 1:* (BODY.PEEK[])") == [told(n, text) for n, text in enumerate(shown, 1)]
        for items in ("(BODY.PEEK[] FLAGS INTERNALDATE RFC822.SIZE MODSEQ)", "(BODY.PEEK[TEXT] ENVELOPE)"):
            for answer, text in zip(await c.ok(f"b UID FETCH 1:* {items}"), shown, strict=True):
                assert answer.endswith(text.partition("\r\n\r\n")[2] + ")")
        seen = await c.ok("c UID FETCH 1:* (BODY[])")
        assert all(r"FLAGS (\Recent \Seen)" in answer or r"FLAGS (\Seen)" in answer for answer in seen)


async def test_a_damaged_message_in_the_middle_costs_only_itself(imap: Imap, threads: store_threads.Workers) -> None:
    """IMAP-96"""
    messages = [letter(number) for number in range(1, 13)]
    await fill(imap, messages)
    async with imap.account() as account, imap.user() as c:
        await harm(account, 6)
        answers = await c.say("a UID FETCH 1:* (BODY.PEEK[])")
        wanted = [told(n, text) for n, text in enumerate(messages, 1)]
        wanted[5] = "* 6 FETCH (UID 6 BODY[] NIL)"
        assert answers == [*wanted, "a NO [CORRUPTION] stored message is damaged"]
        size = len(messages[5])
        *_, shown, end = await c.say("a UID FETCH 5:6 (RFC822.SIZE BODY.PEEK[])")
        assert shown == f"* 6 FETCH (UID 6 RFC822.SIZE {size} BODY[] NIL)"
        assert end.startswith("a NO [CORRUPTION]")
        await harm(account, 6)  # as it was


async def harm(account: Account, number: int) -> None:
    """Change an octet of a body, or change it back."""
    sql = "SELECT c.id, c.data FROM message m JOIN body_chunk c ON c.id = m.body_id << 16 WHERE m.uid = ?"
    row = await account.read(lambda r: r.row(sql, number), op="test")
    assert row is not None
    data = row[1][:-1] + bytes([row[1][-1] ^ 1])
    await account.write(lambda tx: tx.execute("UPDATE body_chunk SET data = ? WHERE id = ?", data, row[0]))


@pytest.mark.parametrize("size", [PART, STEP // 50])
async def test_a_slow_client_holds_two_groups(
    imap: Imap, threads: store_threads.Workers, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """IMAP-95, IMAP-148: the one that it is to take, and the next one."""
    messages = [letter(number, size) for number in range(1, 8 * STEP // size)]
    await fill(imap, messages)
    counter = Counter(monkeypatch)
    async with slow_reader(imap) as c:
        await c.send("a UID FETCH 1:* (BODY.PEEK[])\r\n")
        assert await c.response() == told(1, messages[0])
        await counter.until(2)
        await settled()
        assert len(counter.groups) == 2
        assert [hasattr(group, "_stored") for group in counter.groups] == [False, True], "held twice"
        assert [await c.response() for _ in messages[1:]] == [told(n, text) for n, text in enumerate(messages[1:], 2)]
        assert await c.response() == "a OK fetched"
        assert len(counter.groups) <= 11
        assert AHEAD - STEP < counter.most <= AHEAD


async def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(
    imap: Imap, threads: store_threads.Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IMAP-95: neither the session nor a thread goes on."""
    await fill(imap, [letter(number) for number in range(1, 25)])
    counter = Counter(monkeypatch)
    async with slow_reader(imap) as c:
        await c.send("a UID FETCH 1:* (BODY.PEEK[])\r\n")
        await counter.until(2)
    assert len(counter.groups) <= 3
    await eventually(lambda: not threads.busy)


async def test_what_is_removed_meanwhile_is_still_answered(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-55, IMAP-95: from the group that was read before, and then from what is kept for this session."""
    messages = [letter(number) for number in range(1, 25)]
    await fill(imap, messages)
    counter = Counter(monkeypatch)
    async with imap.account() as account, slow_reader(imap) as c:
        await c.send("a FETCH 1:* (BODY.PEEK[])\r\n")
        await counter.until(2)
        uids = list(range(1, 25))
        await account.write(lambda tx: expunge(tx, BOX, uids))
        await account.settle()
        assert [await c.response() for _ in range(24)] == [told(n, text) for n, text in enumerate(messages, 1)]
        assert (await c.response()).startswith("a OK")


async def test_what_is_erased_meanwhile_is_missed_only_from_the_next_group_on(
    imap: Imap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IMAP-96: what was read before is whole."""
    messages = [letter(number) for number in range(1, 10)]
    await fill(imap, messages)
    counter = Counter(monkeypatch)
    async with imap.account() as account, slow_reader(imap) as c:
        await c.send("a UID FETCH 1:* (BODY.PEEK[])\r\n")
        await counter.until(2)
        saved = await account.read(lambda r: r.rows("SELECT id, enc, digest, data FROM body_chunk"), op="test")
        await account.write(lambda tx: tx.execute("DELETE FROM body_chunk"))
        assert [await c.response() for _ in range(6)] == [told(n, text) for n, text in enumerate(messages[:6], 1)]
        assert [await c.response() for _ in range(3)] == [f"* {n} FETCH (UID {n} BODY[] NIL)" for n in (7, 8, 9)]
        assert await c.response() == "a NO [CORRUPTION] stored message is damaged"
        await account.write(lambda tx: tx.executemany("INSERT INTO body_chunk VALUES (?, ?, ?, ?)", saved))


@pytest.mark.parametrize("op", ["imap-bodies", "imap-fetch"])
async def test_a_read_that_fails_in_the_middle_ends_the_command_behind_what_was_read(
    imap: Imap, monkeypatch: pytest.MonkeyPatch, op: str
) -> None:
    """IMAP-96, IMAP-153"""
    async with imap.account() as account:
        await put(account, 600)
    read, count = Database.read, 0

    async def failing(self: Database, fn: object, *, op: str, turn: bool = True) -> object:
        nonlocal count
        count += op == failing_op
        if op == failing_op and count == 2:
            raise StorageBroken("the disk fails")
        return await read(self, fn, op=op, turn=turn)  # type: ignore[arg-type] # passed on as it is

    failing_op = op
    async with imap.user() as c:
        monkeypatch.setattr(Database, "read", failing)
        answers = await c.say("a UID FETCH 1:* (BODY.PEEK[])")
        assert answers[-1] == "a NO [UNAVAILABLE] the mailbox file isn't available right now"
        assert len(answers) - 1 == (FEW if op == "imap-bodies" else 500)
        assert all(answer.startswith(f"* {n} FETCH") for n, answer in enumerate(answers[:-1], 1))
        assert len(await c.ok("a UID FETCH 1:* (BODY.PEEK[])")) == 600


# Data of messages that reading marks as seen


@pytest.mark.parametrize("modseqs", [False, True])
async def test_a_disk_that_hangs_holds_no_data_back(imap: Imap, monkeypatch: pytest.MonkeyPatch, modseqs: bool) -> None:
    r"""IMAP-94: the text is there before \Seen is stored; the flags and the tagged OK are not."""
    release, write = trio.Event(), Account.write

    async def hang(account: Account, *args: object, **named: object) -> object:
        await release.wait()
        return await write(account, *args, **named)  # type: ignore[arg-type] # passed on as it came

    enabled = ["CONDSTORE"] if modseqs else []
    async with imap.account() as account, imap.user(enable=enabled) as c, imap.user() as other:
        await put(account, 3, flags=Flag.FLAGGED)
        await c.ok("a NOOP")
        await other.ok("a NOOP")
        monkeypatch.setattr(fetching, "GRACE", 0.0)
        monkeypatch.setattr(Account, "write", hang)
        await c.send("a FETCH 1:2 BODY[TEXT]\r\n")
        for number in (1, 2):
            text = await c.response()
            assert text.startswith(f"* {number} FETCH (UID {number} ")
            assert text.endswith("Hello!\r\n)")
            assert "FLAGS" not in text
        assert not any(row.flags & Flag.SEEN for row in await rows(account))
        assert await other.ok("b NOOP") == []
        release.set()
        *flags, tagged = await c.until("a")
        assert tagged.startswith("a OK")
        assert [line.partition(" MODSEQ")[0].rstrip(")") for line in flags] == [
            rf"* {number} FETCH (UID {number} FLAGS (\Recent \Seen \Flagged" for number in (1, 2)
        ]
        assert all(("MODSEQ" in line) == modseqs for line in flags)
        assert await c.ok("d NOOP") == []
        assert [r"\Seen" in line for line in await other.ok("e NOOP")] == [True, True]


async def test_a_full_disk_shows_nothing_as_seen(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-94, IMAP-153: the command is refused, whether the disk says so at once or after the data."""
    release = trio.Event()

    async def full(*_: object, **__: object) -> None:
        await release.wait()
        raise StorageFull("no room")

    async with imap.account() as account, imap.user() as c:
        await put(account)
        await c.ok("a NOOP")
        monkeypatch.setattr(Account, "write", full)
        with monkeypatch.context() as patch:
            patch.setattr(fetching, "GRACE", 0.0)
            await c.send("a FETCH 1 BODY[TEXT]\r\n")
            assert (await c.response()).endswith("Hello!\r\n)")
        release.set()
        assert (await c.response()).startswith("a NO [UNAVAILABLE]")
        (refused,) = await c.say("b FETCH 1 BODY[TEXT]")
        assert refused.startswith("b NO [UNAVAILABLE]")
