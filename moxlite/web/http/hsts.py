"""Strict-Transport-Security for our own apps, without being asked for (WEB-29; RFC 6797).

A browser that was told once never comes back by http, so a promise of https must not be given before https has proven
itself, nor for longer. The field is sent at the public name of a listener after its certificate has been valid for a
day, and it promises as many days as those that went well, 180 at most. A certificate that is found invalid begins the
days anew. Subdomains belong to others, and are never included.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
import trio

from moxlite.config.files import write_atomically
from moxlite.encoding import from_json, to_json
from moxlite.net.tls.certificates import KeyPair, Trust, certificate_names, name_matches
from moxlite.wakeup import sleep_by_both_clocks

if TYPE_CHECKING:
    from pathlib import Path

    from moxlite.config.listeners import Listener
    from moxlite.config.snapshot import CurrentConfig
    from moxlite.web.http.exchange import Request

logger = logging.getLogger("moxlite.web.http.hsts")

STATE: Final = "https.json"
"""Name of the file in the data directory: since when https has been well, by name."""

DAY: Final = 86_400.0
"""Seconds: the promise grows by whole days."""

MOST_DAYS: Final = 180
"""Days of the longest promise: a browser holds the name to it that long, even if another server has it by then."""

PERIOD: Final = 3600.0
"""Seconds between two looks at the certificates."""

WANTED: Final = ("strict-transport-security", "max-age=31536000")
"""The field of a listener with ``hsts = true``, in all its answers over TLS."""

APPS: Final = frozenset(("account", "admin", "webmail", "webapi", "dav", "jmap", "favicon"))
"""Names of routes of our own apps."""

INNER: Final = frozenset(
    ("localhost", "local", "localdomain", "lan", "home", "internal", "intranet", "corp", "private", "arpa", "onion")
    + ("alt", "test", "example", "invalid")
)
"""Last labels of names that are not public (RFC 6761, RFC 6762, RFC 8375), or in use in inner networks."""

Pairs: TypeAlias = Callable[[], Iterable[tuple[str, KeyPair]]]
"""The certificates in use, by name of the listener."""

Field: TypeAlias = tuple[tuple[str, str], ...]


class _State(msgspec.Struct, frozen=True):
    """since: seconds UTC by name (A-labels)."""

    since: dict[str, float] = {}


class StrictTransport:
    """Knows how long https has been well. `serve` must run.

    Args:
      directory: of the data.
    """

    def __init__(self, config: CurrentConfig, directory: Path, pairs: Pairs, trust: Trust) -> None:
        self._config = config
        self._path = directory / STATE
        self._pairs = pairs
        self._trust = trust
        self._since: dict[str, float] = {}

    def field(self, request: Request, route: str) -> Field:
        """The field for an answer of a route; none where there is nothing to promise."""
        info = request.info
        if info.tls is None:
            return ()
        wanted = self._config.current.static.listeners[info.listener].hsts
        if wanted is not None:
            return (WANTED,) if wanted else ()
        host = request.host
        # at another port than 443, the name's own http may have no https beside it
        if route not in APPS or host.name is None or host.authority.rpartition(":")[2] not in (host.authority, "443"):
            return ()
        if host.name != self._config.current.hostname(info.listener).ascii:
            return ()
        days = int((time.time() - self._since.get(host.name, time.time())) // DAY)
        return (("strict-transport-security", f"max-age={min(days, MOST_DAYS) * int(DAY)}"),) if days >= 1 else ()

    async def serve(self) -> None:
        """Look at the certificates now and then. Errors: OSError of a full disk."""
        self._since = await trio.to_thread.run_sync(self._read)
        while True:
            await self.look()
            await sleep_by_both_clocks(PERIOD)

    async def look(self) -> None:
        """Look at the certificates once."""
        names = {self._config.current.hostname(name).ascii: name for name in self._listeners()}
        pairs = list(self._pairs())
        valid = await trio.to_thread.run_sync(self._valid, names, pairs) if names else set()
        now = time.time()
        # A clock that was set back must not let the days count that it has skipped.
        since = {name: min(self._since.get(name, now), now) for name in valid}
        for name in self._since.keys() - since.keys():
            logger.warning("HSTS turned off", extra={"kv": {"name": name}})
        if since != self._since:
            self._since = since
            await trio.to_thread.run_sync(write_atomically, self._path, to_json(_State(since)))

    def _listeners(self) -> Iterable[str]:
        """The listeners that serve apps by https at a public name, and say nothing about the field."""
        for name, listener in self._config.current.static.listeners.items():
            if (
                listener.hsts is None
                and _serves_apps(listener)
                and _is_public(self._config.current.hostname(name).ascii)
            ):
                yield name

    def _valid(self, names: dict[str, str], pairs: list[tuple[str, KeyPair]]) -> set[str]:
        """The names whose certificates are all valid. Blocks."""
        found = set()
        for name, listener in names.items():
            chains = [pair.chain for at, pair in pairs if at == listener and _is_for(pair, name)]
            # A name may have a certificate of RSA and one of ECDSA, and the browser's list decides which it is shown.
            if chains and all(self._trust.check(chain, name) is None for chain in chains):
                found.add(name)
        return found

    def _read(self) -> dict[str, float]:
        try:
            return from_json(self._path.read_bytes(), _State).since
        except (OSError, msgspec.DecodeError):
            return {}


def _serves_apps(listener: Listener) -> bool:
    apps = (listener.account_https, listener.admin_https, listener.webmail_https, listener.webapi_https)
    groupware = (listener.jmap_https, listener.dav_https)
    return any(one.enabled for one in (*apps, *groupware))


def _is_public(name: str) -> bool:
    return "." in name and name.rpartition(".")[2] not in INNER


def _is_for(pair: KeyPair, name: str) -> bool:
    return any(name_matches(pattern, name) for pattern in certificate_names(pair.leaf))
