"""Giving up root permanently, before any thread starts and any octet from the network is read (ADMIN-36, design-facts
§9).

The server binds its ports and reads its keys as root, then becomes the service user. Its parent stays root and reads
renewed keys for it (`parent`). A change of other ports needs a restart.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from moxlite.ownprogram import own_files
from moxlite.prctl import forbid_new_privileges, hide_memory

UMASK: Final = 0o007
"""No permissions for others (ADMIN-37)."""


class Unreadable(Exception):
    """The service user cannot read the program itself; the text says what to do."""


class UnknownUser(Exception):
    """The configured user does not exist; the text says what to do."""


def user_ids(user: str) -> tuple[int, int]:
    """User and group id of ``user``: a name, or a number for both.

    Raises UnknownUser.
    """
    import pwd

    if user.isdecimal():
        return int(user), int(user)
    try:
        found = pwd.getpwnam(user)
    except KeyError:
        raise UnknownUser(
            f"there is no user {user!r}: create it (useradd --system --no-create-home {user}), "
            "or set `user` in moxlite.toml"
        ) from None
    return found.pw_uid, found.pw_gid


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
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    forbid_new_privileges()
    hide_memory()  # again: the change of the user has undone it
    for needed in files:
        if not os.access(needed, os.R_OK):
            raise Unreadable(f"the user with id {uid} cannot read {needed}: install moxlite where it can")
