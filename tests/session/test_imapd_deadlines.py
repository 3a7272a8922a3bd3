"""Deadlines, slowness and lost connections (docs/spec/imap.md §2, "Bad input and abuse")."""

import math
from functools import partial
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from moxlite.net.admission import Admission, Shutdown
from moxlite.net.metrics import panics
from moxlite.process.spools import Spools
from moxlite.store.content.spool import SpoolSpace
from moxlite.store.mail.expunging import expunge
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.types import MailboxID
from tests.session.imapd_harness import Imap, imap
from tests.store_mail import put, rows
from tests.tools import settled

pytestmark = pytest.mark.served

__all__ = ["imap"]

INBOX = MailboxID(1)


async def test_silent_clients_are_sent_away(mock_clock: MockClock, imap: Imap) -> None:
    """IMAP-19, IMAP-180"""
    async with imap.connect() as c:
        mock_clock.jump(59)
        await settled()
        await c.ok("a NOOP")
        mock_clock.jump(61)
        assert await c.line() == b"* BYE inactive\r\n"
        assert await c.line() == b""


@pytest.mark.parametrize("idling", [False, True])
async def test_sessions_may_be_silent_for_half_an_hour(mock_clock: MockClock, imap: Imap, idling: bool) -> None:
    """IMAP-19"""
    async with imap.user() as c:
        if idling:
            await c.idle()
        await settled()
        mock_clock.jump(29 * 60)
        await settled()
        mock_clock.jump(61)
        assert await c.line() == b"* BYE inactive\r\n"
        assert await c.line() == b""


async def test_each_command_begins_the_half_hour_anew(mock_clock: MockClock, imap: Imap) -> None:
    """IMAP-19: though the time is only looked at when that of an earlier wait is over."""
    async with imap.user() as c:
        for _ in range(5):
            mock_clock.jump(20 * 60)
            await settled()
            await c.ok("a NOOP")
        mock_clock.jump(29 * 60)
        await settled()
        await c.ok("a NOOP")
        await settled()
        mock_clock.jump(30 * 60 + 1)
        assert await c.line() == b"* BYE inactive\r\n"
        assert await c.line() == b""


async def test_what_has_come_is_read_before_anybody_looks_at_the_time(mock_clock: MockClock, imap: Imap) -> None:
    """IMAP-19: as after the machine has slept."""
    for _ in range(12):  # Trio runs tasks that can go on in any order
        async with imap.user() as c:
            await settled()
            await c.send("a NOOP\r\n")
            mock_clock.jump(31 * 60)
            assert (await c.until("a"))[-1].startswith("a OK")


async def test_the_time_of_a_command_is_nobodys_silence(
    mock_clock: MockClock, imap: Imap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IMAP-19: a command may take longer than a client may be silent, and is not cut off."""
    from moxlite.imapd.mailboxes import listing

    names = listing._names

    async def slowly(*args: Any, **kwargs: Any) -> Any:
        await trio.sleep(3600)
        return await names(*args, **kwargs)

    monkeypatch.setattr(listing, "_names", slowly)
    async with imap.user() as c:
        await c.send('a LIST "" *\r\n')
        await settled(0.01)
        mock_clock.jump(3599)
        await settled(0.01)
        mock_clock.jump(1)
        assert (await c.until("a"))[-1].startswith("a OK")
        await settled()
        mock_clock.jump(29 * 60)
        await settled()
        await c.ok("b NOOP")


async def test_a_command_that_comes_when_the_session_ends_is_done_and_answered_or_neither(imap: Imap) -> None:
    """IMAP-21: whichever of both is first by a turn of the loop, the good-bye is told, and nothing is done unseen."""
    for turns in range(8):
        imap.shutdown = Shutdown()
        async with imap.user() as c:
            await settled()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(c.send, f"a CREATE box{turns}\r\n")
                for _ in range(turns):
                    await trio.lowlevel.checkpoint()
                imap.shutdown.set()
            told = []
            while line := await c.line():
                told.append(line)
        assert told[-1] == b"* BYE [UNAVAILABLE] shutting down\r\n"
        async with imap.account() as account:
            made = await account.read(partial(mailbox_by_name, name=f"box{turns}"), op="test")
        assert (made is not None) == any(line.startswith(b"a OK") for line in told)


async def test_a_literal_must_keep_coming(mock_clock: MockClock, imap: Imap) -> None:
    """IMAP-19, IMAP-144"""
    async with imap.user() as c:
        await c.send("a APPEND Inbox {100000}\r\n")
        assert await c.response() == "+ go ahead"
        for _ in range(3):
            await c.send("x" * 100)
            await settled()
            mock_clock.jump(170)
        await settled()
        mock_clock.jump(181)
        assert await c.line() == b"* BYE inactive\r\n"
    async with imap.account() as account:
        assert await rows(account) == []
    assert list(imap.context.spools.directory.iterdir()) == []


async def test_a_literal_that_comes_slowly_is_taken(mock_clock: MockClock, imap: Imap) -> None:
    """IMAP-19: as from a phone on a bad line: 100 octets each two minutes."""
    message = "Subject: x\r\n\r\n" + "x" * 1_986
    async with imap.user() as c:
        await c.send("a APPEND Inbox {2000}\r\n")
        assert await c.response() == "+ go ahead"
        for start in range(0, 2_000, 100):
            await settled()
            mock_clock.jump(120)
            await c.send(message[start : start + 100])
        await c.send("\r\n")
        assert (await c.until("a"))[-1].startswith("a OK")
    async with imap.account() as account:
        assert len(await rows(account)) == 1


async def test_a_message_that_finds_no_room_is_not_kept(imap: Imap) -> None:
    """SMTP-43a, IMAP-153: of the share of its network; the session goes on."""
    space = SpoolSpace(imap.context.spools.directory, free=lambda: 4 << 20)
    context = msgspec.structs.replace(imap.context, spools=Spools(space))
    async with imap.connect(context=context) as c:
        await c.login()
        message = "Subject: x\r\n\r\n" + "x" * 1_500_000
        assert await c.tagged(f"a APPEND Inbox {{{len(message)}+}}\r\n{message}") == (
            "NO [UNAVAILABLE] couldn't save the message"
        )
        assert space.used == 0
        assert (await c.tagged("b APPEND Inbox {6+}\r\nA: b\r\n")).startswith("OK")


async def test_a_connection_is_kept_once_its_client_has_logged_in(imap: Imap) -> None:
    """ADMIN-39b"""
    admission = Admission(8)
    seat = admission.take()
    assert seat is not None
    async with imap.connect(seat=seat) as c:
        await c.login()
        assert not admission.make_room()


async def test_a_client_that_takes_nothing_is_dropped(mock_clock: MockClock, imap: Imap) -> None:
    """IMAP-19, IMAP-148"""
    ours, theirs = trio.testing.lockstep_stream_pair()  # whoever sends waits until the other end has taken it
    ended = trio.Event()
    imap.nursery.start_soon(imap.serve, theirs, imap.info(), imap.context, ended)
    await settled()
    mock_clock.jump(61)
    await ended.wait()
    await ours.aclose()


async def test_guessing_passwords_becomes_slow(mock_clock: MockClock, imap: Imap) -> None:
    """IMAP-20"""
    mock_clock.autojump_threshold = 0.01
    context = imap.with_pace(slow=1.0)
    async with imap.connect(context=context) as c:
        for _ in range(3):
            began = trio.current_time()
            answer = await c.tagged("a LOGIN mia@example.org wrong")
            took = trio.current_time() - began
        assert took >= len("a " + answer) + 2
        began = trio.current_time()
        await c.login()
        assert trio.current_time() - began >= 1  # before it is read; the answer comes at once
        mock_clock.autojump_threshold = math.inf
        began = trio.current_time()
        await c.ok("a NOOP")
        assert trio.current_time() == began


async def test_a_connection_lost_anywhere_leaves_nothing_behind(imap: Imap) -> None:
    """IMAP-144, IMAP-180"""
    before = panics.labels(pkg="imapd").value
    for octets in (
        b"a NO",
        b"a LOGIN {5}\r\nab",
        b'a LOGIN mia@example.org "correct horse"\r\nb APPEND Inbox {10+}\r\nabc',
        b'a LOGIN mia@example.org "correct horse"\r\nb SELECT Inbox\r\nc IDLE\r\n',
        b'a LOGIN mia@example.org "correct horse"\r\nb AUTHENTICATE PLAIN\r\n',
        b"a AUTHENTICATE PLAIN\r\n",
    ):
        async with imap.connect() as c:
            await c.send(octets)
            await settled(0.01)
    assert imap.context.sessions.count() == 0
    assert list(imap.context.spools.directory.iterdir()) == []
    assert panics.labels(pkg="imapd").value == before


async def test_input_octet_by_octet_is_understood(imap: Imap) -> None:
    """IMAP-4, IMAP-180"""
    async with imap.connect() as c:
        script = (
            b'a LOGIN {15+}\r\nmia@example.org "correct horse"\r\n'
            b"b SELECT Inbox\r\nc APPEND Inbox {3+}\r\nx:y\r\nd NOOP\r\n"
        )
        for octet in script:
            await c.send(bytes([octet]))
        responses = await c.until("d")
        assert responses[-1] == "d OK NOOP completed"
        assert any(line.startswith("c OK [APPENDUID") for line in responses)


async def test_a_crash_in_a_command_is_answered_and_counted(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-24, IMAP-27"""
    from moxlite.imapd.mailboxes import listing

    async def crash(*args: object) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(listing, "_names", crash)
    before = panics.labels(pkg="imapd").value
    async with imap.user(select=None) as c:
        assert await c.tagged('a LIST "" *') == "NO [SERVERBUG] server error; see the server log"
        await c.ok("a NOOP")
        await c.select()
        assert (await c.tagged('a LIST "" *')).startswith("NO [SERVERBUG]")
        assert (await c.response()).startswith("* BYE [SERVERBUG]")
    assert panics.labels(pkg="imapd").value == before + 2


async def test_an_expunge_racing_other_commands_breaks_nothing(imap: Imap) -> None:
    """IMAP-152"""
    async with imap.account() as account:
        await put(account, 200)
        async with imap.user() as c, imap.user(enable=["QRESYNC"]) as d, trio.open_nursery() as nursery:

            async def remove() -> None:
                for uid in range(1, 150, 3):
                    await account.write(lambda tx, uid=uid: expunge(tx, INBOX, [uid]))  # type: ignore[misc]

            async def work(client: object, commands: list[str]) -> None:
                for n in range(20):
                    for command in commands:
                        answer = (await client.say(f"{command}"))[-1]  # type: ignore[attr-defined]
                        assert answer.split()[1] in ("OK", "NO"), (n, answer)

            nursery.start_soon(remove)
            nursery.start_soon(work, c, ["a STORE 1:5 +FLAGS (\\Seen)", "a UID STORE 1:9 -FLAGS (\\Seen)", "a NOOP"])
            nursery.start_soon(work, d, ["a UID COPY 5:8 Archive", "a UID STORE 1:90 FLAGS (x)", "a COPY 1 Archive"])
        async with imap.user() as c:
            assert "* 150 EXISTS" in await c.select()
