"""A Debian package out of the frozen program (ADMIN-43): it needs a C library that is not older, and no Python.

``/usr/lib/moxlite`` is the folder of `packages.binary`, ``/usr/bin/moxlite`` starts it. The configuration is in
``/etc/moxlite``, the data in ``/var/lib/moxlite``: both are kept, come what may.
"""

import gzip
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from moxlite.admin.installation import BACKUPS, CONFIG, DATA
from moxlite.admin.quickstart.files import follow_unit_file, unit_file
from packages.binary import NAME, machine_of
from packages.manual import write_manual
from packages.sources import TOP, clean_environment, commit_time, copy_files, run

__all__ = ["ARCHITECTURES", "build_deb"]

ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
"""Debian's names, by the kernel's."""

HOME: Final = Path("usr/lib/moxlite")

LEFT_OUT: Final = ("spec", "images", "decisions", "developers")
"""Pages for developers."""


def build_deb(to: Path, version: str, program: Path, *, compression: str = "xz") -> Path:
    """Build the package of a frozen program into the folder `to`; returns its path.

    Args:
      compression: as dpkg-deb knows it: xz makes a third, and takes half a minute.

    Raises Failed.
    """
    architecture = ARCHITECTURES[machine_of(program)]
    with tempfile.TemporaryDirectory(prefix="moxlite-deb-") as name:
        tree = Path(name) / "tree"
        shutil.copytree(program, tree / HOME, symlinks=True)
        (tree / "usr/bin").mkdir(parents=True)
        shutil.copy2(TOP / "packaging/debian/moxlite", tree / "usr/bin/moxlite")
        _system(tree)
        write_manual(tree, version)
        _control(tree, architecture, version)
        _normalize(tree)
        path = to / f"moxlite_{version}_{architecture}.deb"
        to.mkdir(parents=True, exist_ok=True)
        # threads cut what xz compresses, by the processors and the memory of the machine
        words = ("--root-owner-group", "--threads-max=1", f"-Z{compression}")
        run("dpkg-deb", *words, "--build", tree, path, env=clean_environment())
    return path


def _system(tree: Path) -> None:
    for folder in (CONFIG.parent, DATA):
        (tree / folder.relative_to("/")).mkdir(parents=True)
    units, program = tree / "lib/systemd/system", "/usr/bin/moxlite"
    units.mkdir(parents=True)
    text = unit_file(program=program, config=CONFIG, data=DATA, more=[BACKUPS], waits=True)
    (units / "moxlite.service").write_text(text)
    (units / "moxlite-follow.service").write_text(follow_unit_file(program=program, config=CONFIG, data=DATA))
    about = tree / "usr/share/doc/moxlite"
    about.mkdir(parents=True)
    shutil.copy(TOP / "LICENSE", about / "copyright")
    shutil.copy(TOP / "README.md", about)
    (about / "changelog.gz").write_bytes(gzip.compress((TOP / "CHANGELOG.md").read_bytes(), 9, mtime=0))
    copy_files(about, "docs")
    for name in LEFT_OUT:
        shutil.rmtree(about / "docs" / name)


def _control(tree: Path, architecture: str, version: str) -> None:
    files = [path for path in sorted(tree.rglob("*")) if path.is_file() and not path.is_symlink()]
    kibibytes = sum(-(-path.stat().st_size // 1024) for path in files)
    sums = [f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(tree)}\n" for path in files]
    about = tree / "DEBIAN"
    about.mkdir()
    template = (TOP / "packaging/debian/control").read_text()
    (about / "control").write_text(template.format(version=version, architecture=architecture, size=kibibytes))
    (about / "md5sums").write_text("".join(sums))
    for name in ("postinst", "prerm", "postrm"):
        shutil.copy(TOP / "packaging/debian" / name, about)


def _normalize(tree: Path) -> None:
    """Give files the modes and the time that a package has, whatever the umask and the age of the checkout."""
    programs = {tree / "usr/bin/moxlite", tree / HOME / NAME}
    programs |= {tree / "DEBIAN" / name for name in ("postinst", "prerm", "postrm")}
    time = int(commit_time())
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path in programs else 0o644)
        os.utime(path, (time, time), follow_symlinks=False)
