"""Rotation of DKIM keys (AUTH-115): a task of the server, with a durable state for each domain.

resting → publishing → waiting → retiring → resting. The rule: no key signs before all authoritative servers have its
record and no resolver can remember that there was none; no record goes while mail may be under way that its key has
signed.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from moxlite.admin.commandedits import edit
from moxlite.admin.dns.publishing import Ensured
from moxlite.admin.dns.stages import DAY, Stages, in_thread
from moxlite.admin.dns.update import UpdateRefused
from moxlite.admin.dns.wanted import WantedRecord, read_keys
from moxlite.admin.dnsproviders.accounts import DNSFiles
from moxlite.admin.domains.changes import Algorithm, Selectors, key_facts, require_domain
from moxlite.autotls.hostkeys import Rotating
from moxlite.config.domains import DomainConfig
from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.edit import Document
from moxlite.encoding import from_json, to_json
from moxlite.operations.dns import Stage
from moxlite.proto.address import Domain

PERIOD: Final = 180 * DAY
"""Seconds that a key signs, where a provider is set and the domain says nothing else."""
RETIRING: Final = 8 * DAY
"""Seconds for which the record of a former key stays: the queue tries for five days, signatures are valid for three."""


class Keys(Rotating, frozen=True):
    """The rotation of a domain's signing key.

    Attributes:
      new, old: the selectors that come and go.
      past: selectors that were used, and are not used again.
    """

    stage: Stage = "resting"
    new: str = ""
    old: tuple[str, ...] = ()
    past: tuple[str, ...] = ()


def read_keys_state(files: DNSFiles, domain: Domain) -> Keys:
    """The rotation of a domain. Raises OSError, msgspec.DecodeError. Blocks."""
    data = files.keys(domain)
    return Keys() if data is None else from_json(data, Keys)


class KeyRotation(Stages[Domain, Keys]):
    """The task; its subjects are domains. Args: as of `Stages`."""

    logger = logging.getLogger("moxlite.admin.keys")
    subject = "domain"
    first = 120.0

    def _subjects(self) -> Iterable[Domain]:
        domains = list(self._config.current.domains.domains.items())
        return (Domain.parse(name) for name, settings in domains if not settings.disabled)

    def _read(self, subject: Domain) -> Keys:
        try:
            return read_keys_state(self._files(), subject)
        except msgspec.DecodeError:  # keys and records are what they are
            return Keys()

    def _write(self, subject: Domain, state: Keys) -> None:
        self._files().set_keys(subject, to_json(state))

    def _files(self) -> DNSFiles:
        return DNSFiles(self._config.path, self._config.current.static.user)

    def _settings(self, domain: Domain) -> DomainConfig:
        return require_domain(self._config.current, domain.ascii)[1]

    async def _rest(self, domain: Domain, state: Keys) -> Keys:
        if state.since == 0:
            return msgspec.structs.replace(state, since=self._clock())
        settings = self._settings(domain)
        period = settings.dkim.auto_rotate
        if period is None and await in_thread(self._has_provider, domain):
            period = PERIOD
        due = period is not None and self._is_past(state.since + period)
        if not (due or state.asked) or not settings.dkim.sign:
            return state
        new, old = await in_thread(_choose, settings, state.past, time.gmtime(self._clock()).tm_year)
        return self._entered(domain, state, "publishing", new=new, old=old, asked=False)

    async def _publish(self, domain: Domain, state: Keys) -> Keys:
        settings = self._settings(domain)
        if state.new not in settings.dkim.selectors:
            algorithm = await in_thread(_algorithm, settings, state.old)
            await Selectors(self._config).add(domain.ascii, state.new, algorithm)
        return await super()._publish(domain, state)

    async def _use(self, domain: Domain, state: Keys) -> Keys:
        sign = [state.new, *(one for one in self._settings(domain).dkim.sign if one not in (state.new, *state.old))]

        def change(document: Document, snapshot: Snapshot) -> None:
            here, _ = require_domain(snapshot, domain.ascii)
            document.put(("domains", here.unicode, "dkim", "sign"), sign)

        await edit(self._config, change)
        return self._entered(domain, state, "retiring", until=self._clock() + RETIRING)

    async def _retire(self, domain: Domain, state: Keys) -> Keys:
        signing = self._settings(domain).dkim.sign
        if any(one in signing for one in state.old):  # the owner has gone back to it
            return msgspec.structs.replace(state, old=tuple(one for one in state.old if one not in signing))
        if not self._is_past(state.until):
            return state
        todo = await in_thread(self._remove_records, domain, state.old)
        if todo:
            return msgspec.structs.replace(state, todo=todo, problem="")
        for one in state.old:
            if one in self._settings(domain).dkim.selectors:
                await Selectors(self._config).remove(domain.ascii, one)
        past = (*state.past, *state.old)
        return msgspec.structs.replace(
            self._entered(domain, state, "resting", new="", old=(), past=past), since=state.since, until=0.0
        )

    # What blocks: files, and DNS at the provider and at the authoritative servers.

    def _has_provider(self, domain: Domain) -> bool:
        return self._publishing().files.provider(domain) is not None

    def _ensure(self, domain: Domain, state: Keys) -> Ensured:
        return self._publishing().ensure(domain, _record(self._config.current, domain, state.new), alone=True)

    def _remove_records(self, domain: Domain, selectors: Sequence[str]) -> tuple[str, ...]:
        """Remove the records of former keys. Returns what the owner has to type."""
        publishing = self._publishing()
        names = (f"{selector}._domainkey.{domain.ascii}." for selector in selectors)
        return tuple(line for name in names for line in publishing.withdraw(domain, name, "TXT"))


def _record(snapshot: Snapshot, domain: Domain, selector: str) -> WantedRecord:
    """The record of a selector. Raises UpdateRefused: its key cannot be read."""
    keys = read_keys(snapshot, domain)
    if selector not in keys.dkim:
        raise UpdateRefused("; ".join(keys.dkim_problems) or f"selector {selector} no longer exists")
    return WantedRecord("dkim", f"{selector}._domainkey.{domain.ascii}.", "TXT", keys.dkim[selector])


def _algorithm(settings: DomainConfig, signing: Sequence[str]) -> Algorithm:
    """The kind of keys that selectors have: RSA if any has."""
    kinds = {key_facts(settings.dkim.selectors[one]).algorithm for one in signing if one in settings.dkim.selectors}
    return "ed25519" if kinds == {"ed25519"} else "rsa"


def _choose(settings: DomainConfig, past: Sequence[str], year: int) -> tuple[str, tuple[str, ...]]:
    """The selector of the next key, which is the first in reserve or one to be made, and those that it replaces."""
    algorithm = _algorithm(settings, settings.dkim.sign)
    selectors = settings.dkim.selectors
    old = tuple(one for one in settings.dkim.sign if one in selectors and _algorithm(settings, [one]) == algorithm)
    for name in sorted(selectors):
        if name not in settings.dkim.sign and name not in past and key_facts(selectors[name]).algorithm == algorithm:
            return name, old
    # Never one of the past: its old record may still be remembered, and old mail verified by it.
    free = (f"{year}{letter}{number or ''}" for number in range(100) for letter in "abcdefghijklmnopqrstuvwxyz")
    return next(one for one in free if one not in selectors and one not in past), old
