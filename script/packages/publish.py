"""A release in one folder: every file that people install from, its lists, and their signatures (ADMIN-43a).

Contents of ``dist/VERSION``: the one file, tarball, Debian package and container image of each processor, and the files
that docker compose and podman start the image by; wheel, sdist, ``sbom.cdx.json``, ``changelog.json`` and
``updates.txt`` for `check_updates` (ADMIN-60), and ``SHA256SUMS``. Keys stay on the owner's machine: a build without
them gives the same files, which `sign` completes.

Beside that folder, `sign` writes what has no version in its address: the apt repository ``apt/``, ``changelog.json``,
and ``latest`` with the newest version. The folder above them is what a web server publishes.
"""

import base64
import hashlib
import json
import platform
import re
import shutil
import ssl
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from moxlite.admin.updates import is_newer
from packages.apt import build_repository
from packages.binary import LOCK, NAME
from packages.sources import BUILT_CHANNEL, TOP, Failed, build_sdist, build_wheel, run

__all__ = ["CHANGELOG", "LATEST", "RECORD", "SBOM", "SUMS", "build_release", "sign_release"]

SUMS: Final = "SHA256SUMS"
SBOM: Final = "sbom.cdx.json"
CHANGELOG: Final = "changelog.json"
RECORD: Final = "updates.txt"
"""The TXT record of ``_updates.DOMAIN``, as a line of a zone."""
LATEST: Final = "latest"
"""The newest version, for the commands of README, which name none."""

FILES: Final = "\n\nSHA-256 of the files:\n\n"
"""Heads the end of the newest change, which is signed with it."""

SECTION: Final = re.compile(r"^## (?P<version>\d+\.\d+\.\d+)[^\n]*\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
PINNED: Final = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s\\;]+)", re.MULTILINE)
HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def build_release(to: Path, version: str, *, others: Path | None = None) -> None:
    """Complete a release but for signatures, in the folder that has the packages of this machine.

    Args:
      others: a folder with packages of other processors, which are added.

    Raises Failed.
    """
    build_wheel(to)
    build_sdist(to)
    for path in () if others is None else sorted(others.glob(f"moxlite[-_]{version}[-_]*")):
        shutil.copy2(path, to)
    for path in (TOP / "packaging/container").iterdir():
        shutil.copy(path, to)
    _write_json(to / SBOM, _sbom(version))
    _write_json(to / CHANGELOG, {"changes": [{"version": one, "text": text} for one, text in _changes()]})
    (to / RECORD).write_text(f'_updates IN TXT "v=UPDATES0; l={version}"\n')
    _sum(to)


def sign_release(to: Path, apt_key: str, signing_key: Path) -> None:
    """Sign a release: each entry of the changelog gets its signature, and the sums one. Then renew what is beside it.

    Args:
      apt_key: of gpg's keyring (``GNUPGHOME``), by fingerprint or address.
      signing_key: a PEM file with the Ed25519 key of `[updates]`.

    Raises Failed, also if the build doesn't have the public half of the signing key, or names another apt key.
    """
    key = _read_key(signing_key)
    _check_channel(to, key.public_key(), _fingerprint(apt_key))
    try:
        changes = json.loads((to / CHANGELOG).read_text())["changes"]
    except (OSError, ValueError, KeyError) as error:
        raise Failed(f"{to} is no release, {CHANGELOG} cannot be read: {error}") from None
    version = _version(to)
    for one in changes:
        one["text"] = one["text"].partition(FILES)[0] + (_files(to, version) if one["version"] == version else "")
        one["signature"] = base64.b64encode(key.sign(f"{one['version']}\n{one['text']}".encode())).decode()
    _write_json(to / CHANGELOG, {"changes": changes})
    _sum(to)
    signature = to / f"{SUMS}.asc"
    signature.unlink(missing_ok=True)
    run("gpg", "--batch", "--local-user", apt_key, "--armor", "--detach-sign", "--output", signature, to / SUMS)
    build_repository(to.parent / "apt", sorted(to.glob("*.deb")), apt_key)
    latest = to.parent / LATEST
    if not latest.exists() or not is_newer(latest.read_text().strip(), version):
        shutil.copyfile(to / CHANGELOG, to.parent / CHANGELOG)
        latest.write_text(f"{version}\n")


def _fingerprint(apt_key: str) -> str:
    """The fingerprint of a key in gpg's keyring. Raises Failed."""
    records = run("gpg", "--batch", "--with-colons", "--list-keys", apt_key).splitlines()
    return next(record.split(":")[9] for record in records if record.startswith("fpr:"))


def _check_channel(to: Path, key: Ed25519PublicKey, fingerprint: str) -> None:
    """Raise Failed if servers that install from this release wouldn't accept changes signed with the key, or packages
    of a repository that is signed with the apt key of this fingerprint.
    """
    public = base64.b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
    for path, channel in _channels(to):
        settings = tomllib.loads(channel)
        built = [settings[name] for name in ("public_key", "next_public_key") if name in settings]
        if public not in built:
            has = f"has another public key, {' and '.join(built)}" if built else "has no update channel"
            cure = f'set public_key = "{public}" in packaging/channel.toml, and build the release again'
            raise Failed(f"{path} {has}: {cure}")
        if settings.get("apt_fingerprint", fingerprint) != fingerprint:
            cure = f'set apt_fingerprint = "{fingerprint}" in packaging/channel.toml, and build the release again'
            raise Failed(f"{path} has another apt key, {settings['apt_fingerprint']}: {cure}")


def _channels(to: Path) -> Iterator[tuple[Path, str]]:
    """The update channels of the wheel and of each processor's program, "" for none. Raises Failed: no wheel."""
    wheel = next(to.glob("moxlite-*.whl"), None)
    if wheel is None:
        raise Failed(f"{to} is no release, it has no wheel")
    with zipfile.ZipFile(wheel) as archive:
        yield wheel, archive.read(BUILT_CHANNEL).decode() if BUILT_CHANNEL in archive.namelist() else ""
    for path in sorted(to.glob("moxlite-*-linux-*.tar.gz")):
        name = f"{NAME}/lib/{BUILT_CHANNEL}"
        with tarfile.open(path) as program:
            member = program.extractfile(name) if name in program.getnames() else None
            yield path, "" if member is None else member.read().decode()


def _version(to: Path) -> str:
    """The version of a release, by its TXT record."""
    return (to / RECORD).read_text().partition("l=")[2].partition('"')[0]


def _files(to: Path, version: str) -> str:
    """Hashes of the one files, which `moxlite self update` takes from the signed text."""
    found = [path for path in sorted(to.glob(f"moxlite-{version}-linux-*")) if not path.name.endswith(".tar.gz")]
    return FILES + "".join(f"    {hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in found)


def _read_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise Failed(f"{path} cannot be read as a private key without a password: {error}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise Failed(f"{path} is no Ed25519 key: make one with `openssl genpkey -algorithm ed25519`")
    return key


def _changes() -> Iterator[tuple[str, str]]:
    """Versions and texts of CHANGELOG.md, newest first."""
    for section in SECTION.finditer((TOP / "CHANGELOG.md").read_text()):
        yield section["version"], section["text"].strip()


def _sbom(version: str) -> dict[str, Any]:
    """The packages that the program carries, with their hashes, and its Python and OpenSSL (CycloneDX 1.6)."""
    lock = (TOP / LOCK).read_text()
    components: list[dict[str, Any]] = []
    for name, present in (("python", platform.python_version()), ("openssl", ssl.OPENSSL_VERSION.split()[1])):
        where = f"pkg:generic/{name}@{present}"
        components.append({"type": "library", "bom-ref": where, "name": name, "version": present, "purl": where})
    for entry in re.split(r"\n(?=[A-Za-z0-9])", lock):
        pinned = PINNED.search(entry)
        if pinned is None:
            continue
        name = re.sub(r"[-_.]+", "-", pinned["name"]).lower()
        where = f"pkg:pypi/{name}@{pinned['version']}"
        hashes = [{"alg": "SHA-256", "content": digest} for digest in sorted(HASH.findall(entry))]
        components.append(
            {
                "type": "library",
                "bom-ref": where,
                "name": name,
                "version": pinned["version"],
                "purl": where,
                "externalReferences": [{"type": "distribution", "url": where, "hashes": [one]} for one in hashes],
            }
        )
    own = f"pkg:pypi/moxlite@{version}"
    application = {
        "type": "application",
        "bom-ref": own,
        "name": "moxlite",
        "version": version,
        "purl": own,
        "licenses": [{"license": {"id": "MIT"}}],
    }
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": application},
        "components": components,
        "dependencies": [{"ref": own, "dependsOn": [one["bom-ref"] for one in components]}],
    }


def _sum(to: Path) -> None:
    """Hashes of all files, as ``sha256sum --check`` reads them."""
    files = sorted(path for path in to.rglob("*") if path.is_file() and not path.name.startswith(SUMS))
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(to)}\n" for path in files]
    (to / SUMS).write_text("".join(lines))


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
