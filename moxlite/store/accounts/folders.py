"""The folders of accounts, ``accounts/NAME`` of the data directory: their names, how they are made and moved.

``made/NAME``, an empty file, records that the account was made. It is outside of ``accounts/``, so that a lost folder,
or a disk that is not mounted there, can be distinguished from a new account (STORE-158d).
"""

from __future__ import annotations

import itertools
import logging
import os
import re
import stat
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from moxlite.store.errors import BadAccountName, MissingFile

logger = logging.getLogger("moxlite.store.accounts")

NAME: Final = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9._-]{0,63}")
"""Pattern of account names (STORE-166): safe in paths and in log lines."""

CREATING: Final = ".creating.tmp"
"""Name of a file in the folder of a new account, deleted once its database is made. Only a folder with this file may
lack the database (STORE-158d).
"""

MADE: Final = "made"
"""Name of the folder of files that record made accounts, in the data directory."""

DIRECTORY_MODE: Final = 0o2750
"""ADMIN-37: files made in it get its group."""


def check_account_name(name: str) -> str:
    """Return the name if it is allowed (STORE-166). Raises BadAccountName."""
    if not NAME.fullmatch(name):
        raise BadAccountName(name)
    return name


def make_folder(folder: Path) -> bool:
    """Make the folder of an account, with the modes of ADMIN-37, unless it exists. Blocking.

    Returns whether the account is new and its database must be made. It is new until `folder_is_made` is called.

    Raises:
      MissingFile: the account was made before, and its folder is lost.
      OSError
    """
    note = _note(folder)
    if folder.exists():
        try:
            _note_made(note, folder.parent)
        except OSError as error:  # this account has its folder, and can be used
            logger.warning("failed to record new account", extra={"kv": {"account": folder.name, "err": str(error)}})
        return (folder / CREATING).exists()
    new = folder.with_name(f".{folder.name}.tmp")  # no name of an account
    if note.exists() and not (new / CREATING).exists():
        mend = (
            f"is the disk mounted? Restore the file, or run `moxlite store create {folder.name}` to start without"
            " its mail"
        )
        raise MissingFile(folder, "is missing", mend)
    folder.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    make_closed(new, exist_ok=True)
    (new / CREATING).touch(0o640)
    # Before the note, so that a kill behind it leaves a sign that the folder is not lost, but was never there.
    _sync(new)
    _sync(new.parent)
    # Before the folder, so that one which is lost later, or not mounted, is never taken for a new account.
    _note_made(note, folder.parent)
    new.rename(folder)  # with the mark inside, so that a kill leaves no folder without it
    return True


def make_closed(folder: Path, *, exist_ok: bool = False) -> None:
    """Make a folder with DIRECTORY_MODE. Blocking. Raises OSError.

    It inherits the set-group-id bit from the folder that it is in, and only without that it is set: the server is not
    in the group of the data directory, and chmod(2) would take the bit away.
    """
    folder.mkdir(mode=0o750, exist_ok=exist_ok)
    if not folder.stat().st_mode & stat.S_ISGID:
        folder.chmod(DIRECTORY_MODE)


def made_names(accounts: Path) -> set[str]:
    """Accounts that were made, whether they have a folder in `accounts` or not. Blocking. Raises OSError."""
    notes = accounts.with_name(MADE)
    return {path.name for path in notes.iterdir() if NAME.fullmatch(path.name)} if notes.is_dir() else set()


def forget_made(folder: Path) -> None:
    """Delete the record that an account was made: it is being removed, or made anew. Blocking. Raises OSError."""
    note = _note(folder)
    if note.exists():
        note.unlink()
        _sync(note.parent)


def _note(folder: Path) -> Path:
    return folder.parent.with_name(MADE) / folder.name


_first: Final = threading.Lock()
"""Accounts are made in threads, several at a time: one of them makes the folder."""


def _note_made(note: Path, accounts: Path) -> None:
    """Record that an account was made. The first call also records all accounts that have a folder."""
    if note.exists():
        return
    notes = note.parent
    with _first:
        if not notes.is_dir():
            new = notes.with_name(f".{MADE}.tmp")
            new.mkdir(mode=0o750, exist_ok=True)
            for path in accounts.iterdir():
                if NAME.fullmatch(path.name):
                    (new / path.name).touch(0o640)
            _sync(new)
            new.rename(notes)
            _sync(notes.parent)
    note.touch(0o640)
    _sync(notes)


def renew_folder(folder: Path) -> Path | None:
    """Have a new database made at the next use of an account that has lost its own. Remains of the old one are moved
    into a new folder beside it, which is returned; None if nothing remains. Blocking.
    """
    aside = set_aside(folder, "account.db", "search.db")
    (folder / CREATING).touch(0o640)
    return aside


def set_aside(folder: Path, *names: str) -> Path | None:
    """Move databases of these names, with their log files, into a new folder ``damaged-TIME``; returns it, or None if
    there is nothing to move. Blocking.
    """
    paths = sorted(path for name in names for path in folder.glob(f"{name}*"))
    if not paths:
        return None
    name = f"damaged-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
    aside = folder / name
    for number in itertools.count(2):
        try:
            aside.mkdir(mode=0o750)
        except FileExistsError:  # another file was set aside within this second
            aside = folder / f"{name}-{number}"
        else:
            break
    for path in paths:
        path.rename(aside / path.name)
    return aside


def folder_is_made(folder: Path) -> None:
    """Mark a new account as complete: from now on its database must exist. Blocking."""
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
    """Rename a folder on the same disk; durable when this returns. Blocking.

    Raises:
      OSError: nothing was changed.
    """
    moved.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    with ExitStack() as stack:
        handles = []
        for path in (folder.parent, moved.parent) if os.name == "posix" else ():  # Windows keeps them in its journal
            handles.append(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            stack.callback(os.close, handles[-1])
        folder.rename(moved)
        try:
            for handle in handles:
                os.fsync(handle)  # a power loss must not bring the account back
        except OSError:
            moved.rename(folder)
            raise
