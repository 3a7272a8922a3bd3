"""App passwords in IMAP: reading only, and the end of their sessions (docs/spec/imap.md, IMAP-158)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from moxlite.imapd.dispatch import HANDLERS
from moxlite.imapd.session import sessions as sessions_module
from moxlite.net.control.client import CtlFailed
from moxlite.operations.access import AppPasswordAdd, AppPasswordInfo, ListAppPasswords, RemoveAppPassword
from moxlite.operations.accounts import ListLogins, LoginInfo
from moxlite.operations.imap import ImapSession, ImapSessions
from moxlite.proto.imap import commands as c
from tests.session.imapd_harness import Client, Imap, imap
from tests.session.test_imapd_operator import operator
from tests.tools import settled

__all__ = ["imap"]

MAIL = "Subject: one\r\n\r\ntext\r\n"


@asynccontextmanager
async def reader(imap: Imap, tmp_path: Path, *, expires: int | None = None) -> AsyncIterator[Client]:
    """A client that is logged in for reading only, with a message in Inbox."""
    async with imap.user() as owner:
        await owner.append(MAIL)
    async with operator(imap, tmp_path) as ctl:
        args = AppPasswordAdd("archive", ["imap"], read_only=True, expires=expires, account="mia")
        password = await ctl.call("account app-password add", args, str)
    async with imap.connect() as client:
        await client.login(password=password)
        yield client


READING = {
    *(c.Capability, c.Noop, c.Logout, c.Id, c.StartTls, c.Authenticate, c.Login, c.Enable, c.Select, c.Examine),
    *(c.List, c.Lsub, c.Namespace, c.Status, c.Idle, c.GetQuota, c.GetQuotaRoot, c.GetMetadata, c.Compress, c.Notify),
    *(c.Esearch, c.Check, c.Close, c.Unselect, c.Fetch, c.Search, c.Sort, c.Thread),
    *(c.GetAcl, c.ListRights, c.MyRights, c.GetJmapAccess, c.UidBatches),
}
"""Commands that change nothing of an account whose mailboxes are read-only."""


def test_each_command_is_known_to_change_something_or_not() -> None:
    """IMAP-158: a new command must be put on either side."""
    for command, handler in HANDLERS.items():
        assert handler.changes == (command not in READING), command


@pytest.mark.served
async def test_reading_works_with_an_app_password_for_reading(imap: Imap, tmp_path: Path) -> None:
    r"""IMAP-158: mailboxes open as by EXAMINE; looking at a message doesn't mark it, nor what is \Recent."""
    async with reader(imap, tmp_path) as client:
        lines = await client.say("s SELECT Inbox")
        assert lines[-1].startswith("s OK [READ-ONLY]")
        assert any("PERMANENTFLAGS ()" in line for line in lines)
        body = await client.ok("a FETCH 1 (FLAGS BODY[])")
        assert any("text" in line for line in body)
        assert not any(r"\Seen" in line for line in await client.ok("b FETCH 1 FLAGS"))
        assert (await client.ok("c SEARCH ALL"))[0] == "* SEARCH 1"
        await client.ok("d STATUS Archive (MESSAGES)")
        await client.ok('e GETMETADATA "" /private/comment')
        await client.idle()
        await client.done()
        await client.ok("f CLOSE")


@pytest.mark.served
@pytest.mark.parametrize(
    "command",
    [
        r"STORE 1 +FLAGS (\Seen)",
        "EXPUNGE",
        "UID EXPUNGE 1",
        "COPY 1 Archive",
        "MOVE 1 Archive",
        "CREATE New",
        "DELETE Archive",
        "RENAME Archive Old",
        "SUBSCRIBE Archive",
        "UNSUBSCRIBE Archive",
        'SETMETADATA "" (/private/comment "x")',
        'SETQUOTA "" (STORAGE 1)',
    ],
)
async def test_changes_are_refused(imap: Imap, tmp_path: Path, command: str) -> None:
    """IMAP-158: with a clear word (RFC 5530 §3), and nothing is changed."""
    async with reader(imap, tmp_path) as client:
        await client.select()
        async with imap.account() as account:
            before = account.bus.modseq
            answer = await client.tagged(f"x {command}")
            assert answer == "NO [NOPERM] this app password is read-only"
            assert account.bus.modseq == before


@pytest.mark.served
@pytest.mark.parametrize("command", ["APPEND Inbox", "REPLACE 1 Inbox"])
async def test_a_message_is_refused_before_it_comes(imap: Imap, tmp_path: Path, command: str) -> None:
    """IMAP-158, IMAP-85"""
    async with reader(imap, tmp_path) as client:
        await client.select()
        await client.send(f"x {command} {{10}}\r\n")
        assert await client.response() == "x NO [NOPERM] this app password is read-only"
        await client.send(f"y {command} {{2+}}\r\nxx\r\n")
        assert (await client.until("y"))[-1] == "y NO [NOPERM] this app password is read-only"
        await client.ok("z NOOP")


@pytest.mark.served
async def test_the_operator_makes_lists_and_revokes_them(imap: Imap, tmp_path: Path) -> None:
    """STORE-191, IMAP-23, IMAP-158, ADMIN-19b: only the sessions of the one that goes end, at once; the logins of both
    are listed.
    """
    async with operator(imap, tmp_path) as ctl, imap.user() as owner:
        passwords = {}
        for name in ("phone", "tablet"):
            args = AppPasswordAdd(name, ["imap"], account="mia")
            passwords[name] = await ctl.call("account app-password add", args, str)
        with pytest.raises(CtlFailed, match="already"):
            await ctl.call("account app-password add", AppPasswordAdd("phone", ["imap"], account="mia"), str)
        with pytest.raises(CtlFailed, match="account not found"):
            await ctl.call("account app-password add", AppPasswordAdd("phone", ["imap"], account="none"), str)
        async with imap.connect() as phone, imap.connect() as tablet:
            await phone.login(password=passwords["phone"])
            await tablet.login(password=passwords["tablet"])
            rows = await ctl.call("account app-password list", ListAppPasswords(account="mia"), list[AppPasswordInfo])
            assert [(row.name, row.scopes, row.expires, row.expired) for row in rows] == [
                ("phone", ["imap"], None, False),
                ("tablet", ["imap"], None, False),
            ]
            assert all(row.last_used for row in rows)
            await settled()  # logins are recorded in the background
            logins = await ctl.call("account logins", ListLogins("mia"), list[LoginInfo])
            assert {(login.app_password, login.result, login.remote_ip, login.protocol) for login in logins} >= {
                ("phone", "ok", "198.51.100.7", "IMAP"),
                ("tablet", "ok", "198.51.100.7", "IMAP"),
            }
            assert await ctl.call("account logins", ListLogins(), list[LoginInfo]) == logins
            assert await ctl.call("account logins", ListLogins("mia", 1), list[LoginInfo]) == logins[:1]
            with pytest.raises(CtlFailed, match="account not found"):
                await ctl.call("account logins", ListLogins("none"), list[LoginInfo])
            sessions = await ctl.call("imap sessions", ImapSessions(), list[ImapSession])
            assert sorted(one.app_password for one in sessions) == ["", "phone", "tablet"]
            await ctl.call("account app-password rm", RemoveAppPassword("phone", account="mia"), type(None))
            assert await phone.line() == b"* BYE [UNAVAILABLE] the app password was revoked\r\n"
            await tablet.ok("a NOOP")
            await owner.ok("a NOOP")
        with pytest.raises(CtlFailed, match="app password not found: 'phone'"):
            await ctl.call("account app-password rm", RemoveAppPassword("phone", account="mia"), type(None))
        async with imap.connect() as again:
            answer = await again.tagged(f"a LOGIN mia@example.org {passwords['phone']}")
            assert answer == "NO [AUTHENTICATIONFAILED] bad user or password"
        async with imap.connect() as mailer:
            args = AppPasswordAdd("mailer", ["submission"], account="mia")
            password = await ctl.call("account app-password add", args, str)
            answer = await mailer.tagged(f"a LOGIN mia@example.org {password}")
            assert answer == "NO [AUTHORIZATIONFAILED] this app password can't be used for imap"


@pytest.mark.served
@pytest.mark.parametrize("how", ["in time", "the clock is set"])
async def test_sessions_end_with_the_time_of_their_app_password(
    imap: Imap, tmp_path: Path, mock_clock: MockClock, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """IMAP-158: then, not at the next look, of which there is none while nobody needs it (IMAP-170)."""
    mock_clock.rate = 0
    started, sessions = sessions_module.now(), imap.context.sessions
    async with trio.open_nursery() as nursery, imap.user() as owner:
        nursery.start_soon(sessions.end_expired)
        async with reader(imap, tmp_path, expires=started + 600 * 1_000_000) as client:
            await client.ok("a NOOP")
            await settled(0.01)
            monkeypatch.setattr(sessions_module, "now", lambda: started + 600 * 1_000_000)
            if how == "in time":
                mock_clock.jump(600)
            else:
                sessions.look_again()
            assert await client.line() == b"* BYE [UNAVAILABLE] the app password has expired\r\n"
        await owner.ok("a NOOP")
        nursery.cancel_scope.cancel()
