"""The keys with which domains sign, read at the start and whenever domains.toml changes (AUTH-41, AUTH-45)."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from moxlite.config.domains import DomainConfig, Domains, Selector
from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.decode import Finding, KeyPath
from moxlite.mailauth.dkim.message import Message
from moxlite.mailauth.dkim.sign import PrivateKey, PrivateKeyError, Signer, SigningError, load_private_key, sign
from moxlite.proto.address import Address, AddressError, Domain

ONLY_SHA256: Final = "an ed25519 key signs with sha256 only (RFC 8463)"


def selectors_of(domains: Domains) -> Iterator[tuple[KeyPath, Selector]]:
    """All selectors, each with the place in the configuration that names its key file."""
    for domain, settings in domains.domains.items():
        for name, selector in settings.dkim.selectors.items():
            yield ("domains", domain, "dkim", "selectors", name, "key_file"), selector


class _Known(msgspec.Struct, frozen=True):
    """A key, and the values that distinguish versions of its file."""

    stamp: tuple[int, int, int]
    key: PrivateKey


class SigningKeys:
    """The private keys of all selectors, by their files."""

    def __init__(self) -> None:
        self._keys: dict[Path, _Known] = {}

    def read(self, snapshot: Snapshot) -> list[Finding]:
        """Read the keys that a configuration names; returns the faults, each with the path of the file. Blocks.

        A file that has not changed is not read again. If a file cannot be read any more, because the server has given
        up its privileges, its key stays.
        """
        keys: dict[Path, _Known] = {}
        findings: list[Finding] = []
        for path, selector in selectors_of(snapshot.domains):
            file = selector.key_file
            try:
                found = file.stat()
                stamp = found.st_mtime_ns, found.st_size, found.st_ino
                known = self._keys.get(file)
                keys[file] = (
                    known if known and known.stamp == stamp else _Known(stamp, load_private_key(file.read_bytes()))
                )
            except PermissionError as error:
                if file in self._keys:
                    keys[file] = self._keys[file]
                else:
                    findings.append(
                        Finding(path, f"cannot read {file}: {error.strerror}", "give it to the service user")
                    )
            except OSError as error:
                findings.append(Finding(path, f"cannot read {file}: {error.strerror}"))
            except PrivateKeyError as error:
                findings.append(Finding(path, f"{file} {error}"))
            else:
                if isinstance(keys[file].key, Ed25519PrivateKey) and selector.hash == "sha1":
                    findings.append(Finding((*path[:-1], "hash"), ONLY_SHA256))
        if not findings:
            self._keys = keys
        return findings

    def key(self, file: Path) -> PrivateKey | None:
        """The key of a file; None if it was never read."""
        known = self._keys.get(file)
        return None if known is None else known.key

    def signers(self, settings: DomainConfig | None) -> tuple[Signer, ...]:
        """The signers of a domain, one for each selector that signs. Raises SigningError: the key of one was never
        read.
        """
        if settings is None:
            return ()
        return tuple(self.signer(name, settings.dkim.selectors[name]) for name in settings.dkim.sign)

    def signer(self, name: str, selector: Selector) -> Signer:
        """The signer of one selector. Raises SigningError: its key was never read."""
        known = self._keys.get(selector.key_file)
        if known is None:
            raise SigningError(f"there is no key of selector {name}")
        return Signer(
            selector=name,
            key=known.key,
            hash=selector.hash,
            header=selector.header,
            body=selector.body,
            sealed=selector.headers,
            unsealed=selector.unsealed_headers,
            seal=selector.seal,
            expiration=selector.expiration,
        )

    async def sign_own(self, snapshot: Snapshot, octets: bytes, author: Address) -> bytes:
        """Sign a message of the server itself, from an address at its hostname; returns the signature fields. The
        signing domain is the nearest one at or above the hostname that has selectors (SMTP-113). Empty if no domain
        has.

        Raises SigningError.
        """
        labels = author.domain.ascii.split(".")
        for at in range(len(labels)):
            try:
                domain = Domain.parse(".".join(labels[at:]))
            except AddressError:
                continue
            if signers := self.signers(snapshot.domain(domain)):
                return await sign(Message.of(octets), author, signers, time.time(), domain=domain)
        return b""
