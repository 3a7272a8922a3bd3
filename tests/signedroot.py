"""A small internet of DNS for tests: a signed root with delegations to signed and unsigned zones, at one server.

    with SignedRoot({"": "", "org": "", "example.org": "mail A 192.0.2.1"}) as root:
        root.anchors       # the DS records of the root's key
        root.servers       # a resolver that passes signatures on, and validates nothing

Each zone is delegated by the closest zone above it, by DS records unless it is `unsigned`. knot signs with one key for
each zone; unbound in front of it has no trust anchor. In `forged`, DS records are those of another key.
"""

import ipaddress
from collections.abc import Collection, Mapping

from moxlite.net.dns.client import Servers
from moxlite.net.dnssec.chain import Anchors, anchors_of
from tests.knotworld import KNOT_SERVER, KNOT_ZONES, UNBOUND_SERVER, KnotWorld

__all__ = ["SignedRoot"]

KNOT_CONF = f"""\
{KNOT_SERVER}policy:
  - id: nsec
    algorithm: {{algorithm}}
    single-type-signing: on
    cds-cdnskey-publish: none
  - id: nsec3
    algorithm: {{algorithm}}
    single-type-signing: on
    cds-cdnskey-publish: none
    nsec3: on
    nsec3-iterations: {{iterations}}
    nsec3-opt-out: {{opt_out}}
{KNOT_ZONES}{{keys}}
zone:
{{zones}}
"""

UNBOUND_CONF = f"""\
{UNBOUND_SERVER}  module-config: "iterator"
remote-control:
  control-enable: no
{{stubs}}
"""


class SignedRoot(KnotWorld):
    """The zones, by name without final dot, "" for the root, which must be there.

    Args:
      unsigned: zones without DNSSEC and without DS records.
      forged: zones whose DS records are of another key.
      hashed: zones with NSEC3 instead of NSEC.
    """

    def __init__(
        self,
        zones: Mapping[str, str],
        *,
        unsigned: Collection[str] = (),
        forged: Collection[str] = (),
        hashed: Collection[str] = (),
        iterations: int = 0,
        opt_out: bool = False,
        algorithm: str = "ecdsap256sha256",
        key: tuple[str, str, str] | None = None,
    ) -> None:
        super().__init__(key=key)
        self._zones = dict(zones)
        self._unsigned = frozenset(unsigned)
        self._forged = frozenset(forged)
        self._hashed = frozenset(hashed)
        self._settings = {
            "iterations": str(iterations),
            "opt_out": "on" if opt_out else "off",
            "algorithm": algorithm,
        }

    @property
    def servers(self) -> Servers:
        """The resolver, as one that is not trusted."""
        return Servers((ipaddress.IPv4Address("127.0.0.1"),), trusted=False, port=self.port)

    @property
    def anchors(self) -> Anchors:
        """The DS records of the root's key."""
        return anchors_of({".": tuple(line.partition(" DS ")[2] for line in self._ds("", forged=False))})

    def _start_knot(self) -> None:
        lines = []
        for name in self._zones:
            self._write(name, serial=1)
            policy = None if name in self._unsigned else "nsec3" if name in self._hashed else "nsec"
            lines.append(self._zone_lines(name, policy))
        text = KNOT_CONF.format(
            top=self._top, port=self.authority, zones="\n".join(lines), keys=self._key_lines, **self._settings
        )
        self._run_knot(text)
        for name in self._zones:
            self._wait_for(name)
        signed = [name for name in self._zones if name and name not in self._unsigned]
        for name in {self._parent(child) for child in signed}:  # again, now that all have keys
            self._write(name, serial=10)
            self._reload(name)

    def _start_unbound(self) -> None:
        stubs = f'stub-zone:\n  name: "."\n  stub-addr: 127.0.0.1@{self.authority}\n'
        stubs += "".join(
            f'stub-zone:\n  name: "{name}."\n  stub-addr: 127.0.0.1@{self.authority}\n' for name in self._zones if name
        )
        self._run_unbound(UNBOUND_CONF.format(top=self._top, port=self.port, stubs=stubs))

    def _write(self, name: str, *, serial: int) -> None:
        records = self._zones[name]
        for child in self._zones:
            if child and child != name and self._parent(child) == name:
                records += f"\n{child}. NS ns.invalid.\n"
                if serial > 1 and child not in self._unsigned:
                    records += "\n".join(self._ds(child, forged=child in self._forged)) + "\n"
        self._write_zone(name, records, serial)

    def _parent(self, name: str) -> str:
        return max((one for one in self._zones if one != name and (not one or name.endswith(f".{one}"))), key=len)
