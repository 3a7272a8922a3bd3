"""Logging in by LOGIN, AUTHENTICATE and client certificates (docs/spec/imap.md §5)."""

import base64
import hashlib
from ipaddress import ip_address

import msgspec
import pytest

from moxlite.config.domains import Account
from moxlite.logins.identity import fingerprint
from moxlite.net.admission import TLSFacts
from moxlite.proto.sasl import AuthenticationFailed
from moxlite.proto.sasl.crammd5 import CramMD5Client
from moxlite.proto.sasl.scram import ScramClient
from moxlite.proto.sasl.types import ClientMechanism
from moxlite.store.auth.credentials import change_password
from moxlite.store.auth.tlskeys import TLSKey
from tests.logs import kv
from tests.session.imapd_harness import PASSWORD, Client, Imap, imap

pytestmark = pytest.mark.served

__all__ = ["imap"]

KEY = hashlib.sha256(b"key").digest()
WITH_KEY = TLSFacts(version="TLSv1.3", cipher="TLS_AES_128_GCM_SHA256", peer_key=KEY)
WRONG = "NO [AUTHENTICATIONFAILED] bad user or password"


async def exchange(c: Client, mechanism: ClientMechanism, *, initial: bool) -> str:
    """AUTHENTICATE; the tagged response without tag."""
    first = mechanism.initial()
    line = f"a AUTHENTICATE {mechanism.name}"
    if initial and first is not None:
        line += " " + (base64.b64encode(first).decode() or "=")
        first = None
    await c.send(line + "\r\n")
    while True:
        response = await c.response()
        if not response.startswith("+ "):
            return response.split(" ", 1)[1]
        challenge = base64.b64decode(response[2:])
        try:
            answer = first if first is not None else mechanism.step(challenge)
        except AuthenticationFailed:
            answer = b""
        first = None
        await c.send(base64.b64encode(answer) + b"\r\n")


@pytest.mark.parametrize("name", ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5"])
async def test_each_mechanism_logs_in_and_fails_alike_for_wrong_and_unknown_users(imap: Imap, name: str) -> None:
    """IMAP-43, IMAP-46, IMAP-149"""

    def client(user: str, password: str) -> ClientMechanism:
        return CramMD5Client(user, password) if name == "CRAM-MD5" else ScramClient(name, user, password)

    async with imap.connect() as c:
        assert await exchange(c, client("mia@example.org", "wrong"), initial=True) == WRONG
        assert await exchange(c, client("nobody@example.org", PASSWORD), initial=True) == WRONG
        assert (await exchange(c, client("m@example.org", PASSWORD), initial=False)).startswith("OK [CAPABILITY ")
        await c.ok("b SELECT Inbox")


async def test_plain_takes_its_initial_response_or_asks_for_it(imap: Imap) -> None:
    """IMAP-43"""
    good = base64.b64encode(f"\0mia@example.org\0{PASSWORD}".encode()).decode()
    async with imap.connect() as c:
        await c.ok(f"a AUTHENTICATE PLAIN {good}")
    async with imap.connect() as c:
        await c.send("a AUTHENTICATE plain\r\n")
        assert await c.response() == "+ "
        await c.send(good + "\r\n")
        assert (await c.response()).startswith("a OK [CAPABILITY")
    async with imap.connect() as c:
        await c.send("a AUTHENTICATE PLAIN\r\n*\r\n")
        assert await c.until("a") == ["+ ", "a BAD authentication canceled"]
        await c.send("a AUTHENTICATE PLAIN\r\n!!\r\n")
        assert await c.until("a") == ["+ ", "a BAD invalid base64"]
        assert (await c.tagged("a AUTHENTICATE PLAIN =")).startswith("NO [AUTHENTICATIONFAILED]")
        assert await c.tagged("a AUTHENTICATE LOGIN") == "NO unknown mechanism"


async def test_wrong_passwords_and_foreign_identities_are_refused(imap: Imap) -> None:
    """IMAP-43, IMAP-149, IMAP-150"""
    async with imap.connect() as c:
        assert await c.tagged("a LOGIN mia@example.org x") == WRONG
    async with imap.connect() as c:
        assert await c.tagged("a LOGIN nobody@example.org x") == WRONG
        foreign = base64.b64encode(f"bo@example.org\0mia@example.org\0{PASSWORD}".encode()).decode()
        assert (await c.tagged(f"a AUTHENTICATE PLAIN {foreign}")).startswith("NO [AUTHORIZATIONFAILED]")
        assert (await c.tagged("a AUTHENTICATE EXTERNAL =")).startswith("NO [AUTHENTICATIONFAILED]")


async def test_attempts_are_recorded_and_logged(imap: Imap, caplog: pytest.LogCaptureFixture) -> None:
    """IMAP-24, IMAP-26"""
    caplog.set_level("INFO")
    async with imap.connect() as c:
        await c.ok('a ID ("name" "tester" "version" "3")')
        await c.tagged("a LOGIN mia@example.org x")
        await c.login()
    failed = [record for record in caplog.records if record.getMessage() == "authentication failed"]
    assert [kv(record)["username"] for record in failed] == ["mia@example.org"]
    assert kv(failed[0])["remote"] == "198.51.100.7"
    assert kv(failed[0])["protocol"] == "imap"


async def test_secrets_are_masked_in_the_trace(imap: Imap, caplog: pytest.LogCaptureFixture) -> None:
    """IMAP-25"""
    caplog.set_level(5)
    async with imap.connect() as c:
        await c.send(b"a LOGIN {15+}\r\nmia@example.org {13+}\r\ncorrect horse\r\n")
        await c.until("a")
    traced = [record for record in caplog.records if record.name.startswith("moxlite.imapd")]
    assert any(record.getMessage() == "command" for record in traced)
    assert not any("horse" in repr(record.__dict__) for record in traced)


async def test_a_network_with_too_many_failures_is_refused(imap: Imap) -> None:
    """IMAP-15, IMAP-16"""
    failures = imap.context.logins.attempts.counts
    for n in range(10):
        failures.note(ip_address("203.0.113.9"), f"?{n}")
    async with imap.connect(remote="203.0.113.9") as c:
        assert c.greeting == b"* BYE [UNAVAILABLE] too many failed login attempts; try again later\r\n"


async def test_a_disabled_account_is_told_why_without_a_code(imap: Imap) -> None:
    """IMAP-51"""
    _disable(imap, "mia", "please call us")
    async with imap.connect() as c:
        assert await c.tagged("a LOGIN mia@example.org wrong") == WRONG
        assert await c.tagged(f'a LOGIN mia@example.org "{PASSWORD}"') == "NO please call us"


def _disable(imap: Imap, name: str, text: str) -> None:
    """Set login_disabled of an account, as an edit of domains.toml would."""
    holder = imap.context.config
    snapshot = holder.current
    accounts: dict[str, Account] = dict(snapshot.domains.accounts)
    accounts[name] = msgspec.structs.replace(accounts[name], login_disabled=text)
    domains = msgspec.structs.replace(snapshot.domains, accounts=accounts)
    holder._current = msgspec.structs.replace(snapshot, domains=domains)


# --- client certificates


async def _add_key(imap: Imap, *, no_preauth: bool = False) -> None:
    key = TLSKey(
        fingerprint=fingerprint(KEY),
        created=1,
        type="ed25519",
        name="phone",
        no_imap_preauth=no_preauth,
        certificate=b"",
        account="mia",
        login_address="mia@example.org",
    )
    await imap.context.logins._auth.keys.add(key)


async def test_a_known_client_certificate_logs_in_by_itself(imap: Imap) -> None:
    """IMAP-47, IMAP-48"""
    await _add_key(imap)
    async with imap.connect(tls=WITH_KEY) as c:
        assert c.greeting.startswith(b"* PREAUTH [CAPABILITY ")
        assert await c.tagged(f'a LOGIN mia@example.org "{PASSWORD}"') == "NO already logged in"
        await c.ok("a SELECT Inbox")


async def test_a_session_ends_with_the_key_of_its_certificate(imap: Imap) -> None:
    """IMAP-23: sessions of the password, and of other keys, go on."""
    await _add_key(imap)
    async with imap.connect(tls=WITH_KEY) as c, imap.user() as own:
        imap.context.sessions.end_account("mia", "the TLS key was removed", key="another")
        await c.ok("a NOOP")
        imap.context.sessions.end_account("mia", "the TLS key was removed", key=fingerprint(KEY))
        assert (await c.line()).endswith(b"BYE [UNAVAILABLE] the TLS key was removed\r\n")
        await own.ok("b NOOP")


async def test_a_key_that_is_removed_before_its_use_is_no_login(imap: Imap) -> None:
    """IMAP-23: the handshake alone, in which it was known, opens nothing."""
    await _add_key(imap, no_preauth=True)
    async with imap.connect(tls=WITH_KEY) as c:
        assert await imap.context.logins._auth.keys.remove("mia", fingerprint(KEY))
        assert (await c.tagged("a AUTHENTICATE EXTERNAL =")).startswith("NO [AUTHENTICATIONFAILED]")


async def test_external_uses_the_dormant_identity_of_the_certificate(imap: Imap) -> None:
    """IMAP-48, IMAP-49"""
    await _add_key(imap, no_preauth=True)
    async with imap.connect(tls=WITH_KEY) as c:
        assert c.greeting.startswith(b"* OK [CAPABILITY ")
        assert b"AUTH=EXTERNAL" in c.greeting
        assert (await c.tagged("a LOGIN bo@example.org x")).startswith("NO [AUTHENTICATIONFAILED]")
        identity = base64.b64encode(b"bo@example.org").decode()
        assert (await c.tagged(f"a AUTHENTICATE EXTERNAL {identity}")).startswith("NO [AUTHENTICATIONFAILED]")
        await c.ok("a AUTHENTICATE EXTERNAL =")
    plain = msgspec.structs.replace(imap.context, service="imap")
    async with imap.connect(tls=WITH_KEY, context=plain) as c:
        assert c.greeting.startswith(b"* OK ")


async def test_an_unknown_certificate_leaves_the_session_unauthenticated(imap: Imap) -> None:
    """IMAP-50, IMAP-150"""
    async with imap.connect(tls=WITH_KEY) as c:
        assert c.greeting.startswith(b"* OK ")
        assert (await c.tagged("a AUTHENTICATE EXTERNAL =")).startswith("NO [AUTHENTICATIONFAILED]")
        await c.login()


async def test_a_certificate_of_a_disabled_account_gets_bye(imap: Imap) -> None:
    """IMAP-51"""
    await _add_key(imap)
    _disable(imap, "mia", "please call us")
    async with imap.connect(tls=WITH_KEY) as c:
        assert c.greeting == b"* BYE please call us\r\n"


async def test_starttls_needs_a_certificate_and_clean_input(imap: Imap) -> None:
    """IMAP-41, IMAP-150"""
    async with imap.connect() as c:
        assert await c.tagged("a STARTTLS") == "BAD TLS is already active"
    async with imap.connect(tls=None) as c:
        assert await c.tagged("a STARTTLS") == "BAD STARTTLS isn't available"


async def guess(imap: Imap, password: str, *, remote: str = "203.0.113.9", user: str = "mia@example.org") -> str:
    """One SCRAM exchange whose client leaves as soon as it could know; what it was told, "" if it was sent away."""
    mechanism = ScramClient("SCRAM-SHA-256", user, password)
    async with imap.connect(remote=remote) as c:
        if not c.greeting.startswith(b"* OK"):
            return ""
        await c.send(f"a AUTHENTICATE SCRAM-SHA-256 {base64.b64encode(mechanism.initial()).decode()}\r\n")
        response = await c.response()
        if not response.startswith("+ "):
            return ""
        await c.send(base64.b64encode(mechanism.step(base64.b64decode(response[2:]))) + b"\r\n")
        return base64.b64decode((await c.response())[2:])[:2].decode()


async def test_guesses_of_clients_that_leave_are_counted(imap: Imap) -> None:
    """SMTP-136, SMTP-138, IMAP-16: SCRAM tells the client before its last message; and the owner, who was here before,
    still gets in.
    """
    async with imap.connect(remote="192.0.2.1") as c:
        await c.login()
    answers = [await guess(imap, f"wrong {n}") for n in range(30)]
    assert answers == ["e="] * 10 + [""] * 20
    assert await guess(imap, PASSWORD) == ""
    for n in range(4):  # many addresses at one account
        for _ in range(6):
            await guess(imap, "wrong", remote=f"203.0.{n}.9")
    assert await guess(imap, PASSWORD, remote="198.18.0.1") == ""
    async with imap.connect(remote="192.0.2.1") as c:
        await c.login()


async def test_the_own_account_gives_no_more_guesses_at_another(imap: Imap) -> None:
    """SMTP-138: a success clears only what the same address has failed at the same account."""
    async with imap.account("bo") as account:
        await change_password(account, PASSWORD)
    answers: list[str] = []
    for n in range(12):
        answers.append(await guess(imap, f"wrong {n}"))
        async with imap.connect(remote="203.0.113.9") as c:
            if c.greeting.startswith(b"* OK"):
                await c.login("bo@example.org")
    assert answers.count("e=") == 10


async def test_what_scram_says_of_a_user_does_not_depend_on_whether_there_is_one(imap: Imap) -> None:
    """SMTP-57, IMAP-46: one salt for both hashes and for all spellings of a name, as an account has."""

    async def salt(user: str, name: str) -> tuple[str, ...]:
        mechanism = ScramClient(name, user, "wrong")
        async with imap.connect() as c:
            await c.send(f"a AUTHENTICATE {name} {base64.b64encode(mechanism.initial()).decode()}\r\n")
            return tuple(base64.b64decode((await c.response())[2:]).decode().split(",")[1:])

    for one, other in (("mia", "Mia"), ("nobody", "NoBody")):
        said = {await salt(f"{user}@example.org", f"SCRAM-SHA-{n}") for user in (one, other) for n in (1, 256)}
        assert len(said) == 1
