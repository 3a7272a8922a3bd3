"""New passwords that a guesser would try, by what the configuration tells of their owner (STORE-102a)."""

from typing import Final

from moxlite.config.snapshot import Snapshot
from moxlite.store.auth.weakpasswords import refuse_weak

PRODUCT: Final = "moxlite"
LOCAL: Final = "localhost"
"""Hostname of the server of `localserve`."""


def context_of(snapshot: Snapshot, name: str) -> list[str]:
    """Words that a guesser of a password knows: names and addresses of the account and of this server.

    Args:
      name: an account, or one that isn't in the configuration, such as `ADMIN`.
    """
    account = snapshot.account(name)
    words = [PRODUCT, name, snapshot.static.hostname.ascii, snapshot.static.hostname.unicode]
    if account is not None:
        full_names = (account.full_name, *(destination.full_name for destination in account.destinations.values()))
        words += [account.domain.unicode, *account.destinations, *full_names]
    return words


def refuse_guessable(snapshot: Snapshot, name: str, password: str) -> None:
    """Raise BadPassword for a new password that is easy to guess; the text is for its owner. The server of `localserve`
    takes any, because its passwords are printed and it answers on this machine alone.
    """
    if snapshot.static.hostname.ascii != LOCAL:
        refuse_weak(password, context_of(snapshot, name))
