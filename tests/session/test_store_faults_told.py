"""What clients are told, and what goes on, while the storage fails for a moment or for long (STORE-157, STORE-158)."""

import errno
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from moxlite.cli import run
from moxlite.net.control.client import CtlFailed
from moxlite.operations.store import CheckReport, StoreCheck
from moxlite.store.auth import websessions
from moxlite.store.auth.sessions import LIFETIME, NO_PROVIDER, BadCSRF, SessionExpired, SessionTokens, new_session
from moxlite.store.auth.websessions import MemorySessions
from moxlite.store.file.database import Database
from tests.session.imapd_harness import PASSWORD as IMAP_PASSWORD, Imap, imap
from tests.session.smtpd_harness import Smtp, clock, smtp
from tests.session.test_imapd_operator import operator
from tests.small_config import DOMAINS, STATIC
from tests.systemfaults import calls_fail, no_descriptors
from tests.web_rig import ADDRESS, Rig

__all__ = ["clock", "imap", "smtp"]


def unit_fails(monkeypatch: pytest.MonkeyPatch, database: Database, error: apsw.Error) -> None:
    """Each unit of this database meets `error` when it begins to write."""
    monkeypatch.setattr(database._writer, "_run_one", _failing(database, error))


def _failing(database: Database, error: apsw.Error) -> Callable[..., bool]:
    def run_one(job: object, *, first: bool) -> bool:
        job.fail(database.health.translate(error))  # type: ignore[attr-defined]
        database._writer._roll_back()
        return False

    return run_one


@pytest.mark.served
async def test_without_descriptors_imap_says_unavailable_and_goes_on(imap: Imap) -> None:
    """STORE-158a, IMAP-153: an account that would have to be opened; the same session succeeds later."""
    async with imap.connect() as client:
        with no_descriptors():
            answer = await client.tagged(f'a LOGIN bo@example.org "{IMAP_PASSWORD}"')
        assert answer.startswith("NO [UNAVAILABLE]")
        assert imap.accounts.broken() == {}
        answer = await client.tagged(f'b LOGIN bo@example.org "{IMAP_PASSWORD}"')
        assert answer.startswith("NO [AUTHENTICATIONFAILED]")  # it was opened and read: bo has no password
        await client.login()
        await client.ok("c SELECT Inbox")


@pytest.mark.served
async def test_a_busy_store_is_no_to_imap(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-158a, IMAP-153: nothing was stored, and the next attempt is taken."""
    async with imap.user() as client, imap.account() as account:
        await client.append("Subject: one\r\n\r\ntext\r\n")
        await client.ok("a SELECT Inbox")
        with monkeypatch.context() as patch:
            unit_fails(patch, account.database, apsw.BusyError("database is locked"))
            answer = await client.tagged(r"b STORE 1 +FLAGS (\Seen)")
            assert answer == "NO [UNAVAILABLE] the server is out of resources; try again in a moment"
        assert account.database.health.broken == ""
        await client.ok(r"c STORE 1 +FLAGS (\Seen)")


@pytest.mark.served
async def test_a_busy_store_is_451_to_smtp(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-158a, SMTP-43: the sender tries again, and then it is taken."""
    async with smtp.context.accounts.use("mia") as account, smtp.connect() as client:
        with monkeypatch.context() as patch:
            unit_fails(patch, account.database, apsw.NoMemError("out of memory"))
            assert (await client.deliver(to="mia@ours.example")).startswith("451 4.3.0")
        assert account.database.health.broken == ""
        assert (await client.deliver(to="mia@ours.example")).startswith("250")


@pytest.mark.served
@pytest.mark.parametrize(
    ("error", "status", "after"),
    [
        (apsw.BusyError("locked"), 503, "5"),
        (apsw.IOError("disk"), 503, "60"),
        (apsw.CorruptError("page"), 503, "60"),
        (apsw.FullError("full"), 507, None),
    ],
    ids=lambda one: repr(one),
)
async def test_a_call_tells_of_the_storage_and_when_to_try_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, error: apsw.Error, status: int, after: str | None
) -> None:
    """STORE-158a, WEB-55: words and Retry-After, no 500."""
    browser = rig.browser()
    await browser.log_in()
    async with rig.accounts.use("mia") as account:
        with monkeypatch.context() as patch:
            unit_fails(patch, account.database, error)
            answer = await browser.post("mailbox_create", {"name": "New"})
    assert (answer.status, answer.headers.get("retry-after")) == (status, after)
    assert answer.json["error"]["code"] in ("server:error", "user:error")
    assert len(answer.json["error"]["message"]) > 10


@pytest.mark.served
@pytest.mark.parametrize("error", [apsw.FullError("full"), apsw.IOError("disk"), apsw.CorruptError("page")], ids=repr)
async def test_logging_in_to_the_web_needs_no_write(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, error: apsw.Error
) -> None:
    """STORE-105a, STORE-157, WEB-54: the session lives in memory, and is ended as any other."""
    database = rig.auth.database
    with monkeypatch.context() as patch:
        unit_fails(patch, database, error)
        browser, second = rig.browser(), rig.browser()
        await browser.log_in()
        await second.log_in()
        assert await browser.call("decode_mime_words", text="x") == "x"
        assert len(await rig.auth.sessions.of("mia")) == 2
        wrong = rig.browser()
        token = await wrong.call("login_prep")
        assert (await wrong.error("login", login_token=token, username=ADDRESS, password="wrong"))[0] == 401
        await browser.call("logout")
        assert (await browser.error("decode_mime_words", text="x"))[0] == 401
    database.health.healed()
    assert await second.call("decode_mime_words", text="x") == "x"  # a file that can be written again changes nothing
    assert await rig.auth.sessions.remove_all("mia") == 1
    assert (await second.error("decode_mime_words", text="x"))[0] == 401


@pytest.mark.served
async def test_a_command_of_the_control_socket_says_what_is_short(imap: Imap, tmp_path: Path) -> None:
    """STORE-158a: words and the code "busy", no "unexpected error"; then it works."""
    async with operator(imap, tmp_path) as client:
        with calls_fail(imap.accounts.directory / "accounts", errno.EMFILE), pytest.raises(CtlFailed) as failed:
            await client.call("store check", StoreCheck(), list[CheckReport])
        assert "try again in a moment" in str(failed.value)
        await client.call("store check", StoreCheck(), list[CheckReport])


@pytest.mark.served
def test_a_verb_on_the_files_says_what_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """STORE-158a, ADMIN-18: one line on stderr, exit code 1, no traceback."""
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    (tmp_path / "data" / "accounts").mkdir(parents=True)
    monkeypatch.setenv("MOXLITE_CONF", str(tmp_path / "moxlite.toml"))
    with calls_fail(tmp_path / "data" / "accounts", errno.EACCES):
        assert run(["store", "check"]) == 1
    assert capsys.readouterr().err.startswith("moxlite: accounts: [Errno 13] Permission denied")


def test_sessions_in_memory_are_bounded_and_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-105a: 100 of an account, 1000 of all, 24 hours after the last use."""
    monkeypatch.setattr(websessions, "MAX_IN_MEMORY", 150)
    kept = MemorySessions()

    def add(account: str, now: int) -> SessionTokens:
        return kept.add(new_session("webmail", account, ADDRESS, now, "", "", None, ""), NO_PROVIDER)

    first = add("mia", 0)
    tokens = [add("mia", 1) for _ in range(100)]
    assert kept.use(first.token, "webmail", "mia", now=2, csrf=None) is None
    assert len(kept.of("mia", now=2)) == 100
    assert kept.use(tokens[0].token, "webaccount", "mia", now=2, csrf=None) is None
    with pytest.raises(BadCSRF):
        kept.use(tokens[0].token, "webmail", "mia", now=2, csrf="wrong")
    for number in range(60):
        add(f"other{number}", 3)
    assert len(kept.of("mia", now=3)) == 90
    last = tokens[-1]
    assert kept.use(last.token, "webmail", "mia", now=LIFETIME, csrf=last.csrf) is not None
    assert kept.use(last.token, "webmail", "mia", now=2 * LIFETIME - 1, csrf=None) is not None
    with pytest.raises(SessionExpired):
        kept.use(last.token, "webmail", "mia", now=4 * LIFETIME, csrf=None)
