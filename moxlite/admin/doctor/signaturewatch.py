"""A check of DKIM signatures after each change of keys or selectors (AUTH-130)."""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import trio

from moxlite import lazyimport
from moxlite.admin.notices import notify_postmaster
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import Snapshot
from moxlite.findings import Finding
from moxlite.net.resolver import Resolver
from moxlite.process.keys import SigningKeys
from moxlite.proto.address import Domain
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.errors import StoreError
from moxlite.wakeup import Wakeup

logger = logging.getLogger("moxlite.admin.doctor")

SETTLE_SECONDS: Final = 10.0
"""Seconds from a change of keys to its check: several changes are often made at once."""


class SignatureWatch:
    """The task that checks signatures after each change of DKIM keys or selectors, and tells the postmaster of faults.

    Args:
      keys: the keys with which the server signs.
    """

    def __init__(self, config: ConfigHolder, keys: SigningKeys, resolver: Resolver, accounts: Accounts) -> None:
        self._config = config
        self._keys = keys
        self._resolver = resolver
        self._accounts = accounts
        self._changed: dict[Domain, set[str]] = {}
        self._wakeup = Wakeup()

    def reconfigured(self, old: Snapshot, new: Snapshot) -> None:
        """Note which keys and selectors have changed."""
        for name, settings in new.domains.domains.items():
            domain = Domain.parse(name)
            before = old.domain(domain)
            selectors = settings.dkim.selectors
            if before is None:
                changed = set(selectors)
            else:
                known, signed = before.dkim.selectors, set(before.dkim.sign) ^ set(settings.dkim.sign)
                changed = {
                    selector
                    for selector in selectors
                    if known.get(selector) != selectors[selector] or selector in signed
                }
            if changed and not settings.disabled:
                self._changed.setdefault(domain, set()).update(changed)
                self._wakeup.set()

    async def serve(self) -> None:
        """Check what has changed, for ever.

        Errors: faults of DNS and of the store are logged, and the next night's examination repeats the check.
        """
        while True:
            await self._wakeup.wait()
            await trio.sleep(SETTLE_SECONDS)
            self._wakeup.clear()
            changed, self._changed = self._changed, {}
            await self.check(changed)

    async def check(self, changed: Mapping[Domain, Iterable[str]]) -> Sequence[Finding]:
        """Check selectors now; findings are logged, and mailed to the postmaster."""
        await lazyimport.load("moxlite.admin.doctor.signatures")
        from moxlite.admin.doctor.signatures import check_selectors

        snapshot = self._config.current
        findings: list[Finding] = []
        for domain, selectors in changed.items():
            settings = snapshot.domain(domain)
            if settings is not None:
                present = [name for name in sorted(selectors) if name in settings.dkim.selectors]
                findings += await check_selectors(snapshot, self._keys, self._resolver, domain, present)
                logger.info(
                    "DKIM signatures checked", extra={"kv": {"domain": domain.ascii, "selectors": " ".join(present)}}
                )
        for finding in findings:
            logger.error(
                "signature verification failed", extra={"kv": {"about": finding.about, "problem": finding.text}}
            )
        if findings:
            text = "\n".join(f"- {one.grade}: {one.words}\n    {one.commands[0]}" for one in findings) + "\n"
            once = f"signatures {time.time_ns()}"
            try:
                await notify_postmaster(self._accounts, snapshot, findings[0].text[:120], text, once=once)
            except StoreError as error:
                logger.error("failed to send problem report", extra={"kv": {"channel": "mail", "err": str(error)}})
        return findings
