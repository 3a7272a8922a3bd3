"""An apt repository: packages, their index, and a Release file that is signed (apt-secure(8), ADMIN-43)."""

import email.utils
import functools
import gzip
import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from packages.deb import ARCHITECTURES
from packages.sources import Failed, run

__all__ = ["KEY", "SUITES", "build_repository"]

SUITES: Final = ("stable", "bookworm", "trixie", "noble", "resolute")
"""Names under which the one repository is found: that which is always right, and the releases of Debian and Ubuntu that
the package is for, for those who write their own.
"""

COMPONENT: Final = "main"
KEY: Final = "moxlite.asc"
"""The public key, for ``signed-by`` of those who install."""

KEPT: Final = 3
"""Versions that the repository keeps: a way back for those who upgraded."""


def build_repository(to: Path, packages: Sequence[Path], key: str) -> None:
    """Add packages to the repository in the folder `to`, which is made where it is missing, and sign it. It keeps the
    newest versions of each processor.

    Args:
      key: of gpg's keyring (``GNUPGHOME``), by fingerprint or address.

    Raises Failed.
    """
    pool = to / "pool"
    pool.mkdir(parents=True, exist_ok=True)
    for path in packages:
        shutil.copy2(path, pool)
    entries = {
        architecture: "".join(_entry(path, to) for path in _kept(pool, architecture)).encode()
        for architecture in ARCHITECTURES.values()
    }
    for name in SUITES:
        suite = to / "dists" / name
        for architecture, index in entries.items():
            folder = suite / COMPONENT / f"binary-{architecture}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "Packages").write_bytes(index)
            (folder / "Packages.gz").write_bytes(gzip.compress(index, 9, mtime=0))
        (suite / "Release").write_text(_release(suite))
        _sign(suite, key)
    exported = run("gpg", "--batch", "--armor", "--export", key)
    if not exported:
        raise Failed(f"gpg has no key {key}")
    (to / KEY).write_text(exported)


def _kept(pool: Path, architecture: str) -> list[Path]:
    """The packages of the newest versions for a processor, newest first; others are removed."""
    packages = sorted(pool.glob(f"*_{architecture}.deb"), key=functools.cmp_to_key(_older), reverse=True)
    for path in packages[KEPT:]:
        path.unlink()
    return packages[:KEPT]


def _older(first: Path, second: Path) -> int:
    """Compare the versions of two packages, as dpkg does: negative if the first is older."""
    versions = [path.name.split("_")[1] for path in (first, second)]
    if versions[0] == versions[1]:
        return 0
    is_older = subprocess.run(["dpkg", "--compare-versions", versions[0], "lt", versions[1]], check=False)
    return -1 if is_older.returncode == 0 else 1


def _entry(path: Path, top: Path) -> str:
    """The paragraph of a package in ``Packages``."""
    data = path.read_bytes()
    control = run("dpkg-deb", "--field", path)
    return (
        f"{control.strip()}\nFilename: {path.relative_to(top)}\nSize: {len(data)}\n"
        f"SHA256: {hashlib.sha256(data).hexdigest()}\n\n"
    )


def _release(suite: Path) -> str:
    sums = []
    for path in sorted((suite / COMPONENT).rglob("Packages*")):
        data = path.read_bytes()
        sums.append(f" {hashlib.sha256(data).hexdigest()} {len(data)} {path.relative_to(suite)}\n")
    return (
        f"Origin: moxlite\nLabel: moxlite\nSuite: {suite.name}\nCodename: {suite.name}\nComponents: {COMPONENT}\n"
        f"Architectures: {' '.join(ARCHITECTURES.values())}\nDate: {email.utils.formatdate(usegmt=True)}\n"
        f"Description: moxlite, an all-in-one mail server\nSHA256:\n{''.join(sums)}"
    )


def _sign(suite: Path, key: str) -> None:
    """``InRelease`` with the signature in it, and ``Release.gpg`` beside. Both take the place of old ones at once."""
    for name, how in (("InRelease", ("--clearsign",)), ("Release.gpg", ("--armor", "--detach-sign"))):
        new = suite / f".{name}.new"
        new.unlink(missing_ok=True)
        run("gpg", "--batch", "--local-user", key, *how, "--output", new, suite / "Release", env=dict(os.environ))
        new.replace(suite / name)
