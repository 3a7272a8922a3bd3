"""Publishing the wanted records of a domain: provider tried, plan made, read back, undone (ADMIN-71b, 71c).

Used by the command line, the admin app, quickstart and the rotation of keys. Blocks: for seconds, and for minutes where
servers are waited for.
"""

import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec

from moxlite.admin.accounts import Refused
from moxlite.admin.dns.ledger import Ledger
from moxlite.admin.dns.plan import Change, Data, Note, Plan, Slot, ZonePlan
from moxlite.admin.dns.update import NoAnswer, UpdateRefused
from moxlite.admin.dns.wanted import GROUPS, TOPICS, Group, HeldKeys, Keys, Kind, Topic, WantedRecord, records_of
from moxlite.admin.dns.zonefile import rdata_of, zone_line
from moxlite.admin.dns.zones import (
    Access,
    Authorities,
    ByHand,
    Located,
    access_of,
    differing,
    missing_changes,
    plan_back,
    plan_zones,
    send_plans,
    wait_until_served,
)
from moxlite.admin.dnsproviders.accounts import KNOWN, RFC2136, Busy, DNSFiles, ProviderFailed, Stored, read_zone
from moxlite.admin.domains.changes import require_domain
from moxlite.config.snapshot import Snapshot
from moxlite.net.dns.client import DNSResolver
from moxlite.proto.address import Domain

TEST_LABEL: Final = "_moxlite-test"
"""Where a text is published and removed again when a provider is tried."""

MAX_PARENTS: Final = 4
"""Names that are tried as a domain's zone, from itself upwards."""

ADDRESSES: Final[frozenset[Topic]] = frozenset({"host"})
"""Records that are published at a provider only when asked for: the owner's zone has them, or another machine's."""


LEADING: Final[frozenset[Topic]] = frozenset({"autoconfig", "autodiscover", "pacc", "srv"})
"""Records by which mail clients find this server: as long as mail goes elsewhere, a new phone would look here for an
account that is there.
"""


class NoProvider(Exception):
    """No provider is set for the domain."""


class Plans(msgspec.Struct, frozen=True):
    """Changes for a domain that are not made yet: a plan for each zone, and the records that they are for."""

    zones: tuple[ZonePlan, ...]
    wanted: tuple[WantedRecord, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether there is anything to change."""
        return any(zone.plan.changes for zone in self.zones)

    def groups(self) -> dict[Group, list[str]]:
        """The records that go and come, in the form of a diff, by group."""
        lines: dict[Group, list[str]] = {group: [] for group in GROUPS}
        for zone in self.zones:
            for change in zone.plan.changes:
                lines[change.group] += change.lines()
        return {group: changes for group, changes in lines.items() if changes}

    def lines(self) -> list[str]:
        """As `groups`, in one list."""
        return [line for changes in self.groups().values() for line in changes]

    def notes(self, how: str) -> list[str]:
        """Records that stay as they are, each with the reason, or with `how` to replace them."""
        return [
            f"{note.text}; to replace it, {how}" if note.replaceable else note.text
            for zone in self.zones
            for note in zone.plan.left
        ]


class Ensured(msgspec.Struct, frozen=True):
    """How far a record is, that was to be published. Neither `todo` nor `problem`: all authoritative servers have it.

    Attributes:
      todo: what the owner has to type, one line each.
      problem: the first server that does not have the record yet.
      longest: seconds for which resolvers may still have an answer without the record.
    """

    todo: tuple[str, ...] = ()
    problem: str = ""
    longest: float = 0.0

    @property
    def served(self) -> bool:
        """Whether all authoritative servers have it."""
        return not self.todo and not self.problem


def make_stored(domain: Domain, provider: str, answers: dict[str, str]) -> Stored:
    """The provider with the owner's answers, and the zone of the domain there: the nearest name that the account has.

    Raises ProviderFailed.
    """
    assert provider in KNOWN
    if provider == RFC2136:
        return Stored(provider, "", answers)
    labels = domain.ascii.split(".")
    names = [".".join(labels[at:]) for at in range(max(1, len(labels) - 1))][:MAX_PARENTS]
    for name in names:
        stored = Stored(provider, name, answers)
        try:
            read_zone(stored.account)
        except ProviderFailed as error:
            if error.why != "missing" or name == names[-1]:
                raise
        else:
            return stored
    raise AssertionError("unreachable: the last name always raises or returns")


class Publishing:
    """The records of our domains at their providers.

    Args:
      config: moxlite.toml.
      held: keys that a server read before it gave up its privileges.
      authorities: tests give their own.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        config: Path,
        held: HeldKeys | None = None,
        authorities: Authorities | None = None,
    ) -> None:
        self._snapshot = snapshot
        self._held = held
        self.authorities: Final = authorities or Authorities(DNSResolver(snapshot.static.dns.servers).servers)
        self.files: Final = DNSFiles(config, snapshot.static.user)

    def stored(self, domain: Domain) -> Stored:
        """The provider of a domain. Raises NoProvider, OSError."""
        try:
            found = self.files.provider(domain)
        except msgspec.DecodeError:
            raise NoProvider(f"the provider file for {domain} is damaged; set the provider again") from None
        if found is None:
            raise NoProvider(
                f"no DNS provider for {domain}. To set one, run: moxlite dns provider set {domain} PROVIDER"
            )
        return found

    def try_out(self, domain: Domain, stored: Stored) -> str:
        """Read the zone, publish a harmless text, read it back, remove it. Returns the zone.

        Raises NoAnswer, UpdateRefused: what does not work.
        """
        access = access_of(stored, self.authorities)
        name = f"{TEST_LABEL}.{domain.ascii}."
        zone = access.zone(name)
        if zone is None:
            raise UpdateRefused(f"{access.title} doesn't have a zone for {domain}", credentials=True)
        slot: Slot = name, "TXT"
        before = tuple(access.found(zone, [slot])[slot])
        text = rdata_of("TXT", f"moxlite test {secrets.token_hex(8)}")
        access.send(zone, [Change(name, "TXT", before, (), (text,))])
        there = tuple(access.found(zone, [slot])[slot])
        # The provider's word is not enough: only the record itself proves that the token may write.
        if text not in there:
            raise UpdateRefused(f"{access.title} accepted the TXT record for {name}, but didn't publish it")
        access.send(zone, [Change(name, "TXT", there, there, ())])  # with texts of broken-off tests
        return zone

    def located(self, domain: Domain) -> Located:
        """Where names are: at the domain's provider, and at the providers of our other domains. Raises NoProvider,
        UpdateRefused, OSError.
        """
        own = self.stored(domain)
        others = [provider for name, provider in self.files.providers().items() if name != domain.ascii]
        stored = {
            (provider.provider, provider.zone, tuple(sorted(provider.secrets.items()))): provider
            for provider in (own, *others)
        }
        accesses: list[Access] = [access_of(provider, self.authorities) for provider in stored.values()]
        return Located(accesses)

    def located_anyhow(self, domain: Domain) -> tuple[Located, bool]:
        """As `located`, and whether a provider is set; without one, names are looked up in DNS. Raises UpdateRefused,
        OSError.
        """
        try:
            return self.located(domain), True
        except NoProvider:
            return Located([ByHand(self.authorities)]), False

    def wanted(self, domain: Domain, *, addresses: bool = False) -> tuple[WantedRecord, ...]:
        """The records of a domain. Raises Refused. addresses: with the addresses of the host."""
        return self._wanted(domain, frozenset() if addresses else ADDRESSES)[0]

    def _wanted(self, domain: Domain, without: frozenset[Topic]) -> tuple[tuple[WantedRecord, ...], Keys]:
        found = records_of(self._snapshot, require_domain(self._snapshot, domain.ascii)[0], self._held)
        return tuple(record for record in found.wanted if record.topic not in without), found.keys

    def plan(
        self, domain: Domain, located: Located, *, addresses: bool = False, replace: bool = False, leading: bool = True
    ) -> Plans:
        """Compare the wanted records with DNS. Where a key cannot be read, no record of a key is removed.

        Args:
          addresses: with the addresses of the host.
          leading: with records that lead mail clients here.

        Raises Refused, NoAnswer, UpdateRefused, OSError, msgspec.DecodeError.
        """
        without = (frozenset() if addresses else ADDRESSES) | (frozenset() if leading else LEADING)
        wanted, keys = self._wanted(domain, without)
        ours = Ledger(self.files, domain).ours()
        if not addresses:  # they stay as they are
            ours = {slot: one for slot, one in ours.items() if slot[1] not in ("A", "AAAA")}
        problems = (*keys.dkim_problems, *keys.host_problems)
        if problems:  # what seems not to be wanted may be the record of a key in use
            ours = {slot: one for slot, one in ours.items() if slot[1] != "TLSA" and "._domainkey." not in slot[0]}
        zones = plan_zones(located, wanted, ours, replace=replace)
        notes = tuple(map(Note, problems))
        return Plans((*zones, *([ZonePlan("", Plan((), notes))] if notes else ())), wanted)

    def mail_elsewhere(self, domain: Domain, located: Located) -> list[str]:
        """The hosts to which mail of the domain goes today, but for ours. Raises as `plan`."""
        slot: Slot = f"{domain.ascii}.", "MX"
        at = located.of(slot[0])
        wanted = {
            rdata_of("MX", wanted_record.value) for wanted_record in self.wanted(domain) if wanted_record.topic == "mx"
        }
        found = () if at is None else at[0].found(at[1], [slot])[slot]
        return sorted(rdata.to_text().split()[-1].rstrip(".") for rdata in found if rdata not in wanted)

    def with_mail_here(self, domain: Domain, located: Located, plans: Plans) -> Plans:
        """A plan, with our MX record in the place of others. Raises as `plan`."""
        wanted = [wanted_record for wanted_record in plans.wanted if wanted_record.topic == "mx"]
        zones = [
            msgspec.structs.replace(
                zone,
                plan=msgspec.structs.replace(
                    zone.plan, left=tuple(note for note in zone.plan.left if note.kind != "MX")
                ),
            )
            for zone in plans.zones
        ]
        return Plans((*zones, *plan_zones(located, wanted, replace=True)), plans.wanted)

    def make(self, domain: Domain, located: Located, plans: Plans) -> list[str]:
        """Make changes; lines about records that the provider took and does not have.

        Raises Busy, NoAnswer, UpdateRefused, OSError, msgspec.DecodeError.
        """
        if not plans.changes:  # a step without changes would be in the way of `undo`
            return []
        with self.files.locked():
            ledger = Ledger(self.files, domain)
            # Before the provider hears of it: of a kill in between the ledger says what may be ours at the provider.
            ledger.begin(plans.zones, plans.wanted)
            send_plans(located, plans.zones)
            ledger.finish()
        return missing_changes(located, plans.zones)

    def ensure(self, domain: Domain, record: WantedRecord, *, alone: bool) -> Ensured:
        """Publish a record, if it is not there, at the provider; without one it is for the owner to do.

        alone: other records of the set are removed.

        Raises Busy, NoAnswer, UpdateRefused, OSError, msgspec.DecodeError.
        """
        located, provided = self.located_anyhow(domain)
        at = located.of(record.name)
        if at is None:
            return Ensured((f"add to DNS: {zone_line(record)}",), f"zone not found for {record.name}")
        access, zone = at
        data = rdata_of(record.kind, record.value)
        there = tuple(access.found(zone, [(record.name, record.kind)])[record.name, record.kind])
        gone = tuple(rdata for rdata in there if rdata != data) if alone else ()
        change = Change(record.name, record.kind, there, gone, (data,))
        if data not in there or gone:
            if not provided:
                return Ensured((*_removals(record.name, record.kind, gone), f"add to DNS: {zone_line(record)}"))
            todo = msgspec.structs.replace(change, add=() if data in there else (data,))
            self._make_one(domain, located, zone, todo, (record,))
        late = differing(located, self.authorities, [ZonePlan(zone, Plan((change,)))])
        if late:
            return Ensured(problem=late[0])
        places = (*access.authorities(zone), *self.authorities.places(zone))
        ttl = self.authorities.ttl(places, record.name, record.kind)
        return Ensured(longest=max(ttl, self.authorities.negative_ttl(zone, places)))

    def withdraw(self, domain: Domain, name: str, kind: Kind, data: Iterable[Data] | None = None) -> tuple[str, ...]:
        """Remove records of a name, all without `data`. Returns what the owner has to type. Raises as `ensure`."""
        located, provided = self.located_anyhow(domain)
        at = located.of(name)
        if at is None:
            return ()
        access, zone = at
        there = tuple(access.found(zone, [(name, kind)])[name, kind])
        gone = there if data is None else tuple(rdata for rdata in data if rdata in there)
        if gone and provided:
            self._make_one(domain, located, zone, Change(name, kind, there, gone, ()), ())
            return ()
        if data is None:
            return (f"remove from DNS: {name} {kind}",) if gone else ()
        return _removals(name, kind, gone)

    def _make_one(
        self, domain: Domain, located: Located, zone: str, change: Change, records: tuple[WantedRecord, ...]
    ) -> None:
        missing = self.make(domain, located, Plans((ZonePlan(zone, Plan((change,))),), records))
        if missing:
            raise UpdateRefused(f"the provider accepted the change but didn't apply it: {missing[0][:120]}")

    def wait(self, located: Located, plans: Plans) -> list[str]:
        """Wait until the authoritative servers have the changes; what is not there at the end, one line each."""
        return wait_until_served(located, self.authorities, plans.zones)

    def steps(self, domain: Domain) -> int:
        """The number of steps that can be undone. Raises OSError, msgspec.DecodeError."""
        return len(Ledger(self.files, domain).state.steps)

    def plan_undo(self, domain: Domain, located: Located) -> Plans | None:
        """Changes that undo the last step; None without one. Raises as `plan`."""
        last = Ledger(self.files, domain).last()
        return Plans(tuple(plan_back(located, last))) if last else None

    def undo(self, domain: Domain, located: Located, plans: Plans) -> list[str]:
        """Undo the last step, by a plan of `plan_undo`. As `make`."""
        with self.files.locked():
            ledger = Ledger(self.files, domain)
            now = self.plan_undo(domain, located)
            if now is None or now.lines() != plans.lines():  # such as a rotation, while the owner was asked
                raise Busy("the DNS records have changed; review your changes again")
            send_plans(located, plans.zones)
            ledger.undone()
        return missing_changes(located, plans.zones)


def publish_policy(snapshot: Snapshot, config: Path, domain: Domain, authorities: Authorities | None = None) -> str:
    """Write the id of a domain's MTA-STS policy to DNS, where a provider is set and an id is there already. Returns why
    that has to be tried again, "" for done or for the owner to do.
    """
    start = f'"{TOPICS["mtasts"].start}'.lower()

    def begun(located: Located, record: WantedRecord) -> bool:
        at, slot = located.of(record.name), (record.name, record.kind)
        texts = () if at is None else at[0].found(at[1], [slot])[slot]
        # MTA-STS begins when the owner publishes its records
        return any(text.to_text().lower().startswith(start) for text in texts)

    return _publish_text(Publishing(snapshot, config, authorities=authorities), domain, "mtasts", begun)


def publish_digest(snapshot: Snapshot, config: Path, domain: Domain, authorities: Authorities | None = None) -> str:
    """Write the digest of what mail programs find by PACC to DNS, where this server has published one that is another
    now. Returns as `publish_policy`.
    """
    publishing = Publishing(snapshot, config, authorities=authorities)

    def differs(_located: Located, record: WantedRecord) -> bool:
        ours = Ledger(publishing.files, domain).ours().get((record.name, record.kind), ())
        return bool(ours) and rdata_of("TXT", record.value) not in [published.data for published in ours]

    return _publish_text(publishing, domain, "pacc", differs)


def _publish_text(
    publishing: Publishing, domain: Domain, topic: Topic, due: Callable[[Located, WantedRecord], bool]
) -> str:
    """Publish the text of a topic, if it is wanted and `due`."""
    try:
        located = publishing.located(domain)
        texts = (record for record in publishing.wanted(domain) if record.topic == topic and record.kind == "TXT")
        record = next(texts, None)
        if record is None or not due(located, record):
            return ""
        zones = plan_zones(located, (record,), replace=True)
        missing = publishing.make(domain, located, Plans(tuple(zones), (record,)))
    except NoProvider:
        return ""
    except (Busy, NoAnswer, UpdateRefused, Refused) as error:
        return str(error)
    except (OSError, msgspec.DecodeError) as error:
        return f"couldn't read or write DNS data: {error}"
    return f"the provider accepted the change but didn't apply it: {missing[0][:120]}" if missing else ""


def _removals(name: str, kind: Kind, gone: Iterable[Data]) -> tuple[str, ...]:
    """Lines that tell the owner to remove records."""
    texts = (rdata.to_text() for rdata in gone)
    return tuple(f"remove from DNS: {name} {kind} {text[:80]}{'…' if len(text) > 80 else ''}" for text in texts)
