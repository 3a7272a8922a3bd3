"""What a client can do to a server on purpose, beside nonsense (docs/spec/imap.md, "Bad input and abuse")."""

import logging

import pytest
import trio
import trio.testing

from moxlite.net.log import LogfmtFormatter
from moxlite.net.metrics import panics
from moxlite.store.changelog.account import Account
from moxlite.store.errors import StorageFull
from moxlite.store.mail import mailboxes as store_mailboxes
from moxlite.store.types import Flag
from tests.session.imapd_harness import Client, Imap, imap
from tests.store_mail import box, put, rows

pytestmark = pytest.mark.served

__all__ = ["imap"]

MEGABYTE = 1 << 20


# --- IMAP-143: memory


async def test_who_reads_nothing_is_not_read_either(imap: Imap) -> None:
    """IMAP-143: commands wait where they come from while their answers are not taken; then all are answered."""
    ours, theirs = trio.testing.lockstep_stream_pair()  # whoever sends waits until the other end has taken it
    ended = trio.Event()
    imap.nursery.start_soon(imap.serve, theirs, imap.info(), imap.context, ended)
    c = Client(ours)
    c.greeting = await c.line()
    await c.login()
    lines = (b"n" * 100 + b" NOOP\r\n") * 5_000
    taken = 0

    async def flood() -> None:
        nonlocal taken
        for start in range(0, len(lines), 4096):
            await c.send(lines[start : start + 4096])
            taken = start
        await c.send(b"z NOOP\r\n")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(flood)
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert taken < 300_000 < len(lines)
        answered = 0
        while not (line := await c.line()).startswith(b"z OK"):
            answered += line.startswith(b"n")
        assert answered == 5_000
    await ours.aclose()
    await ended.wait()


async def test_little_is_taken_before_login(imap: Imap) -> None:
    """IMAP-29, IMAP-143: a literal of 4 KiB, and not one octet more is asked for."""
    async with imap.connect() as c:
        await c.ok("a NOOP")
        assert (await c.tagged("a LOGIN {4097}")).startswith("BAD [TOOBIG]")
        await c.send(b"a LOGIN {1000001+}\r\n")
        assert (await c.response()).startswith("a BAD [TOOBIG]")
        assert (await c.response()).startswith("* BYE [TOOBIG]")
        assert await c.line() == b""


# --- IMAP-144: sizes


@pytest.mark.parametrize("size", ["4294967296", "99999999999999999999", "-1", "1+", "", "0x10"])
async def test_sizes_that_cannot_be_are_refused_and_nothing_is_reserved(imap: Imap, size: str) -> None:
    """IMAP-144: for a message, and for an argument; the session goes on."""
    text = "{" + size + "}" if size != "1+" else "{1+"
    async with imap.user() as c:
        for command in (f"a APPEND Inbox {text}", f"a SEARCH TEXT {text}"):
            answer = await c.tagged(command)
            assert answer.startswith(("BAD", "NO [TOOBIG]")), answer
        await c.ok("b NOOP")
    assert list(imap.context.spools.directory.iterdir()) == []


async def test_endless_literals_that_nobody_asked_for_end_the_session(imap: Imap) -> None:
    """IMAP-30, IMAP-144: what was announced with a plus is on its way, whatever it says."""
    for size in ("4294967296", "99999999999999999999"):
        async with imap.user() as c:
            await c.send(f"a APPEND Inbox {{{size}+}}\r\n")
            assert await c.response() == "* BYE [TOOBIG] message too large"
            assert await c.line() == b""


# --- IMAP-145: sets


async def test_sets_of_all_numbers_cost_what_exists(imap: Imap) -> None:
    """IMAP-145: each command that takes a set, and what is answered by one."""
    everything = "1:4294967295"
    ranges = ",".join(f"{n}:{n + 1}" for n in range(1, 13_000, 10))  # as many as a line holds
    async with imap.account() as account, imap.user(enable=["QRESYNC"]) as c:
        await put(account, 6)
        validity = (await box(account)).uidvalidity
        with trio.fail_after(30):
            for numbers in (everything, ranges):
                await c.ok("a NOOP")
                await c.ok(f"a UID FETCH {numbers} (FLAGS)")
                await c.ok(rf"a UID STORE {numbers} +FLAGS (\Seen)")
                await c.ok(f"a UID SEARCH RETURN (ALL) UID {numbers}")
                await c.ok(f"a UID SORT (DATE) UTF-8 UID {numbers}")
                await c.ok(f"a UID COPY {numbers} Sent")
                await c.ok(f"a UID FETCH {numbers} (FLAGS) (CHANGEDSINCE 1 VANISHED)")
                await c.ok(f"a SELECT Inbox (QRESYNC ({validity} 1 {numbers}))")
            await c.ok(r"a UID STORE 2,4 +FLAGS.SILENT (\Deleted)")
            assert (await c.ok(f"a UID EXPUNGE {everything}"))[-1].startswith("* VANISHED 2,4")
            told = await c.ok(f"a SELECT Inbox (QRESYNC ({validity} 1 {everything}))")
            assert "* VANISHED (EARLIER) 2,4" in told
            await c.ok(f"a UID MOVE {everything} Archive")
        assert len(await rows(account, "Archive")) == 4


# --- IMAP-147: bombs


async def test_a_header_of_ten_megabytes_and_a_hundred_thousand_parts_are_answered(imap: Imap) -> None:
    """IMAP-104, IMAP-147"""
    header = b"Subject: long\r\n" + (b"X-Fill: " + b"x" * 990 + b"\r\n") * (10 * MEGABYTE // 1000) + b"\r\nbody\r\n"
    parts = b"Content-Type: multipart/mixed; boundary=w\r\n\r\n" + b"--w\r\n\r\n" * 100_000 + b"--w--\r\n"
    async with imap.user() as c:
        with trio.fail_after(60):
            for message in (header, parts):
                assert (await c.append(message)).startswith("OK [APPENDUID")
            await c.ok("a NOOP")
            for number in (1, 2):
                told = await c.ok(f"a FETCH {number} (ENVELOPE BODYSTRUCTURE PREVIEW BINARY.SIZE[1] BODY.PEEK[1.1])")
                assert told[0].startswith(f"* {number} FETCH (UID {number} ENVELOPE (")
            found = await c.ok("a FETCH 1 BODY.PEEK[HEADER.FIELDS (Subject)]")
            assert found[0].startswith("* 1 FETCH (UID 1 BODY[HEADER.FIELDS (Subject)] {")


# --- IMAP-149: guessing


async def test_long_names_are_cut_where_they_are_kept(imap: Imap) -> None:
    """IMAP-149"""
    async with imap.connect() as c:
        await c.ok("a NOOP")
        await c.tagged(f"a LOGIN {'x' * 3000} wrong")
    auth = imap.context.logins._auth
    with trio.fail_after(30):
        while not (recorded := await auth.attempts.newest("-")):  # noqa: ASYNC110 - written in the background
            await trio.sleep(0.01)
    assert [one.address for one in recorded] == ["x" * 256]


# --- IMAP-151: line ends and NUL


async def test_no_text_of_a_client_reaches_a_line_of_ours(imap: Imap, caplog: pytest.LogCaptureFixture) -> None:
    """IMAP-151: in names, ID, metadata, searches, user names; neither in a response nor in the log."""
    caplog.set_level(logging.INFO)
    evil = b"x\r\n* OK forged\r\nt=1 l=info m=forged"
    literal = b"{%d+}\r\n%b" % (len(evil), evil)
    async with imap.connect() as c:
        await c.ok(b'a ID ("name" ' + literal + b")")
        assert (await c.tagged(b"a LOGIN " + literal + b" wrong")).startswith("NO [AUTHENTICATIONFAILED]")
        await c.login()
        await c.select()
        for command in (
            b"CREATE " + literal,
            b"RENAME Sent " + literal,
            b"SUBSCRIBE " + literal,
            b'LIST "" ' + literal,
            b"SELECT " + literal,
            b"COPY 1 " + literal,
            b"SEARCH SUBJECT " + literal,
            b"SEARCH KEYWORD " + literal,
            b"STATUS " + literal + b" (MESSAGES)",
            b"GETQUOTA " + literal,
            b"GETMETADATA Inbox " + literal,
            b"SETMETADATA Inbox (" + literal + b' "x")',
            b"ESEARCH IN (mailboxes " + literal + b") ALL",
            b"NOTIFY SET (mailboxes " + literal + b" (MessageNew MessageExpunge))",
            b'CREATE "x\0y"',
            b"CREATE {3+}\r\nx\0y",
            b"SEARCH TEXT {3+}\r\nx\0y",
        ):
            for one in await c.say(b"a " + command):
                assert not one.startswith("* OK forged"), command
            await c.ok("b NOOP")
        # what may hold line ends comes back as a literal
        await c.ok(b"a SETMETADATA Inbox (/private/comment " + literal + b")")
        [told] = await c.ok("a GETMETADATA Inbox /private/comment")
        assert told == f"* METADATA INBOX (/private/comment {{{len(evil)}}}\r\n{evil.decode()})"
        await c.select()
    formatter = LogfmtFormatter(timestamps=False)
    lines = [formatter.format(record) for record in caplog.records]
    assert any("forged" in line for line in lines)
    assert not any("\n" in line.rstrip("\n") or "\r" in line for line in lines)


# --- IMAP-152: races


async def test_what_is_deleted_renamed_or_moved_meanwhile_harms_nobody(imap: Imap) -> None:
    """IMAP-152: one session takes mailboxes and messages away while another works on them; numbers stay true."""
    before = panics.labels(pkg="imapd").value
    commands = ("FETCH 1:* (FLAGS BODY.PEEK[])", r"STORE 1:* +FLAGS (\Seen)", "UID COPY 1:* Sent", "SEARCH TEXT hello")
    for attack in ("DELETE Work", "RENAME Work Other", "MOVE 1:* Archive", "EXPUNGE"):
        async with imap.account() as account, imap.user(select=None) as c, imap.user(select=None) as d:
            await c.ok("a CREATE Work")
            await put(account, 30, "Work", flags=Flag.DELETED)
            await c.select("Work")
            await d.select("Work")
            together = "".join(f"c{n} {command}\r\n" for n, command in enumerate(commands * 3))
            await c.send(together)
            await d.tagged(f"d {attack}")
            exists = 30
            for n in range(len(commands) * 3):
                for line in await c.until(f"c{n}"):
                    words = line.split()
                    if words[2:3] == ["EXISTS"]:
                        exists = int(words[1])
                    elif words[2:3] == ["EXPUNGE"]:
                        assert 1 <= int(words[1]) <= exists, line
                        exists -= 1
                    elif words[2:3] == ["FETCH"]:
                        assert 1 <= int(words[1]) <= exists, line
            await c.ok("z UNSELECT")
            for name in ("Work", "Other"):
                await c.tagged(f"z DELETE {name}")
    assert panics.labels(pkg="imapd").value == before


# --- IMAP-153: nothing left


async def use_up_uids(account: Account) -> None:
    mailbox_id = (await box(account)).id
    await account.write(lambda tx: tx.execute("UPDATE mailbox SET uidnext = 4294967295 WHERE id = ?", mailbox_id))


async def test_a_mailbox_without_uids_takes_nothing_more_and_the_rest_works(imap: Imap) -> None:
    """IMAP-153"""
    async with imap.account() as account, imap.user(select="Sent") as c:
        await use_up_uids(account)
        assert (await c.append(b"a: b\r\n\r\nlast\r\n")).startswith("OK [APPENDUID")
        assert (await c.append(b"a: b\r\n\r\nmore\r\n")).startswith("NO [LIMIT]")
        assert (await c.append(b"a: b\r\n\r\nelsewhere\r\n", "Sent")).startswith("OK")
        await c.ok("a NOOP")
        assert (await c.tagged("a COPY 1 Inbox")).startswith("NO [LIMIT]")
        assert (await c.tagged("a MOVE 1 Inbox")).startswith("NO [LIMIT]")
        assert (await c.ok("a STATUS Inbox (MESSAGES)")) == ["* STATUS INBOX (MESSAGES 1)"]
        assert await c.ok("a NOOP") == []


async def test_there_is_an_end_to_the_number_of_mailboxes(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-153"""
    monkeypatch.setattr(store_mailboxes, "MAX_MAILBOXES", 8)
    async with imap.user() as c:
        assert (await c.tagged("a CREATE a/b/c")).startswith("NO [LIMIT]")
        await c.ok("a CREATE a/b")
        assert (await c.tagged("a CREATE c")).startswith("NO [LIMIT]")
        assert (await c.tagged("a RENAME Sent x/y")).startswith("NO [LIMIT]")
        await c.ok("a DELETE a/b")
        await c.ok("a CREATE c")


async def test_a_full_disk_refuses_what_takes_room_and_the_rest_works(
    imap: Imap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IMAP-153: nothing is half done."""
    async with imap.account() as account, imap.user() as c:
        await put(account, 2)
        await c.ok("a NOOP")

        async def full(*_: object, **__: object) -> None:
            raise StorageFull

        with monkeypatch.context() as patched:
            patched.setattr(Account, "write", full)
            for command in (
                *("CREATE x", "RENAME Sent x", "SUBSCRIBE x", "DELETE Sent"),
                *("COPY 1 Sent", "MOVE 1 Sent", r"STORE 1 +FLAGS (\Flagged)"),
                'SETMETADATA Inbox (/private/comment "x")',
            ):
                answer = await c.tagged(f"a {command}")
                assert answer.startswith("NO [UNAVAILABLE]"), (command, answer)
            assert len(await c.ok("a FETCH 1:* (FLAGS)")) == 2
        assert (await c.ok("a STATUS Inbox (MESSAGES)")) == ["* STATUS INBOX (MESSAGES 2)"]
        await c.ok("a COPY 1 Sent")
