"""The folders of accounts, ``accounts/NAME`` of the data directory: their names, how they are made and moved."""

from __future__ import annotations

import os
import re
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from moxlite.store.errors import BadAccountName

__all__ = ["NAME", "check_account_name", "make_folder", "move_folder"]

NAME: Final = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9._-]{0,63}")
"""STORE-166: nothing that a path or a log line could take for something else."""

DIRECTORY_MODE: Final = 0o2750
"""ADMIN-37: files made in it get its group."""


def check_account_name(name: str) -> str:
    """The name, if it is one (STORE-166). Raises BadAccountName."""
    if not NAME.fullmatch(name):
        raise BadAccountName(name)
    return name


def make_folder(folder: Path) -> None:
    """Make the folder of an account, with the modes of ADMIN-37. Blocking."""
    folder.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    if not folder.exists():
        folder.mkdir()
        folder.chmod(DIRECTORY_MODE)  # mkdir leaves out the set-group-id bit


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
