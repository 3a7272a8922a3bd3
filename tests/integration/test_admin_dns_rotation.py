"""Rotation of signing keys, in fast motion, broken off at each step (AUTH-115)."""

import inspect
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from moxlite.admin.dns import rotation, zones
from moxlite.admin.dns.publishing import Publishing
from moxlite.admin.dns.rotation import RETIRING, KeyRotation, Keys
from moxlite.admin.dns.stages import DAY, LEAST_WAIT
from moxlite.admin.dns.wanted import read_keys
from moxlite.admin.dnsproviders.accounts import DNSFiles, Stored
from moxlite.config.holder import ConfigHolder
from moxlite.proto.address import Domain
from tests.dnsproviders import FakeProviders, NameServer, straight

pytestmark = [pytest.mark.integration]

DOMAIN = Domain.parse("example.org")

STATIC = """\
hostname = "mx.example.org"
data_dir = "data"
[postmaster]
account = "me"
mailbox = "Postmaster"
[listeners.public]
ips = ["127.0.0.1"]
metrics_http.enabled = true
"""

DOMAINS = """\
[domains."example.org"]
dkim.selectors.a = { key_file = "a.pem" }
dkim.sign = ["a"]
[accounts.me]
domain = "example.org"
[accounts.me.destinations."me@example.org"]
"""


class Killed(BaseException):
    """The server dies."""


class World:
    """A server's configuration, a provider's zone, the zone's name server, and a clock."""

    def __init__(self, folder: Path, fake: FakeProviders, served: NameServer) -> None:
        self.fake = fake
        self.served = served
        self.now, self.steady = 1_800_000_000.0, True
        (folder / "moxlite.toml").write_text(STATIC)
        (folder / "domains.toml").write_text(DOMAINS)
        command = ["openssl", "genpkey", "-algorithm", "RSA", "-out", str(folder / "a.pem")]
        subprocess.run(command, check=True, capture_output=True)
        self.path = folder / "moxlite.toml"
        self.files = DNSFiles(self.path, "moxlite")
        self.start()
        record = read_keys(self.config.current, DOMAIN).dkim["a"]
        fake.add("example.org", "a._domainkey.example.org", "TXT", f'"{record[:200]}" "{record[200:]}"')

    def start(self) -> None:
        """Start the server anew."""
        self.config, _ = ConfigHolder.open(self.path)
        self.rotation = KeyRotation(
            self.config, clock=lambda: self.now, steady=lambda: self.steady, authorities=self.served.authorities
        )

    def set_provider(self) -> None:
        self.files.set_provider(DOMAIN, Stored("hetzner", "example.org", {"auth_token": "x"}))

    @property
    def signing(self) -> tuple[str, ...]:
        return self.config.current.domains.domains["example.org"].dkim.sign

    @property
    def selectors(self) -> set[str]:
        return set(self.config.current.domains.domains["example.org"].dkim.selectors)

    def key(self, selector: str) -> str:
        """The record that a verifier needs for what is signed now."""
        return read_keys(self.config.current, DOMAIN).dkim[selector]

    def published(self, selector: str) -> set[str]:
        found = self.fake.data(f"{selector}._domainkey.example.org", "TXT")
        return {one.strip('"').replace('" "', "") for one in found}

    def state(self) -> Keys:
        data = self.files.keys(DOMAIN)
        return Keys() if data is None else msgspec.json.decode(data, type=Keys)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with FakeProviders({"example.org": []}) as fake, NameServer(fake) as served:
        straight(fake, monkeypatch)
        yield World(tmp_path, fake, served)


async def test_a_key_comes_and_goes_by_itself(world: World) -> None:
    """AUTH-115: the next key is published, seen at the servers, waited for, signs; the former record stays for eight
    days; then key and record go. A selector is not used again.
    """
    world.set_provider()
    await world.rotation.advance(DOMAIN)
    assert world.state() == Keys(since=world.now)
    world.now += rotation.PERIOD - 1
    await world.rotation.advance(DOMAIN)
    assert world.state().stage == "resting"
    world.now += 1
    world.served.frozen = {"example.org": list(world.fake.zones["example.org"])}
    await world.rotation.advance(DOMAIN)
    state = world.state()
    assert (state.stage, state.problem) == (
        "publishing",
        f"127.0.0.1 doesn't have {state.new}._domainkey.example.org. TXT yet",
    )
    assert world.published(state.new) == {world.key(state.new)}
    world.now += 3 * DAY  # not served, however long
    await world.rotation.advance(DOMAIN)
    assert world.state().stage == "publishing"
    world.served.frozen = None
    await world.rotation.advance(DOMAIN)
    assert (world.state().stage, world.state().until) == ("waiting", world.now + 2 * world.served.minimum)
    assert world.signing == ("a",)
    world.now += 2 * world.served.minimum
    await world.rotation.advance(DOMAIN)
    assert world.signing == (state.new,)
    assert world.published("a")
    world.now += RETIRING - 1
    await world.rotation.advance(DOMAIN)
    assert world.published("a")
    world.now, world.steady = world.now + 1, False  # the clock has jumped there (STORE-190a)
    await world.rotation.advance(DOMAIN)
    assert world.published("a")
    world.steady = True
    await world.rotation.advance(DOMAIN)
    assert (world.state().stage, world.state().past) == ("resting", ("a",))
    assert not world.published("a")
    assert world.selectors == {state.new}
    assert (world.path.parent / "a.pem").exists()  # a key in a folder of the owner's stays


async def test_a_machine_without_ipv6_needs_no_answer_by_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """AUTH-115: a name server has the record if one of its addresses has it and the others do not answer."""
    world.set_provider()
    world.fake.add("example.org", "ns.example.org", "AAAA", "::2")  # nothing is there
    monkeypatch.setattr(zones, "SECONDS", 0.2)
    await world.rotation.change(DOMAIN, asked=True)
    await world.rotation.advance(DOMAIN)
    assert (world.state().stage, world.state().problem) == ("waiting", "")


async def test_a_former_key_that_signs_again_stays(world: World) -> None:
    """AUTH-115: if the owner goes back to the former key while it retires, its record and key stay."""
    world.set_provider()
    await world.rotation.change(DOMAIN, asked=True)
    await world.rotation.advance(DOMAIN)
    world.now += DAY
    await world.rotation.advance(DOMAIN)
    new = world.state().new
    assert (world.state().stage, world.signing) == ("retiring", (new,))
    text = world.config.domains_path.read_text()
    world.config.domains_path.write_text(text.replace(f'dkim.sign = ["{new}"]', 'dkim.sign = ["a"]'))
    world.start()
    assert world.signing == ("a",)
    world.now += RETIRING
    await world.rotation.advance(DOMAIN)
    assert (world.state().stage, world.state().problem) == ("resting", "")
    assert world.published("a") == {world.key("a")}
    assert world.selectors == {"a", new}


async def test_the_record_of_a_key_that_cannot_be_read_stays(world: World) -> None:
    """ADMIN-71c: a key without a readable file may be one in use; the plan names it, and removes no record of keys."""
    world.set_provider()
    world.fake.zones["example.org"] = []
    publishing = Publishing(world.config.current, world.path, authorities=world.served.authorities)
    located = publishing.located(DOMAIN)
    assert publishing.make(DOMAIN, located, publishing.plan(DOMAIN, located)) == []
    assert world.published("a")
    (world.path.parent / "a.pem").unlink()
    plans = publishing.plan(DOMAIN, located)
    assert not plans.changes
    assert any("a.pem" in note for note in plans.notes("use --replace"))


@pytest.mark.nightly
async def test_a_record_that_is_gone_before_it_signs_is_waited_for_again(world: World) -> None:
    """AUTH-115: it never signs with a key whose record is not visible."""
    world.set_provider()
    await world.rotation.change(DOMAIN, asked=True)
    await world.rotation.advance(DOMAIN)
    new = world.state().new
    assert world.state().stage == "waiting"
    world.fake.zones["example.org"] = [one for one in world.fake.zones["example.org"] if new not in one.name]
    world.now += DAY
    world.served.silent = True
    await world.rotation.advance(DOMAIN)
    world.served.silent = False
    assert world.signing == ("a",)
    await world.rotation.advance(DOMAIN)
    assert (world.state().stage, world.signing) == ("waiting", ("a",))
    assert world.state().until >= world.now + LEAST_WAIT
    assert world.published(new) == {world.key(new)}


async def test_it_can_be_stopped_at_each_stage(world: World) -> None:
    """AUTH-115: nothing moves while it is stopped, whatever the clock says."""
    world.set_provider()
    await world.rotation.change(DOMAIN, asked=True)
    for stage in ("waiting", "retiring", "resting"):
        await world.rotation.advance(DOMAIN)
        assert world.state().stage == stage
        await world.rotation.change(DOMAIN, stopped=True)
        world.now += 30 * DAY
        before = world.state(), world.fake.records("example.org")
        await world.rotation.advance(DOMAIN)
        assert (world.state(), world.fake.records("example.org")) == before
        await world.rotation.change(DOMAIN, stopped=False)


async def test_without_a_provider_the_owner_is_told_what_to_type(world: World) -> None:
    """AUTH-115: it begins only where the domain wants it, says each record, and waits for it as long as it takes. The
    provider's form may divide a long text into strings as it likes.
    """
    await world.rotation.advance(DOMAIN)
    world.now += 400 * DAY
    await world.rotation.advance(DOMAIN)
    assert world.state().stage == "resting"
    text = (
        (world.path.parent / "domains.toml")
        .read_text()
        .replace('sign = ["a"]', 'sign = ["a"]\ndkim.auto_rotate = "90d"')
    )
    (world.path.parent / "domains.toml").write_text(text)
    world.start()
    await world.rotation.advance(DOMAIN)
    state = world.state()
    name = f"{state.new}._domainkey.example.org."
    assert state.stage == "publishing"
    assert state.todo[0].startswith(f"add to DNS: {name} TXT ")
    world.now += 30 * DAY
    await world.rotation.advance(DOMAIN)
    assert world.signing == ("a",)
    text = state.todo[0].partition(" TXT ")[2].replace('" "', "").strip('"')
    world.fake.add("example.org", name.rstrip("."), "TXT", f'"{text[:100]}" "{text[100:200]}" "{text[200:]}"')
    await world.rotation.advance(DOMAIN)
    assert (world.state().stage, world.state().todo) == ("waiting", ())
    world.now += DAY
    await world.rotation.advance(DOMAIN)
    world.now += RETIRING
    await world.rotation.advance(DOMAIN)
    assert world.state().todo == ("remove from DNS: a._domainkey.example.org. TXT",)
    world.fake.zones["example.org"] = [one for one in world.fake.zones["example.org"] if not one.name.startswith("a.")]
    await world.rotation.advance(DOMAIN)
    assert world.state().stage == "resting"


@pytest.mark.campaign
async def test_no_signature_fails_though_each_step_is_broken_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """AUTH-115: three rotations in fast motion; the server dies before and after each write of a state, of a record and
    of the configuration. Whatever was signed verifies that day and in the eight days after.
    """
    world.set_provider()
    counts = {"seen": 0, "kill": 0}

    def fragile(owner: object, name: str) -> None:
        work = getattr(owner, name)

        def count() -> None:
            counts["seen"] += 1
            if counts["seen"] == counts["kill"]:
                raise Killed

        def run(*args: object, **options: object) -> object:
            count()
            result = work(*args, **options)
            count()
            return result

        async def run_async(*args: object, **options: object) -> object:
            count()
            result = await work(*args, **options)
            count()
            return result

        monkeypatch.setattr(owner, name, run_async if inspect.iscoroutinefunction(work) else run)

    fragile(DNSFiles, "set_keys")
    fragile(DNSFiles, "set_state")
    fragile(rotation, "edit")
    fragile(zones, "write_zone")
    under_way: list[tuple[float, str, str]] = []
    checked = kills = rotations = 0
    former = world.signing
    await world.rotation.advance(DOMAIN)
    while rotations < 3:
        world.now += DAY / 2
        if world.state().stage == "resting" and world.state().since + 20 * DAY < world.now:
            await world.rotation.change(DOMAIN, asked=True)
        counts["seen"], counts["kill"] = 0, 1
        while True:
            try:
                await world.rotation.advance(DOMAIN)
                break
            except Killed:
                kills += 1
                counts["seen"], counts["kill"] = 0, counts["kill"] + 1
                world.start()
        counts["kill"] = 0
        rotations += former != world.signing
        former = world.signing
        under_way += [(world.now, one, world.key(one)) for one in world.signing]
        under_way = [one for one in under_way if one[0] > world.now - RETIRING + DAY / 2]
        for _, selector, record in under_way:
            checked += 1
            assert world.published(selector) == {record}, f"{selector} at {world.now}"
    assert kills > 30
    assert checked > 500
