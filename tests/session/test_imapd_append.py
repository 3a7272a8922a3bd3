"""APPEND and REPLACE (docs/spec/imap.md §9)."""

import errno
import logging
import random
import tempfile
from functools import partial
from typing import Any

import msgspec
import pytest
import trio.testing

from moxlite.imapd import Context
from moxlite.ledger import Hold, begin, own
from moxlite.store.content import body, prepare
from moxlite.store.content.body import CHUNK_SIZE
from moxlite.store.content.spool import Spool
from moxlite.store.errors import StorageFull
from moxlite.store.mail.expunging import expunge
from moxlite.store.types import CHUNK_BITS, MailboxID
from tests.session.imapd_harness import Imap, imap
from tests.store_mail import look, put, rows

pytestmark = pytest.mark.served

__all__ = ["imap"]

INBOX = MailboxID(1)
MAIL = b"From: a@example.org\r\nSubject: x\r\n\r\nhello\r\n"


def limited(imap: Imap, octets: int) -> Context:
    """The context with another append_limit."""
    holder = imap.context.config
    static = holder.current.static
    small = msgspec.structs.replace(static, imap=msgspec.structs.replace(static.imap, append_limit=octets))
    holder._current = msgspec.structs.replace(holder.current, static=small)
    return imap.context


async def test_append_keeps_octets_flags_and_date(imap: Imap) -> None:
    """IMAP-87, IMAP-89, IMAP-109"""
    async with imap.account() as account, imap.user() as c:
        for data in (MAIL, b"no header\nbare lf\xff", b"\0nul"):
            assert (await c.append(data, flags=r"(\Seen Work)", date='" 5-Mar-2020 10:00:00 -0330"')).startswith(
                "OK [APPENDUID "
            )
        found = await rows(account)
        assert [row.size for row in found] == [len(MAIL), 18, 4]
        assert {row.received for row in found} == {1583415000_000000}
        assert {row.received_offset for row in found} == {-210}
        assert (await look(account, lambda r: body.message_range(r, found[1].id))) == b"no header\nbare lf\xff"


async def test_append_into_the_selected_mailbox_is_told_before_its_answer(imap: Imap) -> None:
    """IMAP-55, IMAP-60, IMAP-89"""
    async with imap.account() as account, imap.user() as c:
        await put(account, 2)
        responses = await c.say(b"a APPEND Inbox (new) {%d+}\r\n%b" % (len(MAIL), MAIL))
        assert responses[0].startswith(r"* FLAGS (\Seen")
        assert responses[1:6] == [
            "* 3 EXISTS",
            "* 3 RECENT",
            r"* 1 FETCH (UID 1 FLAGS (\Recent))",
            r"* 2 FETCH (UID 2 FLAGS (\Recent))",
            r"* 3 FETCH (UID 3 FLAGS (\Recent new))",
        ]
        assert responses[6].startswith("a OK [APPENDUID ")


async def test_what_can_be_checked_is_checked_before_the_data_comes(imap: Imap) -> None:
    """IMAP-85, IMAP-86, IMAP-87"""
    context = limited(imap, 1000)
    async with imap.connect(context=context) as c:
        await c.login()
        assert await c.say("a APPEND nope {5}") == ["a NO [TRYCREATE] no such mailbox"]
        assert await c.say("a APPEND Inbox {1001}") == ["a NO [TOOBIG] messages can be up to 1000 bytes"]
        assert await c.say("a APPEND Inbox {0}") == ["a NO can't store an empty message"]
        for flags in (r"(\Recent)", r"(\Foo)"):
            assert (await c.say(f"a APPEND Inbox {flags} {{5}}"))[0].startswith("a BAD")
        assert (await c.say('a APPEND Inbox "32-Jan-2020 00:00:00 +0000" {5}'))[0].startswith("a BAD")
        assert await c.append(b"x" * 1001) == "NO [TOOBIG] messages can be up to 1000 bytes"
        assert await c.append(b"x" * 10, "nope") == "NO [TRYCREATE] no such mailbox"
        await c.send("a APPEND Inbox {3}\r\n")
        assert await c.response() == "+ go ahead"
        await c.send("abc\r\n")
        assert (await c.until("a"))[-1].startswith("a OK")
        await c.ok("a NOOP")


async def test_many_messages_are_added_together_or_not_at_all(imap: Imap) -> None:
    """IMAP-88, IMAP-144"""
    async with imap.account() as account, imap.user(select=None) as c:
        three = b"".join(b" {%d+}\r\n%b" % (len(MAIL), MAIL) for _ in range(3))
        answer = await c.tagged(b"a APPEND Inbox" + three)
        assert answer.startswith("OK [APPENDUID ")
        assert answer.endswith(" 1:3] added")
        assert len({row.modseq for row in await rows(account)}) == 1
        assert (await c.tagged(b"a APPEND Inbox" + three + b" {0+}\r\n")).startswith("NO can't store an empty message")
        assert (await c.tagged(b"a APPEND Inbox" + three + b" (\\Foo) {1+}\r\nx")).startswith("BAD")
        assert (await c.tagged(b"a APPEND Inbox" + three + b" x")).startswith("BAD")
        await c.send(b"a APPEND Inbox" + three + b" {10+}\r\nabc")
    async with imap.account() as account:
        assert len(await rows(account)) == 3


async def test_long_messages_go_through_a_file(imap: Imap) -> None:
    """IMAP-85"""
    data = MAIL + b"line of text\r\n" * 400_000
    async with imap.account() as account, imap.user() as c:
        assert (await c.append(data)).startswith("OK [APPENDUID")
        found = await rows(account)
        assert found[0].size == len(data)
        tail = await account.scan(lambda r: body.message_range(r, found[0].id, len(data) - 14, 14), op="test")
        assert tail == b"line of text\r\n"
    assert list(imap.context.spools.directory.iterdir()) == []


async def test_utf8_literals_are_accepted(imap: Imap) -> None:
    """IMAP-90"""
    async with imap.user() as c:
        data = "Subject: é\r\n\r\nx\r\n".encode()
        assert (await c.tagged(b"a APPEND Inbox UTF8 (~{%d+}\r\n%b)" % (len(data), data))).startswith("OK")


async def test_replace_adds_the_new_and_removes_the_old_at_once(imap: Imap) -> None:
    """IMAP-83, IMAP-92"""
    async with imap.account() as account, imap.user() as c, imap.user(enable=["QRESYNC"]) as d:
        await put(account, 2)
        await c.ok("a NOOP")
        await d.ok("a NOOP")
        responses = await c.say(b"a REPLACE 1 Inbox {%d+}\r\n%b" % (len(MAIL), MAIL))
        assert responses[0].startswith("* OK [APPENDUID ")
        assert responses[1:] == [
            "* 1 EXPUNGE",
            "* 1 RECENT",
            "* 2 EXISTS",
            "* 2 RECENT",
            r"* 2 FETCH (UID 3 FLAGS (\Recent))",
            "a OK replaced",
        ]
        assert (await d.ok("a NOOP"))[0] == "* VANISHED 1"
        assert (await d.say(b"a UID REPLACE 3 Drafts {%d+}\r\n%b" % (len(MAIL), MAIL)))[1] == "* VANISHED 3"
        assert await c.say("a UID REPLACE 99 Inbox {3}") == ["a NO no such message"]
        await account.write(lambda tx: expunge(tx, INBOX, [2]))
        assert (await c.tagged(b"a UID REPLACE 2 Inbox {3+}\r\nabc")).startswith("NO [EXPUNGEISSUED]")
        assert await c.say("a REPLACE * Inbox {3}") == ["a BAD the mailbox is empty"]
        assert len(await rows(account)) == 0


async def test_quota_is_checked_first_and_in_the_unit(imap: Imap) -> None:
    """IMAP-85"""
    imap.quota["mia"] = 500
    async with imap.user() as c:
        assert await c.say("a APPEND Inbox {600}") == ["a NO [OVERQUOTA] over quota"]
        assert (await c.append(b"x" * 400)).startswith("OK")
        assert await c.append(b"x" * 400) == "NO [OVERQUOTA] over quota"
        assert await c.tagged("a COPY 1 Archive") == "NO [OVERQUOTA] over quota"
        assert (await c.tagged("a MOVE 1 Archive")).startswith("OK")


async def test_a_full_disk_refuses_the_message_and_the_session_goes_on(
    imap: Imap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IMAP-153"""

    async def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    async with imap.account() as account, imap.user() as c:
        with monkeypatch.context() as patched:
            patched.setattr(Spool, "write", full)
            answer = await c.append(b"x" * 100_000)
            assert answer == "NO [UNAVAILABLE] couldn't save the message"

        def no_space(self: object) -> None:
            raise StorageFull

        with monkeypatch.context() as patched:
            patched.setattr(type(account), "check_space", no_space)
            assert (await c.say("a APPEND Inbox {5}"))[0].startswith("a NO [UNAVAILABLE]")
        assert (await c.append(MAIL)).startswith("OK")
        assert len(await rows(account)) == 1


async def test_the_messages_of_one_command_share_memory_and_a_file(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-88, IMAP-143"""
    files = []
    make = tempfile.TemporaryFile

    def made(**options: Any) -> Any:
        files.append(make(**options))
        return files[-1]

    monkeypatch.setattr("moxlite.store.content.spool.tempfile.TemporaryFile", made)
    monkeypatch.setattr("moxlite.imapd.fetch.incoming.MEMORY", 50_000)
    rng = random.Random(1)
    long = [MAIL + b"%d " % n + rng.randbytes(5_000).hex().encode() + b"\r\n" for n in range(120)]
    async with imap.account() as account, imap.user() as c:
        many = b"".join(b" {%d+}\r\n%b" % (len(one), one) for one in long)
        assert (await c.tagged(b"a APPEND Inbox" + many)).endswith(" 1:120] added")
        assert len(files) == 1
        assert files[0].closed
        assert [row.size for row in await rows(account)] == [*map(len, long)]
        for uid in (1, 60, 120):
            assert long[uid - 1].decode() in "\r\n".join(await c.ok(f"a UID FETCH {uid} BODY.PEEK[]")) + "\r\n"
        parts = b"".join(b' CATENATE (URL "/Inbox/;UID=%d" TEXT {6+}\r\nmore\r\n)' % (n + 1) for n in range(110))
        assert (await c.tagged(b"a APPEND Inbox" + parts)).endswith(" 121:230] added")
        assert [row.size for row in await rows(account)][120:] == [len(one) + 6 for one in long[:110]]
        assert len(files) == 2
    assert list(imap.context.spools.directory.iterdir()) == []


DAMAGE = {
    "bits": "UPDATE body_chunk SET data = zeroblob(length(data))",
    "check": "UPDATE body_chunk SET digest = digest + 1",
    "another's": "UPDATE body_chunk SET (enc, digest, data) = "
    "(SELECT enc, digest, data FROM body_chunk WHERE id >> 16 = 1)",
    "type": "UPDATE body_chunk SET enc = 99",
    "missing": "DELETE FROM body_chunk",
}


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("kind", DAMAGE)
async def test_what_is_appended_can_be_read_though_its_like_is_damaged(
    imap: Imap, kind: str, large: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-180: equal bodies are stored once, and what is stored is looked at before it is shared. The messages that
    had the damaged one before can be read again, too.
    """
    if large:
        monkeypatch.setattr(prepare, "LARGE", 2 * CHUNK_SIZE)
        data = MAIL + random.Random(1).randbytes(5 * CHUNK_SIZE // 2).hex().encode() + b"\r\n"
    else:
        data = MAIL + b"and a longer text\r\n"
    async with imap.account() as account, imap.user() as c:
        await put(account, 1)
        await c.append(data)
        first, last = (2 << CHUNK_BITS) + 2 * large, 3 << CHUNK_BITS
        await account.write(lambda tx: tx.execute(f"{DAMAGE[kind]} WHERE id >= ? AND id < ?", first, last))
        with caplog.at_level(logging.WARNING, "moxlite.store.content"):
            assert (await c.append(data)).startswith("OK [APPENDUID ")
        assert caplog.messages == ["damaged body repaired"]
        assert len(await look(account, lambda r: r.rows("SELECT id FROM body WHERE refs > 0"))) == 2
        found = await rows(account)
        for row in found[1:]:
            assert (await account.scan(partial(body.message_range, message_id=row.id), op="test")) == data
        caplog.clear()
        assert (await c.append(data)).startswith("OK [APPENDUID ")
        assert caplog.messages == []


async def test_appending_again_leaves_a_sound_body_as_it_is(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-180: also when it was stored by another setting."""
    async with imap.account() as account, imap.user() as c:
        await c.append(MAIL * 100)
        before = await look(account, lambda r: r.rows("SELECT * FROM body_chunk"))
        await c.append(MAIL * 100)
        assert await look(account, lambda r: r.rows("SELECT * FROM body_chunk")) == before
        monkeypatch.setattr(body, "_preferred", body.Compression.NONE)
        await c.append(MAIL * 100)
        assert await look(account, lambda r: r.rows("SELECT * FROM body_chunk")) == before


async def test_a_header_section_over_the_limit_is_kept_and_read_up_to_it(imap: Imap) -> None:
    """IMAP-98, STORE-55"""
    filler = (b"X-Long: " + b"x" * 1000 + b"\r\n") * 3000
    head = (
        b"From: a@example.org\r\nSubject: early\r\n"
        + filler
        + b"Late: one\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    data = head + b"aGVsbG8=\r\n"
    async with imap.user() as c:
        assert (await c.append(data)).startswith("OK")
        (fetched, _) = await c.say(
            "a FETCH 1 (RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (Subject Late)])"
        )
        assert f"RFC822.SIZE {len(data)}" in fetched
        assert '"early"' in fetched
        assert '"APPLICATION" "OCTET-STREAM"' in fetched
        assert "Subject: early" in fetched
        assert "Late: one" not in fetched
        for section, octets in (
            ("BODY.PEEK[]", data),
            ("BODY.PEEK[HEADER]", head),
            ("BODY.PEEK[TEXT]", data[len(head) :]),
            (f"BODY.PEEK[HEADER]<{len(head) - 40}.20>", head[-40:-20]),
            ("BINARY.PEEK[]", data),
        ):
            (fetched, _) = await c.say(f"a FETCH 1 {section}")
            assert octets.decode() in fetched
        assert f"BINARY.SIZE[] {len(data)})" in (await c.say("a FETCH 1 BINARY.SIZE[]"))[0]
        assert (await c.say("a SEARCH HEADER Subject early"))[0] == "* SEARCH 1"
        assert (await c.say("a SEARCH HEADER Late one"))[0] == "* SEARCH"


async def test_literals_wait_for_room_and_messages_go_to_the_disk(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-198a, IMAP-29: a command whose literals find no room is refused, and takes none with it; a message is never
    refused for memory.
    """
    monkeypatch.setattr(Hold.take, "__defaults__", (0.1,))
    book = begin(4 << 20)
    own("mia")
    others = book.hold()
    async with imap.account() as account, imap.user() as c:
        assert others.try_take("answer", 2 << 20)
        long = b"x" * 50_000
        assert (await c.tagged(b"a SEARCH SUBJECT {%d+}\r\n%b" % (len(long), long))).startswith("NO [LIMIT]")
        assert (await c.append(MAIL + b"y" * 200_000)).startswith("OK")
        assert book.held["spool"] == book.held["command"] == 0
        others.close()
        assert (await c.tagged(b"a SEARCH SUBJECT {%d+}\r\n%b" % (len(long), long))).startswith("OK")
        small = b"".join(b" SUBJECT {1000+}\r\n" + b"x" * 1000 for _ in range(50))
        await c.send(b"b SEARCH" + small)
        await trio.testing.wait_all_tasks_blocked()
        assert book.held["command"] >= 200_000
        await c.send(b"\r\n")
        assert (await c.until("b"))[-1].startswith("b OK")
        assert book.held["command"] == 0
        assert len(await rows(account)) == 1
        await c.send(b"d APPEND Inbox {300000+}\r\n" + b"z" * 200_000)
        await trio.testing.wait_all_tasks_blocked()
        assert book.held["spool"] >= 3 * 65_536
        await c.stream.aclose()
    await trio.testing.wait_all_tasks_blocked()
    assert book.octets == 0
