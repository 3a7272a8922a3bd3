"""Sessions, log-in attempts, client keys, removals, audit log in auth.db; credentials and limits in account.db."""

import base64
import datetime as dt
import re
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from moxlite.net.tls.certificates import PrivateKey, self_signed
from moxlite.proto.address import Address
from moxlite.proto.sasl import Done, NeedCredentials, Secrets, server_mechanism
from moxlite.proto.sasl.crammd5 import CramMD5Client
from moxlite.proto.sasl.scram import ScramClient
from moxlite.proto.sasl.types import Challenge
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth import credentials, loginattempts, sessions, tlskeys
from moxlite.store.auth.audit import AuditFilter, PendingChange, current
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.loginattempts import LoginAttempt
from moxlite.store.auth.sessions import BadCSRF, NoSession, SessionExpired
from moxlite.store.auth.tlskeys import KeyRefused, NoSuchKey, TLSKey, form_of, read_certificate
from moxlite.store.changelog.origin import Origin, acting_as
from moxlite.store.delivery.outgoing import OutgoingLimitExceeded, OutgoingLimits, add_outgoing, shrink_outgoing
from moxlite.store.errors import BadPassword, LimitExceeded, StorageFull
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.forms import BadForm, CertificateChange, FormChanged, mark
from moxlite.store.mail.recipients import wrote_to
from moxlite.store.options import DAY, Options
from tests.keyproof import proof_of
from tests.store_fixtures import accounts, auth, store_options
from tests.store_mail import look
from tests.supervised import supervised
from tests.tools import top

__all__ = ["accounts", "auth", "store_options"]

PASSWORD = "correct horse"


# Sessions


async def test_a_session_is_found_by_its_token_app_and_account(auth: AuthDB) -> None:
    """STORE-105, WEB-52, WEB-53"""
    tokens = await auth.sessions.add("webmail", "mia", "mia@example.org", remote_ip="192.0.2.1", user_agent="x" * 999)
    session = await auth.sessions.use(tokens.token, "webmail", "mia", csrf=tokens.csrf)
    assert (session.account, session.address, len(session.user_agent)) == ("mia", "mia@example.org", 256)
    assert len(tokens.token) == len(tokens.csrf) == 22
    for token, app, account in [
        ("wrong", "webmail", "mia"),
        (tokens.token, "account", "mia"),
        (tokens.token, "webmail", "eve"),
        ("\ud800", "webmail", "mia"),
    ]:
        with pytest.raises(NoSession):
            await auth.sessions.use(token, app, account)
    with pytest.raises(BadCSRF):
        await auth.sessions.use(tokens.token, "webmail", "mia", csrf=tokens.token)
    assert await auth.sessions.use(tokens.token, "webmail", "mia") == session


def octets_below(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.iterdir())


async def test_tokens_are_not_in_the_file(auth: AuthDB, tmp_path: Path) -> None:
    """STORE-105"""
    tokens = await auth.sessions.add("webmail", "mia", "mia@example.org")
    octets = octets_below(tmp_path)
    assert b"mia@example.org" in octets
    assert tokens.token.encode() not in octets
    assert tokens.csrf.encode() not in octets


async def test_a_session_expires_24_hours_after_its_last_use(auth: AuthDB, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-105, WEB-54, WEBMAIL-19"""
    tokens = await auth.sessions.add("webmail", "mia", "mia@example.org")
    first = (await auth.sessions.of("mia"))[0]

    async def use(after: int) -> None:
        monkeypatch.setattr("moxlite.store.auth.websessions._now", lambda: first.created + after)
        await auth.sessions.use(tokens.token, "webmail", "mia")

    await use(sessions.WRITE_INTERVAL - 1)
    assert (await auth.sessions.of("mia"))[0].expires == first.expires
    await use(sessions.WRITE_INTERVAL)
    extended = (await auth.sessions.of("mia"))[0]
    assert extended.expires > first.expires
    with pytest.raises(SessionExpired):
        await use(extended.expires - first.created)
    assert await auth.sessions.of("mia") == []


async def test_the_hundred_and_first_session_replaces_the_one_that_expires_first(auth: AuthDB) -> None:
    """STORE-105, WEBMAIL-19"""

    def many(tx: Tx) -> list[str]:
        tokens = []
        for n in range(sessions.MAX_SESSIONS + 2):
            tx.now += n  # later ones expire later
            tokens.append(sessions.add_session(tx, "webmail", "mia", "mia@example.org").token)
        return tokens

    tokens = await auth.database.write(many)
    assert len(await auth.sessions.of("mia")) == sessions.MAX_SESSIONS
    for token in tokens[:2]:
        with pytest.raises(NoSession):
            await auth.sessions.use(token, "webmail", "mia")
    await auth.sessions.use(tokens[2], "webmail", "mia")


async def test_a_new_session_takes_the_place_of_a_device(auth: AuthDB) -> None:
    """STORE-105, STORE-105c. Each of a hundred devices expires later than a session that ends with the browser."""

    def many(tx: Tx) -> None:
        for _ in range(sessions.MAX_SESSIONS):
            sessions.add_session(tx, "webmail", "mia", "mia@example.org", device=True)

    await auth.database.write(many)
    tokens = await auth.sessions.add("account", "mia", "mia@example.org")
    await auth.sessions.use(tokens.token, "account", "mia")
    # the one that is handed on expires soonest of all, and stays with what comes of it
    parent = await auth.sessions.use(tokens.token, "account", "mia")
    handed = await auth.database.write(lambda tx: sessions.hand_on(tx, parent, "webmail", remote_ip="", user_agent=""))
    await auth.sessions.use(handed.token, "webmail", "mia")
    await auth.sessions.use(tokens.token, "account", "mia")
    assert len(await auth.sessions.of("mia")) == sessions.MAX_SESSIONS


async def test_sessions_end_one_by_one_or_all_but_one(auth: AuthDB) -> None:
    """STORE-102, WEB-59, WEB-70"""
    kept = await auth.sessions.add("webmail", "mia", "mia@example.org")
    for _ in range(3):
        await auth.sessions.add("account", "mia", "mia@example.org")
    await auth.sessions.add("account", "eve", "eve@example.org")
    some = (await auth.sessions.of("mia"))[0]
    assert not await auth.sessions.remove("eve", some.id)
    assert await auth.sessions.remove("mia", some.id)
    assert await auth.sessions.remove_all("mia", keep_token=kept.token) in {2, 3}
    assert len(await auth.sessions.of("eve")) == 1
    await auth.sessions.use(kept.token, "webmail", "mia")


# Log-in attempts


def attempt(n: int = 0, result: loginattempts.AttemptResult = "badpassword") -> LoginAttempt:
    return LoginAttempt(
        result=result,
        protocol="imap",
        mechanism="plain",
        account="mia",
        address=f"{n}@example.org",
        user_agent="u" * 999,
    )


async def test_equal_attempts_share_a_row(auth: AuthDB) -> None:
    """STORE-106, STORE-163"""
    for _ in range(3):
        auth.attempts.record(attempt())
    auth.attempts.record(attempt(result="ok"))

    with trio.fail_after(60):
        while sum(row.count for row in await auth.attempts.newest("mia")) < 4:
            pass  # each look is a checkpoint
    found = await auth.attempts.newest("mia")
    assert sorted((row.result, row.count, len(row.user_agent)) for row in found) == [
        ("badpassword", 3, 256),
        ("ok", 1, 256),
    ]
    assert await auth.attempts.newest() == found
    assert await auth.attempts.newest("eve") == []


async def test_a_flood_is_dropped_and_counted(auth: AuthDB) -> None:
    """STORE-106, STORE-163"""
    before = loginattempts.dropped_total.value
    for n in range(250):
        auth.attempts.record(attempt(n))
    assert loginattempts.dropped_total.value - before == 149  # a hundred wait, one is in the writer's hand


async def test_a_file_that_cannot_be_written_does_not_end_the_recorder(
    auth: AuthDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-157"""

    def full(tx: Tx, attempts: object) -> None:
        raise StorageFull

    monkeypatch.setattr(loginattempts, "record", full)
    before = loginattempts.dropped_total.value
    auth.attempts.record(attempt())
    with trio.fail_after(60):
        while loginattempts.dropped_total.value == before:
            await auth.attempts.newest()
    monkeypatch.undo()
    auth.attempts.record(attempt())
    with trio.fail_after(60):
        while not await auth.attempts.newest():
            pass


async def test_rows_of_successes_are_limited_too(auth: AuthDB, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-106: a script with a user agent of its own for each request does not fill the disk."""
    monkeypatch.setattr(loginattempts, "MAX_SUCCEEDED", 3)

    def unit(tx: Tx) -> None:
        for n in (*range(6), 2):  # the last one is like one of before, whose row has gone
            tx.now += 1
            loginattempts.record(tx, [attempt(n), attempt(n, "ok")])

    await auth.database.write(unit)
    found = await auth.attempts.newest("mia", limit=100)
    assert [row.address[0] for row in found if row.result == "ok"] == ["2", "5", "4"]
    assert sum(row.result != "ok" for row in found) == 6


async def test_failed_rows_are_limited_and_old_ones_go(auth: AuthDB, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-106"""
    monkeypatch.setattr(loginattempts, "MAX_FAILED", 3)

    def unit(tx: Tx) -> None:
        for n in range(6):
            tx.now += 1
            loginattempts.record(tx, [attempt(n), attempt(n, "ok")])

    await auth.database.write(unit)
    found = await auth.attempts.newest("mia", limit=100)
    assert [row.address[0] for row in found if row.result != "ok"] == ["5", "4", "3"]
    assert sum(row.result == "ok" for row in found) == 6

    def later(tx: Tx) -> None:
        tx.now += 31 * DAY
        loginattempts.drop_old(tx)

    await auth.database.write(later)
    assert await auth.attempts.newest() == []


async def test_after_a_jump_of_the_clock_sessions_and_audit_rows_stay(tmp_path: Path) -> None:
    """STORE-190a, STORE-105, STORE-106: until the clock is steady again."""
    steady = False
    options = Options(min_free_space=0, steady=lambda: steady)
    db = await AuthDB.open(tmp_path / "auth.db", options, create=True)
    await db.sessions.add("webmail", "mia", "mia@example.org")

    def unit(tx: Tx) -> None:
        loginattempts.record(tx, [attempt(0)])
        tx.execute("UPDATE session SET expires = 0")
        tx.execute("UPDATE login_attempt SET last = 0")

    def rows(r: Reader) -> list[int]:
        return [r.value(f"SELECT count(*) FROM {table}") for table in ("session", "login_attempt")]

    await db.database.write(unit)
    for expected in ([1, 1], [0, 0]):
        with trio.move_on_after(0.5):
            await db._upkeep()
        assert await db.database.read(rows, op="test") == expected
        steady = True
    await db.aclose()


async def test_what_waits_at_the_end_is_still_written(tmp_path: Path) -> None:
    """STORE-106"""
    db = await AuthDB.open(tmp_path / "auth.db", Options(min_free_space=0), create=True)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervised, db)
        db.attempts.record(attempt())
        nursery.cancel_scope.cancel()
    assert len(await db.attempts.newest("mia")) == 1
    await db.aclose()


# Client keys


def certificate(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey, name: str = ""
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])
    day = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(0xABC).not_valid_before(day).not_valid_after(day + dt.timedelta(days=1))
    return builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())


async def test_keys_identify_an_account_whatever_the_certificate_says(auth: AuthDB) -> None:
    """STORE-104, IMAP-47"""
    key = ec.generate_private_key(ec.SECP256R1())
    old = certificate(key, "laptop").public_bytes(Encoding.PEM)
    new = certificate(key).public_bytes(Encoding.DER)
    stored = await auth.keys.add(read_certificate(old, "mia", "mia@example.org"))
    assert (stored.type, stored.name, len(stored.fingerprint)) == ("ecdsa-p256", "laptop", 43)
    again = read_certificate(new, "eve", "eve@example.org", no_imap_preauth=True)
    assert (again.fingerprint, again.name) == (stored.fingerprint, "serial abc")
    with pytest.raises(KeyRefused, match="already belongs"):
        await auth.keys.add(again)
    assert await auth.keys.find(stored.fingerprint) == stored
    assert await auth.keys.find("other") is None


async def test_an_account_has_so_many_keys(auth: AuthDB, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-104: each account for itself."""
    monkeypatch.setattr(tlskeys, "MAX_KEYS", 2)

    def key(account: str) -> TLSKey:
        data = certificate(ed25519.Ed25519PrivateKey.generate()).public_bytes(Encoding.DER)
        return read_certificate(data, account, f"{account}@example.org")

    first = await auth.keys.add(key("mia"))
    await auth.keys.add(key("mia"))
    with pytest.raises(LimitExceeded, match="2 client certificates"):
        await auth.keys.add(key("mia"))
    await auth.keys.add(key("bo"))
    await auth.keys.remove("mia", first.fingerprint)
    await auth.keys.add(key("mia"))


def _refusal(challenges: tlskeys.KeyChallenges, key: TLSKey, proof: str) -> str:
    with pytest.raises(BadForm) as caught:
        challenges.check(key, proof)
    assert caught.value.field == "proof"
    return str(caught.value)


@pytest.mark.parametrize("kind", ["rsa", "p256", "ed25519", "ed448"])
def test_a_key_is_proved_by_its_signature_of_a_challenge(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-104a: of this account, within a day, by this process, and by no other key."""
    make: dict[str, Callable[[], PrivateKey]] = {
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "ed448": ed448.Ed448PrivateKey.generate,
    }
    private, another = make[kind](), make[kind]()
    key = read_certificate(self_signed(["laptop"], key=private).certificate_pem(), "mia", "mia@example.org")
    challenges = tlskeys.KeyChallenges()
    challenge, until = challenges.new("mia")
    command = 'openssl req -new -key key.pem -subj "/CN={}"'
    proof = proof_of(private, command.format(challenge))
    challenges.check(key, proof)
    challenges.check(key, f"Certificate Request:\n{key.certificate!r}\n{proof}")  # as `openssl req -text` prints it

    assert "wasn't signed" in _refusal(challenges, key, proof_of(another, command.format(challenge)))
    for wrong in (challenges.new("eve")[0], "laptop", f"moxlite-{until + 1:x}{challenge[-33:]}", f"{challenge}0"):
        assert "another account" in _refusal(challenges, key, proof_of(private, command.format(wrong)))
    assert "another account" in _refusal(tlskeys.KeyChallenges(), key, proof), "of a server that was started again"
    changed = x509.load_pem_x509_csr(proof.encode()).public_bytes(Encoding.DER)
    changed = changed.replace(challenge.encode(), f"{challenge[:-1]}{'1' if challenge[-1] == '0' else '0'}".encode())
    pem = base64.encodebytes(changed).decode()
    broken = f"-----BEGIN CERTIFICATE REQUEST-----\n{pem}-----END CERTIFICATE REQUEST-----\n"
    assert "wasn't signed" in _refusal(challenges, key, broken)
    for text in ("x", "\udcff", proof[:200], key.certificate.hex(), "-----BEGIN CERTIFICATE REQUEST-----\n" * 2000):
        assert "isn't a certificate request" in _refusal(challenges, key, text)
    assert "private key" in _refusal(challenges, key, "-----BEGIN PRIVATE KEY-----")
    monkeypatch.setattr("moxlite.store.auth.tlskeys.time.time", lambda: until + 1)
    assert "has expired" in _refusal(challenges, key, proof)


async def test_keys_are_listed_changed_and_removed_by_their_account(auth: AuthDB) -> None:
    """STORE-104, IMAP-50, WEB-67"""
    for n in range(2):
        data = certificate(ed25519.Ed25519PrivateKey.generate(), f"key {n}").public_bytes(Encoding.DER)
        await auth.keys.add(read_certificate(data, "mia", "mia@example.org"))
    one, two = await auth.keys.of("mia")
    assert one.type == "ed25519"
    seen = mark(form_of(one))
    await auth.keys.patch("mia", one.fingerprint, CertificateChange(name="phone", no_imap_preauth=True), seen)
    await auth.keys.patch("", one.fingerprint, CertificateChange(login_address="m@example.org"))
    with pytest.raises(FormChanged, match="name, login_address, no_imap_preauth"):
        await auth.keys.patch("mia", one.fingerprint, CertificateChange(name="x"), seen)
    with pytest.raises(NoSuchKey):
        await auth.keys.patch("eve", one.fingerprint, CertificateChange(name="x"))
    changed = await auth.keys.find(one.fingerprint)
    assert changed is not None
    assert (changed.name, changed.no_imap_preauth, changed.login_address) == ("phone", True, "m@example.org")
    assert not await auth.keys.remove("eve", two.fingerprint)
    assert await auth.keys.remove("mia", two.fingerprint)
    assert [key.fingerprint for key in await auth.keys.of()] == [one.fingerprint]


@pytest.mark.parametrize("data", [b"", b"-----BEGIN CERTIFICATE-----", b"0" * 70_000, b"\x30\x03\x02\x01\x01"])
def test_no_certificate_is_refused(data: bytes) -> None:
    """STORE-104"""
    with pytest.raises(KeyRefused):
        read_certificate(data, "mia", "mia@example.org")


def test_weak_keys_and_odd_curves_are_refused() -> None:
    """STORE-104"""
    good = certificate(rsa.generate_private_key(65537, 2048)).public_bytes(Encoding.DER)
    assert read_certificate(good, "mia", "mia@example.org").type == "rsa-2048"
    for key in (rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP256K1())):
        with pytest.raises(KeyRefused):
            read_certificate(certificate(key).public_bytes(Encoding.DER), "mia", "mia@example.org")


# Removals, audit


async def test_a_removal_ends_sessions_and_keys_and_is_remembered(auth: AuthDB) -> None:
    """STORE-140"""
    await auth.sessions.add("webmail", "mia", "mia@example.org")
    data = certificate(ed25519.Ed25519PrivateKey.generate()).public_bytes(Encoding.DER)
    await auth.keys.add(read_certificate(data, "mia", "mia@example.org"))
    await auth.begin_removal("mia")
    await auth.begin_removal("mia")
    assert (await auth.sessions.of("mia"), await auth.keys.of("mia"), await auth.removals()) == ([], [], ["mia"])
    await auth.end_removal("mia")
    assert await auth.removals() == []


async def test_changes_are_kept_in_the_audit_log(auth: AuthDB) -> None:
    """WEB-160"""
    for n in range(3):
        with acting_as(Origin("(admin)", "webadmin", "192.0.2.1")):
            async with auth.audit.recording("account add", f"mia{n}", {"n": n}):
                pass
    log = await auth.audit.entries(AuditFilter(), limit=2)
    assert [(entry.object, entry.outcome, entry.detail) for entry in log] == [
        ("mia2", "done", '{"n":2}'),
        ("mia1", "done", '{"n":1}'),
    ]
    rest = await auth.audit.entries(AuditFilter(actor="(admin)"), before=log[-1].id)
    assert [entry.object for entry in rest] == ["mia0"]


async def test_a_recording_within_another_belongs_to_it(auth: AuthDB) -> None:
    """WEB-160: but not in a task that outlives it; long details are left out, a fault is told."""
    later: list[PendingChange | None] = []

    async def task() -> None:
        later.append(current())

    async with trio.open_nursery() as nursery:
        with pytest.raises(ZeroDivisionError):  # noqa: PT012  what is recorded is the block
            async with auth.audit.recording("outer", "mia") as outer:
                async with auth.audit.recording("inner", "tom") as inner:
                    inner.add({"long": "x" * 100_000, "short": 1})
                assert inner is outer
                nursery.start_soon(task)
                raise ZeroDivisionError("a fault")
    assert later == [None]
    (entry,) = await auth.audit.entries(AuditFilter())
    assert (entry.action, entry.outcome) == ("outer", "failed")
    assert entry.detail == '{"short":1,"why":"a fault","left_out":["long"]}'


# Credentials


@pytest.mark.parametrize("password", ["short", "x" * 257, "ä" * 129, "", "a\x00bcdefgh"])
def test_bad_passwords_are_refused(password: str) -> None:
    """STORE-100"""
    with pytest.raises(BadPassword):
        credentials.check_password(password)


def test_generated_passwords_are_long_and_plain() -> None:
    """STORE-102"""
    one, two = credentials.generate_password(), credentials.generate_password()
    assert one != two
    assert len(one) == 20
    assert one.isalnum()
    assert one.islower()
    assert credentials.check_password(one) == one


async def test_a_password_is_verified_after_preparation(accounts: Accounts) -> None:
    """STORE-100, STORE-103"""
    checker = credentials.PasswordChecker()
    async with accounts.use("mia") as account:
        assert await look(account, credentials.credential) is None
        await credentials.change_password(account, "pa\u00a0ssw\u00f6rd")
        stored = await look(account, credentials.credential)
        assert stored is not None
        assert stored.password.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert not credentials.needs_rehash(stored)
        assert await checker.verify("mia", stored, "pa ssw\u00f6rd")
        assert await checker.verify("mia", stored, "pa sswo\u0308rd")
        assert not await checker.verify("mia", stored, "pa ssword")
        assert not await checker.verify("mia", None, "pa ssword")
        assert not await checker.verify("mia", stored, "\x00")
        assert "argon2id" not in repr(stored)


async def test_successes_are_remembered_for_15_minutes_until_a_change(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-103"""
    checked: list[str] = []
    real = credentials._verify

    def verify(hashed: str, prepared: str) -> bool:
        checked.append(prepared)
        return real(hashed, prepared)

    monkeypatch.setattr(credentials, "_verify", verify)
    clock = [1000.0]
    monkeypatch.setattr("moxlite.store.auth.credentials.time.monotonic", lambda: clock[0])
    checker = credentials.PasswordChecker()
    async with accounts.use("mia") as account:
        await account.write(lambda tx: credentials.set_password(tx, PASSWORD))
        stored = await look(account, credentials.credential)
        for _ in range(3):
            assert await checker.verify("mia", stored, PASSWORD)
        assert len(checked) == 1
        assert not await checker.verify("mia", stored, PASSWORD + "!")
        assert len(checked) == 2
        clock[0] += credentials.CACHE_SECONDS + 1
        assert await checker.verify("mia", stored, PASSWORD)
        assert len(checked) == 3
        checker.forget("mia")
        assert await checker.verify("mia", stored, PASSWORD)
        assert len(checked) == 4
        await credentials.change_password(account, "another one")
        changed = await look(account, credentials.credential)
        assert not await checker.verify("mia", changed, PASSWORD)


async def test_at_most_two_verifications_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-103"""
    stored = credentials.derive_credential(PASSWORD)
    running, most = [0], [0]
    lock, two = threading.Lock(), threading.Event()

    def slow(hashed: str, prepared: str) -> bool:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
            if running[0] == 2:
                two.set()
        assert two.wait(30)
        trio.from_thread.run(trio.sleep, 0.01)
        with lock:
            running[0] -= 1
        return True

    monkeypatch.setattr(credentials, "_verify", slow)
    checker = credentials.PasswordChecker()
    async with trio.open_nursery() as nursery:
        for n in range(6):
            nursery.start_soon(checker.verify, f"a{n}", stored, PASSWORD)
    assert most[0] == 2


async def test_scram_and_cram_md5_work_with_what_is_stored(accounts: Accounts) -> None:
    """STORE-100, IMAP-44"""
    async with accounts.use("mia") as account:
        await account.write(lambda tx: credentials.set_password(tx, PASSWORD))
        stored = await look(account, credentials.credential)
    assert stored is not None
    assert stored.secrets.scram_sha_1 is not None
    assert stored.secrets.scram_sha_256 is not None
    assert stored.secrets.scram_sha_1.salt == stored.secrets.scram_sha_256.salt
    for client in (
        ScramClient("SCRAM-SHA-1", "mia", PASSWORD),
        ScramClient("SCRAM-SHA-256", "mia", PASSWORD),
        CramMD5Client("mia", PASSWORD),
    ):
        server = server_mechanism(client.name, hostname="mail.example.org")
        assert server is not None
        step = server.step(client.initial())
        while not isinstance(step, Done):
            if isinstance(step, NeedCredentials):
                step = server.credentials(stored.secrets)
            else:
                assert isinstance(step, Challenge)
                step = server.step(client.step(step.data))
        assert step.username == "mia"


async def test_a_migrated_hash_is_replaced_at_log_in(accounts: Accounts) -> None:
    """STORE-100"""
    async with accounts.use("mia") as account:
        empty = Secrets()
        await account.write(lambda tx: credentials.set_credential(tx, credentials.Credential("$2b$12$abc", empty)))
        stored = await look(account, credentials.credential)
        assert stored is not None
        assert credentials.needs_rehash(stored)
        assert stored.secrets == empty
        await credentials.rehash(account, stored, PASSWORD)
        replaced = await look(account, credentials.credential)
        assert await credentials.PasswordChecker().verify("mia", replaced, PASSWORD)
        await credentials.rehash(account, stored, "an older one")
        assert await look(account, credentials.credential) == replaced


# Outgoing limits


def addresses(*texts: str) -> list[Address]:
    """The addresses with these texts."""
    return [Address.parse(text) for text in texts]


async def test_outgoing_limits_name_themselves_and_count_a_day(accounts: Accounts) -> None:
    """STORE-94, STORE-165, SMTP-116"""
    limits = OutgoingLimits(messages=5, first_time=3)
    async with accounts.use("mia") as account:
        await account.write(lambda tx: add_outgoing(tx, addresses("a@x.org", "b@x.org"), limits))
        with pytest.raises(OutgoingLimitExceeded, match="max_first_time_recipients_per_day"):
            await account.write(lambda tx: add_outgoing(tx, addresses("c@x.org", "d@x.org"), limits))
        await account.write(lambda tx: add_outgoing(tx, addresses("a@x.org", "a@x.org"), limits))
        await account.write(lambda tx: add_outgoing(tx, addresses("c@x.org"), limits))
        with pytest.raises(OutgoingLimitExceeded, match="max_outgoing_messages_per_day"):
            await account.write(lambda tx: add_outgoing(tx, addresses("a@x.org"), limits))

        def tomorrow(tx: Tx) -> None:
            tx.now += DAY + 1
            add_outgoing(tx, addresses("a@x.org", "e@x.org", "f@x.org", "g@x.org"), limits)
            with pytest.raises(OutgoingLimitExceeded):
                add_outgoing(tx, addresses("h@x.org"), limits)

        await account.write(tomorrow)

        def much_later(tx: Tx) -> int:
            tx.now += 5 * DAY
            return shrink_outgoing(tx)

        assert await account.write(much_later) == 3
        assert await look(account, lambda r: r.value("SELECT count(*) FROM outgoing")) == 6


async def test_old_rows_of_submissions_shrink_nightly(accounts: Accounts) -> None:
    """STORE-94, STORE-95: the oldest of each address stays, for it says that it is no first-time recipient; of times
    at which it was written to, the latest.
    """
    async with accounts.use("mia") as account:

        def some_days_ago(tx: Tx, days: int) -> None:
            tx.now -= days * DAY
            add_outgoing(tx, addresses("a@x.org", "b@x.org"), OutgoingLimits())

        for days in (5, 4, 3, 1):
            await account.write(partial(some_days_ago, days=days))
        await account.gatherer.once()  # later, it would add the recipients of old submissions again, once
        await account.tend()
        found = await look(account, lambda r: r.rows("SELECT recipient, count(*) FROM outgoing GROUP BY 1 ORDER BY 1"))
        assert found == [("a@x.org", 2), ("b@x.org", 2)]
        latest = await look(
            account, lambda r: r.rows("SELECT localpart, count(*), max(sent) FROM recipient GROUP BY 1")
        )
        assert [(name, number) for name, number, _ in latest] == [("a", 1), ("b", 1)]
        assert latest[0][2] == await look(account, lambda r: wrote_to(r, "a", "x.org"))


def test_each_way_out_of_a_user_counts_and_notes_its_recipients() -> None:
    """STORE-94, STORE-95: what hands mail of users to the queue does so beside `add_outgoing`."""
    owing = re.compile(r"\.owe\(.*\bSUBMIT\b|\bsend_kept\(")
    ways = [path for part in ("web", "groupware", "submission") for path in (top() / "moxlite" / part).rglob("*.py")]
    found = {path.name: "add_outgoing(" in text for path in ways if owing.search(text := path.read_text())}
    assert found == dict.fromkeys(
        ("methods.py", "sending.py", "receipts.py", "submissions.py", "carrying.py", "counting.py"), True
    )
