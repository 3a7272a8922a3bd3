"""Giving up root permanently, before any thread starts and any octet from the network is read (ADMIN-36, design-facts
§9).

The server binds its ports and reads its keys as root, then becomes the service user. Its parent stays root and reads
renewed keys for it (`parent`). A change of other ports needs a restart.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from moxlite.config.load import DOMAINS_FILE, ConfigError, parse, read_source
from moxlite.config.static import SERVICE_USER
from moxlite.ownprogram import own_files
from moxlite.prctl import forbid_new_privileges, hide_memory
from moxlite.safefile import replaceable

UMASK: Final = 0o007
"""No permissions for others (ADMIN-37)."""

MAX_ID: Final = 2**32 - 2
"""The largest number of a user: the next one means "no change" to chown(2)."""


class Unreadable(Exception):
    """The service user cannot read the program itself; the text says what to do."""


class UnknownUser(Exception):
    """The configured user does not exist; the text says what to do."""


def user_ids(user: str) -> tuple[int, int]:
    """User and group id of ``user``: a name, or a number for both.

    Raises UnknownUser.
    """
    import pwd

    if user.isdecimal() and len(user) <= len(str(MAX_ID)) and int(user) <= MAX_ID:
        return int(user), int(user)
    try:
        found = pwd.getpwnam(user)
    except KeyError:
        raise UnknownUser(
            f"user {user!r} doesn't exist; create it (useradd --system --no-create-home {user}), or set `user` in "
            "moxlite.toml"
        ) from None
    return found.pw_uid, found.pw_gid


def is_root(user: str) -> bool:
    """Whether a user, by name or number, has root's rights here. A user that doesn't exist has none."""
    try:
        return os.name == "posix" and user_ids(user)[0] == 0
    except UnknownUser:
        return False


def same_user(one: str, other: str) -> bool:
    """Whether two names or numbers mean the same user and group here."""
    try:
        return one == other or (os.name == "posix" and user_ids(one) == user_ids(other))
    except UnknownUser:
        return False


def owner_name(folder: Path) -> str:
    """The owner of a folder, as a value for `user`; "" if that is root, or there is no folder."""
    if os.name != "posix" or not folder.is_dir() or (uid := folder.stat().st_uid) == 0:
        return ""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def service_user(user: str) -> tuple[int, int] | None:
    """User and group id of the service user if this process is root and that user is not; else None. Raises
    UnknownUser.
    """
    if os.name != "posix" or os.geteuid() != 0:
        return None
    ids = user_ids(user)
    return None if ids[0] == 0 else ids


@contextmanager
def acting_as(uid: int, gid: int) -> Iterator[None]:
    """Run the block as this user, then become root again; for a process that is root. Affects all its threads.

    Raises OSError.
    """
    groups, own = os.getgroups(), os.getegid()
    # The user last, and first on the way back: without root's user id neither group nor groups can be changed.
    os.setgroups([])
    os.setegid(gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(own)
        os.setgroups(groups)


def drop_privileges(uid: int, gid: int) -> None:
    """Become this user permanently: no other groups, no privileges by setuid programs, no core dumps with keys.

    Raises:
      OSError: the system refuses.
      Unreadable: this user cannot read the program. Root is given up all the same.
    """
    files = own_files()
    "localhost".encode("idna")  # the codec is a module
    os.setgroups([])  # or the service user would keep what root's groups may read
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    forbid_new_privileges()
    hide_memory()  # again: the change of the user has undone it
    for needed in files:
        if not os.access(needed, os.R_OK):
            raise Unreadable(f"user ID {uid} can't read {needed}; install moxlite in a folder this user can read")


# Reading files as root that the service user can write: ``domains.toml`` and the files that it names (ADMIN-37).
#
# Root reads them as that user, so that a link planted by a compromised server gives access to nothing that its user
# could not read. `as_author` is for commands; the start knows the user already.


@contextmanager
def as_its_author(path: Path, ids: tuple[int, int] | None) -> Iterator[None]:
    """Run the block as the service user (`ids`; None: this process stays as it is) if that user could replace the file
    at `path`. Then it also chooses the paths in the file, and root must open none of them.
    """
    with ExitStack() as stack:
        if ids is not None and os.path.lexists(path) and replaceable(path):
            stack.enter_context(acting_as(*ids))
        yield


@contextmanager
def as_author(static_file: Path) -> Iterator[None]:
    """As `as_its_author`, for the domains.toml next to a static file, which names the service user. If it names no
    valid user, the process stays as it is; reading the configuration reports that.
    """
    ids = None
    if os.name == "posix" and os.geteuid() == 0:
        try:
            user = parse(read_source(static_file)).get("user", SERVICE_USER)
            ids = service_user(user) if isinstance(user, str) else None
        except (ConfigError, UnknownUser):
            pass
    with as_its_author(static_file.parent / DOMAINS_FILE, ids):
        yield
