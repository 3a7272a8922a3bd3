"""Changes of records that are broken off, names that are aliases, and clocks that differ (ADMIN-71a, 71c)."""

import ipaddress
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from moxlite.admin.dns import zones
from moxlite.admin.dns.publishing import Publishing
from moxlite.admin.dns.update import KeyedServer, NameServer as Primary, UpdateRefused, parse_key
from moxlite.admin.dnsproviders.accounts import DNSFiles, Stored
from moxlite.admin.dnsproviders.messages import Account, Edit
from moxlite.config.load import load
from moxlite.proto.address import Domain
from tests.dnsproviders import FakeProviders, NameServer, straight
from tests.integration.test_admin_dns_provider import DOMAINS, KEY, RECORDS, STATIC
from tests.signedroot import SignedRoot

pytestmark = [pytest.mark.integration]

DOMAIN = Domain.parse("example.org")


class Killed(BaseException):
    """The program dies."""


class World:
    """A configuration, and a provider's zone."""

    def __init__(self, folder: Path, fake: FakeProviders, served: NameServer) -> None:
        self.fake = fake
        (folder / "moxlite.toml").write_text(STATIC)
        (folder / "domains.toml").write_text(DOMAINS)
        for name, kind in (("ec", ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]), ("rsa", ["RSA"])):
            command = ["openssl", "genpkey", "-algorithm", *kind, "-out", str(folder / f"{name}.pem")]
            subprocess.run(command, check=True, capture_output=True)
        path = folder / "moxlite.toml"
        self.publishing = Publishing(load(path)[0], path, authorities=served.authorities)
        self.publishing.files.set_provider(DOMAIN, Stored("hetzner", "example.org", {"auth_token": "x"}))

    def update(self) -> list[str]:
        """Make the records as they should be; what stays, one note a line."""
        located = self.publishing.located(DOMAIN)
        plans = self.publishing.plan(DOMAIN, located)
        assert not self.publishing.make(DOMAIN, located, plans)
        return plans.notes("use --replace")

    def undo(self) -> bool:
        """Undo the last step; False without one."""
        located = self.publishing.located(DOMAIN)
        plans = self.publishing.plan_undo(DOMAIN, located)
        if plans is None:
            return False
        self.publishing.undo(DOMAIN, located, plans)
        return True

    @property
    def records(self) -> set[tuple[str, str, str]]:
        return self.fake.records("example.org")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with FakeProviders({"example.org": RECORDS}) as fake, NameServer(fake) as served:
        straight(fake, monkeypatch)
        yield World(tmp_path, fake, served)


def test_an_update_that_is_broken_off_anywhere_is_completed_and_undone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-71c: the program dies before and after each write of the state, and between any two records; the next run
    completes the change, and undoing all steps brings back each record.
    """
    world.update()
    whole = world.records
    assert world.undo()
    assert world.records == set(RECORDS)
    counts = {"seen": 0, "kill": 0}
    save, write = DNSFiles.set_state, zones.__dict__["write_zone"]

    def count() -> None:
        counts["seen"] += 1
        if counts["seen"] == counts["kill"]:
            raise Killed

    def set_state(files: DNSFiles, domain: Domain, data: bytes) -> None:
        count()
        save(files, domain, data)
        count()

    def write_zone(account: Account, edits: tuple[Edit, ...]) -> None:
        for one in edits:
            write(account, (one,))
            count()

    monkeypatch.setattr(DNSFiles, "set_state", set_state)
    monkeypatch.setattr(zones, "write_zone", write_zone)
    kills = 0
    while True:
        counts["seen"], counts["kill"] = 0, kills + 1
        try:
            world.update()
            break
        except Killed:
            kills += 1
        counts["kill"] = 0
        world.update()
        assert world.records == whole, f"killed at {kills}"
        while world.undo():
            pass
        assert world.records == set(RECORDS), f"killed at {kills}"
    assert kills > 10


def test_a_name_that_is_an_alias_stays_and_is_told(world: World) -> None:
    """ADMIN-71a, ADMIN-71c: nothing may be beside a CNAME (RFC 1034 §3.6.2)."""
    kept = [one for one in world.fake.zones["example.org"] if not one.name.startswith("_dmarc")]
    world.fake.zones["example.org"] = kept
    world.fake.add("example.org", "_dmarc.example.org", "CNAME", "dmarc.provider.example.")
    notes = world.update()
    assert "skipping _dmarc.example.org. TXT because of an existing CNAME" in notes
    assert world.fake.data("_dmarc.example.org", "TXT") == set()
    assert world.fake.data("_dmarc.example.org", "CNAME") == {"dmarc.provider.example."}


def test_a_clock_that_differs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-71a: updates with a key need clocks that agree within five minutes (RFC 8945 §5.2.3)."""
    now = time.time
    with SignedRoot({"": "", "org": "", "example.org": ""}, key=KEY) as root:
        place = Primary(ipaddress.IPv4Address("127.0.0.1"), root.authority, parse_key(":".join(KEY), "it"))
        assert KeyedServer(place).zone("example.org.") == "example.org."
        monkeypatch.setattr(time, "time", lambda: now() - 3600)
        with pytest.raises(UpdateRefused, match=r"clock skew between 127\.0\.0\.1 and this machine is too large"):
            KeyedServer(place).zone("example.org.")
