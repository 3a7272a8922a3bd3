"""Our own MTA-STS policies over time (AUTH-73a): a task of the server.

A sender keeps a policy for its ``max_age``, and asks for another only when the id in DNS is another (RFC 8461 §3.3,
§5.1). So a policy that has changed gets a new id, in domains.toml and in DNS; and a name that was an MX host stays
allowed for as long as a sender may come to it by what it has kept. What was served last is in ``data/mtasts.json``.

The settings that mail programs find by PACC change with the configuration, too, and their digest is in DNS: where this
server has published it, it writes the new one (ADMIN-71e).
"""

import datetime as dt
import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import trio

from moxlite import lazyimport
from moxlite.admin.commandedits import edit
from moxlite.admin.domains.changes import require_domain
from moxlite.config.domains import MTASTS, POLICY_ID_TIME
from moxlite.config.files import write_atomically
from moxlite.config.holder import ConfigHolder
from moxlite.config.load import DNS_FOLDER
from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.edit import Document
from moxlite.encoding import from_json, to_json
from moxlite.net.control.server import CommandFailed
from moxlite.proto.address import Domain
from moxlite.safefile import read_regular
from moxlite.wakeup import Wakeup

logger = logging.getLogger("moxlite.admin.policies")

MEMORY: Final = "mtasts.json"
"""Name of the file in the data directory."""

FIRST: Final = 30.0
"""Seconds from the start of the server to the first look."""
LOOK: Final = 3600.0
"""Seconds between looks; `SOON` while an id is not in DNS yet."""
SOON: Final = 300.0
"""Seconds between looks while one is not: until then senders keep to the former policy."""


class Served(msgspec.Struct, frozen=True):
    """A policy that was served last.

    Attributes:
      mx: patterns, without the former ones. max_age: seconds.
      former: former patterns, with the time in seconds UTC until which a sender may have kept a policy with them.
      published: the id was written to DNS, or is for the owner to write.
    """

    policy_id: str
    mode: str
    mx: tuple[str, ...]
    max_age: float
    former: dict[str, float] = {}
    published: bool = True


def mx_patterns(snapshot: Snapshot, policy: MTASTS) -> tuple[str, ...]:
    """The names of MX hosts in a policy, without the former ones: the configured ones, else the hostname."""
    public = "public" in snapshot.static.listeners
    return policy.mx or ((snapshot.hostname("public") if public else snapshot.static.hostname).ascii,)


def allowed_patterns(snapshot: Snapshot, policy: MTASTS) -> tuple[str, ...]:
    """All names of MX hosts in a policy."""
    return tuple(dict.fromkeys((*mx_patterns(snapshot, policy), *policy.former_mx)))


Publish = Callable[[Snapshot, Path, Domain], str]
"""As `publishing.publish_policy`."""


class PolicyWatch:
    """The task.

    Args:
      clock: seconds UTC.
      publish: `publishing.publish_policy`, or a test's own.
      publish_digest: `publishing.publish_digest`, or a test's own.
    """

    def __init__(
        self,
        config: ConfigHolder,
        *,
        clock: Callable[[], float] = time.time,
        publish: Publish | None = None,
        publish_digest: Publish | None = None,
    ) -> None:
        self._config = config
        self._path = config.current.static.data_dir / MEMORY
        self._clock = clock
        self._publish = publish
        self._publish_digest = publish_digest
        self._wakeup = Wakeup()

    def reconfigured(self, _old: Snapshot, _new: Snapshot) -> None:
        """Look at the policies again."""
        self._wakeup.set()

    async def serve(self) -> None:
        """Look at the policies at the start, after each change, and each hour, for ever.

        Errors: what cannot be written is logged, and tried again.
        """
        await trio.sleep(FIRST)
        while True:
            self._wakeup.clear()
            try:
                pending = await self.look()
            except (OSError, CommandFailed) as error:
                logger.error("MTA-STS policy check failed", extra={"kv": {"err": str(error)}})
                pending = True
            with trio.move_on_after(SOON if pending else LOOK):
                await self._wakeup.wait()

    async def look(self) -> bool:
        """Compare each policy with the one that was served last, and each digest with the one that was published.
        Returns whether an id or a digest waits for DNS.

        Raises OSError, CommandFailed.
        """
        before = await trio.to_thread.run_sync(_read, self._path)
        served: dict[str, Served] = {}
        for name, settings in list(self._config.current.domains.domains.items()):
            if settings.mtasts is not None:
                served[name] = await self._follow(Domain.parse(name), settings.mtasts, before.get(name))
        await self._remember(served, before)
        written = {
            name: msgspec.structs.replace(one, published=one.published or await self._written(Domain.parse(name)))
            for name, one in served.items()
        }
        await self._remember(written, served)
        digests = [await self._digest_written(Domain.parse(name)) for name in self._config.current.domains.domains]
        return not all((*digests, *(one.published for one in written.values())))

    async def _remember(self, served: dict[str, Served], before: dict[str, Served]) -> None:
        if served != before:
            data = to_json(served)
            await trio.to_thread.run_sync(partial(write_atomically, self._path, data, mode=0o600))

    async def _follow(self, domain: Domain, policy: MTASTS, before: Served | None) -> Served:
        """The policy as it is served from now on; with another id if it has changed under the same one."""
        mx = mx_patterns(self._config.current, policy)
        now = Served(policy.policy_id, policy.mode, mx, policy.max_age)
        if before is None:
            until = self._clock() + policy.max_age
            return msgspec.structs.replace(now, former=dict.fromkeys(policy.former_mx, until))
        former = {one: before.former.get(one, self._clock() + before.max_age) for one in policy.former_mx}
        if before.mode != "none":
            gone = (one for one in before.mx if one not in mx)
            former |= {one: self._clock() + before.max_age for one in gone}
        former = {one: until for one, until in former.items() if until > self._clock() and one not in mx}
        same = (now.mode, now.mx, now.max_age) == (before.mode, before.mx, before.max_age)
        names_same = tuple(former) == policy.former_mx
        identifier = policy.policy_id
        if identifier == before.policy_id and not (same and names_same and former.keys() == before.former.keys()):
            identifier = _next_id(identifier, self._clock())
        if identifier != policy.policy_id or not names_same:
            await self._change(domain, identifier, tuple(former))
        published = before.published and identifier == before.policy_id
        return msgspec.structs.replace(now, policy_id=identifier, former=former, published=published)

    async def _change(self, domain: Domain, identifier: str, former: tuple[str, ...]) -> None:
        def change(document: Document, snapshot: Snapshot) -> None:
            here, _ = require_domain(snapshot, domain.ascii)
            document.put(("domains", here.unicode, "mtasts", "policy_id"), identifier)
            path = "domains", here.unicode, "mtasts", "former_mx"
            if former:
                document.put(path, list(former))
            else:
                document.drop(path)

        await edit(self._config, change)
        kv = {"domain": domain.ascii, "id": identifier, "former": " ".join(former)}
        logger.info("MTA-STS policy and ID updated", extra={"kv": kv})

    async def _written(self, domain: Domain) -> bool:
        """Write the id to DNS. Returns whether there is nothing left to do."""
        publish = self._publish
        if publish is None:
            if not await self._publishes():
                return True
            from moxlite.admin.dns.publishing import publish_policy

            publish = publish_policy
        return await self._run(publish, domain, "MTA-STS policy ID not yet in DNS")

    async def _digest_written(self, domain: Domain) -> bool:
        """As `_written`, for the digest of the settings of mail programs."""
        publish = self._publish_digest
        if publish is None:
            if not await self._publishes():
                return True
            from moxlite.admin.dns.publishing import publish_digest

            publish = publish_digest
        return await self._run(publish, domain, "settings digest not yet in DNS")

    async def _publishes(self) -> bool:
        """Whether this server publishes records. If not, they are for the owner to do: `dnscheck` and the nightly mail
        say so.
        """
        if not await trio.to_thread.run_sync((self._config.path.parent / DNS_FOLDER).exists):
            return False
        await lazyimport.load("moxlite.admin.dns.publishing")
        return True

    async def _run(self, publish: Publish, domain: Domain, late: str) -> bool:
        config = self._config
        problem = await trio.to_thread.run_sync(publish, config.current, config.path, domain, abandon_on_cancel=True)
        if problem:
            logger.error(late, extra={"kv": {"domain": domain.ascii, "err": problem}})
        return not problem


def _next_id(before: str, now: float) -> str:
    """An id that differs from the one before: the time."""
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    while (found := moment.strftime(POLICY_ID_TIME)) == before:
        moment += dt.timedelta(seconds=1)
    return found


def _read(path: Path) -> dict[str, Served]:
    """The policies served last, by domain; nothing if the file is damaged: it begins with what is served now."""
    try:
        return from_json(read_regular(path), dict[str, Served])
    except FileNotFoundError:
        return {}
    except msgspec.DecodeError as error:
        kv = {"path": path, "err": str(error)}
        logger.error("failed to read previous MTA-STS policies", extra={"kv": kv})
        return {}
