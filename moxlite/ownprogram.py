"""Commands that start this program again, whichever way it is installed (ADMIN-60b).

Some work is done by processes of their own. `own_program` is the only place that knows how one is started: by Python
with the module's name, or by a frozen program, which has no `python -m`, with a hidden verb. A child's process begins
in `run_child`, before anything of the command line is imported.
"""

import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Final, Literal, cast

FROZEN: Final = bool(getattr(sys, "frozen", False))
"""Whether the program brings its own Python (`script/package binary`)."""

VERB: Final = "__child"
"""The hidden verb: the next word names the child, the others are its arguments."""

Child = Literal["acme", "dns", "keeper", "patterns", "sandbox"]

CHILDREN: Final[dict[Child, str]] = {
    "acme": "moxlite.autotls.child",
    "dns": "moxlite.admin.dnsproviders.child",
    "keeper": "moxlite.process.keeper",
    "patterns": "moxlite.patterns.child",
    "sandbox": "moxlite.sandbox.child",
}
"""Modules with the function `main` of each child."""

BARE: Final = "import sys; sys.path.append({top!r}); from moxlite.ownprogram import run_child; run_child(sys.argv[2:])"
"""What a child runs that needs no library and stays root: isolated from the environment, without site-packages."""

TOP: Final = Path(__file__).resolve().parents[1]
"""Folder that has the package."""

LATE: Final = ("nh3", "regex", "re2", "trio_websocket", "dns", "dkim", "lexicon")
"""Libraries that are imported at their first use."""

ADDED: Final = "/usr/local/lib/moxlite"
"""Libraries that the owner adds to a frozen program: an upgrade leaves them there."""

FILE_VARIABLE: Final = "MOXLITE_FILE"
"""Variable in which the one file's head, the Debian package's program and the container image name what was started."""

PACKAGE_PROGRAM: Final = "/usr/bin/moxlite"
IMAGE_PROGRAM: Final = "/usr/lib/moxlite/moxlite"
"""What they name; the one file may be anywhere else."""

Form = Literal["file", "package", "image", "folder"]
FORMS: Final[dict[str, Form]] = {PACKAGE_PROGRAM: "package", IMAGE_PROGRAM: "image"}

UPDATING: Final[dict[Form, str]] = {
    "file": "To update, run: moxlite self update",
    "package": "To update the Debian package, run: apt-get update && apt-get install moxlite",
    "image": "To update the container, load the new image and start it again: docs/upgrade.md",
    "folder": "To update, install the new version: docs/upgrade.md",
}
"""For owners, by the way of installation."""


def own_program(child: Child | None = None) -> list[str]:
    """The command that starts the command line, or a child; arguments may follow."""
    if FROZEN:
        return [sys.executable] if child is None else [sys.executable, VERB, child]
    if child is None:
        return [sys.executable, "-m", "moxlite"]
    if child == "keeper":  # -B: root would leave bytecode of its own in the folders of the program
        return [sys.executable, "-I", "-S", "-B", "-c", BARE.format(top=str(TOP)), VERB, child]
    return [sys.executable, "-P", "-m", "moxlite", VERB, child]  # -P: nothing from the current directory


def installed_form() -> Form:
    """The way in which this program was installed. `folder`: by pip, or from the tarball."""
    started = os.environ.get(FILE_VARIABLE, "")
    if not FROZEN or not started:
        return "folder"
    return FORMS.get(started, "file")


def shown_program() -> list[str]:
    """The command line's command for units and instructions: the one file where that was started, not what it has
    unpacked.
    """
    file = os.environ.get(FILE_VARIABLE, "")
    return [file] if FROZEN and file else own_program()


def exit_words(status: int | None) -> str:
    """How a child ended, in words. An old unit's filter of system calls kills by SIGSYS."""
    if status is None or status >= 0:
        return f"status {status}"
    return f"status {status}: {signal.strsignal(-status) or 'a signal'}"


def own_files() -> list[Path]:
    """Files of Python, of this package and of libraries that a process reads later, for what it imports at its first
    use (design-facts §9) and to start children. A process that cannot read them does not find them all.
    """
    if FROZEN:
        return [Path(sys.executable), *(path for path in _folder().rglob("*") if path.is_file())]
    from importlib.util import find_spec

    origins = (spec.origin for name in LATE if (spec := find_spec(name)) is not None and spec.origin is not None)
    return [Path(os.__file__), Path(__file__), *map(Path, origins)]


def _folder() -> Path:
    """Folder with the libraries of the frozen program."""
    return Path(sys._MEIPASS)  # type: ignore[attr-defined]  # noqa: SLF001 - PyInstaller's documented name


def clean_environment() -> None:
    """Take out of the environment what the start of a frozen program has put there: ssh and other programs of the
    system must use the system's libraries, and a child of ours must begin as this process did. The loader of this
    process has read the folder of libraries before.
    """
    if not FROZEN:
        return
    before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    os.environ.pop("LD_LIBRARY_PATH", None)
    if before is not None:
        os.environ["LD_LIBRARY_PATH"] = before
    for name in [one for one in os.environ if one.startswith("_PYI_")]:
        del os.environ[name]  # with these, the start takes the folder of libraries as set


def run_child(words: list[str]) -> None:
    """Run a child in this process: its name, and its arguments, which it finds in ``sys.argv``."""
    name, *arguments = words
    module = CHILDREN.get(cast("Child", name))
    if module is None:
        sys.exit(f"moxlite: no child {name!r}")
    sys.argv[1:] = arguments
    import_module(module).main()
