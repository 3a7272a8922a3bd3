"""Logging in: passwords, SASL, certificates, limits, records (SMTP-48..65, IMAP-41..51, WEB-56..58)."""

import base64
import contextlib
import hashlib
import hmac
import logging
import re
from collections.abc import AsyncIterator, Callable
from functools import cache, partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from moxlite.admin.foreignpasswords import ForeignPasswordCare
from moxlite.admin.passwords import Passwords
from moxlite.admin.storage.settings import store_options
from moxlite.config.load import load
from moxlite.config.reference import EXAMPLES
from moxlite.config.snapshot import FixedConfig, Snapshot
from moxlite.logins import logins as stored
from moxlite.logins.adminpassword import write_admin_password
from moxlite.logins.exchange import Exchange, UnknownMechanism, start_exchange
from moxlite.logins.guessing import AccountWindow, FailedLogins
from moxlite.logins.identity import (
    BadChannelBinding,
    BadExchange,
    CertificateLogin,
    Identity,
    LoginDisabled,
    LoginRequest,
    NoAdminPassword,
    NoSecrets,
    NotPermitted,
    Protocol,
    RateLimited,
    WrongCredentials,
    fingerprint,
)
from moxlite.logins.logins import Logins
from moxlite.net.exposition import REGISTRY
from moxlite.net.limits import Window
from moxlite.net.log import LogfmtFormatter, bind_cid
from moxlite.proto.sasl import AuthenticationFailed, Challenge
from moxlite.proto.sasl.crammd5 import CramMD5Client
from moxlite.proto.sasl.scram import ScramClient
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth import credentials
from moxlite.store.auth.apppasswords import add_app_password, app_passwords, remove_app_password
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.credentials import Credential, change_password, credential, derive_credential, set_credential
from moxlite.store.auth.tlskeys import TLSKey
from moxlite.store.errors import StorageBroken, StorageFull, StoreError
from moxlite.store.file.transaction import Tx
from tests.logs import kv
from tests.supervised import supervised
from tests.tools import settled

STATIC = """\
hostname = "mx.example.org"
admin_password_file = "adminpasswd"
data_dir = "data"
[postmaster]
account = "me"
mailbox = "Postmaster"
[listeners.local]
ips = ["127.0.0.1"]
"""

DOMAINS = """\
[domains."example.org"]
localpart_separators = ["+"]
[domains."example.org".aliases.team]
addresses = ["me@example.org"]
[domains."off.example"]
disabled = true
[accounts.me]
domain = "example.org"
[accounts.me.destinations."me@example.org"]
[accounts.me.destinations."also@example.org"]
[accounts.me.destinations."me@off.example"]
[accounts.you]
domain = "example.org"
login_disabled = "pay your bill"
[accounts.you.destinations."you@example.org"]
[accounts.fresh]
domain = "example.org"
[accounts.fresh.destinations."fresh@example.org"]
[accounts.strict]
domain = "example.org"
require_app_passwords = true
[accounts.strict.destinations."strict@example.org"]
"""

PASSWORD = "correct horse"
REQUEST = LoginRequest(protocol="imap", remote=ip_address("192.0.2.1"), local=ip_address("198.51.100.1"))


class Place:
    """Everything that logging in needs, with accounts `me`, `you`, `strict` (password set) and `fresh` (none)."""

    def __init__(self, snapshot: Snapshot, accounts: Accounts, auth: AuthDB, logins: Logins) -> None:
        self.snapshot = snapshot
        self.accounts = accounts
        self.auth = auth
        self.logins = logins

    async def login(self, username: str, password: str, request: LoginRequest = REQUEST) -> Identity:
        return await self.logins.password(request, username, password, mechanism="plain")

    async def exchange(self, mechanism: str, **options: object) -> Exchange:
        request = CERTIFIED if "certificate" in options else REQUEST
        return await start_exchange(self.logins, request, mechanism, hostname="mx.example.org", **options)  # type: ignore[arg-type]

    async def results(self, account: str | None = None) -> list[tuple[str, str, str, str]]:
        """Attempts as recorded, in no order: account, address, mechanism, result."""
        recorder = self.auth.attempts.recorder._receive
        with trio.fail_after(30):
            while not recorder.statistics().tasks_waiting_receive:  # noqa: ASYNC110 - nothing tells when it has written
                await trio.sleep(0.005)
        rows = await self.auth.attempts.newest(account, limit=100)
        return [(row.account, row.address, row.mechanism, row.result) for row in rows]


@cache
def derived() -> Credential:
    """The forms of `PASSWORD`: 40 ms, once for all tests."""
    return derive_credential(PASSWORD)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    (tmp_path / "data").mkdir()
    snapshot = load(tmp_path / "moxlite.toml")[0]
    accounts = Accounts(tmp_path / "data", store_options(FixedConfig(snapshot)))
    auth = await AuthDB.open(tmp_path / "data" / "auth.db", accounts.options, create=True)
    failures = FailedLogins((Window(60, (5, 100, 100)),), (AccountWindow(60, 100),), clock=lambda: 0.0)
    logins = Logins(config=FixedConfig(snapshot), accounts=accounts, auth=auth, failures=failures, secret=b"s" * 24)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervised, accounts)
        await nursery.start(supervised, auth)
        for name in ("me", "you", "strict"):
            async with accounts.use(name) as account:
                await account.write(lambda tx: set_credential(tx, derived()))
        yield Place(snapshot, accounts, auth, logins)
        nursery.cancel_scope.cancel()
    await auth.aclose()


@pytest.mark.parametrize("username", ["me@example.org", "ME+tag@example.org", "me@off.example"])
async def test_any_address_logs_in_with_the_right_password(place: Place, username: str) -> None:
    """SMTP-52, SMTP-62: accounts of disabled domains may log in; the canonical address becomes the user."""
    identity = await place.login(username, PASSWORD)
    assert identity.account == "me"
    assert identity.address == username.lower().replace("+tag", "")
    assert await place.results("me") == [("me", identity.address, "plain", "ok")]


@pytest.mark.parametrize(
    ("username", "password", "result"),
    [
        ("me@example.org", "wrong horse", "badpassword"),
        ("nobody@example.org", PASSWORD, "baduser"),
        ("team@example.org", PASSWORD, "baduser"),
        ("fresh@example.org", PASSWORD, "badpassword"),
        ("me@example.org", "", "badpassword"),
        ("me@example.org", "\0", "badpassword"),
    ],
)
async def test_what_is_wrong_is_recorded_but_not_told(
    place: Place, username: str, password: str, result: str, caplog: pytest.LogCaptureFixture
) -> None:
    """SMTP-57, SMTP-64, SMTP-65: one text for all; one info line with remote, protocol and username."""
    caplog.set_level(logging.INFO)
    with pytest.raises(WrongCredentials, match="bad user or password"):
        await place.login(username, password)
    assert [row[3] for row in await place.results()] == [result]
    (line,) = [record for record in caplog.records if record.message == "authentication failed"]
    found = kv(line)
    assert (found["remote"], found["protocol"], found["username"]) == ("192.0.2.1", "imap", username)
    assert password not in str(found) or not password
    assert "hint" not in found


@pytest.mark.parametrize("username", ["me@example.org", 'x remote=203.0.113.9 protocol=imap m="authentication failed"'])
@pytest.mark.parametrize("cid", [0, 0x18C3])
async def test_the_filter_for_fail2ban_takes_the_address_of_the_client(
    place: Place, username: str, cid: int, caplog: pytest.LogCaptureFixture
) -> None:
    """SMTP-65: never one that is in a user name, which would let a stranger ban others."""
    caplog.set_level(logging.INFO)
    with bind_cid(cid), pytest.raises(WrongCredentials):
        await place.login(username, "wrong")
    [record] = [one for one in caplog.records if one.message == "authentication failed"]
    record.cid = cid
    line = LogfmtFormatter(timestamps=False).format(record)
    [pattern] = re.findall(r"^failregex = (.*)$", EXAMPLES["fail2ban"][1], re.MULTILINE)
    found = re.search(pattern.replace("<HOST>", r"(?P<host>[\w.:]+)"), line)
    assert found is not None, line
    assert found["host"] == "192.0.2.1"
    assert len(re.findall(pattern.replace("<HOST>", r"[\w.:]+"), line)) == 1


async def test_a_user_name_without_a_domain_is_explained_to_the_owner(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """SMTP-65: in the log line alone."""
    caplog.set_level(logging.INFO)
    for name in ("me", "nobody"):
        with pytest.raises(WrongCredentials, match=r"^bad user or password$"):
            await place.login(name, PASSWORD)
    lines = [kv(record) for record in caplog.records if record.message == "authentication failed"]
    assert [line["hint"] for line in lines] == ["use your full email address as the user name"] * 2


async def test_a_disabled_login_is_told_only_after_the_right_password(place: Place) -> None:
    """SMTP-62, IMAP-51."""
    with pytest.raises(WrongCredentials):
        await place.login("you@example.org", "wrong horse")
    with pytest.raises(LoginDisabled, match="pay your bill"):
        await place.login("you@example.org", PASSWORD)
    assert {row[3] for row in await place.results("you")} == {"badpassword", "logindisabled"}


async def test_a_network_with_too_many_failures_is_not_looked_at(place: Place) -> None:
    """SMTP-136, WEB-56: refused attempts are counted in their own metric, not recorded."""
    for _ in range(5):
        with pytest.raises(WrongCredentials):
            await place.login("me@example.org", "wrong horse")
    name = "moxlite_authentication_ratelimited_total"
    before = REGISTRY.get_sample_value(name, {"kind": "imap"}) or 0
    with pytest.raises(RateLimited):
        await place.login("me@example.org", PASSWORD)
    assert REGISTRY.get_sample_value(name, {"kind": "imap"}) == before + 1
    elsewhere = msgspec.structs.replace(REQUEST, remote=ip_address("203.0.113.9"))
    assert (await place.login("me@example.org", PASSWORD, elsewhere)).account == "me"


async def test_a_success_zeroes_the_failures_of_its_address(place: Place) -> None:
    """SMTP-138."""
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(WrongCredentials):
                await place.login("me@example.org", "wrong horse")
        await place.login("me@example.org", PASSWORD)


async def test_a_connection_that_keeps_failing_waits_longer_each_time(place: Place, mock_clock: MockClock) -> None:
    """SMTP-63: from the 4th failure on (failures - 3) s before checking."""
    mock_clock.rate = 0
    request = msgspec.structs.replace(REQUEST, failures=5)
    async with trio.open_nursery() as nursery:
        done = trio.Event()

        async def attempt() -> None:
            await place.logins.attempts.admit(request)
            done.set()

        nursery.start_soon(attempt)
        await settled()
        mock_clock.jump(1.9)
        await settled()
        assert not done.is_set()
        mock_clock.jump(0.2)
        await done.wait()
        nursery.cancel_scope.cancel()
    before = trio.current_time()
    await place.logins.attempts.admit(msgspec.structs.replace(REQUEST, failures=3))
    assert trio.current_time() == before


async def test_a_changed_password_is_effective_at_once(place: Place) -> None:
    """STORE-103: verified passwords are remembered, but not beyond a change."""
    await place.login("me@example.org", PASSWORD)
    async with place.accounts.use("me") as account:
        await change_password(account, "battery staple")
    place.logins.forget("me")
    with pytest.raises(WrongCredentials):
        await place.login("me@example.org", PASSWORD)
    await place.login("me@example.org", "battery staple")


# SASL


async def converse(exchange: Exchange, client: ScramClient | CramMD5Client) -> Identity:
    """Run client against server to the end."""
    with exchange:
        outcome = await exchange.step(client.initial())
        while isinstance(outcome, Challenge):
            try:
                answer = client.step(outcome.data)
            except AuthenticationFailed:
                answer = b""
            outcome = await exchange.step(answer)
    client.finish()
    return outcome


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5"])
async def test_challenge_response_mechanisms_log_in(place: Place, mechanism: str) -> None:
    """SMTP-53, SMTP-54, IMAP-43."""
    make = (
        (lambda: CramMD5Client("me@example.org", PASSWORD))
        if mechanism == "CRAM-MD5"
        else (lambda: ScramClient(mechanism, "me@example.org", PASSWORD))
    )
    assert await converse(await place.exchange(mechanism), make()) == Identity("me", "me@example.org")
    assert await place.results("me") == [("me", "me@example.org", mechanism.lower(), "ok")]


@pytest.mark.parametrize("username", ["me@example.org", "nobody@example.org", "fresh@example.org"])
async def test_scram_looks_the_same_for_users_that_do_not_exist(place: Place, username: str) -> None:
    """SMTP-57, IMAP-46: the exchange runs to the end with a stable salt, then fails like a wrong password."""
    salts = set()
    for _ in range(2):
        exchange = await place.exchange("SCRAM-SHA-256")
        client = ScramClient("SCRAM-SHA-256", username, "wrong horse")
        first = await exchange.step(client.initial())
        assert isinstance(first, Challenge)
        salts.add(first.data.split(b",")[1])
        second = await exchange.step(client.step(first.data))
        assert second == Challenge(b"e=invalid-proof")
        with pytest.raises(WrongCredentials):
            await exchange.step(b"")
    assert len(salts) == 1


async def test_an_account_without_a_mechanisms_secret_must_set_its_password_again(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """SMTP-57, STORE-101, IMAP-44: not counted as a failure, with a hint in the log."""
    caplog.set_level(logging.INFO)
    async with place.accounts.use("me") as account:
        stored = await account.read(credential, op="test")
        assert stored is not None
        old = msgspec.structs.replace(stored, secrets=msgspec.structs.replace(stored.secrets, cram_md5=None))
        await account.write(lambda tx: set_credential(tx, old))
    for _ in range(10):
        exchange = await place.exchange("CRAM-MD5")
        challenge = await exchange.step(None)
        assert isinstance(challenge, Challenge)
        with pytest.raises(NoSecrets):
            await exchange.step(CramMD5Client("me@example.org", PASSWORD).step(challenge.data))
    assert any("set the account's password again" in record.message for record in caplog.records)
    assert not any(record.message == "authentication failed" for record in caplog.records)


async def test_a_plain_exchange_checks_the_password(place: Place) -> None:
    """SMTP-51: the fields of PLAIN; authzid empty or equal."""
    exchange = await place.exchange("PLAIN")
    assert await exchange.step(b"\0me@example.org\0" + PASSWORD.encode()) == Identity("me", "me@example.org")
    with pytest.raises(WrongCredentials):
        await (await place.exchange("PLAIN")).step(b"also@example.org\0me@example.org\0" + PASSWORD.encode())
    with pytest.raises(BadExchange):
        await (await place.exchange("PLAIN")).step(b"no nul")
    assert {row[3] for row in await place.results()} == {"ok", "badcreds", "badprotocol"}


async def test_wrong_channel_bindings_are_their_own_failure(place: Place) -> None:
    """SMTP-55, IMAP-45: result badchanbind."""
    exchange = await place.exchange("SCRAM-SHA-256-PLUS", bindings={"tls-exporter": b"ours"})
    client = ScramClient("SCRAM-SHA-256-PLUS", "me@example.org", PASSWORD, binding=("tls-exporter", b"theirs"))
    first = await exchange.step(client.initial())
    assert isinstance(first, Challenge)
    with pytest.raises(BadChannelBinding):
        await exchange.step(client.step(first.data))
    assert [row[3] for row in await place.results()] == ["badchanbind"]


async def test_giving_up_is_recorded_as_aborted(place: Place) -> None:
    """SMTP-64."""
    exchange = await place.exchange("PLAIN")
    await exchange.step(None)
    exchange.abort()
    assert [row[3] for row in await place.results()] == ["aborted"]


async def test_unknown_mechanisms_are_refused_before_anything(place: Place) -> None:
    """SMTP-49."""
    with pytest.raises(UnknownMechanism):
        await place.exchange("GSSAPI")
    assert await place.results() == []


# App passwords


def via(protocol: Protocol) -> LoginRequest:
    return msgspec.structs.replace(REQUEST, protocol=protocol)


async def app_password(place: Place, account: str = "me", name: str = "phone", **options: object) -> str:
    options = {"scopes": ["imap", "submission"], **options}
    async with place.accounts.use(account) as opened:
        return await add_app_password(opened, name, **options)  # type: ignore[arg-type]  # as above


async def by(place: Place, mechanism: str, password: str, *, user: str = "me@example.org") -> Identity:
    """Log in by any mechanism."""
    if mechanism == "PLAIN":
        outcome = await (await place.exchange("PLAIN")).step(f"\0{user}\0{password}".encode())
    elif mechanism == "LOGIN":
        exchange = await place.exchange("LOGIN")
        for data in (None, user.encode()):
            await exchange.step(data)
        outcome = await exchange.step(password.encode())
    else:
        options: dict[str, object] = {"bindings": {"tls-exporter": b"x" * 32}} if mechanism.endswith("-PLUS") else {}
        client = (
            CramMD5Client(user, password)
            if mechanism == "CRAM-MD5"
            else ScramClient(
                mechanism, user, password, binding=("tls-exporter", b"x" * 32) if "PLUS" in mechanism else None
            )
        )
        return await converse(await place.exchange(mechanism, **options), client)
    assert isinstance(outcome, Identity)
    return outcome


MECHANISMS = (
    "PLAIN",
    "LOGIN",
    "CRAM-MD5",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256-PLUS",
)


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_each_password_of_an_account_opens_by_each_mechanism(place: Place, mechanism: str) -> None:
    """STORE-191, IMAP-158, SMTP-165: and the record of attempts names the one that was used."""
    passwords = {"": PASSWORD}
    for name in ("phone", "tablet"):
        passwords[name] = await app_password(place, name=name)
    for name, password in passwords.items():
        identity = await by(place, mechanism, password)
        assert (identity.account, identity.app_password, identity.read_only) == ("me", name, False)
    await place.results()
    rows = await place.auth.attempts.newest("me")
    assert {(row.app_password, row.result, row.mechanism) for row in rows} == {
        (name, "ok", mechanism.lower()) for name in passwords
    }
    assert not any(password in repr(rows) for password in passwords.values())
    async with place.accounts.use("me") as account:
        assert all(one.last_used for one in await account.read(app_passwords, op="test"))


async def test_an_account_needs_no_password_of_its_own_for_app_passwords(place: Place) -> None:
    """STORE-191"""
    password = await app_password(place, "fresh")
    for mechanism in MECHANISMS:
        assert (await by(place, mechanism, password, user="fresh@example.org")).app_password == "phone"


@pytest.mark.parametrize("protocol", ["smtp", "submission", "imap", "webapi", "webmail", "webaccount"])
async def test_an_app_password_opens_only_what_it_is_for(place: Place, protocol: Protocol) -> None:
    """STORE-191, WEB-150: whoever has it hears why it fails; the web apps don't know it at all."""
    scope = {"smtp": "submission"}.get(protocol, protocol)
    passwords = {one: await app_password(place, name=one, scopes=[one]) for one in ("imap", "submission", "webapi")}
    assert (await place.login("me@example.org", PASSWORD, via(protocol))).app_password == ""
    for name, password in passwords.items():
        if name == scope:
            assert (await place.login("me@example.org", password, via(protocol))).app_password == name
        elif protocol in ("webmail", "webaccount"):
            with pytest.raises(WrongCredentials):
                await place.login("me@example.org", password, via(protocol))
        else:
            with pytest.raises(NotPermitted, match=f"can't be used for {scope}"):
                await place.login("me@example.org", password, via(protocol))
    await place.results()
    refused = {(row.result, row.app_password) for row in await place.auth.attempts.newest("me") if row.result != "ok"}
    others = passwords.keys() - {scope}
    web = protocol in ("webmail", "webaccount")
    assert refused == ({("badpassword", "")} if web else {("notpermitted", name) for name in others})


async def test_an_app_password_ends_with_its_time(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """STORE-191: the log names it, and never the secret."""
    caplog.set_level(logging.INFO)
    password = await app_password(place, expires=1 << 60)
    identity = await by(place, "SCRAM-SHA-256", password)
    assert await place.logins.stored.stands(identity)
    async with place.accounts.use("me") as account:
        await account.write(lambda tx: tx.execute("UPDATE app_password SET expires = 1"))
    assert not await place.logins.stored.stands(identity)
    for mechanism in MECHANISMS:
        with pytest.raises(NotPermitted, match="has expired"):
            await by(place, mechanism, password)
    lines = [record for record in caplog.records if record.message == "authentication failed"]
    assert {kv(line)["app_password"] for line in lines} == {"phone"}
    assert password not in caplog.text
    assert not any(password in str(line.__dict__) for line in lines)


async def test_a_revoked_app_password_opens_nothing(place: Place) -> None:
    """STORE-191: nor when it was verified before, nor to a client that had begun by then."""
    password = await app_password(place)
    identity = await by(place, "PLAIN", password)
    exchange = await place.exchange("SCRAM-SHA-256")
    client = ScramClient("SCRAM-SHA-256", "me@example.org", password)
    first = await exchange.step(client.initial())
    assert isinstance(first, Challenge)
    second = await exchange.step(client.step(first.data))
    assert isinstance(second, Challenge)
    async with place.accounts.use("me") as account:
        assert await account.write(lambda tx: remove_app_password(tx, "phone"))
    with pytest.raises(WrongCredentials):
        await exchange.step(client.step(second.data))
    with pytest.raises(WrongCredentials):
        await by(place, "PLAIN", password)
    assert not await place.logins.stored.stands(identity)
    await app_password(place)  # another one of the same name
    assert not await place.logins.stored.stands(identity)


@pytest.mark.parametrize("mechanism", ["PLAIN", "CRAM-MD5", "SCRAM-SHA-256"])
async def test_with_app_passwords_required_the_own_password_is_for_the_web(place: Place, mechanism: str) -> None:
    """STORE-191, WEB-150: elsewhere it fails as any wrong one, so nothing can be tried out there."""
    user = "strict@example.org"
    with pytest.raises(WrongCredentials, match="bad user or password"):
        await by(place, mechanism, PASSWORD, user=user)
    elsewhere = msgspec.structs.replace(via("webmail"), remote=ip_address("203.0.113.9"))
    assert (await place.login(user, PASSWORD, elsewhere)).account == "strict"
    with pytest.raises(WrongCredentials):
        await place.login(user, PASSWORD, via("webapi"))
    password = await app_password(place, "strict")
    assert (await by(place, mechanism, password, user=user)).app_password == "phone"
    with pytest.raises(NotPermitted, match="use an app password"):
        await by(place, mechanism, PASSWORD, user=user)


async def test_app_passwords_can_be_required_of_all(place: Place) -> None:
    """STORE-191"""
    static = msgspec.structs.replace(place.snapshot.static, require_app_passwords=True)
    place.logins.stored._config = FixedConfig(msgspec.structs.replace(place.snapshot, static=static))
    with pytest.raises(WrongCredentials):
        await place.login("me@example.org", PASSWORD)
    assert (await place.login("me@example.org", PASSWORD, via("webaccount"))).account == "me"


async def test_only_known_networks_read_that_an_app_password_is_needed(place: Place) -> None:
    """SMTP-57a: elsewhere the right password gets the answer of a wrong one, and counts as one."""
    away = msgspec.structs.replace(REQUEST, remote=ip_address("203.0.113.9"))
    await place.login("strict@example.org", PASSWORD, via("webaccount"))
    with pytest.raises(NotPermitted, match="use an app password"):
        await place.login("strict@example.org", PASSWORD)
    answers = []
    for password in (PASSWORD, "wrong password"):
        with pytest.raises(WrongCredentials) as refused:
            await place.login("strict@example.org", password, away)
        answers.append(str(refused.value))
    assert answers[0] == answers[1]
    assert [one.failures for one in await place.logins.attempts.counts.listing() if "203.0.113.9" in one.who][:1] == [2]
    with pytest.raises(WrongCredentials):
        await place.login("strict@example.org", "wrong password")
    assert ("strict", "strict@example.org", "plain", "notpermitted") in await place.results("strict")


@pytest.mark.parametrize("mechanism", ["CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"])
async def test_a_proof_of_a_withheld_password_is_one_of_a_wrong_one(place: Place, mechanism: str) -> None:
    """SMTP-57a: with and without app passwords; its owner hears of it. A known network reads what to do."""
    heard: list[str] = []
    place.logins._known = lambda recipient, _: heard.append(recipient.account)
    for apps in range(2):
        for password in ("wrong password", PASSWORD):
            with pytest.raises(WrongCredentials, match="bad user or password"):
                await by(place, mechanism, password, user="strict@example.org")
            assert len(heard) == apps + (password == PASSWORD)
        await app_password(place, "strict", name=f"phone{apps}")
    await place.logins.attempts.counts.clear(None)
    await place.login("strict@example.org", PASSWORD, via("webaccount"))
    with pytest.raises(NotPermitted, match="use an app password"):
        await by(place, mechanism, PASSWORD, user="strict@example.org")
    assert heard == ["strict"] * 2
    assert ("strict", "strict@example.org", mechanism.lower(), "notpermitted") in await place.results("strict")


async def test_a_withheld_password_takes_the_work_of_a_wrong_one(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-57a: each time, with and without app passwords; nothing of it is remembered."""
    work: list[str] = []

    def counted(name: str) -> Callable[..., Any]:
        real = getattr(credentials, name)

        def call(*args: Any, **more: Any) -> Any:
            work.append(name)
            return real(*args, **more)

        return call

    for name in ("_verify", "derive_scram"):
        monkeypatch.setattr(credentials, name, counted(name))
    for name in ("phone", "tablet"):
        for password in (PASSWORD, "wrong password", PASSWORD):
            await place.logins.attempts.counts.clear(None)
            work.clear()
            with pytest.raises(WrongCredentials):
                await place.login("strict@example.org", password)
            assert sorted(work) == ["_verify", "derive_scram"]
        await app_password(place, "strict", name=name)


async def test_each_wrong_password_takes_the_same_work(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-57, STORE-191: with or without account, password or app passwords, one hash of each kind is computed."""
    work: list[str] = []

    def counted(name: str) -> Callable[..., Any]:
        real = getattr(credentials, name)

        def call(*args: Any, **more: Any) -> Any:
            work.append(name)
            return real(*args, **more)

        return call

    for name in ("_verify", "derive_scram"):
        monkeypatch.setattr(credentials, name, counted(name))
    await app_password(place)
    await app_password(place, name="tablet")
    for user in ("me", "nobody", "fresh", "strict", "you"):
        work.clear()
        with pytest.raises(WrongCredentials):
            await place.login(f"{user}@example.org", "wrong horse")
        assert sorted(work) == ["_verify", "derive_scram"]


async def test_a_full_disk_keeps_nobody_with_an_app_password_out(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-157, STORE-191: its time of use is just not written."""
    password = await app_password(place)

    def full(tx: Tx, number: int) -> None:
        raise StorageFull("no room")

    monkeypatch.setattr(stored, "write_use", full)
    assert (await by(place, "PLAIN", password)).app_password == "phone"


async def test_a_full_disk_keeps_nobody_with_an_old_hash_out(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-100, STORE-157: the hash is renewed at a later log-in."""

    async def full(*_: object) -> None:
        raise StorageFull("no room")

    monkeypatch.setattr(stored, "needs_rehash", lambda _: True)
    monkeypatch.setattr(stored, "rehash", full)
    assert (await place.login("me@example.org", PASSWORD)).account == "me"


@pytest.mark.parametrize("mechanism", ["PLAIN", "CRAM-MD5", "SCRAM-SHA-256"])
@pytest.mark.parametrize("part", ["known", "accept_candidate", "accept", "which"])
@pytest.mark.parametrize("error", [StorageBroken("disk"), StorageFull("no room")])
async def test_what_we_cannot_check_is_no_failure_of_the_client(
    place: Place, monkeypatch: pytest.MonkeyPatch, mechanism: str, part: str, error: StoreError
) -> None:
    """SMTP-138: a network is not locked out by our own failures, whichever step they meet."""

    async def broken(*_: object, **__: object) -> None:
        raise error

    def at_once(*_: object, **__: object) -> None:
        raise error

    owner = {"known": place.logins.stored, "which": place.logins._checker}.get(part, place.logins)
    password = await app_password(place) if part == "accept_candidate" else PASSWORD
    monkeypatch.setattr(owner, part, at_once if part == "accept" else broken)
    for _ in range(10):
        with contextlib.suppress(type(error)):
            await by(place, mechanism, password)
    monkeypatch.undo()
    assert (await by(place, mechanism, password)).account == "me"
    for _ in range(5):
        with pytest.raises(WrongCredentials):
            await place.login("me@example.org", "wrong horse")
    with pytest.raises(RateLimited):
        await place.login("me@example.org", PASSWORD)


async def test_a_mistake_of_ours_is_no_failure_of_the_client(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-138: an unexpected error in a check."""

    async def mistaken(*_: object, **__: object) -> None:
        raise RuntimeError("a mistake")

    with monkeypatch.context() as patch:
        patch.setattr(place.logins._checker, "which", mistaken)
        for _ in range(10):
            with pytest.raises(RuntimeError):
                await place.login("me@example.org", PASSWORD)
    assert (await place.login("me@example.org", PASSWORD)).account == "me"


# Client certificates

KEY = hashlib.sha256(b"a key").digest()
CERTIFIED = msgspec.structs.replace(REQUEST, fingerprint=fingerprint(KEY))


async def certify(place: Place, account: str, address: str, *, no_imap_preauth: bool = False) -> None:
    key = TLSKey(fingerprint(KEY), 0, "ed25519", "laptop", no_imap_preauth, b"", account, address)
    await place.auth.keys.add(key)


def test_fingerprints_are_base64url_without_padding() -> None:
    """SMTP-59."""
    assert fingerprint(KEY) == base64.urlsafe_b64encode(KEY).decode().rstrip("=")
    assert fingerprint(None) == ""


async def test_a_known_key_is_its_account(place: Place) -> None:
    """SMTP-59, IMAP-47, IMAP-48."""
    await certify(place, "me", "me@example.org", no_imap_preauth=True)
    found = await place.logins.certificate(CERTIFIED)
    assert found == CertificateLogin(identity=Identity("me", "me@example.org"), no_imap_preauth=True)
    identity = await place.logins.use_certificate(CERTIFIED, found.identity.address)
    assert identity == Identity("me", "me@example.org", key=CERTIFIED.fingerprint)
    assert await place.results("me") == [("me", "me@example.org", "tlsclientauth", "ok")]


async def test_an_unknown_key_is_a_recorded_failure_and_nothing_more(place: Place) -> None:
    """SMTP-60, IMAP-50: also when its address has gone to another account."""
    assert await place.logins.certificate(CERTIFIED) is None
    await certify(place, "you", "me@example.org")
    assert await place.logins.certificate(CERTIFIED) is None
    assert [row[3] for row in await place.results()] == ["badcreds", "badcreds"]


async def test_keys_are_not_looked_at_once_the_network_has_failed_too_often(place: Place) -> None:
    """SMTP-59."""
    await certify(place, "me", "me@example.org")
    for _ in range(5):
        with pytest.raises(WrongCredentials):
            await place.login("me@example.org", "wrong horse")
    assert await place.logins.certificate(CERTIFIED) is None


async def test_a_disabled_account_is_told_with_its_key(place: Place) -> None:
    """SMTP-62, IMAP-51: once it is used."""
    await certify(place, "you", "you@example.org")
    assert await place.logins.certificate(CERTIFIED) is not None
    with pytest.raises(LoginDisabled, match="pay your bill"):
        await place.logins.use_certificate(CERTIFIED, "you@example.org")


async def test_external_uses_the_key_and_may_choose_another_address_of_its_account(place: Place) -> None:
    """SMTP-58, IMAP-49."""
    await certify(place, "me", "me@example.org")
    me = Identity("me", "me@example.org")
    used = Identity("me", "me@example.org", key=CERTIFIED.fingerprint)
    assert await (await place.exchange("EXTERNAL", certificate=me)).step(b"") == used
    also = msgspec.structs.replace(used, address="also@example.org")
    assert await (await place.exchange("EXTERNAL", certificate=me)).step(b"also@example.org") == also
    with pytest.raises(WrongCredentials):
        await (await place.exchange("EXTERNAL", certificate=me)).step(b"fresh@example.org")
    with pytest.raises(WrongCredentials):
        await (await place.exchange("EXTERNAL")).step(b"")


async def test_beside_a_key_other_mechanisms_must_be_for_its_account(place: Place) -> None:
    """SMTP-61: the address may differ and replaces the log-in address."""
    fresh = Identity("fresh", "fresh@example.org")
    with pytest.raises(WrongCredentials):
        await (await place.exchange("PLAIN", certificate=fresh)).step(b"\0me@example.org\0" + PASSWORD.encode())
    me = Identity("me", "me@example.org")
    exchange = await place.exchange("PLAIN", certificate=me)
    assert await exchange.step(b"\0also@example.org\0" + PASSWORD.encode()) == Identity("me", "also@example.org")


# Administrator


async def test_the_administrator_logs_in_with_the_password_of_the_file(place: Place) -> None:
    """WEB-60."""
    request = msgspec.structs.replace(REQUEST, protocol="webadmin")
    with pytest.raises(NoAdminPassword, match="moxlite admin set-password"):
        await place.logins.admin_password(request, "secret admin")
    path = place.snapshot.static.admin_password_file
    assert path is not None
    write_admin_password(path, "secret admin")
    assert path.stat().st_mode & 0o777 == 0o600
    await place.logins.admin_password(request, "secret admin")
    with pytest.raises(WrongCredentials):
        await place.logins.admin_password(request, "secret user")
    assert sorted(row[3] for row in await place.results("(admin)")) == ["badpassword", "error", "ok"]


async def test_metrics_count_every_attempt_by_kind_mechanism_and_result(place: Place) -> None:
    """SMTP-64, ADMIN-57."""
    labels = {"kind": "imap", "variant": "plain", "result": "ok"}
    before = REGISTRY.get_sample_value("moxlite_authentication_total", labels) or 0
    await place.login("me@example.org", PASSWORD)
    assert REGISTRY.get_sample_value("moxlite_authentication_total", labels) == before + 1


def test_hmac_is_what_cram_md5_clients_compute() -> None:
    """SMTP-53: RFC 2195 §3's example, for the states that the server keeps."""
    challenge = b"<1896.697170952@postoffice.reston.mci.net>"
    digest = hmac.new(b"tanstaaftanstaaf", challenge, "md5").hexdigest()
    assert CramMD5Client("tim", "tanstaaftanstaaf").step(challenge) == b"tim " + digest.encode()


async def test_wrong_passwords_of_one_network_do_not_hold_up_others(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-103, SMTP-136: undecided attempts count, so that a network has no more hashes waiting than it may fail."""
    computed: list[str] = []
    real = credentials._verify

    def counted(stored: str, password: str) -> bool:
        computed.append(password)
        return real(stored, password)

    monkeypatch.setattr(credentials, "_verify", counted)
    refused = 0

    async def guess(number: int) -> None:
        nonlocal refused
        with contextlib.suppress(WrongCredentials, RateLimited):
            await place.login("me@example.org", f"guess {number}")
        refused += 1

    async with trio.open_nursery() as nursery:
        for number in range(100):
            nursery.start_soon(guess, number)
        await trio.testing.wait_all_tasks_blocked()
        elsewhere = msgspec.structs.replace(REQUEST, remote=ip_address("203.0.113.9"))
        await place.login("me@example.org", PASSWORD, elsewhere)
        before = computed.index(PASSWORD)
        assert before <= 5, "the network may fail five times a minute"
    assert refused == 100
    assert len(computed) == 5 + 1


# Hashes of other servers


FOREIGN = "{SSHA}" + base64.b64encode(hashlib.sha1(PASSWORD.encode() + b"salt").digest() + b"salt").decode()


async def take_hash(place: Place, account: str = "fresh") -> Passwords:
    """Give an account another server's hash of `PASSWORD`; returns what changes passwords."""
    changes = Passwords(place.accounts, place.logins, lambda account, text, **_: None)
    assert await changes.take_hash(account, FOREIGN)
    return changes


async def test_a_hash_of_another_server_is_verified_once_and_replaced(place: Place) -> None:
    """STORE-100a, STORE-100b: mechanisms that need other forms are announced again when the last one is gone."""
    names = ["EXTERNAL", "SCRAM-SHA-256", "CRAM-MD5", "PLAIN", "LOGIN"]
    assert place.logins.usable(names) == names
    await take_hash(place)
    assert place.logins.usable(names) == ["EXTERNAL", "PLAIN", "LOGIN"]
    with pytest.raises(WrongCredentials):
        await place.login("fresh@example.org", PASSWORD + "!")
    assert list(place.auth.foreign.left) == ["fresh"]
    assert (await place.login("fresh@example.org", PASSWORD)).account == "fresh"
    assert not place.auth.foreign.left
    assert place.logins.usable(names) == names
    async with place.accounts.use("fresh") as account:
        stored = await account.read(credential, op="test")
    assert stored is not None
    assert stored.password.startswith("$argon2id$")
    assert stored.secrets.scram_sha_256 is not None
    assert (await place.login("fresh@example.org", PASSWORD)).account == "fresh"


async def test_the_accounts_with_foreign_hashes_are_known_after_a_restart(place: Place) -> None:
    """STORE-100b"""
    await take_hash(place)
    again = AuthDB(place.auth.database)
    await again.foreign.load()
    assert list(again.foreign.left) == ["fresh"]


async def test_a_foreign_hash_never_replaces_an_own_password(place: Place) -> None:
    """STORE-100a"""
    changes = Passwords(place.accounts, place.logins, lambda account, text, **_: None)
    assert not await changes.take_hash("me", FOREIGN)
    assert not place.auth.foreign.left
    await take_hash(place)
    await changes.change("fresh", "grey battery staple")
    assert not place.auth.foreign.left
    with pytest.raises(WrongCredentials):
        await place.login("fresh@example.org", PASSWORD)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "CRAM-MD5"])
async def test_a_mechanism_that_needs_secrets_tells_nothing_of_a_foreign_hash(place: Place, mechanism: str) -> None:
    """STORE-100b, SMTP-57: as for a user who does not exist; an account that auth.db lost is entered again."""
    await take_hash(place)
    await place.auth.foreign.leave("fresh")
    for user in ("fresh@example.org", "nobody@example.org"):
        client = (CramMD5Client if mechanism == "CRAM-MD5" else partial(ScramClient, mechanism))(user, PASSWORD)
        exchange = await place.exchange(mechanism)
        step = await exchange.step(None if mechanism == "CRAM-MD5" else client.initial())
        assert isinstance(step, Challenge)
        proof = client.step(step.data)
        if mechanism != "CRAM-MD5":
            assert await exchange.step(proof) == Challenge(b"e=invalid-proof")
            proof = b""
        with pytest.raises(WrongCredentials):
            await exchange.step(proof)
    assert list(place.auth.foreign.left) == ["fresh"]


async def test_a_wrong_password_for_a_cheap_hash_costs_one_of_ours(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-100a, SMTP-57"""
    await take_hash(place)
    verified: list[str] = []
    real = credentials._verify

    def verify(hashed: str, prepared: str) -> bool:
        verified.append(hashed[:9])
        return real(hashed, prepared)

    monkeypatch.setattr(credentials, "_verify", verify)
    with pytest.raises(WrongCredentials):
        await place.login("fresh@example.org", "wrong")
    assert verified == [FOREIGN[:9], "$argon2id"]


async def test_foreign_hashes_are_removed_after_their_time_and_the_owner_is_told_before(place: Place) -> None:
    """STORE-100b"""
    await take_hash(place)
    care = ForeignPasswordCare(FixedConfig(place.snapshot), place.accounts, place.auth, place.logins)
    since = place.auth.foreign.left["fresh"].since / 1e6

    async def told() -> int:
        async with place.accounts.use("me") as account:
            return await account.read(lambda r: r.value("SELECT count(*) FROM message") or 0, op="test")

    await care.look(since + 75 * 86_400)
    assert await told() == 0
    await care.look(since + 77 * 86_400)
    await care.look(since + 78 * 86_400)
    assert await told() == 1
    await care.look(since + 90 * 86_400 + 1)
    assert not place.auth.foreign.left
    async with place.accounts.use("fresh") as account:
        assert await account.read(credential, op="test") is None
