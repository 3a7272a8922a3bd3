"""What goes into packages: this project's own files as a wheel, and the packages that it depends on, as locked."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from moxlite import __version__

__all__ = [
    "SOURCES",
    "TOP",
    "Failed",
    "build_sdist",
    "build_wheel",
    "commit_time",
    "run",
    "version",
]

TOP: Final = Path(__file__).resolve().parents[2]

OWN: Final = ("moxlite", "pyproject.toml", "README.md", "LICENSE", "requirements/runtime.in")
"""Files that the wheel and the sdist are made of."""


SOURCES: Final = ("dkimpy",)
"""Packages that have no wheel: pure Python, the same on each platform."""


class Failed(Exception):
    """A package cannot be built; one line, or what the failed program said."""


def run(*command: str | Path, cwd: Path = TOP, env: dict[str, str] | None = None) -> str:
    """Run a program to its end; its stdout. Raises Failed."""
    try:
        done = subprocess.run(
            [str(word) for word in command], cwd=cwd, env=env, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise Failed(f"cannot run {command[0]}: {error.strerror}") from None
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
    """Of the packages: that of the program where this commit has its tag (``v1.2.3``); after its release one that is
    newer than that and older than the next; before the first release one that is older.
    """
    at = _git("log", "-1", "--format=%cd.%h", "--date=format:%Y%m%d%H%M%S")
    if at is None or _git("describe", "--exact-match", "--match", f"v{__version__}") is not None:
        return __version__
    released = re.search(rf"(?m)^## {re.escape(__version__)} \(\d", (TOP / "CHANGELOG.md").read_text())
    return f"{__version__}{'+' if released else '~'}git{at}"


def commit_time() -> str:
    """Seconds since 1970 of the commit: the time of all files in a package, so that two builds give the same octets."""
    return os.environ.get("SOURCE_DATE_EPOCH") or _git("log", "-1", "--format=%ct") or "1700000000"


def build_wheel(to: Path) -> Path:
    """Make the wheel of this project, out of the files that git knows, as they are now. Raises Failed."""
    source = _copy_source(to)
    quiet = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", "--no-build-isolation")
    environment = os.environ | {"SOURCE_DATE_EPOCH": commit_time()}
    run(sys.executable, "-m", "pip", "wheel", *quiet, "--wheel-dir", to, source, env=environment)
    shutil.rmtree(source)
    (wheel,) = to.glob("moxlite-*.whl")
    return wheel


def build_sdist(to: Path) -> Path:
    """Make the source distribution, out of the same files (PEP 517). Raises Failed."""
    source = _copy_source(to)
    (source / "MANIFEST.in").write_text("include requirements/runtime.in\n")
    code = "import sys, setuptools.build_meta as backend; print(backend.build_sdist(sys.argv[1]))"
    environment = os.environ | {"SOURCE_DATE_EPOCH": commit_time()}
    said = run(sys.executable, "-c", code, to.resolve(), cwd=source, env=environment)
    shutil.rmtree(source)
    return to / said.split()[-1]


def _copy_source(to: Path) -> Path:
    source = to / "source"
    names = _git("ls-files", "-z", "--", *OWN)
    files = (
        names.rstrip("\0").split("\0")
        if names
        else [str(path.relative_to(TOP)) for one in OWN for path in _files(TOP / one)]
    )
    for name in files:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(TOP / name, source / name)
    return source


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [one for one in sorted(path.rglob("*")) if one.is_file() and "__pycache__" not in one.parts]
