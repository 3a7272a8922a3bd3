"""What the operator can do with IMAP sessions (IMAP-22, IMAP-23, IMAP-159)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
import trio.testing

from moxlite.admin.commands import AdminCommands
from moxlite.admin.doctor.helpers import Helpers
from moxlite.admin.factors import FactorChanges
from moxlite.findings import Finding
from moxlite.imapd.commands import IMAPCommands
from moxlite.imapd.session.trace import Masker
from moxlite.lazyimport import Lazy
from moxlite.net import transcripts
from moxlite.net.control.client import CtlClient, CtlFailed, connect_ctl
from moxlite.net.control.server import serve_ctl
from moxlite.net.resolver import FakeResolver
from moxlite.net.transcripts import LENGTH, LINES, TranscriptBuffer
from moxlite.operations.access import SetPassword
from moxlite.operations.accounts import AddAccount, RemoveAccount
from moxlite.operations.imap import ImapServe, ImapSession, ImapSessions, ImapTrace, Traced
from moxlite.supervision import open_supervisor
from tests.session.imapd_harness import Imap, imap
from tests.store_fixtures import soon
from tests.store_mail import put, rows
from tests.tools import eventually

__all__ = ["imap"]


@asynccontextmanager
async def operator(imap: Imap, tmp_path: Path) -> AsyncIterator[CtlClient]:
    """The command line's end of the control socket."""
    commands = dict(IMAPCommands(imap.context, imap.shutdown).registry())

    async def well() -> list[str]:
        return []

    async def healthy() -> list[Finding]:
        return []

    auth, logins, end = imap.context.logins._auth, imap.context.logins, imap.context.sessions.end_account
    admin = AdminCommands(
        config=imap.context.config,
        accounts=imap.accounts,
        auth=auth,
        logins=logins,
        stop=imap.shutdown.set,
        read_certificates=well,
        findings=healthy,
        end_sessions=end,
        factors=FactorChanges(
            config=imap.context.config,
            accounts=imap.accounts,
            auth=auth,
            logins=logins,
            end_sessions=end,
        ),
        helpers=Helpers(),
        resolver=FakeResolver(),
        forgetters=(),
    )
    commands.update(admin.registry())
    path = tmp_path / "ctl"
    async with open_supervisor("test") as tree:
        await tree.start_ready("ctl.accept", partial(serve_ctl, path, Lazy(lambda: commands).get, tree))
        async with connect_ctl(path) as client:
            yield client


@pytest.mark.served
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


@pytest.mark.served
async def test_a_session_can_be_ended(imap: Imap, tmp_path: Path) -> None:
    """IMAP-159"""
    async with operator(imap, tmp_path) as ctl, imap.user() as c:
        [found] = await ctl.call("imap sessions", ImapSessions(), list[ImapSession])
        assert await ctl.call("imap sessions", ImapSessions(found.id), list[ImapSession]) == []
        assert await c.line() == b"* BYE [UNAVAILABLE] closed by the administrator\r\n"
        with pytest.raises(CtlFailed, match="IMAP session not found: 99"):
            await ctl.call("imap sessions", ImapSessions(99), list[ImapSession])


@pytest.mark.served
async def test_a_new_password_ends_the_sessions(imap: Imap, tmp_path: Path) -> None:
    """IMAP-23"""
    async with operator(imap, tmp_path) as ctl, imap.user() as c:
        await ctl.call("account set-password", SetPassword("mia", "another horse"), type(None))
        with trio.fail_after(60):
            assert await c.line() == b"* BYE [UNAVAILABLE] password updated\r\n"
        async with imap.connect() as again:
            assert (await again.tagged('a LOGIN mia@example.org "correct horse"')).startswith("NO")
            await again.login(password="another horse")


@pytest.mark.served
async def test_a_removal_goes_on_when_who_asked_for_it_is_gone(imap: Imap, tmp_path: Path) -> None:
    """STORE-140, ADMIN-15: else the next start would finish it, and take a new account of that name away."""
    auth = imap.context.auth

    async def noted() -> bool:
        return await auth.removals() == ["bo"]

    async def ended() -> bool:
        return await auth.removals() == []

    async with operator(imap, tmp_path) as ctl:
        async with imap.account("bo"):  # somebody who does not leave at once
            async with connect_ctl(tmp_path / "ctl") as other, trio.open_nursery() as nursery:
                nursery.start_soon(other.call, "config account rm", RemoveAccount("bo"), type(None))
                await soon(noted)
                nursery.cancel_scope.cancel()
            await trio.testing.wait_all_tasks_blocked(0.05)
        await soon(ended)
        assert not imap.accounts.path("bo").exists()
        await ctl.call("config account add", AddAccount("bo", "bo@example.org"), type(None))
        assert imap.accounts.exists("bo")


@pytest.mark.served
async def test_a_removal_that_failed_is_finished_before_the_name_is_given_anew(imap: Imap, tmp_path: Path) -> None:
    """STORE-140: a new account never sees old mail, and is not taken for the old one at the next start."""
    auth = imap.context.auth
    await auth.begin_removal("eve")
    (imap.accounts.path("eve") / "account.db").parent.mkdir()
    (imap.accounts.path("eve") / "account.db").write_bytes(b"of the old one")
    async with operator(imap, tmp_path) as ctl:
        await ctl.call("config account add", AddAccount("eve", "eve@example.org"), type(None))
    assert await auth.removals() == []
    async with imap.account("eve") as account:
        assert await rows(account) == []


@pytest.mark.served
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
        assert answers.endswith(b"* BYE logging out\r\nc OK logged out\r\n")
        assert imap.context.sessions.count() == 0


@pytest.mark.served
async def test_imapserve_ends_with_its_input(imap: Imap, tmp_path: Path) -> None:
    """IMAP-22"""

    async def nothing() -> AsyncIterator[bytes]:
        yield b"a NOOP\r\n"

    async def take(octets: bytes) -> None:
        """Nobody reads it."""

    async with operator(imap, tmp_path) as ctl:
        await ctl.call("admin imapserve", ImapServe("mia@example.org"), type(None), upload=nothing(), download=take)
        with pytest.raises(CtlFailed, match="doesn't belong to an account"):
            await ctl.call("admin imapserve", ImapServe("who@example.org"), type(None), upload=nothing(), download=take)


@asynccontextmanager
async def transcript(imap: Imap, tmp_path: Path) -> AsyncIterator[list[str]]:
    """What `moxlite imap trace mia` shows while the block lasts; then the operator leaves."""
    shown: list[str] = []

    async def show(octets: bytes) -> None:
        shown.append(octets.decode())

    async with operator(imap, tmp_path) as ctl, trio.open_nursery() as nursery:
        nursery.start_soon(partial(ctl.call, "imap trace", ImapTrace("mia", 1), Traced, download=show))
        await eventually(lambda: any(imap.context.sessions._taps.values()))  # those in use have an empty set
        yield shown
        await eventually(lambda: shown and "session closed" in shown[-1])
        nursery.cancel_scope.cancel()


@pytest.mark.served
async def test_a_transcript_shows_what_is_said_and_no_secrets(
    imap: Imap, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """IMAP-159, IMAP-25: log-ins, messages and metadata are masked."""
    mail = "Subject: between us\r\n\r\nand nobody else"
    async with transcript(imap, tmp_path) as shown:
        async with imap.user() as c:
            await c.ok('a ID ("name" "Mutt")')
            await c.append(mail, flags=r"(\Seen)")
            await c.ok("b FETCH 1 (FLAGS INTERNALDATE ENVELOPE BODYSTRUCTURE PREVIEW BODY.PEEK[] RFC822.SIZE)")
            await c.say('c LOGIN mia@example.org "correct horse"')
            await c.say("d AUTHENTICATE PLAIN AGE=")
            await c.ok('e SETMETADATA "" (/private/comment "our secret")')
            await c.ok('f GETMETADATA "" /private/comment')
            await c.ok('g LIST "" Arch*')
            await c.say("h NONSENSE")
            await c.idle()
            async with imap.account() as account:
                await put(account, 1)
            assert await c.response() == "* 2 EXISTS"
            await c.done()
        async with imap.connect() as other:
            await other.login()
    text = "".join(shown)
    for secret in ("between", "nobody", "horse", "AGE=", "secret", "Hello"):
        assert secret not in text
    lines = [line.split(" ", 2)[2] for line in text.splitlines()]
    assert lines[0] == "-: mia@example.org 198.51.100.7 "
    for line in (
        "C: s SELECT INBOX",
        "S: s OK [READ-WRITE] selected",
        r"C: ap APPEND Inbox (\Seen) {38}…",
        "C: c LOGIN … …",
        "C: d AUTHENTICATE PLAIN …",
        'C: e SETMETADATA "" (/private/comment) …',
        'S: * METADATA "…" (/private/comment "…")',
        r'S: * LIST (\HasNoChildren \Archive) "/" Archive',
        "S: * 2 EXISTS",
        "-: session closed",
    ):
        assert line in lines, text
    (fetched,) = [line for line in lines if line.startswith("S: * 1 FETCH") and "ENVELOPE" in line]
    assert 'INTERNALDATE "' in fetched
    assert 'INTERNALDATE "…' not in fetched
    assert fetched.endswith("RFC822.SIZE 38 BODY[] {38})")
    messages = [record.message for record in caplog.records]
    assert "imap trace started" in messages
    assert "imap trace stopped" in messages
    assert not imap.context.sessions._taps


@pytest.mark.served
async def test_a_session_that_idles_is_followed_from_its_next_line_on(imap: Imap, tmp_path: Path) -> None:
    """IMAP-159"""
    async with imap.user() as c:
        await c.idle()
        async with transcript(imap, tmp_path) as shown:
            async with imap.account() as account:
                await put(account, 1)
            await eventually(lambda: any("* 1 EXISTS" in line for line in shown))
            await c.done()
            await c.ok("a LOGOUT")


@pytest.mark.served
async def test_a_transcript_ends_by_itself(imap: Imap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-159: after its time, or when it's long enough; it takes no more memory than its buffer."""
    shown: list[bytes] = []

    async def show(octets: bytes) -> None:
        shown.append(octets)

    async with operator(imap, tmp_path) as ctl:
        monkeypatch.setattr(transcripts, "MINUTE", 0.01)
        done = await ctl.call("imap trace", ImapTrace("mia", 1), Traced, download=show)
        assert (done.lines, done.lost) == (0, 0)
        for wrong, why in (
            (ImapTrace("mia", 61), "for 1 to 60 minutes"),
            (ImapTrace("nobody", 1), 'account not found: "nobody"'),
        ):
            with pytest.raises(CtlFailed, match=why):
                await ctl.call("imap trace", wrong, Traced, download=show)
    tap = TranscriptBuffer()
    for number in range(LINES + 5):
        tap.tell(1, "S", f"{number}" * 3000)
    assert tap.lost == 5
    assert len(tap.lines.receive_nowait()) < LENGTH + 100


def test_a_masker_keeps_no_content_whatever_the_pieces() -> None:
    """IMAP-159: literals, quoted strings with quotes in them, and lines in pieces."""
    data = (
        b'* 1 FETCH (UID 1 ENVELOPE ("a \\"secret\\"" NIL {8}\r\nsec\r\nret SAVEDATE "20-Nov-2026") BINARY[1] ~{6}\r\n'
        b'secret FLAGS (\\Seen))\r\n* OK [ALERT] "said"\r\n* 2 UIDFETCH (PREVIEW "sec'
    )
    for size in (1, 2, 3, 7, 1000):
        masker = Masker()
        lines = [line for start in range(0, len(data), size) for line in masker.feed(data[start : start + size])]
        assert lines == [
            '* 1 FETCH (UID 1 ENVELOPE ("…" NIL {8} SAVEDATE "20-Nov-2026") BINARY[1] ~{6} FLAGS (\\Seen))',
            '* OK [ALERT] "said"',
        ]
    masker = Masker()
    assert masker.feed(b'* 2 UIDFETCH (PREVIEW "secret' + b"x" * 100_000) == []
    assert masker.feed(b'") {3}\r\nabc)\r\n') == ['* 2 UIDFETCH (PREVIEW "…"']
