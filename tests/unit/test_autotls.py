"""Certificates over time: a CA played in the test, a clock of its own (WEB-112..117, WEB-140)."""

import contextlib
import datetime as dt
import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest
import requests
import trio.testing
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from moxlite.autotls import autotls, files, ordering
from moxlite.autotls.autotls import AutoTLS
from moxlite.autotls.challenges import Challenges
from moxlite.autotls.child import Network, words
from moxlite.autotls.files import Folder, HostState, State, account_uri, certificate_id
from moxlite.autotls.messages import (
    Done,
    Issued,
    Job,
    KeyChange,
    KeyChanged,
    Order,
    Ping,
    Prove,
    Registered,
    Window,
    Windows,
)
from moxlite.autotls.names import wanted_names
from moxlite.autotls.ordering import CAFailed
from moxlite.autotls.reachability import Ports
from moxlite.autotls.rehearsal import ChallengePort
from moxlite.cli import run
from moxlite.config.files import write_atomically
from moxlite.config.load import load
from moxlite.config.snapshot import Snapshot
from moxlite.net.resolver import FakeResolver, RecordType
from moxlite.net.tls.certificates import KeyPair, PrivateKey, certificate_names, load_private_key, self_signed
from tests.small_config import Changing
from tests.tools import eventually, free_port

DAY = 86400.0
START = 1_800_000_000.0

STATIC = """\
hostname = "mx.example.org"
data_dir = "data"
[postmaster]
account = "me"
mailbox = "Postmaster"
[acme.ca]
directory_url = "https://ca.example/dir"
contact_email = "me@example.org"
{acme}
[listeners.public]
ips = ["192.0.2.1"]
tls = {{ acme = "ca" }}
imaps.enabled = true
account_https.enabled = true
{listener}
"""

DOMAINS = """\
[domains."example.org"]
client_settings_domain = "mail.example.org"
{domains}
[accounts.me]
domain = "example.org"
[accounts.me.destinations."me@example.org"]
"""


def configured(folder: Path, *, acme: str = "", listener: str = "", domains: str = "") -> Snapshot:
    path = folder / "moxlite.toml"
    path.write_text(STATIC.format(acme=acme, listener=listener))
    (folder / "domains.toml").write_text(DOMAINS.format(domains=domains))
    return load(path)[0]


class PlayedCA:
    """Issues at once, for `days`; `wrong` is raised instead, `alter` changes what is issued."""

    def __init__(self, *, days: float = 6.0) -> None:
        self.now = START
        self.days = days
        self.window: Callable[[float, float], Window | None] | None = None
        self.wrong: Exception | None = None
        self.alter: Callable[[Issued], Issued] = lambda issued: issued
        self.orders: list[Order] = []
        self.asked = 0
        self.issued: dict[str, tuple[float, float]] = {}
        self.ids: dict[str, list[str]] = {}
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.accounts: dict[str, str] = {}
        self.refused = ""
        self.changes = 0
        self.lost: BaseException | None = None

    def account(self, key: str) -> str:
        return self.accounts.setdefault(key, f"https://ca.example/acct/{len(self.accounts) + 1}")

    def change_key(self, job: KeyChange) -> KeyChanged:
        """RFC 8555 §7.3.5; the answer may be lost once it is done."""
        self.changes += 1
        if self.wrong is not None:
            raise self.wrong
        former, new = job.authority.account_key, job.new_key
        if new not in self.accounts:
            if self.refused or former not in self.accounts:
                return KeyChanged(self.accounts.get(former, ""), self.refused)
            self.accounts[new] = self.accounts.pop(former)
        if self.lost is not None:
            raise self.lost
        return KeyChanged(self.accounts[new])

    async def speak(self, job: Job, show: Callable[[Prove | Registered], None]) -> Done:
        if isinstance(job, KeyChange):
            return self.change_key(job)
        assert not isinstance(job, Ping)
        if not isinstance(job, Order):
            self.asked += 1
            if self.wrong is not None:
                raise self.wrong
            window = self.window
            if window is None:
                return Windows((None,) * len(job.ids), supported=False)
            return Windows(tuple(window(*self.issued[one]) for one in job.ids), supported=True)
        self.orders.append(job)
        show(Registered(self.account(job.authority.account_key)))
        if self.wrong is not None:
            raise self.wrong
        request = x509.load_pem_x509_csr(job.csr.encode())
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        show(Prove(job.kinds[0], names.get_values_for_type(x509.DNSName)[0], "token", "token.key"))
        begin, end = self.now - 3600, self.now - 3600 + self.days * DAY
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "played CA")])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(issuer)
            .public_key(request.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(dt.datetime.fromtimestamp(begin, dt.UTC))
            .not_valid_after(dt.datetime.fromtimestamp(end, dt.UTC))
            .add_extension(names, critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        self.issued[certificate_id(certificate)] = (begin, end)
        self.ids.setdefault(names.get_values_for_type(x509.DNSName)[0], []).append(certificate_id(certificate))
        return self.alter(Issued(certificate.public_bytes(Encoding.PEM).decode()))


class World:
    """A keeper with its CA, its files in `folder`, and what it has put to use."""

    def __init__(self, folder: Path, snapshot: Snapshot, ca: PlayedCA, keys: Sequence[PrivateKey] = ()) -> None:
        self.folder, self.snapshot, self.ca = folder, snapshot, ca
        self.keys = {"mx.example.org": keys} if keys else {}
        self.ahead = 0.0  # of our clock
        here = ["192.0.2.1"]
        names = ("mx.example.org.", "mail.example.org.", "mail.two.example.")
        self.resolver = FakeResolver({"A": dict.fromkeys(names, here)})
        self.restart()

    def restart(self) -> None:
        """As a server that was killed does."""
        self.used: dict[tuple[str, ...], KeyPair] = {}
        self.keeper = AutoTLS(
            "ca",
            config=Changing(lambda: self.snapshot),
            folder=self.folder / "acme",
            keys=self.keys,
            eab_key="",
            resolver=self.resolver,
            challenges=Challenges(),
            ports=Ports(
                lambda pair: self.used.__setitem__(certificate_names(pair.leaf), pair),
                list,
                (ChallengePort("tls-alpn-01", 443), ChallengePort("http-01", 80)),
            ),
            clock=lambda: self.ca.now + self.ahead,
            choose=lambda start, end: (start + end) / 2,
            talk=self.ca.speak,
        )
        self.keeper.load()

    def pair(self, name: str = "mx.example.org") -> KeyPair:
        return self.used[(name,)]

    async def days(self, number: float) -> None:
        """Let time pass, round after round."""
        end = self.ca.now + number * DAY
        while self.ca.now < end:
            self.ca.now += await self.keeper.round()


def problems(world: World) -> list[str]:
    """What the administrator is told."""
    return [finding.text for finding in world.keeper.findings()]


def spki(pair: KeyPair) -> bytes:
    return pair.leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def host_key() -> PrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.mark.slow
async def test_a_year_of_six_day_certificates_keeps_the_host_key(tmp_path: Path, host_key: PrivateKey) -> None:
    """WEB-116, WEB-117: without renewal information at half of the lifetime; the TLSA record stays true, no hour is
    without a valid certificate, and each order names the certificate before it.
    """
    ca = PlayedCA()
    world = World(tmp_path, configured(tmp_path), ca, [host_key])
    for day in range(365):
        await world.days(1)
        pair = world.pair()
        assert ordering.lifetime(pair.leaf)[1] > ca.now + 2 * DAY
        assert pair.key is host_key
        if day == 180:
            world.restart()
            assert spki(world.pair()) == spki(pair)
    orders = [order for order in ca.orders if "mx.example.org" in _names(order)]
    assert 115 <= len(orders) <= 130
    assert [order.replaces for order in orders] == ["", *ca.ids["mx.example.org"][:-1]]
    stored = (tmp_path / "acme/keycerts/ca/mx.example.org").read_bytes()
    assert b"PRIVATE KEY" not in stored
    assert b"PRIVATE KEY" in (tmp_path / "acme/keycerts/ca/mail.example.org").read_bytes()


def _names(order: Order) -> list[str]:
    request = x509.load_pem_x509_csr(order.csr.encode())
    return request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
        x509.DNSName
    )


@pytest.mark.slow
async def test_the_ca_names_the_time_of_renewal(tmp_path: Path) -> None:
    """WEB-116: a moment of the CA's window; a window that comes earlier counts; nonsense is left alone."""
    ca = PlayedCA(days=90)
    ca.window = lambda begin, end: Window(begin + 50 * DAY, begin + 52 * DAY, 6 * 3600.0)
    world = World(tmp_path, configured(tmp_path), ca)
    await world.days(50.5)
    assert len(ca.orders) == 2
    await world.days(1)
    assert len(ca.orders) == 4
    ca.window = lambda begin, end: Window(begin, begin + 3600, 6 * 3600.0)  # revoked: now
    await world.days(0.5)
    assert len(ca.orders) >= 6
    assert len(ca.orders) <= 4 + 2 * 13  # an order an hour at most, though its windows are always over
    ca.window = lambda begin, end: Window(end + DAY, begin, 0.0)
    await world.days(0.2)  # what was to be renewed by the window before
    ordered = len(ca.orders)
    await world.days(50)
    assert len(ca.orders) == ordered
    await world.days(20)
    assert len(ca.orders) == ordered + 2


@pytest.mark.slow
async def test_a_ca_that_is_away_costs_few_tries_and_no_certificate(tmp_path: Path, host_key: PrivateKey) -> None:
    """WEB-115, WEB-140: away for the last third of the lifetime, its words are told; a restart loop asks no more."""
    ca = PlayedCA(days=90)
    world = World(tmp_path, configured(tmp_path), ca, [host_key])
    await world.days(59)
    old = world.pair()
    ca.wrong = CAFailed("rateLimited: too many")
    await world.days(25)
    assert 2 * 20 <= len(ca.orders) - 2 <= 2 * 40
    tried = len(ca.orders)
    for _ in range(20):
        world.restart()
        await world.keeper.round()
    assert len(ca.orders) == tried
    assert world.pair().leaf == old.leaf
    assert any("rateLimited: too many" in line for line in problems(world))
    ca.wrong = None
    await world.days(2)
    assert world.pair().leaf != old.leaf
    assert problems(world) == []


async def test_what_the_ca_asks_for_holds_and_a_change_of_dns_lifts_a_pause_once(tmp_path: Path) -> None:
    """WEB-115: Retry-After for all hosts; then another address of a host that fails."""
    ca = PlayedCA()
    world = World(tmp_path, configured(tmp_path), ca)
    ca.wrong = CAFailed("busy", retry_after=7200.0)
    await world.keeper.round()
    assert len(ca.orders) == 1  # not even the second host
    ca.now += 7100
    await world.keeper.round()
    assert len(ca.orders) == 1
    ca.now += 200
    ca.wrong = CAFailed("connection: refused")
    for _ in range(40):
        ca.now += await world.keeper.round()
    tried = len(ca.orders)
    await world.keeper.round()
    assert len(ca.orders) == tried
    world.resolver.set("mx.example.org.", RecordType.A, ["192.0.2.1", "192.0.2.9"])
    await world.keeper.round()
    assert [_names(order) for order in ca.orders[tried:]] == [["mx.example.org"]]
    await world.keeper.round()
    assert len(ca.orders) == tried + 1


@pytest.mark.parametrize("restart", [False, True])
async def test_a_clock_that_was_ahead_puts_nothing_off(tmp_path: Path, restart: bool) -> None:
    """WEB-115, WEB-116: what failed, what the CA asked for and what was ordered by a clock that was wrong is forgotten
    once it is right.
    """
    ca = PlayedCA(days=90)
    world = World(tmp_path, configured(tmp_path), ca)

    async def wrongly(days: float) -> None:
        world.ahead = days * DAY
        await world.keeper.round()
        world.ahead = 0.0
        if restart:
            world.restart()

    ca.wrong = CAFailed("the certificate of the CA has ended", retry_after=7200.0)
    await wrongly(3650)
    ca.wrong = None
    await world.days(0.1)
    assert len(world.used) == 2
    ordered = len(ca.orders)
    await wrongly(80)  # the certificates are due, and then their successors, at the wrong time
    assert len(ca.orders) == ordered + 2
    await world.days(62)
    assert len(ca.orders) == ordered + 4


async def test_a_clock_that_was_ahead_keeps_no_account_key(tmp_path: Path) -> None:
    """WEB-112a."""
    ca = PlayedCA(days=90)
    Folder(tmp_path / "acme", "ca").write_state(State(key_since=START + 3650 * DAY))
    world = World(tmp_path, configured(tmp_path, acme='account_key_period = "30d"'), ca)
    await world.days(31)
    assert ca.changes == 1


async def test_three_orders_at_a_time_mail_names_first(tmp_path: Path) -> None:
    """WEB-115: the first alone, which makes the account; then three at a time, in the order in which names are missed:
    those of mail before policies and settings; a file that cannot be written ends no other order.
    """
    domains = 'mtasts = { policy_id = "1", mode = "testing", max_age = "7d" }\n[domains."two.example"]\n'
    domains += 'client_settings_domain = "mail.two.example"\n[accounts.two]\ndomain = "two.example"\n'
    domains += '[accounts.two.destinations."me@two.example"]'
    services = "autoconfig_https.enabled = true\nmtasts_https.enabled = true"
    ca = PlayedCA()
    world = World(tmp_path, configured(tmp_path, listener=services, domains=domains), ca)
    settings = ["mta-sts.example.org"]
    labels = ("autoconfig", "autodiscover", "ua-auto-config")
    settings += [f"{label}.{one}" for one in ("example.org", "two.example") for label in labels]
    for name in settings:
        world.resolver.set(f"{name}.", RecordType.A, ["192.0.2.1"])
    mail = ["mx.example.org", "mail.example.org", "mail.two.example"]
    assert list(wanted_names(world.snapshot, "ca")) == [*mail, *settings]
    begun: list[str] = []
    under_way: set[str] = set()
    at_once: list[int] = []

    async def slowly(job: Job, show: Callable[[Prove | Registered], None]) -> Done:
        if not isinstance(job, Order):
            return await ca.speak(job, show)
        [name] = _names(job)
        begun.append(name)
        under_way.add(name)
        at_once.append(len(under_way))
        if len(begun) > 1:
            await eventually(
                lambda: len(under_way) == 3 or len(begun) == len(mail) + len(settings), what="two other orders"
            )
            await trio.testing.wait_all_tasks_blocked()
        under_way.remove(name)
        if name == "mail.two.example":
            raise ValueError("the file is not ours")
        return await ca.speak(job, show)

    world.keeper._issuer._talk = slowly
    with pytest.raises(ValueError, match="not ours"):
        await world.keeper.round()
    assert (begun[0], at_once[0], max(at_once)) == ("mx.example.org", 1, 3)
    assert set(begun[1:4]) == {"mail.example.org", "mail.two.example", "mta-sts.example.org"}
    assert sorted(begun) == sorted([*mail, *settings])
    assert {name for names in world.used for name in names} == {*mail, *settings} - {"mail.two.example"}


async def test_a_server_that_dies_in_each_order_waits_longer_each_time(tmp_path: Path) -> None:
    """WEB-115: the try is on disk before the CA is asked."""
    ca = PlayedCA()
    world = World(tmp_path, configured(tmp_path), ca)

    class Killed(BaseException):
        pass

    ca.wrong = Killed()  # type: ignore[assignment]
    for _ in range(100):
        world.restart()
        try:
            await world.keeper.round()
        except* Killed:
            pass
        ca.now += 60
    assert len(ca.orders) <= 2 * 8


@pytest.mark.parametrize(
    ("alter", "words"),
    [
        (lambda issued: Issued("nonsense"), "can't use"),
        (lambda issued: Issued(""), "can't use"),
        (lambda issued: Issued(_other_certificate()), "can't use"),
    ],
)
async def test_nonsense_of_a_ca_is_not_used(tmp_path: Path, alter: Callable[[Issued], Issued], words: str) -> None:
    """WEB-118, WEB-140: no certificates, or one of another key; the failures are counted."""
    ca = PlayedCA()
    world = World(tmp_path, configured(tmp_path), ca)
    ca.alter = alter
    failed, stored = autotls.cert_request_errors.value, autotls.certput.value
    await world.keeper.round()
    assert (autotls.cert_request_errors.value, autotls.certput.value) == (failed + 2, stored)
    assert world.used == {}
    assert words in problems(world)[0]
    assert not (tmp_path / "acme/keycerts").exists()


def _other_certificate() -> str:
    return self_signed(["mx.example.org"]).certificate_pem().decode()


async def test_a_certificate_that_has_ended_tells_of_the_clock(tmp_path: Path) -> None:
    """WEB-140: the clock is wrong, or the CA's is."""
    ca = PlayedCA(days=-10)
    ca.days = 0.001
    world = World(tmp_path, configured(tmp_path), ca)
    await world.keeper.round()
    assert "check this machine's clock" in problems(world)[0]


async def test_a_full_disk_leaves_the_old_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-140: the new one is not used before it is stored; later it is."""
    ca = PlayedCA()
    world = World(tmp_path, configured(tmp_path), ca)
    await world.keeper.round()
    old = world.pair()
    stored = (tmp_path / "acme/keycerts/ca/mx.example.org").read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "write_certificate", full)
        await world.days(4)
        assert world.pair() is old
        assert (tmp_path / "acme/keycerts/ca/mx.example.org").read_bytes() == stored
    await world.days(1)
    assert world.pair() is not old


async def test_a_certificate_that_is_late_is_told_with_a_reason(tmp_path: Path) -> None:
    """WEB-140, WEB-155: the server was off for days, and its first round is to come."""
    world = World(tmp_path, configured(tmp_path), PlayedCA(days=6))
    await world.keeper.round()
    world.ca.now += 5 * DAY
    world.restart()
    assert problems(world) == [
        f"the certificate for {host} expires in 1.0 days: not renewed yet, without any failed orders"
        for host in ("mx.example.org", "mail.example.org")
    ]
    await world.keeper.round()
    assert problems(world) == []


async def test_names_that_do_not_point_here_are_left_out(tmp_path: Path) -> None:
    """WEB-119: and named with their addresses; others are ordered all the same."""
    ca = PlayedCA()
    world = World(tmp_path, configured(tmp_path), ca)
    world.resolver.set("mx.example.org.", RecordType.A, ["198.51.100.7"])
    await world.keeper.round()
    assert [_names(order) for order in ca.orders] == [["mail.example.org"]]
    assert "198.51.100.7" in problems(world)[0]
    world.resolver.set("mx.example.org.", RecordType.A, ["192.0.2.1"])
    await world.days(0.1)
    assert _names(ca.orders[-1]) == ["mx.example.org"]


async def test_dns_that_comes_after_the_name_is_seen_within_a_minute(tmp_path: Path) -> None:
    """WEB-115: for an hour, across a restart; then every five minutes."""
    world = World(tmp_path, configured(tmp_path), PlayedCA())
    world.resolver.set("mx.example.org.", RecordType.A, ["198.51.100.7"])
    pauses: list[float] = []
    for number in range(70):
        pauses.append(await world.keeper.round())
        world.ca.now += pauses[-1]
        if number == 30:
            world.restart()
    assert max(pauses[:55]) == 60.0
    assert set(pauses[66:]) == {300.0}


async def test_a_new_domain_gets_its_certificate_without_restart(tmp_path: Path) -> None:
    """WEB-114, WEB-125a: names are looked at in each round; those of disabled and of reports-only domains are
    left out.
    """
    ca = PlayedCA()
    world = World(tmp_path, configured(tmp_path), ca)
    await world.keeper.round()
    two = '[domains."two.example"]\nclient_settings_domain = "mail.two.example"\n'
    address = '[accounts.you]\ndomain = "two.example"\n[accounts.you.destinations."you@two.example"]\n'
    assert wanted_names(configured(tmp_path, domains=two), "ca") == ("mx.example.org", "mail.example.org")
    old = 'client_settings_aliases = ["imap.two.example", "mail.two.example"]\n'
    more = ("mx.example.org", "mail.example.org", "mail.two.example", "imap.two.example")
    assert wanted_names(configured(tmp_path, domains=two + old + address), "ca") == more  # WEB-125a
    disabled = configured(tmp_path, domains=two + "disabled = true\n" + address)
    assert wanted_names(disabled, "ca") == ("mx.example.org", "mail.example.org")
    world.snapshot = configured(tmp_path, domains=two + address)
    await world.keeper.round()
    assert isinstance(world.pair("mail.two.example"), KeyPair)


async def test_an_authority_that_no_listener_uses_asks_for_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """WEB-114: the certificates come from files now, and no name is said to point elsewhere."""
    snapshot = configured(tmp_path)
    kept = {name: msgspec.structs.replace(one, tls=None) for name, one in snapshot.static.listeners.items()}
    unused = msgspec.structs.replace(snapshot, static=msgspec.structs.replace(snapshot.static, listeners=kept))
    ca = PlayedCA()
    world = World(tmp_path, unused, ca)
    await world.keeper.round()
    assert wanted_names(unused, "ca") == ()
    assert ca.orders == []
    assert "doesn't point here" not in caplog.text


async def test_a_new_host_key_gets_a_new_certificate(tmp_path: Path, host_key: PrivateKey) -> None:
    """WEB-117: a certificate of a key that is no longer configured is not used."""
    ca = PlayedCA()
    world = World(tmp_path, configured(tmp_path), ca, [host_key])
    await world.keeper.round()
    other = ec.generate_private_key(ec.SECP256R1())
    world.keys = {"mx.example.org": [other]}
    world.restart()
    assert ("mx.example.org",) not in world.used
    await world.keeper.round()
    assert world.pair().key is other


async def test_the_accounts_key_changes_when_the_owner_asks(tmp_path: Path) -> None:
    """WEB-112a: within a round; not before there is an account."""
    ca = PlayedCA(days=90)
    world = World(tmp_path, configured(tmp_path), ca)
    assert not await world.keeper.change_account_key()
    await world.days(1)
    first = Folder(tmp_path / "acme", "ca").account_key()
    assert await world.keeper.change_account_key()
    await world.days(1)
    assert list(ca.accounts) == [Folder(tmp_path / "acme", "ca").account_key()] != [first]
    assert (ca.changes, problems(world)) == (1, [])


@pytest.mark.nightly
async def test_the_accounts_key_changes_once_a_year(tmp_path: Path) -> None:
    """WEB-112a: the account, which CAA records name, stays the same; `0s` stops it."""
    ca = PlayedCA(days=90)
    world = World(tmp_path, configured(tmp_path), ca)
    await world.days(1)
    first = Folder(tmp_path / "acme", "ca").account_key()
    await world.days(363)
    assert (ca.changes, list(ca.accounts)) == (0, [first])
    await world.days(3)
    second = Folder(tmp_path / "acme", "ca").account_key()
    assert (ca.changes, ca.accounts) == (1, {second: "https://ca.example/acct/1"})
    assert second != first
    await world.days(120)
    assert ca.orders[-1].authority.account_key == second
    assert account_uri(tmp_path / "acme", "ca") == "https://ca.example/acct/1"
    assert not (tmp_path / "acme/ca.next-key").exists()
    world.snapshot = configured(tmp_path, acme='account_key_period = "0s"')
    await world.days(500)
    assert ca.changes == 1
    assert problems(world) == []


class Killed(BaseException):
    """The server ends here."""


@pytest.mark.landing("False-1", "True-3")
@pytest.mark.parametrize("writes", range(1, 6))
@pytest.mark.parametrize("after", [False, True])
async def test_a_server_that_dies_while_its_accounts_key_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int, after: bool
) -> None:
    """WEB-112a, WEB-140: before and after each write of a file, one key of the account is on disk, and no second
    account is made.
    """
    ca = PlayedCA(days=90)
    world = World(tmp_path, configured(tmp_path), ca)
    await world.days(364)
    left = [writes]

    def dying(path: Path, data: bytes, *, mode: int) -> os.stat_result:
        left[0] -= 1
        if left[0] == 0 and not after:
            raise Killed
        found = write_atomically(path, data, mode=mode)
        if left[0] == 0:
            raise Killed
        return found

    monkeypatch.setattr(files, "write_atomically", dying)
    with contextlib.suppress(Killed):
        await world.days(3)
    died = left[0] <= 0
    monkeypatch.setattr(files, "write_atomically", write_atomically)
    world.restart()
    await world.days(100)
    assert died
    assert set(ca.accounts.values()) == {"https://ca.example/acct/1"}
    assert list(ca.accounts) == [Folder(tmp_path / "acme", "ca").account_key()]
    assert ca.orders[-1].authority.account_key in ca.accounts
    assert not (tmp_path / "acme/ca.next-key").exists()


async def test_nothing_is_ordered_until_the_ca_says_which_key_holds(tmp_path: Path) -> None:
    """WEB-112a: the CA has taken the key, and its answer is lost: both stay, and no other account is made."""
    ca = PlayedCA(days=30)
    world = World(tmp_path, configured(tmp_path), ca)
    await world.days(364)
    first, orders = Folder(tmp_path / "acme", "ca").account_key(), len(ca.orders)
    ca.lost = CAFailed("the line is cut")
    await world.days(40)
    assert Folder(tmp_path / "acme", "ca").account_key() == first
    assert len(ca.orders) == orders
    assert ca.changes < 60
    text = "acme ca: couldn't replace the account key, so certificate orders are paused: the line is cut"
    assert problems(world)[0] == text
    ca.lost = None
    world.restart()
    await world.days(2)
    assert list(ca.accounts) == [Folder(tmp_path / "acme", "ca").account_key()] != [first]
    assert len(ca.orders) > orders
    assert problems(world) == []


@pytest.mark.nightly
async def test_a_ca_that_refuses_the_accounts_next_key(tmp_path: Path) -> None:
    """WEB-112a: the former key stays, orders go on, and the reason is told; a year later it is asked again."""
    ca = PlayedCA(days=90)
    ca.refused = "unauthorized: not here"
    world = World(tmp_path, configured(tmp_path), ca)
    await world.days(500)
    assert ca.changes == 1
    assert len(ca.accounts) == 1
    assert not (tmp_path / "acme/ca.next-key").exists()
    assert (
        "the CA rejected the new account key, so the old one is still used: unauthorized: not here"
        in problems(world)[0]
    )
    await world.days(300)
    assert ca.changes == 2


def test_files_are_whole_and_private(tmp_path: Path) -> None:
    """WEB-112: the account's key stays; broken files are neither used nor overwritten, and known facts may be lost."""
    folder = Folder(tmp_path / "acme", "ca")
    key = folder.account_key()
    assert folder.account_key() == key
    path = tmp_path / "acme/ca.key"
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("broken")
    with pytest.raises(ValueError, match="PEM"):
        folder.account_key()
    assert path.read_text() == "broken"
    account = "https://ca.example/acct/1"
    for uri, kept in ((account, account), ("https://ca.example/1; validationmethods=x", "")):
        folder.write_account(uri)
        assert account_uri(tmp_path / "acme", "ca") == kept
    assert (tmp_path / "acme/ca.account").stat().st_mode & 0o777 == 0o600
    folder.write_state(State({"mx.example.org": HostState(failures=3)}, 7.0))
    assert folder.read_state().hosts["mx.example.org"].failures == 3
    (tmp_path / "acme/ca.state").write_bytes(b'{"hosts": 7}')
    assert folder.read_state() == State()


def test_the_moment_of_renewal_by_lifetime() -> None:
    """WEB-116: 2/3 of the lifetime, 1/2 below 10 days; a duration counts between 1/2 and that."""

    def lasting(days: float) -> x509.Certificate:
        return self_signed(["mx.example.org"], days=days).leaf

    for days, before, part in (
        (90, None, 2 / 3),
        (6, None, 1 / 2),
        (90, 30 * DAY, 2 / 3),
        (90, 40 * DAY, 50 / 90),
        (6, 30 * DAY, 1 / 2),
        (90, DAY, 2 / 3),
    ):
        leaf = lasting(days)
        begin, end = ordering.lifetime(leaf)
        assert abs((ordering.fallback(leaf, before) - begin) / (end - begin) - part) < 0.01


def test_pauses_between_failures() -> None:
    """WEB-115: 1 min to 24 h, at least what the CA says, never longer than a day."""
    assert [ordering.pause(n) for n in (1, 2, 3, 12, 500)] == [60, 120, 240, 86400, 86400]
    assert ordering.pause(1, 4000.0) == 4000
    assert ordering.pause(1, 1e12) == 86400


def test_messages_survive_their_line() -> None:
    """WEB-112: what server and child say."""
    prove = Prove("http-01", "mx.example.org", "token", "key")
    assert msgspec.json.decode(msgspec.json.encode(prove), type=Prove) == prove
    assert b"\n" not in msgspec.json.encode(Issued("a\nb\n"))


@pytest.mark.served
def test_host_keys_are_made_once_and_take_that_of_the_certificate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """ADMIN-19, AUTH-67: `config ensure-acme-host-keys` makes the configuration complete, and prints its new lines and
    the TLSA records; keys that are there unnamed are used, and one that has gone is made anew.
    """
    configured(tmp_path)
    command = ["--config", str(tmp_path / "moxlite.toml"), "config", "ensure-acme-host-keys"]
    before = (tmp_path / "moxlite.toml").read_text()
    used = self_signed(["mx.example.org"])
    Folder(tmp_path / "data/acme", "ca").write_certificate("mx.example.org", used, with_key=True)
    assert run(command) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("[listeners.public.tls]\nhost_private_key_files = [")
    paths = sorted((tmp_path / "hostkeys").iterdir())
    assert [path.stat().st_mode & 0o777 for path in paths] == [0o600, 0o600]
    assert used.key_pem() in [path.read_bytes() for path in paths]
    assert run(command) == 0
    assert "all keys already exist" in capsys.readouterr().out
    named = (tmp_path / "moxlite.toml").read_text()
    (tmp_path / "moxlite.toml").write_text(before)
    assert run(command) == 0
    assert (tmp_path / "moxlite.toml").read_text() == named
    assert printed == capsys.readouterr().out
    (gone,) = [path for path in paths if path.read_bytes() != used.key_pem()]
    gone.rename(tmp_path / "gone")
    assert run(command) == 0
    assert "hostkeys" in capsys.readouterr().out
    paths = sorted((tmp_path / "hostkeys").iterdir())
    assert len(paths) == 2
    keys = [load_private_key(path.read_bytes()) for path in paths]
    assert list(Folder(tmp_path / "data/acme", "ca").read_certificates({"mx.example.org": keys})) == ["mx.example.org"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://127.0.0.1:{port}/directory", "Failed to establish a new connection: Connection refused"),
        ("https://ca.invalid/directory", "Failed to resolve 'ca.invalid'"),
    ],
)
def test_a_ca_that_is_not_reached_is_told_in_the_systems_words(url: str, reason: str) -> None:
    """WEB-115: the log and the doctor show them to the owner, so no names of Python's objects are around them."""
    with pytest.raises(requests.ConnectionError) as caught:
        requests.get(url.format(port=free_port()), timeout=10)
    said = words(caught.value, Network(None))
    assert said.startswith(f"can't reach the certificate authority (CA): {reason}"), said
    assert "Pool" not in said
    assert "Errno" not in said
