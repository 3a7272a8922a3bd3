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
from typing import Final, TypeVar

import msgspec
import trio

from moxlite.admin.dns.publishing import Ensured, Publishing
from moxlite.admin.dns.rotation import DAY, LOOK, SOON, waiting_time
from moxlite.admin.dns.update import NoAnswer, UpdateRefused
from moxlite.admin.dns.wanted import Wanted, public_key_record
from moxlite.admin.dns.zonefile import rdata_of
from moxlite.admin.dns.zones import Authorities
from moxlite.admin.dnsproviders.accounts import Busy
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
from moxlite.operations.dns import HostStage
from moxlite.proto.address import Domain
from moxlite.wakeup import Wakeup

logger = logging.getLogger("moxlite.admin.hostkeys")

T = TypeVar("T")

PERIOD: Final = 365 * DAY
"""Seconds that a key is used, where a provider is set and moxlite.toml says nothing else: it signs handshakes
alone, and each rotation is a risk to mail from servers with DANE.
"""
RETIRING: Final = DAY
"""Seconds for which the record of a former key stays after the last certificate for it was shown: a stand-by may have
that certificate still.
"""
FIRST: Final = 180.0
"""Seconds from the start of the server to the first look: certificates that are due are ordered by then."""


class HostKeyRotation:
    """The task, and what its commands change.

    Args:
      held: configured keys by name of the listener, which were read at the start.
      keepers: of the certificates.
      clock: seconds UTC.
      authorities: tests give their own.
    """

    def __init__(
        self,
        config: ConfigHolder,
        held: Mapping[str, Sequence[PrivateKey]],
        keepers: Iterable[AutoTLS],
        *,
        clock: Callable[[], float] = time.time,
        authorities: Authorities | None = None,
    ) -> None:
        self._config = config
        self._keepers = {one.name: one for one in keepers}
        self._clock = clock
        self._authorities = authorities
        self._wakeup = Wakeup()
        self._lock = trio.Lock()
        self._soon = False
        self._acme = config.current.static.data_dir / "acme"
        found: dict[str, tuple[str, Sequence[PrivateKey]]] = {}
        for host, listener, authority in hosts_of(config.current, held):
            if config.current.static.listeners[listener].smtp.enabled:
                found.setdefault(host, (authority, held[listener]))
        self.hosts: Final = found
        """Authority and configured keys by host (A-labels)."""

    async def serve(self) -> None:
        """Take steps, for ever. Errors: as `rotation.KeyRotation.serve`."""
        await trio.sleep(FIRST)
        while True:
            self._wakeup.clear()
            self._soon = False
            for host in self.hosts:
                await self.advance(host)
            with trio.move_on_after(SOON if self._soon else LOOK):
                await self._wakeup.wait()

    async def advance(self, host: str) -> None:
        """Take the steps of a host that can be taken now. Raises OSError."""
        async with self._lock:
            before = None
            while (state := await self.show(host)) != before:
                before = state
                after = await self._step(host, state)
                if after != state:
                    await self._in_thread(write_host_state, self._acme, host, after)

    async def show(self, host: str) -> HostKeyState:
        """The state of a host. Raises OSError."""

        def read() -> HostKeyState:
            try:
                return read_host_state(self._acme, host)
            except ValueError:  # it begins with a full period; the server has taken the configured keys, too
                return HostKeyState()

        return await trio.to_thread.run_sync(read)

    async def change(self, host: str, **changes: bool) -> HostKeyState:
        """Stop, start or hasten the rotation of a host. Raises OSError."""
        async with self._lock:
            state = msgspec.structs.replace(await self.show(host), **changes)
            await self._in_thread(write_host_state, self._acme, host, state)
        self._wakeup.set()
        return state

    async def _step(self, host: str, state: HostKeyState) -> HostKeyState:
        """The state after one step, or the same one if none can be taken."""
        if state.stopped:
            return state
        steps = {
            "resting": self._rest,
            "publishing": self._publish,
            "waiting": self._wait,
            "ordering": self._order,
            "retiring": self._retire,
        }
        try:
            return await steps[state.stage](host, state)
        except (NoAnswer, Busy) as error:
            self._soon = True
            return msgspec.structs.replace(state, problem=str(error))
        except (UpdateRefused, OSError, msgspec.DecodeError) as error:
            text = f"{error.strerror or error}" if isinstance(error, OSError) else str(error)
            if text != state.problem:
                kv = {"host": host, "stage": state.stage, "err": text}
                logger.error("the key of a host is not rotated", extra={"kv": kv})
            return msgspec.structs.replace(state, problem=text)

    async def _rest(self, host: str, state: HostKeyState) -> HostKeyState:
        if state.since == 0:
            return msgspec.structs.replace(state, since=self._clock())
        period = self._config.current.static.acme[self.hosts[host][0]].host_key_period
        if period is None and await self._in_thread(lambda: bool(self._publishing().files.providers())):
            period = PERIOD
        due = period is not None and period > 0 and self._clock() >= state.since + period
        if not (due or state.asked):
            return msgspec.structs.replace(state, problem="")
        signed, ttl = await self._in_thread(self._look, host)
        if not (signed or state.asked):  # no record names the key: there is nothing to rotate for
            return msgspec.structs.replace(state, problem="")
        return self._entered(host, state, "publishing", next=make_key(), ttl=ttl, asked=False)

    async def _publish(self, host: str, state: HostKeyState) -> HostKeyState:
        found = await self._in_thread(self._ensure, host, state)
        if not found.served:
            self._soon = not found.todo
            return msgspec.structs.replace(state, todo=found.todo, problem=found.problem)
        wait = waiting_time(max(found.longest, state.ttl)) if found.longest else 0.0
        return self._entered(host, state, "waiting", until=self._clock() + wait)

    async def _wait(self, host: str, state: HostKeyState) -> HostKeyState:
        if self._clock() < state.until:
            return state
        found = await self._in_thread(self._ensure, host, state)
        if not found.served:  # the record is gone: it has to be seen everywhere again
            back = self._entered(host, state, "publishing")
            return msgspec.structs.replace(back, todo=found.todo, problem=found.problem)
        return self._entered(host, state, "ordering")

    async def _order(self, host: str, state: HostKeyState) -> HostKeyState:
        problem = self._use(host, state)
        if problem is not None:
            self._soon = True
            return msgspec.structs.replace(state, problem=problem)
        return self._entered(host, state, "retiring", until=self._clock() + RETIRING)

    async def _retire(self, host: str, state: HostKeyState) -> HostKeyState:
        if self._use(host, state) is not None:  # a former certificate was put back
            return self._entered(host, state, "ordering")
        if self._clock() < state.until:
            return state
        configured = self.hosts[host][1]
        former = used_keys(state, configured)[1]
        todo = await self._in_thread(self._withdraw, host, former)
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
        self._use(host, rested)
        return rested

    def _use(self, host: str, state: HostKeyState) -> str | None:
        """As `AutoTLS.use_host_keys`."""
        authority, configured = self.hosts[host]
        return self._keepers[authority].use_host_keys(host, used_keys(state, configured))

    def _entered(self, host: str, state: HostKeyState, stage: HostStage, **changes: object) -> HostKeyState:
        """The state at the beginning of a stage."""
        logger.info("rotation of a host's key", extra={"kv": {"host": host, "stage": stage}})
        fresh = {"since": self._clock(), "until": 0.0, "todo": (), "problem": "", **changes}
        return msgspec.structs.replace(state, stage=stage, **fresh)

    # What blocks: DNS at the provider and at the authoritative servers.

    def _publishing(self) -> Publishing:
        return Publishing(self._config.current, self._config.path, authorities=self._authorities)

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
        record = Wanted("dane", _name(host), "TLSA", public_key_record(key.public_key()), live=False)
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

    async def _in_thread(self, work: Callable[..., T], *args: object) -> T:
        return await trio.to_thread.run_sync(lambda: work(*args), abandon_on_cancel=True)


def _name(host: str) -> str:
    return f"_25._tcp.{host}."
