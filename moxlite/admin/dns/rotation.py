"""Rotation of DKIM keys (AUTH-115): a task of the server, with a durable state for each domain.

resting → publishing → waiting → retiring → resting. A step is taken when its condition holds, and is written down; one
that a crash has broken off is taken again, since each does nothing where its work is done. The rule: no key signs
before all authoritative servers have its record and no resolver can remember that there was none; no record goes while
mail may be under way that its key has signed.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec
import trio

from moxlite.admin.dns.publishing import Ensured, Publishing
from moxlite.admin.dns.update import NoAnswer, UpdateRefused
from moxlite.admin.dns.wanted import Wanted, read_keys
from moxlite.admin.dns.zones import Authorities
from moxlite.admin.dnsproviders.accounts import Busy, DNSFiles
from moxlite.admin.domains.changes import Algorithm, Selectors, key_facts, require_domain
from moxlite.admin.edits import edit
from moxlite.config.domains import DomainConfig
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.edit import Document
from moxlite.decoders import from_json
from moxlite.net.control.server import CommandFailed
from moxlite.operations.dns import Stage
from moxlite.proto.address import Domain
from moxlite.wakeup import Wakeup

logger = logging.getLogger("moxlite.admin.keys")

T = TypeVar("T")

DAY: Final = 86_400.0
PERIOD: Final = 180 * DAY
"""Seconds that a key signs, where a provider is set and the domain says nothing else."""
RETIRING: Final = 8 * DAY
"""Seconds for which the record of a former key stays: the queue tries for five days, signatures are valid for three."""
LEAST_WAIT: Final = 3600.0
MOST_WAIT: Final = 2 * DAY
"""Seconds between the record at all servers and the first signature: twice what resolvers may remember, in these
bounds.
"""
LOOK: Final = 3600.0
"""Seconds between looks at all domains; 300 while a step waits for servers."""
SOON: Final = 300.0
FIRST: Final = 120.0
"""Seconds from the start of the server to the first look."""


def waiting_time(longest: float) -> float:
    """Seconds until no resolver remembers what was before, which it keeps for `longest` seconds."""
    return min(max(2 * longest, LEAST_WAIT), MOST_WAIT)


class Keys(msgspec.Struct, frozen=True):
    """The rotation of a domain's signing key.

    Attributes:
      since: of the stage, seconds UTC, 0 for unknown; of "resting": when the present key began to sign.
      until: earliest end of the stage, seconds UTC.
      new, old: the selectors that come and go.
      past: selectors that were used, and are not used again.
      stopped: the owner has stopped it, in whatever stage.
      asked: the owner wants a new key now.
      todo: what the owner has to type, one line each; problem: why there is no progress. Both for people.
    """

    stage: Stage = "resting"
    since: float = 0.0
    until: float = 0.0
    new: str = ""
    old: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    stopped: bool = False
    asked: bool = False
    todo: tuple[str, ...] = ()
    problem: str = ""


def read_keys_state(files: DNSFiles, domain: Domain) -> Keys:
    """The rotation of a domain. Raises OSError, msgspec.DecodeError. Blocks."""
    data = files.keys(domain)
    return Keys() if data is None else from_json(data, Keys)


class KeyRotation:
    """The task, and what its commands change.

    Args:
      clock: seconds UTC.
      authorities: tests give their own.
    """

    def __init__(
        self,
        config: ConfigHolder,
        *,
        clock: Callable[[], float] = time.time,
        authorities: Authorities | None = None,
    ) -> None:
        self._config = config
        self._selectors = Selectors(config)
        self._clock = clock
        self._authorities = authorities
        self._wakeup = Wakeup()
        self._lock = trio.Lock()
        self._soon = False

    async def serve(self) -> None:
        """Take steps, for ever.

        Errors: a step that fails is written down, and taken again later. OSError comes out where that is not possible.
        """
        await trio.sleep(FIRST)
        while True:
            self._wakeup.clear()
            self._soon = False
            for name, settings in list(self._config.current.domains.domains.items()):
                if not settings.disabled:
                    await self.advance(Domain.parse(name))
            with trio.move_on_after(SOON if self._soon else LOOK):
                await self._wakeup.wait()

    async def advance(self, domain: Domain) -> None:
        """Take the steps of a domain that can be taken now. Raises OSError."""
        async with self._lock:
            before = None
            while (state := await self._read(domain)) != before:
                before = state
                await self._write(domain, await self._step(domain, state))

    async def show(self, domain: Domain) -> Keys:
        """The state of a domain. Raises OSError."""
        return await self._read(domain)

    async def change(self, domain: Domain, **changes: bool) -> Keys:
        """Stop, start or hasten the rotation of a domain. Raises OSError."""
        async with self._lock:
            state = msgspec.structs.replace(await self._read(domain), **changes)
            await self._write(domain, state)
        self._wakeup.set()
        return state

    async def _step(self, domain: Domain, state: Keys) -> Keys:
        """The state after one step, or the same one if none can be taken."""
        if state.stopped:
            return state
        steps = {
            "resting": self._rest,
            "publishing": self._publish,
            "waiting": self._switch,
            "retiring": self._retire,
        }
        try:
            _, settings = require_domain(self._config.current, domain.ascii)
            return await steps[state.stage](domain, settings, state)
        except (NoAnswer, Busy) as error:
            self._soon = True
            return msgspec.structs.replace(state, problem=str(error))
        except (UpdateRefused, CommandFailed, OSError, msgspec.DecodeError) as error:
            text = f"{error.strerror or error}" if isinstance(error, OSError) else str(error)
            if text != state.problem:
                kv = {"domain": domain.ascii, "stage": state.stage, "err": text}
                logger.error("a key is not rotated", extra={"kv": kv})
            return msgspec.structs.replace(state, problem=text)

    async def _rest(self, domain: Domain, settings: DomainConfig, state: Keys) -> Keys:
        if state.since == 0:
            return msgspec.structs.replace(state, since=self._clock())
        period = settings.dkim.auto_rotate
        if period is None and await self._in_thread(self._has_provider, domain):
            period = PERIOD
        due = period is not None and self._clock() >= state.since + period
        if not (due or state.asked) or not settings.dkim.sign:
            return state
        new, old = await self._in_thread(_choose, settings, state.past, time.gmtime(self._clock()).tm_year)
        return self._entered(domain, state, "publishing", new=new, old=old, asked=False)

    async def _publish(self, domain: Domain, settings: DomainConfig, state: Keys) -> Keys:
        if state.new not in settings.dkim.selectors:
            algorithm = await self._in_thread(_algorithm, settings, state.old)
            await self._selectors.add(domain.ascii, state.new, algorithm)
        found = await self._in_thread(self._ensure, domain, state.new)
        if not found.served:
            self._soon = not found.todo
            return msgspec.structs.replace(state, todo=found.todo, problem=found.problem)
        return self._entered(domain, state, "waiting", until=self._clock() + waiting_time(found.longest))

    async def _switch(self, domain: Domain, settings: DomainConfig, state: Keys) -> Keys:
        if self._clock() < state.until:
            return state
        found = await self._in_thread(self._ensure, domain, state.new)
        if not found.served:  # the record is gone: it has to be seen everywhere again
            back = self._entered(domain, state, "publishing")
            return msgspec.structs.replace(back, todo=found.todo, problem=found.problem)
        sign = [state.new, *(one for one in settings.dkim.sign if one not in (state.new, *state.old))]

        def change(document: Document, snapshot: Snapshot) -> None:
            here, _ = require_domain(snapshot, domain.ascii)
            document.put(("domains", here.unicode, "dkim", "sign"), sign)

        await edit(self._config, change)
        return self._entered(domain, state, "retiring", until=self._clock() + RETIRING)

    async def _retire(self, domain: Domain, settings: DomainConfig, state: Keys) -> Keys:
        if self._clock() < state.until:
            return state
        todo = await self._in_thread(self._remove_records, domain, state.old)
        if todo:
            return msgspec.structs.replace(state, todo=todo, problem="")
        for one in state.old:
            if one in settings.dkim.selectors:
                await self._selectors.remove(domain.ascii, one)
        past = (*state.past, *state.old)
        return msgspec.structs.replace(
            self._entered(domain, state, "resting", new="", old=(), past=past), since=state.since, until=0.0
        )

    def _entered(self, domain: Domain, state: Keys, stage: Stage, **changes: object) -> Keys:
        """The state at the beginning of a stage."""
        entered = msgspec.structs.replace(
            state, stage=stage, since=self._clock(), todo=(), problem="", **{"until": 0.0, **changes}
        )
        kv = {"domain": domain.ascii, "stage": stage, "selector": entered.new or state.new}
        logger.info("rotation of a key", extra={"kv": kv})
        return entered

    # What blocks: files, and DNS at the provider and at the authoritative servers.

    def _publishing(self) -> Publishing:
        return Publishing(self._config.current, self._config.path, authorities=self._authorities)

    def _has_provider(self, domain: Domain) -> bool:
        return self._publishing().files.provider(domain) is not None

    def _ensure(self, domain: Domain, selector: str) -> Ensured:
        return self._publishing().ensure(domain, _record(self._config.current, domain, selector), alone=True)

    def _remove_records(self, domain: Domain, selectors: Sequence[str]) -> tuple[str, ...]:
        """Remove the records of former keys. Returns what the owner has to type."""
        publishing = self._publishing()
        names = (f"{selector}._domainkey.{domain.ascii}." for selector in selectors)
        return tuple(line for name in names for line in publishing.withdraw(domain, name, "TXT"))

    async def _read(self, domain: Domain) -> Keys:
        def read() -> Keys:
            files = DNSFiles(self._config.path, self._config.current.static.user)
            try:
                return read_keys_state(files, domain)
            except msgspec.DecodeError:  # keys and records are what they are; it begins with a full period
                return Keys()

        return await trio.to_thread.run_sync(read)

    async def _write(self, domain: Domain, state: Keys) -> None:
        files = DNSFiles(self._config.path, self._config.current.static.user)
        if state != await self._read(domain):
            await trio.to_thread.run_sync(files.set_keys, domain, msgspec.json.encode(state))

    async def _in_thread(self, work: Callable[..., T], *args: object) -> T:
        return await trio.to_thread.run_sync(lambda: work(*args), abandon_on_cancel=True)


def _record(snapshot: Snapshot, domain: Domain, selector: str) -> Wanted:
    """The record of a selector. Raises UpdateRefused: its key cannot be read."""
    keys = read_keys(snapshot, domain)
    if selector not in keys.dkim:
        raise UpdateRefused("; ".join(keys.dkim_problems) or f"the selector {selector} is gone")
    return Wanted("dkim", f"{selector}._domainkey.{domain.ascii}.", "TXT", keys.dkim[selector])


def _algorithm(settings: DomainConfig, signing: Sequence[str]) -> Algorithm:
    """The kind of keys that selectors have: RSA if any has."""
    kinds = {key_facts(settings.dkim.selectors[one]).algorithm for one in signing if one in settings.dkim.selectors}
    return "ed25519" if kinds == {"ed25519"} else "rsa"


def _choose(settings: DomainConfig, past: Sequence[str], year: int) -> tuple[str, tuple[str, ...]]:
    """The selector of the next key, which is the first in reserve or one to be made, and those that it replaces."""
    algorithm = _algorithm(settings, settings.dkim.sign)
    found = settings.dkim.selectors
    old = tuple(one for one in settings.dkim.sign if one in found and _algorithm(settings, [one]) == algorithm)
    for name in sorted(found):
        if name not in settings.dkim.sign and name not in past and key_facts(found[name]).algorithm == algorithm:
            return name, old
    free = (f"{year}{letter}{number or ''}" for number in range(100) for letter in "abcdefghijklmnopqrstuvwxyz")
    return next(one for one in free if one not in found and one not in past), old
