"""Rotation of the keys that TLSA records name, in fast motion, broken off at each step (AUTH-118)."""

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from moxlite.admin.dns import hostrotation, zones
from moxlite.admin.dns.hostrotation import PERIOD, RETIRING, HostKeyRotation
from moxlite.admin.dns.publishing import Publishing
from moxlite.admin.dns.stages import DAY
from moxlite.admin.dns.update import NoAnswer
from moxlite.admin.dns.wanted import HeldKeys, public_key_record, read_keys
from moxlite.admin.dns.zonefile import rdata_of
from moxlite.admin.dnsproviders.accounts import DNSFiles, Stored
from moxlite.autotls import files, hostkeys
from moxlite.autotls.autotls import AutoTLS
from moxlite.autotls.challenges import Challenges
from moxlite.autotls.hostkeys import HostKeyState, keys_in_use, read_host_state
from moxlite.autotls.ordering import CAFailed
from moxlite.autotls.reachability import Ports
from moxlite.autotls.rehearsal import ChallengePort
from moxlite.config.holder import ConfigHolder
from moxlite.net.resolver import FakeResolver
from moxlite.net.tls.certificates import KeyPair, PrivateKey
from moxlite.proto.address import Domain
from tests.dnsproviders import FakeProviders, NameServer, straight
from tests.unit.test_autotls import PlayedCA

pytestmark = [pytest.mark.integration]

HOST = "mx.example.org"
NAME = f"_25._tcp.{HOST}"
DOMAIN = Domain.parse("example.org")

STATIC = """\
hostname = "mx.example.org"
data_dir = "data"
[postmaster]
account = "me"
mailbox = "Postmaster"
[acme.ca]
directory_url = "https://ca.example/dir"
contact_email = "me@example.org"
[listeners.public]
ips = ["192.0.2.1"]
tls.acme = "ca"
smtp.enabled = true
"""

DOMAINS = """\
[domains."example.org"]
[accounts.me]
domain = "example.org"
[accounts.me.destinations."me@example.org"]
"""


class Killed(BaseException):
    """The server dies."""


class World:
    """A server with a CA, a provider's signed zone, the zone's name server, and a clock."""

    def __init__(self, folder: Path, fake: FakeProviders, served: NameServer) -> None:
        self.fake = fake
        self.served = served
        self.ca = PlayedCA(days=90)
        self.path = folder / "moxlite.toml"
        self.path.write_text(STATIC)
        (folder / "domains.toml").write_text(DOMAINS)
        self.files = DNSFiles(self.path, "moxlite")
        self.acme = folder / "data/acme"
        self.configured: tuple[PrivateKey, ...] = (
            ec.generate_private_key(ec.SECP256R1()),
            rsa.generate_private_key(65537, 2048),
        )
        self.start()

    @property
    def now(self) -> float:
        return self.ca.now

    @now.setter
    def now(self, seconds: float) -> None:
        self.ca.now = seconds

    def start(self) -> None:
        """Start the server anew."""
        self.config, _ = ConfigHolder.open(self.path)
        self.held = {"public": self.configured}
        self.used: list[KeyPair] = []
        self.keeper = AutoTLS(
            "ca",
            config=self.config,
            folder=self.acme,
            keys={HOST: keys_in_use(self.config.current, self.held)["public"]},
            eab_key="",
            resolver=FakeResolver({"A": {f"{HOST}.": ["192.0.2.1"]}}),
            challenges=Challenges(),
            ports=Ports(self.used.append, list, (ChallengePort("tls-alpn-01", 443),)),
            clock=lambda: self.ca.now,
            talk=self.ca.speak,
        )
        self.keeper.load()
        self.rotation = HostKeyRotation(
            self.config, self.held, [self.keeper], clock=lambda: self.ca.now, authorities=self.served.authorities
        )

    def set_provider(self) -> None:
        self.files.set_provider(DOMAIN, Stored("hetzner", "example.org", {"auth_token": "x"}))

    async def go(self) -> None:
        """What a server does within the hour: orders, steps, and orders that these want."""
        await self.keeper.round()
        await self.rotation.advance(HOST)
        await self.keeper.round()
        await self.rotation.advance(HOST)

    @property
    def shown(self) -> str:
        """The record that fits the certificate in use."""
        return record(self.used[-1].key)

    @property
    def published(self) -> set[str]:
        return self.fake.data(NAME, "TLSA")

    @property
    def state(self) -> HostKeyState:
        return read_host_state(self.acme, HOST)


def record(key: PrivateKey) -> str:
    return rdata_of("TLSA", public_key_record(key.public_key())).to_text()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    signed = [("example.org", "DS", "1 13 2 " + "ab" * 32)]
    with FakeProviders({"example.org": signed}) as fake, NameServer(fake) as served:
        straight(fake, monkeypatch)
        found = World(tmp_path, fake, served)
        for key in found.configured:
            fake.add("example.org", NAME, "TLSA", record(key))
        yield found


async def test_the_next_key_is_in_dns_before_its_certificate(world: World) -> None:
    """AUTH-118: made beside the present one, published, seen at all servers, waited for twice the time for which the
    former set may be remembered; then a certificate is ordered for it, and a day later the former record goes. Records
    of others and the spare key's stay. The owner's files are only read.
    """
    world.set_provider()
    await world.go()
    first, spare = map(record, world.configured)
    assert world.shown == first
    world.now += PERIOD - 1
    await world.go()
    assert world.state.stage == "resting"
    assert world.published == {first, spare}
    world.fake.add("example.org", NAME, "TLSA", "3 1 1 " + "cd" * 32)
    world.served.frozen = {"example.org": list(world.fake.zones["example.org"])}
    world.now += 1
    await world.go()
    assert (world.state.stage, world.state.problem) == ("publishing", f"127.0.0.1 doesn't have {NAME}. TLSA yet")
    world.now += 5 * DAY
    await world.go()
    assert (world.state.stage, world.shown) == ("publishing", first)
    world.served.frozen = None
    await world.go()
    assert (world.state.stage, world.state.until) == ("waiting", world.now + 2 * 3600)
    (following,) = world.published - {first, spare, "3 1 1 " + "cd" * 32}
    keys = read_keys(world.config.current, DOMAIN, HeldKeys(lambda _: None, world.held))
    assert {rdata_of("TLSA", one).to_text() for one in keys.tlsa} == {first, spare, following}
    world.now += 2 * 3600 - 1
    await world.go()
    assert world.shown == first
    world.ca.wrong = CAFailed("the CA is away")
    world.now += 1
    await world.go()
    assert (world.state.stage, world.state.problem, world.shown) == ("ordering", "the CA is away", first)
    world.ca.wrong = None
    world.now += DAY
    world.start()
    await world.go()
    await world.go()
    assert (world.state.stage, world.shown) == ("retiring", following)
    assert first in world.published
    world.now += RETIRING
    await world.go()
    assert (world.state.stage, world.state.problem, world.shown) == ("resting", "", following)
    assert world.published == {following, spare, "3 1 1 " + "cd" * 32}
    world.start()
    assert world.shown == following
    keys = read_keys(world.config.current, DOMAIN, HeldKeys(lambda _: None, world.held))
    assert {rdata_of("TLSA", one).to_text() for one in keys.tlsa} == {following, spare}
    world.now += 60 * DAY
    await world.go()
    assert world.shown == following  # renewed


async def test_a_key_that_the_owner_puts_first_is_used(world: World) -> None:
    """AUTH-118: keys of the configuration stay the owner's word: another first one goes before ours."""
    world.set_provider()
    await world.go()
    await world.rotation.change(HOST, asked=True)
    for _ in range(4):
        await world.go()
        world.now += DAY
    assert world.state.stage == "resting"
    assert world.state.present
    mine = world.shown
    world.configured = (ec.generate_private_key(ec.SECP256R1()), *world.configured)
    world.start()
    assert world.shown == mine  # as long as its certificate is valid
    world.now += 70 * DAY
    await world.keeper.round()
    assert world.shown == record(world.configured[0])


async def test_it_can_be_stopped_at_each_stage(world: World) -> None:
    """AUTH-118: nothing moves while it is stopped, whatever the clock says."""
    world.set_provider()
    await world.go()
    await world.rotation.change(HOST, asked=True)
    for stage in ("waiting", "retiring", "resting"):
        await world.go()
        assert world.state.stage == stage
        await world.rotation.change(HOST, stopped=True)
        world.now += 20 * DAY
        before = world.state, world.fake.records("example.org")
        await world.rotation.advance(HOST)
        assert (world.state, world.fake.records("example.org")) == before
        await world.rotation.change(HOST, stopped=False)


async def test_without_a_provider_the_owner_is_told_what_to_type(world: World) -> None:
    """AUTH-118: by itself nothing happens; with `host_key_period` it says each record, and waits for it."""
    await world.go()
    world.now += 800 * DAY
    await world.go()
    assert world.state.stage == "resting"
    world.path.write_text(world.path.read_text().replace("[listeners", 'host_key_period = "365d"\n[listeners'))
    world.start()
    await world.go()
    (line,) = world.state.todo
    words, _, data = line.partition(" TLSA ")
    assert words == f"add to DNS: {NAME}."
    first = world.shown
    world.now += 30 * DAY
    await world.go()
    assert world.shown == first
    world.fake.add("example.org", NAME, "TLSA", data)
    await world.go()
    assert (world.state.stage, world.state.todo) == ("waiting", ())
    world.now += DAY
    await world.go()
    assert world.shown == data
    world.now += RETIRING
    await world.go()
    assert world.state.todo == (f"remove from DNS: {NAME}. TLSA {first}",)
    zone = world.fake.zones["example.org"]
    world.fake.zones["example.org"] = [one for one in zone if one.data != first]
    await world.go()
    assert world.state.stage == "resting"
    assert not world.state.todo


async def test_a_zone_without_dnssec_is_left_alone(world: World) -> None:
    """AUTH-118: without DNSSEC no record names a key. By itself nothing is rotated; when asked, without records."""
    world.set_provider()
    world.fake.zones["example.org"] = []
    await world.go()
    world.now += PERIOD
    await world.go()
    first = world.shown
    assert world.state.stage == "resting"
    await world.rotation.change(HOST, asked=True)
    await world.go()
    assert (world.state.stage, world.published) == ("retiring", set())
    assert world.shown != first


async def test_a_key_waits_as_long_as_its_former_records_are_kept(world: World) -> None:
    """AUTH-118: also where their TTL is days."""
    world.set_provider()
    for one in world.fake.zones["example.org"]:
        one.ttl = int(5 * DAY)
    await world.go()
    first = world.shown
    await world.rotation.change(HOST, asked=True)
    await world.go()
    world.now += 5 * DAY
    await world.go()
    assert (world.state.stage, world.shown) == ("waiting", first)
    world.now += 2 * DAY
    await world.go()
    assert world.state.stage == "retiring"


async def test_a_resolver_that_does_not_answer_makes_no_zone_unsigned(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AUTH-118: the next key waits for its record, though DNS cannot be asked whether the zone is signed; nor does
    `dns update` take records for DANE away then (ADMIN-71c).
    """
    world.set_provider()
    await world.go()
    first = world.shown
    world.served.frozen = {"example.org": list(world.fake.zones["example.org"])}
    await world.rotation.change(HOST, asked=True)
    await world.go()
    assert world.state.stage == "publishing"
    world.served.silent = True
    monkeypatch.setattr(zones, "SECONDS", 0.05)
    world.start()
    await world.go()
    assert (world.state.stage, world.state.problem) == ("publishing", "127.0.0.1: The DNS operation timed out.")
    assert world.shown == first
    publishing = Publishing(world.config.current, world.path, authorities=world.served.authorities)
    with pytest.raises(NoAnswer):
        publishing.plan(DOMAIN, publishing.located(DOMAIN))


async def test_a_damaged_state_costs_no_start(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """AUTH-118: the configured key is used, it is logged, and the rotation begins with a full period."""
    (world.acme / hostkeys.FOLDER).mkdir(parents=True)
    (world.acme / hostkeys.FOLDER / HOST).write_bytes(b'{"present": "-----BEGIN')
    world.start()
    assert "ignoring stored host key" in caplog.text
    await world.go()
    assert world.shown == record(world.configured[0])
    assert (await world.rotation.show(HOST)).since == world.now


@pytest.mark.campaign
async def test_no_certificate_is_shown_without_its_record_though_each_step_is_broken_off(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AUTH-118: three rotations in fast motion; the server dies before and after each write of a state, of a record and
    of a certificate. At each moment the certificate fits the records of now, and those that a resolver may remember.
    """
    world.set_provider()
    counts = {"seen": 0, "kill": 0}

    def fragile(owner: object, name: str) -> None:
        work = getattr(owner, name)
        assert not inspect.iscoroutinefunction(work)

        def run(*args: object, **options: object) -> object:
            for after in (False, True):
                result = work(*args, **options) if after else None
                counts["seen"] += 1
                if counts["seen"] == counts["kill"]:
                    raise Killed
            return result

        monkeypatch.setattr(owner, name, run)

    fragile(DNSFiles, "set_state")
    fragile(hostrotation, "write_host_state")
    fragile(zones, "write_zone")
    fragile(files.Folder, "write_certificate")
    remembered: list[tuple[float, set[str]]] = []
    kills = rotations = checked = 0
    await world.go()
    former = world.shown
    while rotations < 3:
        world.now += 1800
        if world.state.stage == "resting" and world.state.since + 20 * DAY < world.now:
            await world.rotation.change(HOST, asked=True)
        elif world.state.stage == "resting":
            world.now += DAY
        counts["seen"], counts["kill"] = 0, 1
        while True:
            try:
                await world.go()
                break
            except Killed:
                kills += 1
                counts["seen"], counts["kill"] = 0, counts["kill"] + 1
                world.start()
                assert world.shown in world.published
        counts["kill"] = 0
        rotations += former != world.shown
        former = world.shown
        remembered = [one for one in remembered if one[0] > world.now - 3600]
        remembered.append((world.now, set(world.published)))
        for _, records in remembered:
            checked += 1
            assert world.shown in records
    assert kills > 25
    assert checked > 200
