"""A Debian package (ADMIN-43): the system's Python runs it, all else comes along in a folder of its own.

``/usr/lib/moxlite`` is a virtual environment without programs but Python, which is the system's and gets its security
updates. Byte code is made at the installation, so that it fits that Python, and removed with the package. The
configuration is in ``/etc/moxlite``, the data in ``/var/lib/moxlite``: both are kept, come what may.
"""

import gzip
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from moxlite.admin.quickstart.files import unit_file
from moxlite.optional import ADDED
from packages.sources import TOP, Failed, build_wheel, commit_time, install_locked, install_wheel, run

__all__ = ["MACHINES", "build_deb"]

MACHINES: Final = {"amd64": "x86_64", "arm64": "aarch64"}
"""Debian's names of architectures, and the kernel's. Wheels of all that we depend on exist for these."""

HOME: Final = Path("usr/lib/moxlite")
PACKAGES: Final = HOME / "lib/python3.11/site-packages"
ENVIRONMENT: Final = "home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11\n"
"""pyvenv.cfg: what makes the folder a virtual environment (PEP 405)."""

CONFIG: Final = Path("/etc/moxlite/moxlite.toml")
DATA: Final = Path("/var/lib/moxlite")
BACKUPS: Final = Path("/var/backups/moxlite")
"""The server may write there too; made at the installation, for it belongs to the user."""

UNNEEDED: Final = ("tests", "test")
"""Folders of libraries that nothing imports when they run."""


def build_deb(
    to: Path, architecture: str, version: str, *, wheels: Path | None = None, compression: str = "xz"
) -> Path:
    """Build the package into the folder `to`; returns its path.

    Args:
      wheels: as `install_locked` takes them.
      compression: as dpkg-deb knows it: xz makes 15 MB out of 60, and takes half a minute.

    Raises Failed.
    """
    if architecture not in MACHINES:
        raise Failed(f"no packages for {architecture}: there are {', '.join(MACHINES)}")
    with tempfile.TemporaryDirectory(prefix="moxlite-deb-") as name:
        tree = Path(name) / "tree"
        tree.mkdir()
        _program(tree, Path(name), MACHINES[architecture], wheels)
        _system(tree)
        _control(tree, architecture, version)
        _modes(tree)
        path = to / f"moxlite_{version}_{architecture}.deb"
        to.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {"SOURCE_DATE_EPOCH": commit_time()}
        run("dpkg-deb", "--root-owner-group", f"-Z{compression}", "--build", tree, path, env=environment)
    return path


def _program(tree: Path, scratch: Path, machine: str, wheels: Path | None) -> None:
    packages = tree / PACKAGES
    packages.mkdir(parents=True)
    install_locked(packages, machine, wheels)
    install_wheel(packages, build_wheel(scratch))
    for name in UNNEEDED:
        for folder in list(packages.glob(f"*/{name}")):
            shutil.rmtree(folder)
    (tree / HOME / "pyvenv.cfg").write_text(ENVIRONMENT)
    (packages / "added.pth").write_text(f"{ADDED}\n")  # behind our own, so that it replaces none of them (site(3))
    (tree / HOME / "bin").mkdir()
    (tree / HOME / "bin/python").symlink_to("/usr/bin/python3.11")
    (tree / "usr/bin").mkdir(parents=True)
    shutil.copy2(TOP / "packaging/debian/moxlite", tree / "usr/bin/moxlite")


def _system(tree: Path) -> None:
    for folder in (CONFIG.parent, DATA):
        (tree / folder.relative_to("/")).mkdir(parents=True)
    unit = unit_file(program="/usr/bin/moxlite", config=CONFIG, data=DATA, more=[BACKUPS])
    unit = unit.replace("\n\n[Service]", f"\nConditionPathExists={CONFIG}\n\n[Service]", 1)
    place = tree / "lib/systemd/system/moxlite.service"
    place.parent.mkdir(parents=True)
    place.write_text(unit)
    about = tree / "usr/share/doc/moxlite"
    about.mkdir(parents=True)
    shutil.copy(TOP / "LICENSE", about / "copyright")
    shutil.copy(TOP / "README.md", about)
    (about / "changelog.gz").write_bytes(gzip.compress((TOP / "CHANGELOG.md").read_bytes(), 9, mtime=0))
    shutil.copytree(
        TOP / "docs", about / "docs", ignore=shutil.ignore_patterns("spec", "images", "decisions", "developers")
    )


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


def _modes(tree: Path) -> None:
    """As a package has them, whatever the umask of who builds it."""
    tree.chmod(0o755)
    for path in tree.rglob("*"):
        if not path.is_symlink():
            runs = path.is_dir() or (path.parent.name == "DEBIAN" and path.name not in ("control", "md5sums"))
            path.chmod(0o755 if runs or path == tree / "usr/bin/moxlite" else 0o644)
