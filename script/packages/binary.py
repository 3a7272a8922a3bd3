"""The program with its own Python (ADMIN-60c): a folder that runs on each Linux with a C library as new as that of the
machine that builds, a tarball of it, and one file.

`build_program` freezes the locked packages and this project with PyInstaller, in an environment made for it, by the
Python that runs this script: the result is for machines like the one that builds it, with a C library not older.
`build_file` puts a head before the tarball, a shell script that unpacks it once (``packaging/head.sh``).
"""

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from packages.sources import SOURCES, TOP, Failed, build_wheel, clean_environment, packed, run

__all__ = ["NAME", "build_file", "build_program", "machine_of"]

NAME: Final = "moxlite"
"""Of the folder, and of the program in it."""

LOCK: Final = "requirements/frozen.lock"

MACHINES: Final = {62: "x86_64", 183: "aarch64"}
"""By the header of ELF files (elf(5), ``e_machine``)."""


def build_program(to: Path, *, wheels: Path | None = None) -> Path:
    """Build the folder ``moxlite`` in `to`, in place of one that is there; returns its path.

    Args:
      wheels: a folder with the locked packages; None: from the package index, or from pip's cache.

    Raises Failed.
    """
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="moxlite-binary-") as name:
        scratch = Path(name)
        python = scratch / "venv/bin/python"
        run(sys.executable, "-m", "venv", scratch / "venv")
        environment = clean_environment() | {"PYINSTALLER_CONFIG_DIR": str(scratch / "cache")}
        install = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
        where = () if wheels is None else ("--no-index", "--find-links", wheels.resolve())
        locked = ("--require-hashes", "--only-binary=:all:", *where)
        run(*install, *locked, "-r", "requirements/build.lock", env=environment)
        built = (f"--no-binary={','.join(SOURCES)}", "--use-pep517", "--no-build-isolation")
        run(*install, *locked, *built, "-r", LOCK, env=environment)
        run(*install, "--no-index", build_wheel(scratch), env=environment)
        places = ("--distpath", scratch / "dist", "--workpath", scratch / "work")
        command = (python, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", *places)
        run(*command, TOP / "packaging/frozen.spec", cwd=scratch, env=environment)
        shutil.rmtree(to / NAME, ignore_errors=True)
        shutil.move(scratch / "dist" / NAME, to / NAME)
    return to / NAME


def machine_of(program: Path) -> str:
    """The machine that a folder's program is for, as uname(1) names it. Raises Failed."""
    try:
        with (program / NAME).open("rb") as file:
            head = file.read(20)
    except OSError as error:
        raise Failed(f"{program} is no folder of `script/package binary`: {error.strerror}") from None
    machine = MACHINES.get(int.from_bytes(head[18:20], "little"))
    if head[:4] != b"\x7fELF" or machine is None:
        raise Failed(f"{program / NAME} is a program for none of {', '.join(MACHINES.values())}")
    return machine


def build_file(to: Path, version: str, program: Path) -> tuple[Path, Path]:
    """Build the one file ``moxlite-VERSION-linux-MACHINE`` and the tarball ``….tar.gz`` out of a folder; returns their
    paths. The same folder gives the same octets.

    Raises Failed.
    """
    machine = machine_of(program)
    archive = packed(program, NAME)
    digest = hashlib.sha256(archive).hexdigest()
    head = (TOP / "packaging/head.sh").read_text()
    values = {"VERSION": version, "HASH": digest, "SHORT": digest[:12], "MACHINE": machine}
    for name, value in values.items():
        head = head.replace(f"@{name}@", value)
    # the number of the first octet behind the head, as tail(1) counts; with leading zeros it has always 8 digits
    length = len(head.encode()) - len("@OFFSET@") + 8
    octets = head.replace("@OFFSET@", f"{length + 1:08}").encode() + archive
    to.mkdir(parents=True, exist_ok=True)
    path = to / f"moxlite-{version}-linux-{machine}"
    path.write_bytes(octets)
    path.chmod(0o755)
    tarball = path.with_name(f"{path.name}.tar.gz")
    tarball.write_bytes(archive)
    return path, tarball
