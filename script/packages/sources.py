"""What goes into packages: this project's own files as a wheel, and the packages that it depends on, as locked."""

import gzip
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

from moxlite import __version__
from moxlite.config.load import ConfigError, read_channel
from moxlite.config.toml.decode import dotted

__all__ = [
    "BUILT_CHANNEL",
    "SOURCES",
    "TOP",
    "Failed",
    "add_tree",
    "build_sdist",
    "build_wheel",
    "clean_environment",
    "commit_time",
    "copy_files",
    "packed",
    "run",
    "version",
]

TOP: Final = Path(__file__).resolve().parents[2]

OWN: Final = ("moxlite", "pyproject.toml", "README.md", "LICENSE", "requirements/runtime.in")
"""Files that the wheel and the sdist are made of."""


CHANNEL: Final = "packaging/channel.toml"
BUILT_CHANNEL: Final = "moxlite/channel.toml"
"""The update channel, in this project and in packages of it (ADMIN-60)."""

SOURCES: Final = ("dkimpy",)
"""Packages that have no wheel: pure Python, the same on each platform."""


NEWEST: Final = re.compile(r"^## (\d+\.\d+\.\d+) \((\d[^)]*)?", re.MULTILINE)
"""Of the sections of CHANGELOG.md: the version, and the date if it is released."""


class Failed(Exception):
    """A package cannot be built; one line, or what the failed program said."""


def run(*command: str | Path, cwd: Path = TOP, env: dict[str, str] | None = None) -> str:
    """Run a program to its end; its stdout. Raises Failed."""
    try:
        done = subprocess.run(
            [str(word) for word in command], cwd=cwd, env=env, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise Failed(f"can't run {command[0]}: {error.strerror}") from None
    if done.returncode:
        raise Failed(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _git(*words: str) -> str | None:
    """What git says; None outside of a repository, or where it finds nothing."""
    try:
        return run("git", *words).strip()
    except Failed:
        return None


def version() -> str:
    """Of the packages: that of the newest section of CHANGELOG.md, itself if the section has a date, else older than it
    (``~git``). A repository that has the release's tag gives later commits a newer one (``+git``).
    """
    section = NEWEST.search((TOP / "CHANGELOG.md").read_text())
    declared, dated = (section[1], section[2] is not None) if section else (__version__, True)
    # as many digits in each clone: left to itself, git takes more in a larger one
    at = _git("log", "-1", "--abbrev=10", "--format=%cd.%h", "--date=format:%Y%m%d%H%M%S")
    tagged = _git("rev-parse", "--verify", "--quiet", f"v{declared}^{{commit}}")
    if at is None or (dated and tagged in (None, _git("rev-parse", "HEAD"))):
        return declared
    return f"{declared}{'+' if dated else '~'}git{at}"


def commit_time() -> str:
    """Seconds since 1970 of the commit: the time of all files in a package, so that two builds give the same octets."""
    return os.environ.get("SOURCE_DATE_EPOCH") or _git("log", "-1", "--format=%ct") or "1700000000"


def clean_environment() -> dict[str, str]:
    """For programs that write what goes into packages: the commit's time, and nothing of the folder that builds.

    With the checkout on PYTHONPATH, pip takes the ``moxlite.egg-info`` of an earlier ``pip install .`` for moxlite.
    """
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {"SOURCE_DATE_EPOCH": commit_time(), "PYTHONHASHSEED": "0"}


def build_wheel(to: Path) -> Path:
    """Make the wheel of this project, out of the files that git knows, as they are now. Raises Failed."""
    source = _copy_source(to)
    quiet = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", "--no-build-isolation")
    pip = (sys.executable, "-m", "pip", "wheel", *quiet, "--wheel-dir", to.resolve(), source.resolve())
    run(*pip, cwd=source, env=clean_environment())
    shutil.rmtree(source)
    (wheel,) = to.glob("moxlite-*.whl")
    return wheel


def build_sdist(to: Path) -> Path:
    """Make the source distribution, out of the same files (PEP 517). Raises Failed."""
    source = _copy_source(to)
    (source / "MANIFEST.in").write_text("include requirements/runtime.in\n")
    code = "import sys, setuptools.build_meta as backend; print(backend.build_sdist(sys.argv[1]))"
    said = run(sys.executable, "-c", code, to.resolve(), cwd=source, env=clean_environment())
    shutil.rmtree(source)
    path = to / said.split()[-1]
    with tarfile.open(path) as archive:
        archive.extractall(source)
    (tree,) = source.iterdir()
    path.write_bytes(packed(tree, tree.name))  # setuptools writes times, owner and modes of this checkout
    shutil.rmtree(source)
    return path


def packed(folder: Path, name: str) -> bytes:
    """A compressed archive of a folder, as `name`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        add_tree(archive, folder, name)
    return gzip.compress(buffer.getvalue(), 9, mtime=0)


def add_tree(archive: tarfile.TarFile, folder: Path, name: str) -> None:
    """Add a folder of ours as `name`: root's, with the time of the commit, and modes that no umask changes."""
    for path in (folder, *sorted(folder.rglob("*"))):
        entry = archive.gettarinfo(path, str(Path(name) / path.relative_to(folder)))
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = int(commit_time())
        entry.mode = 0o755 if entry.isdir() or path.stat().st_mode & 0o100 else 0o644
        if entry.isreg():
            with path.open("rb") as file:
                archive.addfile(entry, file)
        else:
            archive.addfile(entry)


def _copy_source(to: Path) -> Path:
    source = to / "source"
    copy_files(source, *OWN)
    try:
        _, mistakes = read_channel(TOP / CHANNEL)
    except ConfigError as error:
        raise Failed(str(error)) from None
    if mistakes:
        raise Failed("\n".join(f"{CHANNEL}: {dotted(mistake.path)}: {mistake.text}" for mistake in mistakes))
    shutil.copyfile(TOP / CHANNEL, source / BUILT_CHANNEL)
    return source


def copy_files(to: Path, *names: str) -> None:
    """Copy the files of this project with these names, or in these folders, that git knows; without git all."""
    known = _git("ls-files", "-z", "--", *names)
    files = (
        known.rstrip("\0").split("\0")
        if known
        else [str(path.relative_to(TOP)) for one in names for path in _files(TOP / one)]
    )
    for name in files:
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOP / name, to / name)
        (to / name).chmod(0o755 if (to / name).stat().st_mode & 0o100 else 0o644)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [one for one in sorted(path.rglob("*")) if one.is_file() and "__pycache__" not in one.parts]
