"""Notices about newer versions: one look-up each day, and the signed list of changes (ADMIN-60). Nothing is installed.

``_updates.DOMAIN`` has a TXT record ``v=UPDATES0; l=0.2.0`` with the newest version. The changelog is JSON::

    {"changes": [{"version": "0.2.0", "text": "…", "signature": "BASE64"}]}

Each entry is signed by Ed25519 over its version, a line feed, and its text. Entries without a valid signature are not
shown.
"""

import base64
import binascii
import logging
import re
import time
from pathlib import Path
from typing import Final

import msgspec
import trio
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from moxlite import __version__
from moxlite.admin.notices import notify_postmaster
from moxlite.config.files import write_atomically
from moxlite.config.snapshot import CurrentConfig
from moxlite.config.static import Updates
from moxlite.encoding import from_json, to_json
from moxlite.metrics import Counter
from moxlite.net.httpclient import HTTPClient, HTTPError
from moxlite.net.resolver import DNSError, Resolver
from moxlite.ownprogram import UPDATING, installed_form
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.errors import StoreError
from moxlite.wakeup import sleep_by_both_clocks

logger = logging.getLogger("moxlite.admin.updates")

STATE: Final = "updates.json"
"""Name of a file in the data directory, with which a restart repeats neither a look-up nor a notice."""

PERIOD: Final = 86_400.0
"""Seconds between two look-ups."""

MAX_CHANGELOG: Final = 1 << 20
"""Octets of the changelog."""

MAX_VERSION: Final = 40
"""Characters of a version."""

looks: Final = Counter("moxlite_updates_check", "Update checks.", ["result"])
for _result in ("current", "newer", "error"):
    looks.labels(result=_result)


class UpdateError(Exception):
    """The newest version or its changes cannot be found out; the text is for people."""


class Change(msgspec.Struct, frozen=True):
    """An entry of the changelog."""

    version: str
    text: str
    signature: str = ""


class _Changelog(msgspec.Struct):
    changes: list[Change]


class _State(msgspec.Struct, frozen=True):
    """at: seconds UTC of the last look-up. newest: its result. told: the version in the last notice."""

    at: float = 0.0
    newest: str = ""
    told: str = ""


def is_newer(version: str, than: str = __version__) -> bool:
    """Whether a version is newer than another, number by number."""
    return _numbers(version) > _numbers(than)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(word) for word in re.findall(r"\d{1,9}", version.partition("-")[0]))


async def newest_version(resolver: Resolver, source: Updates) -> str:
    """Look up the newest version in DNS. Raises UpdateError."""
    name = f"_updates.{source.domain.ascii}."
    try:
        texts = (await resolver.txt(name)).records
    except DNSError as error:
        raise UpdateError(f"{name} TXT: {error}") from None
    for text in texts:
        fields = dict(part.strip().partition("=")[::2] for part in text.split(";"))
        version = fields.get("l", "")
        if fields.get("v") == "UPDATES0" and re.fullmatch(r"\d+(\.\d+){1,3}", version) and len(version) <= MAX_VERSION:
            return version
    raise UpdateError(f"no version found in the TXT records for {name}")


async def changes_since(http: HTTPClient, source: Updates, version: str = __version__) -> list[Change]:
    """The entries of the changelog for versions after `version` that have a valid signature, in its order. Raises
    UpdateError: there is no such entry.
    """
    try:
        answer = await http.request("GET", str(source.changelog_url), max_body=MAX_CHANGELOG)
        if answer.status != 200 or answer.cut:
            raise UpdateError(f"{source.changelog_url}: {'too long' if answer.cut else f'status {answer.status}'}")
        changes = from_json(answer.body, _Changelog).changes
    except (HTTPError, msgspec.DecodeError) as error:
        raise UpdateError(f"{source.changelog_url}: {error}") from None
    texts = [source.public_key, source.next_public_key]
    keys = [Ed25519PublicKey.from_public_bytes(base64.b64decode(text)) for text in texts if text is not None]
    newer = [change for change in changes if is_newer(change.version, version)]
    good = [change for change in newer if any(_signed(change, key) for key in keys)]
    if not good:
        raise UpdateError(f"{source.changelog_url}: no newer version is signed with the key in [updates]")
    return good


def _signed(change: Change, key: Ed25519PublicKey) -> bool:
    try:
        key.verify(base64.b64decode(change.signature), f"{change.version}\n{change.text}".encode())
    except (InvalidSignature, binascii.Error, UnicodeEncodeError):
        return False
    return True


class UpdateWatch:
    """Looks for newer versions each day, and notifies the postmaster of each once."""

    def __init__(
        self,
        source: Updates,
        *,
        config: CurrentConfig,
        accounts: Accounts,
        resolver: Resolver,
        http: HTTPClient,
    ) -> None:
        self._source = source
        self._config = config
        self._accounts = accounts
        self._resolver = resolver
        self._http = http
        self._path: Path = config.current.static.data_dir / STATE
        self._state = _State()

    @property
    def newer(self) -> str:
        """A version after this one, "" if none is known."""
        return self._state.newest if is_newer(self._state.newest) else ""

    async def serve(self) -> None:
        """Look each day, for ever.

        Errors: a failed look-up is logged and counted, and the next one is a day later. OSError of the file comes out.
        """
        self._state = await trio.to_thread.run_sync(self._read)
        while True:
            await sleep_by_both_clocks(PERIOD, since=self._state.at)
            # Before the look, or a server that crashes in it would look at each start.
            await self._note(msgspec.structs.replace(self._state, at=time.time()))
            try:
                await self._look()
            except (UpdateError, StoreError) as error:
                looks.labels(result="error").inc()
                logger.warning("update check failed", extra={"kv": {"err": str(error)}})

    async def _look(self) -> None:
        newest = await newest_version(self._resolver, self._source)
        await self._note(msgspec.structs.replace(self._state, newest=newest))
        looks.labels(result="newer" if self.newer else "current").inc()
        if not self.newer or self._state.told == newest:
            return
        changes = await changes_since(self._http, self._source)
        lines = [f"moxlite {newest} was published; this is {__version__}. Make a backup before you upgrade."]
        lines += [UPDATING[installed_form()], ""]
        for change in changes:
            lines += [f"{change.version}", "", change.text.strip(), ""]
        subject = f"version {newest} was published"
        once = f"update {newest}"
        await notify_postmaster(
            self._accounts, self._config.current, subject, "\n".join(lines), once=once, flagged=True
        )
        await self._note(msgspec.structs.replace(self._state, told=newest))

    def _read(self) -> _State:
        try:
            return from_json(self._path.read_bytes(), _State)
        except (OSError, msgspec.DecodeError):
            return _State()

    async def _note(self, state: _State) -> None:
        self._state = state
        await trio.to_thread.run_sync(write_atomically, self._path, to_json(state))
