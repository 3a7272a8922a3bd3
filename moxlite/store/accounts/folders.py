"""The folders of accounts, ``accounts/NAME`` of the data directory: their names, how they are made and moved."""

from __future__ import annotations

import os
import re
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from moxlite.store.errors import BadAccountName

__all__ = ["NAME", "check_account_name", "folder_is_made", "make_folder", "move_folder", "renew_folder", "set_aside"]

NAME: Final = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9._-]{0,63}")
"""STORE-166: nothing that a path or a log line could take for something else."""

CREATING: Final = ".creating.tmp"
"""Stands in the folder of a new account until its database is made: of such a folder alone the database may be missing
(STORE-158d).
"""

DIRECTORY_MODE: Final = 0o2750
"""ADMIN-37: files made in it get its group."""


def check_account_name(name: str) -> str:
    """The name, if it is one (STORE-166). Raises BadAccountName."""
    if not NAME.fullmatch(name):
        raise BadAccountName(name)
    return name


def make_folder(folder: Path) -> bool:
    """Make the folder of an account, with the modes of ADMIN-37, where there is none. Blocking.

    Returns whether the account is new, so that its database is to be made. It is until `folder_is_made`.
    """
    mark = folder / CREATING
    if not folder.exists():
        folder.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        new = folder.with_name(f".{folder.name}.tmp")  # no name of an account
        new.mkdir(exist_ok=True)
        new.chmod(DIRECTORY_MODE)  # mkdir leaves out the set-group-id bit
        (new / CREATING).touch(0o640)
        new.rename(folder)  # with the mark: a kill leaves none without
        return True
    return mark.exists()


def renew_folder(folder: Path) -> Path | None:
    """Have the database of an account that has lost it made anew at its next use. What is left of the old one goes into
    a folder beside it, which is returned. Blocking.
    """
    aside = set_aside(folder, "account.db", "search.db")
    (folder / CREATING).touch(0o640)
    return aside


def set_aside(folder: Path, *names: str) -> Path | None:
    """Move databases of these names, with all that belongs to them, into a new folder ``damaged-TIME``; returns it, or
    None when there is nothing to move. Blocking.
    """
    found = sorted(path for name in names for path in folder.glob(f"{name}*"))
    if not found:
        return None
    aside = folder / f"damaged-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
    aside.mkdir(mode=0o750)
    for path in found:
        path.rename(aside / path.name)
    return aside


def folder_is_made(folder: Path) -> None:
    """The database of a new account is there: from now on it must be. Blocking."""
    _sync(folder.parent)
    (folder / CREATING).unlink(missing_ok=True)
    _sync(folder)


def _sync(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def move_folder(folder: Path, moved: Path) -> None:
    """Rename a folder on the same disk; done for good when this returns. Blocking.

    Raises:
      OSError: nothing was changed.
    """
    moved.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    with ExitStack() as stack:
        handles = []
        for path in (folder.parent, moved.parent):
            handles.append(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            stack.callback(os.close, handles[-1])
        folder.rename(moved)
        try:
            for handle in handles:
                os.fsync(handle)  # a power loss must not bring the account back
        except OSError:
            moved.rename(folder)
            raise
