"""DKIM keys of a domain: made, removed, looked at (WEB-80, AUTH-41). Edits of domains.toml are as in `changes`."""

import datetime as dt
from pathlib import Path
from typing import Final, Literal

import msgspec
import trio
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from moxlite.admin.accounts import Refused
from moxlite.admin.dkimkeys import FILE_KINDS, KeyUnreadable, read_key, write_new
from moxlite.admin.domains.changes import require_domain, retire_keys
from moxlite.admin.edits import edit
from moxlite.config.domains import DKIMConfig, Selector
from moxlite.config.holder import ConfigHolder
from moxlite.config.load import DKIM_FOLDER
from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.edit import Document
from moxlite.mailauth.dkim.sign import generate, key_record, to_pem
from moxlite.net.control.server import CommandFailed
from moxlite.proto.address import AddressError, Domain

Algorithm = Literal["rsa", "ed25519"]

LONGEST: Final = 63
"""Characters of a selector: one label of a domain name."""


class KeyFacts(msgspec.Struct, frozen=True):
    """Public facts of a key: its algorithm, its bits and the value of its TXT record, or why it cannot be read."""

    algorithm: str = ""
    bits: int = 0
    record: str = ""
    problem: str = ""


def key_facts(selector: Selector) -> KeyFacts:
    """Read a key file. Blocks."""
    try:
        key = read_key(selector.key_file)
    except KeyUnreadable as error:
        return KeyFacts(problem=str(error))
    if isinstance(key, RSAPrivateKey):
        return KeyFacts("rsa", key.key_size, key_record(key))
    return KeyFacts("ed25519", 256, key_record(key))


class Selectors:
    """Adds and removes the keys of domains."""

    def __init__(self, config: ConfigHolder) -> None:
        self._config = config
        self._making = trio.CapacityLimiter(1)  # an RSA key is up to a second of a core

    async def add(self, name: str, selector: str, algorithm: Algorithm) -> None:
        """Make a key in a new file, and add it to a domain; it does not sign yet. Raises CommandFailed."""
        domain, dkim = self._dkim(name)
        problem = _selector_problem(selector)
        if problem or selector in dkim.selectors:
            text = problem or f'"{domain.unicode}" has a selector "{selector}" already'
            raise CommandFailed("badRequest", text, "selector")
        now = dt.datetime.now(dt.UTC)
        kind = FILE_KINDS[algorithm]
        file = f"{selector}._domainkey.{domain.ascii}.{now:%Y%m%dT%H%M%S}.{kind}.privatekey.pkcs8.pem"
        path = self._config.domains_path.parent / DKIM_FOLDER / file
        with trio.CancelScope(shield=True):  # bounded: a key, a file
            try:
                await trio.to_thread.run_sync(_make, path, algorithm, limiter=self._making)
            except OSError as error:
                raise CommandFailed("failed", f"no key was made: {error.strerror or error}") from None

            def change(document: Document, snapshot: Snapshot) -> None:
                here, _ = require_domain(snapshot, name)
                settings = {"key_file": f"{DKIM_FOLDER}/{file}"}
                document.put(("domains", here.unicode, "dkim", "selectors", selector), settings)

            try:
                await edit(self._config, change)
            except BaseException:
                path.unlink(missing_ok=True)
                raise

    async def remove(self, name: str, selector: str) -> None:
        """Remove a key from a domain, and from what signs; its file is put aside. Raises CommandFailed."""
        domain, dkim = self._dkim(name)
        if selector not in dkim.selectors:
            raise CommandFailed("notFound", f'"{domain.unicode}" has no selector "{selector}"')
        if selector in dkim.sign and len(dkim.sign) == 1:
            text = f'"{selector}" is the only one that signs mail of "{domain.unicode}": choose another one first'
            raise CommandFailed("refused", text)
        gone = msgspec.structs.replace(dkim, selectors={selector: dkim.selectors[selector]})

        def change(document: Document, snapshot: Snapshot) -> None:
            here, settings = require_domain(snapshot, name)
            document.drop(("domains", here.unicode, "dkim", "selectors", selector))
            if selector in settings.dkim.sign:
                left = [one for one in settings.dkim.sign if one != selector]
                document.put(("domains", here.unicode, "dkim", "sign"), left)

        with trio.CancelScope(shield=True):  # bounded: a file and a rename
            left = await edit(self._config, change)
            settings = left.domains.domains[domain.unicode]
            try:
                retire_keys(self._config.domains_path.parent, msgspec.structs.replace(settings, dkim=gone), left)
            except OSError as error:
                raise CommandFailed("failed", f"the selector is removed, but its key stays: {error}") from None

    def _dkim(self, name: str) -> tuple[Domain, DKIMConfig]:
        try:
            domain, settings = require_domain(self._config.current, name)
        except Refused as error:
            raise CommandFailed("notFound", str(error)) from None
        return domain, settings.dkim


def _make(path: Path, algorithm: Algorithm) -> None:
    path.parent.mkdir(mode=0o750, exist_ok=True)
    write_new(path, to_pem(generate(algorithm)))


def _selector_problem(selector: str) -> str:
    """Why a text is no selector, or ""."""
    if not selector or len(selector) > LONGEST:
        return f"a selector has 1 to {LONGEST} characters"
    try:
        Domain.parse(f"{selector}.example")
    except AddressError:
        return f'"{selector}" is not a selector: letters, digits and hyphens'
    return "" if selector.isascii() and "." not in selector else "a selector is one ASCII label without dots"
