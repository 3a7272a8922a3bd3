"""The files of our domains' DKIM keys (ADMIN-12, AUTH-41); `mailauth.dkim.sign` has the keys themselves."""

import contextlib
import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from moxlite.config.load import DKIM_FOLDER
from moxlite.mailauth.dkim.sign import PrivateKey, PrivateKeyError, generate, load_private_key, to_pem
from moxlite.proto.address import Domain
from moxlite.store.backup.storage import make_durable

SELECTORS: Final = (("a", "rsa"), ("b", "rsa"), ("c", "ed25519"), ("d", "ed25519"))
"""Suffixes of the selectors of a new domain, which follow the year, and the kinds of their keys. The first signs, the
second is its successor. The Ed25519 keys wait until verifiers know them: today many call such a signature broken.
"""

FILE_KINDS: Final = {"rsa": "rsa2048", "ed25519": "ed25519"}

SIGNING: Final = 1
"""Number of the selectors, from the first, that sign."""


class KeyUnreadable(ValueError):
    """A key file that cannot be used; the text names it and says why."""


class NewKey(msgspec.Struct, frozen=True):
    """A key that was made; `file` is its path relative to the folder of domains.toml."""

    selector: str
    file: str


@contextlib.contextmanager
def made_keys(folder: Path, domain: Domain, now: dt.datetime) -> Iterator[tuple[NewKey, ...]]:
    """Make the keys of a new domain, in files below `folder`, the directory of domains.toml. Takes 0.1 to 1 s.

    An exception in the block removes them. Raises OSError, with nothing left behind.
    """
    made: list[Path] = []
    keys: list[NewKey] = []
    directory = folder / DKIM_FOLDER
    new_directory = not directory.exists()
    try:
        directory.mkdir(mode=0o750, exist_ok=True)
        for letter, kind in SELECTORS:
            selector = f"{now.year}{letter}"
            name = f"{selector}._domainkey.{domain.ascii}.{now:%Y%m%dT%H%M%S}.{FILE_KINDS[kind]}.privatekey.pkcs8.pem"
            write_new(directory / name, to_pem(generate(kind)))
            made.append(directory / name)
            keys.append(NewKey(selector, f"{DKIM_FOLDER}/{name}"))
        yield tuple(keys)
    except BaseException:
        for path in reversed(made):
            path.unlink(missing_ok=True)
        if new_directory:
            with contextlib.suppress(OSError):  # it has another domain's key by now
                directory.rmdir()
        raise


def write_new(path: Path, data: bytes) -> None:
    """Write a file that must not exist yet, with access for its owner alone; it is durable then. Raises OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        make_durable(
            path.parent
        )  # its name, too: without a key that the configuration names, the server does not start
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def read_key(path: Path) -> PrivateKey:
    """The private key of a selector. Raises KeyUnreadable."""
    try:
        return load_private_key(path.read_bytes())
    except OSError as error:
        raise KeyUnreadable(f"can't read {path}: {error.strerror}") from None
    except PrivateKeyError as error:
        raise KeyUnreadable(f"{path} {error}") from None
