"""An image for containers (ADMIN-42): the frozen program, the C library of the machine that builds, and nothing else.

There is no shell and no package manager in it, so there is no other image below and no program that builds images: the
archive is written as ``docker save`` writes one, and ``docker load`` or ``podman load`` takes it from ``gunzip``: not
each version of them reads the compressed one.
"""

import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from moxlite.ownprogram import FILE_VARIABLE, IMAGE_PROGRAM
from packages.binary import NAME, machine_of
from packages.deb import ARCHITECTURES
from packages.sources import Failed, add_tree, commit_time, run

__all__ = ["build_image"]

VOLUMES: Final = ("/etc/moxlite", "/var/lib/moxlite", "/srv/web")
"""Configuration, mail, and files for web handlers."""

PORTS: Final = (25, 80, 443, 465, 587, 993)

SECOND: Final = 1_000_000_000
"""Nanoseconds, in which the configuration of an image has times."""

USERS: Final = "root:x:0:0::/root:\nmoxlite:x:999:999::/var/lib/moxlite:\nnobody:x:65534:65534::/:\n"
GROUPS: Final = "root:x:0:\nmoxlite:x:999:\nnogroup:x:65534:\n"
NAMES: Final = "passwd: files\ngroup: files\nhosts: files dns\n"
"""nsswitch.conf: without it the C library asks DNS before ``/etc/hosts``."""

AUTHORITIES: Final = "etc/ssl/certs/ca-certificates.crt"
"""The public authorities, of certifi: the machine that builds may trust further ones."""

LIBRARIES: Final = ("libc", "libm", "libpthread", "libdl", "librt", "libutil", "libresolv", "libz")
"""Parts of the C library, and zlib, which the program needs before it finds its own folder, where all others are."""

ZONES: Final = Path("/usr/share/zoneinfo")
"""Time zones, which calendars name."""


def build_image(to: Path, version: str, program: Path) -> Path:
    """Build the image of a frozen program into the folder `to`, as an archive; returns its path.

    Raises Failed.
    """
    machine = machine_of(program)
    if machine != os.uname().machine:
        raise Failed(f"the image for {machine} is built on {machine}, whose C library is a part of it")
    with tempfile.TemporaryDirectory(prefix="moxlite-image-") as name:
        root = Path(name)
        _fill(root, program)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
            add_tree(archive, root, ".")
            everybody = tarfile.TarInfo("./tmp")
            everybody.type, everybody.mode, everybody.mtime = tarfile.DIRTYPE, 0o1777, int(commit_time())
            archive.addfile(everybody)
    layer = buffer.getvalue()
    config = json.dumps(_config(ARCHITECTURES[machine], hashlib.sha256(layer).hexdigest())).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    tags = [f"moxlite:{version.replace('~', '-').replace('+', '-')}", "moxlite:latest"]
    manifest = json.dumps([{"Config": name, "RepoTags": tags, "Layers": ["layer.tar"]}]).encode()
    outer = io.BytesIO()
    with tarfile.open(fileobj=outer, mode="w") as archive:
        for title, data in ((name, config), ("layer.tar", layer), ("manifest.json", manifest)):
            entry = tarfile.TarInfo(title)
            entry.size, entry.mtime = len(data), int(commit_time())
            archive.addfile(entry, io.BytesIO(data))
    to.mkdir(parents=True, exist_ok=True)
    path = to / f"moxlite-{version}-container-{machine}.tar.gz"
    path.write_bytes(gzip.compress(outer.getvalue(), 6, mtime=0))
    return path


def _fill(root: Path, program: Path) -> None:
    shutil.copytree(program, root / "usr/lib/moxlite")
    for folder in ("etc", "usr/bin", "root", "run", "proc", "dev", "sys", "var/backups/moxlite", *VOLUMES):
        (root / folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
    for file, text in (("passwd", USERS), ("group", GROUPS), ("nsswitch.conf", NAMES)):
        (root / "etc" / file).write_text(text)
    (root / AUTHORITIES).parent.mkdir(parents=True)
    shutil.copy(program / "lib/certifi/cacert.pem", root / AUTHORITIES)
    shutil.copytree(ZONES, root / ZONES.relative_to("/"), ignore=shutil.ignore_patterns("posix", "right"))
    named = dict(_needed(program / NAME))
    loader = next((path for path in named.values() if path.name.startswith("ld-linux")), None)
    c_library = named.get("libc.so.6")
    if loader is None or c_library is None:
        raise Failed(f"{program / NAME} does not run with the C library of this machine (glibc)")
    found = [path for name in LIBRARIES for path in c_library.parent.glob(f"{name}.so.[0-9]*")]
    for path in (loader, *found):
        (root / str(path).lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, root / str(path).lstrip("/"))


def _needed(program: Path) -> list[tuple[str, Path]]:
    """Libraries of the system that a program names, with their files (ldd(1))."""
    words = [line.split() for line in run("ldd", program).splitlines()]
    return [(Path(word[0]).name, Path(word[2] if "=>" in word else word[0])) for word in words if "/" in " ".join(word)]


def _config(architecture: str, layer: str) -> dict[str, object]:
    created = datetime.fromtimestamp(int(commit_time()), UTC).isoformat()
    return {
        "architecture": architecture,
        "os": "linux",
        "created": created,
        "config": {
            "Env": [
                "PATH=/usr/lib/moxlite",
                "LANG=C.UTF-8",
                "HOME=/root",
                "MOXLITE_CONF=/etc/moxlite/moxlite.toml",
                f"{FILE_VARIABLE}={IMAGE_PROGRAM}",
                f"SSL_CERT_FILE=/{AUTHORITIES}",
            ],
            "Entrypoint": [IMAGE_PROGRAM],
            "Cmd": ["serve"],
            "Volumes": {folder: {} for folder in VOLUMES},
            "ExposedPorts": {f"{port}/tcp": {} for port in PORTS},
            "Healthcheck": {
                "Test": ["CMD", IMAGE_PROGRAM, "healthcheck"],
                "Interval": 60 * SECOND,
                "Timeout": 10 * SECOND,
                "StartPeriod": 60 * SECOND,
            },
            # process 1 is the server's parent, which passes signals on, and ends as the server ends
            "StopSignal": "SIGTERM",
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer}"]},
        "history": [{"created": created, "created_by": "script/package container"}],
    }
