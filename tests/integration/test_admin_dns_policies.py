"""Our own MTA-STS policies over time: ids, and MX names that stay allowed (AUTH-73a)."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from moxlite.admin import commandedits
from moxlite.admin.dns import policies
from moxlite.admin.dns.policies import MEMORY, PolicyWatch, allowed_patterns
from moxlite.admin.dns.publishing import Publishing, publish_digest, publish_policy
from moxlite.admin.dns.zonefile import rdata_of
from moxlite.admin.dnsproviders.accounts import DNSFiles, Stored
from moxlite.admin.offer import agent_record, offer_for
from moxlite.config import files
from moxlite.config.domains import MTASTS
from moxlite.config.holder import Change, ConfigHolder
from moxlite.proto.address import Domain
from tests.dnsproviders import FakeProviders, NameServer, straight

pytestmark = [pytest.mark.integration, pytest.mark.served]

DAY = 86_400.0
NAME = "_mta-sts.example.org"

STATIC = """\
hostname = "mx.example.org"
data_dir = "data"
[postmaster]
account = "me"
mailbox = "Postmaster"
[listeners.public]
ips = ["127.0.0.1"]
mtasts_https = { enabled = true, port = 8443, non_tls = true }
"""

DOMAINS = """\
[domains."example.org"]
mtasts = { policy_id = "first", max_age = "10d" }
[accounts.me]
domain = "example.org"
[accounts.me.destinations."me@example.org"]
"""


class Killed(BaseException):
    """The server dies."""


class World:
    """A server's configuration, a provider's zone, and a clock."""

    def __init__(self, folder: Path, fake: FakeProviders, served: NameServer) -> None:
        self.fake = fake
        self.authorities = served.authorities
        self.publish = partial(publish_policy, authorities=served.authorities)
        self.now = 1_800_000_000.0
        self.path = folder / "moxlite.toml"
        (folder / "data").mkdir()
        self.write(STATIC, DOMAINS)

    def write(self, static: str, domains: str | None = None) -> None:
        """Change the configuration, and start the server anew."""
        self.path.write_text(static)
        if domains is not None:
            self.path.with_name("domains.toml").write_text(domains)
        self.start()

    def start(self) -> None:
        self.config, _ = ConfigHolder.open(self.path)
        digest = partial(publish_digest, authorities=self.authorities)
        self.watch = PolicyWatch(self.config, clock=lambda: self.now, publish=self.publish, publish_digest=digest)
        self.config.on_change(self.watch.reconfigured)

    def edit(self, old: str, new: str) -> None:
        """As the owner does by hand."""
        path = self.path.with_name("domains.toml")
        assert old in path.read_text()
        self.write(self.path.read_text(), path.read_text().replace(old, new))

    def set_provider(self) -> None:
        files = DNSFiles(self.path, "moxlite")
        files.set_provider(Domain.parse("example.org"), Stored("hetzner", "example.org", {"auth_token": "x"}))

    @property
    def policy(self) -> MTASTS:
        found = self.config.current.domains.domains["example.org"].mtasts
        assert found is not None
        return found

    @property
    def allowed(self) -> list[str]:
        return list(allowed_patterns(self.config.current, self.policy))

    @property
    def id_in_dns(self) -> str:
        (text,) = self.fake.data(NAME, "TXT")
        return text.strip('"').partition("id=")[2]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    records = [(NAME, "TXT", '"v=STSv1; id=first"'), ("example.org", "TXT", '"v=spf1 mx -all"')]
    with FakeProviders({"example.org": records}) as fake, NameServer(fake) as served:
        straight(fake, monkeypatch)
        yield World(tmp_path, fake, served)


async def test_a_changed_policy_gets_a_new_id_in_dns(world: World) -> None:
    """AUTH-73a: with another mode or max_age; not while nothing changes. The id of the owner's choice stays."""
    world.set_provider()
    assert not await world.watch.look()
    assert (world.policy.policy_id, world.id_in_dns) == ("first", "first")
    world.edit('max_age = "10d"', 'max_age = "10d", mode = "testing"')
    assert not await world.watch.look()
    testing = world.policy.policy_id
    assert testing == world.id_in_dns == "20270115T080000"
    world.now += DAY
    assert not await world.watch.look()
    assert world.policy.policy_id == testing
    world.edit('"10d"', '"20d"')
    await world.watch.look()
    assert world.policy.policy_id == world.id_in_dns == "20270116T080000"
    world.edit('policy_id = "20270116T080000"', 'policy_id = "mine"')
    await world.watch.look()
    assert world.policy.policy_id == world.id_in_dns == "mine"
    assert world.fake.data("example.org", "TXT") == {'"v=spf1 mx -all"'}


async def test_a_former_mx_name_stays_allowed_for_max_age(world: World) -> None:
    """AUTH-73a: another hostname: both names are allowed, for as long as a sender may keep the last policy that had the
    former; then it goes, with a new id.
    """
    world.set_provider()
    await world.watch.look()
    world.now += 30 * DAY
    world.write(STATIC.replace("mx.example.org", "mail2.example.org"))
    assert world.allowed == ["mail2.example.org"]
    await world.watch.look()
    assert world.allowed == ["mail2.example.org", "mx.example.org"]
    moved = world.policy.policy_id
    assert moved == world.id_in_dns != "first"
    world.now += 10 * DAY - 1
    world.start()
    await world.watch.look()
    assert (world.allowed, world.policy.policy_id) == (["mail2.example.org", "mx.example.org"], moved)
    world.now += 1
    await world.watch.look()
    assert world.allowed == ["mail2.example.org"]
    assert world.policy.policy_id == world.id_in_dns != moved
    assert "former_mx" not in world.path.with_name("domains.toml").read_text()


async def test_the_owner_removes_a_former_name_at_once(world: World) -> None:
    """AUTH-73a: it does not come back. After mode none nothing is kept: no sender relies on it."""
    await world.watch.look()
    world.write(STATIC.replace("mx.example.org", "mail2.example.org"))
    await world.watch.look()
    former = world.policy.policy_id
    world.now += 60
    world.edit(', former_mx = ["mx.example.org"]', "")
    await world.watch.look()
    assert world.allowed == ["mail2.example.org"]
    assert world.policy.policy_id != former
    world.edit('"10d"', '"10d", mode = "none"')
    await world.watch.look()
    world.write(STATIC)
    await world.watch.look()
    assert world.allowed == ["mx.example.org"]


async def test_without_provider_or_record_dns_is_the_owners(world: World) -> None:
    """AUTH-73a: the id changes in domains.toml alone; where MTA-STS has no record, none is made."""
    await world.watch.look()
    world.edit('"10d"', '"11d"')
    assert not await world.watch.look()
    assert world.policy.policy_id != "first"
    assert world.id_in_dns == "first"
    world.set_provider()
    world.fake.zones["example.org"] = []
    world.now += 60
    world.edit('"11d"', '"12d"')
    assert not await world.watch.look()
    assert not world.fake.records("example.org")


async def test_an_id_that_dns_does_not_take_is_tried_again(world: World) -> None:
    """AUTH-73a: also after a restart."""
    world.set_provider()
    await world.watch.look()
    world.edit('"10d"', '"11d"')
    world.fake.ignoring = True
    assert await world.watch.look()
    assert world.id_in_dns == "first"
    world.fake.ignoring = False
    world.start()
    assert not await world.watch.look()
    assert world.id_in_dns == world.policy.policy_id != "first"


async def test_a_crash_between_the_steps_loses_no_name(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """AUTH-73a: the server dies before and after each write; both names are allowed afterwards, and DNS has the id."""
    world.set_provider()
    await world.watch.look()
    counts = {"seen": 0, "kill": 0}

    def count() -> None:
        counts["seen"] += 1
        if counts["seen"] == counts["kill"]:
            raise Killed

    change, write = commandedits.edit, files.write_atomically

    async def edit(config: ConfigHolder, done: Change) -> None:
        count()
        await change(config, done)
        count()

    def write_atomically(path: Path, data: bytes, *, mode: int) -> None:
        count()
        write(path, data, mode=mode)
        count()

    monkeypatch.setattr(policies, "edit", edit)
    monkeypatch.setattr(policies, "write_atomically", write_atomically)
    world.now += 60
    world.write(STATIC.replace("mx.example.org", "mail2.example.org"))
    kills = 0
    while True:
        counts["seen"], counts["kill"] = 0, counts["kill"] + 1
        try:
            await world.watch.look()
            break
        except Killed:
            kills += 1
            world.start()
    assert kills > 2
    assert world.allowed == ["mail2.example.org", "mx.example.org"]
    assert world.policy.policy_id == world.id_in_dns != "first"


async def test_a_damaged_memory_begins_anew(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """AUTH-73a: what is served now is remembered; nothing changes."""
    (world.path.parent / "data" / MEMORY).write_bytes(b'{"example.org": 1}')
    assert not await world.watch.look()
    assert "failed to read" in caplog.text
    assert world.policy.policy_id == "first"


AGENTS = "_ua-auto-config.example.org"

MAIL = "autoconfig_https = { enabled = true, port = 8443, non_tls = true }\nimaps = { enabled = true, port = 993 }\n"


async def test_the_digest_of_settings_follows_the_configuration(world: World) -> None:
    """ADMIN-71e: in DNS, where this server has published it, and nowhere else; a record that others have made stays."""
    world.set_provider()
    tls = 'tls = { key_certs = [{ cert_file = "c.pem", key_file = "k.pem" }] }\n'
    world.write(STATIC + MAIL + tls)
    assert not await world.watch.look()
    assert world.fake.data(AGENTS, "TXT") == set(), "it begins when the owner publishes the records"
    domain = Domain.parse("example.org")
    publishing = Publishing(world.config.current, world.path, authorities=world.authorities)
    located = publishing.located(domain)
    publishing.make(domain, located, publishing.plan(domain, located))
    (first,) = world.fake.data(AGENTS, "TXT")
    assert first == rdata_of("TXT", agent_record(offer_for(world.config.current, domain))).to_text()
    world.write(STATIC + MAIL + tls + "submissions = { enabled = true, port = 465 }\n")
    assert not await world.watch.look()
    (second,) = world.fake.data(AGENTS, "TXT")
    assert second == rdata_of("TXT", agent_record(offer_for(world.config.current, domain))).to_text() != first
    world.fake.zones["example.org"] = []
    assert not await world.watch.look()
    assert not world.fake.data(AGENTS, "TXT"), "what is published already is looked at by the examination alone"
