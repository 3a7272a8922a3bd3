"""What the operator can do with IMAP sessions (IMAP-22, IMAP-23, IMAP-159)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from moxlite.admin.commands import AdminCommands
from moxlite.admin.requests import ImapServe, ImapSession, ImapSessions, SetPassword
from moxlite.imapd import IMAPCommands
from moxlite.net.ctlclient import CtlClient, CtlFailed, connect_ctl
from moxlite.net.ctlserver import listen_ctl, serve_ctl
from tests.session.imapd_harness import Imap, imap

__all__ = ["imap"]


@asynccontextmanager
async def operator(imap: Imap, tmp_path: Path) -> AsyncIterator[CtlClient]:
    """The command line's end of the control socket."""
    commands = dict(IMAPCommands(imap.context, imap.shutdown).registry())

    async def well() -> list[str]:
        return []

    admin = AdminCommands(
        config=imap.context.config,
        accounts=imap.accounts,
        auth=imap.context.logins._auth,
        logins=imap.context.logins,
        stop=imap.shutdown.set,
        problems=well,
        end_sessions=imap.context.sessions.end_account,
    )
    commands.update(admin.registry())
    path = tmp_path / "ctl"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_ctl, listen_ctl(path), commands)
        async with connect_ctl(path) as client:
            yield client
        nursery.cancel_scope.cancel()


async def test_sessions_are_listed_with_what_they_do(imap: Imap, tmp_path: Path) -> None:
    """IMAP-159"""
    async with operator(imap, tmp_path) as ctl, imap.connect(), imap.user(select="Archive") as c:
        await c.ok('a ID ("name" "Mutt" "version" "2")')
        await c.ok("b NOOP")
        [found] = await ctl.call("imap sessions", ImapSessions(), list[ImapSession])
        assert (found.account, found.address, found.remote) == ("mia", "mia@example.org", "198.51.100.7")
        assert (found.client, found.mailbox, found.command) == ("Mutt 2", "Archive", "noop")
        assert found.received > 50
        assert found.sent > 500


async def test_a_session_can_be_ended(imap: Imap, tmp_path: Path) -> None:
    """IMAP-159"""
    async with operator(imap, tmp_path) as ctl, imap.user() as c:
        [found] = await ctl.call("imap sessions", ImapSessions(), list[ImapSession])
        assert await ctl.call("imap sessions", ImapSessions(found.id), list[ImapSession]) == []
        assert await c.line() == b"* BYE [UNAVAILABLE] ended by the operator\r\n"
        with pytest.raises(CtlFailed, match="no IMAP session 99"):
            await ctl.call("imap sessions", ImapSessions(99), list[ImapSession])


async def test_a_new_password_ends_the_sessions(imap: Imap, tmp_path: Path) -> None:
    """IMAP-23"""
    async with operator(imap, tmp_path) as ctl, imap.user() as c:
        await ctl.call("account set-password", SetPassword("mia", "another horse"), type(None))
        with trio.fail_after(1):
            assert await c.line() == b"* BYE [UNAVAILABLE] the password was changed\r\n"
        async with imap.connect() as again:
            assert (await again.tagged('a LOGIN mia@example.org "correct horse"')).startswith("NO")
            await again.login(password="another horse")


async def test_imapserve_is_a_session_that_is_logged_in(imap: Imap, tmp_path: Path) -> None:
    """IMAP-22"""
    answers = bytearray()
    ready = trio.Event()

    async def take(octets: bytes) -> None:
        answers.extend(octets)
        if b"b OK" in answers:
            ready.set()

    async def commands() -> AsyncIterator[bytes]:
        yield b"a SELECT Inbox\r\nb STATUS Archive"
        yield b" (MESSAGES)\r\n"
        await ready.wait()
        yield b"c LOGOUT\r\n"

    async with operator(imap, tmp_path) as ctl:
        await ctl.call("admin imapserve", ImapServe("m@example.org"), type(None), upload=commands(), download=take)
        assert answers.startswith(b"* PREAUTH [CAPABILITY IMAP4rev2 ")
        assert b"a OK [READ-WRITE] selected\r\n* STATUS Archive (MESSAGES 0)\r\nb OK" in answers
        assert answers.endswith(b"* BYE good bye\r\nc OK logged out\r\n")
        assert imap.context.sessions.count() == 0


async def test_imapserve_ends_with_its_input(imap: Imap, tmp_path: Path) -> None:
    """IMAP-22"""

    async def nothing() -> AsyncIterator[bytes]:
        yield b"a NOOP\r\n"

    async def take(octets: bytes) -> None:
        """Nobody reads it."""

    async with operator(imap, tmp_path) as ctl:
        await ctl.call("admin imapserve", ImapServe("mia@example.org"), type(None), upload=nothing(), download=take)
        with pytest.raises(CtlFailed, match="not an address of an account"):
            await ctl.call("admin imapserve", ImapServe("who@example.org"), type(None), upload=nothing(), download=take)
