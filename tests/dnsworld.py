"""A small world of DNS for tests: knot serves zones that it signs, unbound in front of it validates.

Both run without privileges, on free loopback ports, in a folder of their own. `DNSWorld` is a context manager:

    with DNSWorld({"example.org": 'mail A 192.0.2.1'}) as world:
        resolver = world.resolver()
        world.set("example.org", "mail A 192.0.2.2")

Records of a zone are lines of a zone file, relative to the zone or absolute; SOA, NS and TTL are added. The root zone
is served too, unsigned and empty, so that a name outside of the zones does not exist and no question leaves us.
Nothing is cached: a change is seen at once.
"""

from collections.abc import Collection, Mapping

from tests.knotworld import KNOT_SERVER, KNOT_ZONES, SECONDS, UNBOUND_SERVER, KnotWorld

__all__ = ["DNSWorld"]

KNOT_CONF = f"""\
{KNOT_SERVER}policy:
  - id: one-key
    algorithm: ecdsap256sha256
    single-type-signing: on
    cds-cdnskey-publish: none
{KNOT_ZONES}{{keys}}zone:
{{zones}}
"""

UNBOUND_CONF = f"""\
{UNBOUND_SERVER}  key-cache-size: 256k
  val-log-level: 2
  module-config: "validator iterator"
  ede: yes
  val-bogus-ttl: 0
  harden-below-nxdomain: no
  aggressive-nsec: no
  unblock-lan-zones: yes
  local-zone: "127.in-addr.arpa." nodefault
  local-zone: "test." nodefault
{{anchors}}
remote-control:
  control-enable: no
{{stubs}}
"""


class DNSWorld(KnotWorld):
    """Zones, and a resolver that validates them.

    Args:
      zones: records of each zone, by name without final dot.
      unsigned: zones without DNSSEC; their answers are not authentic.
      bogus: signed zones whose trust anchor is another's, so that all their answers are SERVFAIL.
      port: of the resolver, a free one by default.
      key: as of KnotWorld.
    """

    def __init__(
        self,
        zones: Mapping[str, str],
        *,
        unsigned: Collection[str] = (),
        bogus: Collection[str] = (),
        port: int | None = None,
        key: tuple[str, str, str] | None = None,
    ) -> None:
        super().__init__(port, key)
        self._zones = {"": "", **{name.rstrip(".").lower(): records for name, records in zones.items()}}
        self._signed = [name for name in self._zones if name and name not in unsigned]
        self._bogus = frozenset(bogus)
        self._serials = 1

    def set(self, zone: str, records: str) -> None:
        """Replace the records of a zone; returns when they are served."""
        name = zone.rstrip(".").lower()
        assert name in self._zones, f"{zone} is not a zone of this world"
        if records == self._zones[name]:
            return
        self._zones[name] = records
        self._write(name)
        self._reload(name)

    def delegate(self, zone: str) -> None:
        """Let the root vouch for the keys of a zone; a resolver knows them by its anchors without that."""
        self.set("", "\n".join((f"{zone}. NS ns.invalid.", *self._ds(zone, forged=False))))

    def stop_resolver(self) -> None:
        """End the resolver: nothing answers on its port from now on."""
        resolver = self._running.pop()
        resolver.terminate()
        resolver.wait(timeout=SECONDS)

    def _start_knot(self) -> None:
        lines = []
        for name in self._zones:
            self._write(name)
            lines.append(self._zone_lines(name, "one-key" if name in self._signed else None))
        self._run_knot(
            KNOT_CONF.format(top=self._top, port=self.authority, zones="\n".join(lines), keys=self._key_lines)
        )
        for name in self._zones:
            self._wait_for(name)

    def _start_unbound(self) -> None:
        anchors = self._top / "anchors"
        lines = [line for name in self._signed for line in self._ds(name, forged=name in self._bogus)]
        anchors.write_text("".join(f"{line}\n" for line in lines))
        stubs = "\n".join(
            f'stub-zone:\n  name: "{name}."\n  stub-addr: 127.0.0.1@{self.authority}\n  stub-no-cache: yes'
            for name in self._zones
        )
        anchor_file = f'  trust-anchor-file: "{anchors}"' if self._signed else ""
        self._run_unbound(UNBOUND_CONF.format(top=self._top, port=self.port, anchors=anchor_file, stubs=stubs))

    def _write(self, name: str) -> None:
        self._serials += 1
        self._write_zone(name, self._zones[name], self._serials)
