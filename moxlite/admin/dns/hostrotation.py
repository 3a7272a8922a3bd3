"""Rotation of the keys that TLSA records name (AUTH-118): a task of the server, with a durable state for each host.

resting → publishing → waiting → ordering → retiring → resting. The rule, of RFC 7671 §8.1: no certificate is ordered
for a key before all authoritative servers have its record and no resolver can remember the set without it; no record
goes while the port shows a certificate for its key. Steps are taken as in `rotation`, and may be taken twice.

Keys that the owner has named are used until a key of ours has taken the first one's place; its record goes then, the
file stays. Other records of the set are never touched.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from moxlite.admin.dns.publishing import Ensured, Publishing
from moxlite.admin.dns.stages import DAY, Stages, Step, in_thread, waiting_time
from moxlite.admin.dns.wanted import WantedRecord, public_key_record
from moxlite.admin.dns.zonefile import rdata_of
from moxlite.admin.dns.zones import Authorities
from moxlite.autotls.autotls import AutoTLS
from moxlite.autotls.hostkeys import (
    HostKeyState,
    hosts_of,
    key_id,
    make_key,
    read_host_state,
    used_keys,
    write_host_state,
)
from moxlite.config.holder import ConfigHolder
from moxlite.net.tls.certificates import PrivateKey, load_private_key
from moxlite.proto.address import Domain

PERIOD: Final = 365 * DAY
"""Seconds that a key is used, where a provider is set and moxlite.toml says nothing else: it signs handshakes
alone, and each rotation is a risk to mail from servers with DANE.
"""
RETIRING: Final = DAY
"""Seconds for which the record of a former key stays after the last certificate for it was shown: a stand-by may have
that certificate still.
"""


class HostKeyRotation(Stages[str, HostKeyState]):
    """The task; its subjects are hosts (A-labels).

    Args:
      held: configured keys by name of the listener, which were read at the start.
      keepers: of the certificates.
      clock, authorities: as of `Stages`.
    """

    logger = logging.getLogger("moxlite.admin.hostkeys")
    subject = "host"
    first = 180.0  # certificates that are due are ordered by then

    def __init__(
        self,
        config: ConfigHolder,
        held: Mapping[str, Sequence[PrivateKey]],
        keepers: Iterable[AutoTLS],
        *,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], bool] = lambda: True,
        authorities: Authorities | None = None,
    ) -> None:
        super().__init__(config, clock=clock, steady=steady, authorities=authorities)
        self._keepers = {auto_tls.name: auto_tls for auto_tls in keepers}
        self._acme = config.current.static.data_dir / "acme"
        found: dict[str, tuple[str, Sequence[PrivateKey]]] = {}
        for host, listener, authority in hosts_of(config.current, held):
            if config.current.static.listeners[listener].smtp.enabled:
                found.setdefault(host, (authority, held[listener]))
        self.hosts: Final = found
        """Authority and configured keys by host (A-labels)."""

    def _subjects(self) -> Iterable[str]:
        return self.hosts

    def _steps(self) -> dict[str, Step[str, HostKeyState]]:
        return {**super()._steps(), "ordering": self._order}

    def _read(self, subject: str) -> HostKeyState:
        try:
            return read_host_state(self._acme, subject)
        except ValueError:  # the server has taken the configured keys, too
            return HostKeyState()

    def _write(self, subject: str, state: HostKeyState) -> None:
        write_host_state(self._acme, subject, state)

    async def _rest(self, host: str, state: HostKeyState) -> HostKeyState:
        if state.since == 0:
            return msgspec.structs.replace(state, since=self._clock())
        period = self._config.current.static.acme[self.hosts[host][0]].host_key_period
        if period is None and await in_thread(lambda: bool(self._publishing().files.providers())):
            period = PERIOD
        due = period is not None and period > 0 and self._is_past(state.since + period)
        if not (due or state.asked):
            return msgspec.structs.replace(state, problem="")
        signed, ttl = await in_thread(self._look, host)
        if not (signed or state.asked):  # no record names the key: there is nothing to rotate for
            return msgspec.structs.replace(state, problem="")
        return self._entered(host, state, "publishing", next=make_key(), ttl=ttl, asked=False)

    def _waiting(self, state: HostKeyState, found: Ensured) -> float:
        return waiting_time(max(found.longest, state.ttl)) if found.longest else 0.0

    async def _use(self, host: str, state: HostKeyState) -> HostKeyState:
        return self._entered(host, state, "ordering")

    async def _order(self, host: str, state: HostKeyState) -> HostKeyState:
        problem = self._show(host, state)
        if problem is not None:
            self._soon = True
            return msgspec.structs.replace(state, problem=problem)
        return self._entered(host, state, "retiring", until=self._clock() + RETIRING)

    async def _retire(self, host: str, state: HostKeyState) -> HostKeyState:
        if self._show(host, state) is not None:  # a former certificate was put back
            return self._entered(host, state, "ordering")
        if not self._is_past(state.until):
            return state
        configured = self.hosts[host][1]
        former = used_keys(state, configured)[1]
        todo = await in_thread(self._withdraw, host, former)
        if todo:
            return msgspec.structs.replace(state, todo=todo, problem="")
        rested = msgspec.structs.replace(
            self._entered(host, state, "resting"),
            since=state.since,
            ttl=0.0,
            replaced=key_id(configured[0]),
            present=state.next,
            next="",
        )
        self._show(host, rested)
        return rested

    def _show(self, host: str, state: HostKeyState) -> str | None:
        """As `AutoTLS.use_host_keys`."""
        authority, configured = self.hosts[host]
        return self._keepers[authority].use_host_keys(host, used_keys(state, configured))

    # What blocks: DNS at the provider and at the authoritative servers.

    def _look(self, host: str) -> tuple[bool, float]:
        """Whether the zone of a host is signed, and for how long others keep its TLSA records."""
        publishing = self._publishing()
        located, _ = publishing.located_anyhow(self._domain(publishing, host))
        at = located.of(_name(host))
        if at is None:
            return False, 0.0
        access, zone = at
        places = (*access.authorities(zone), *publishing.authorities.places(zone))
        return access.signed(zone), publishing.authorities.ttl(places, _name(host), "TLSA")

    def _ensure(self, host: str, state: HostKeyState) -> Ensured:
        """Publish the record of the next key, in a signed zone."""
        publishing = self._publishing()
        domain = self._domain(publishing, host)
        located, _ = publishing.located_anyhow(domain)
        at = located.of(_name(host))
        if at is not None and not at[0].signed(at[1]):
            return Ensured()
        key = load_private_key(state.next.encode())
        record = WantedRecord("dane", _name(host), "TLSA", public_key_record(key.public_key()), live=False)
        return publishing.ensure(domain, record, alone=False)

    def _withdraw(self, host: str, key: PrivateKey) -> tuple[str, ...]:
        publishing = self._publishing()
        record = rdata_of("TLSA", public_key_record(key.public_key()))
        return publishing.withdraw(self._domain(publishing, host), _name(host), "TLSA", (record,))

    def _domain(self, publishing: Publishing, host: str) -> Domain:
        """The domain in whose ledger the host's records are: one with a provider, and of these one above the host."""
        known = list(self._config.current.domains.domains)
        provided = [name for name in publishing.files.providers() if self._config.current.domain(Domain.parse(name))]
        above = [name for name in provided if host == name or host.endswith(f".{name}")]
        return Domain.parse(next(iter((*above, *provided, *known))))


def _name(host: str) -> str:
    return f"_25._tcp.{host}."
