"""Times at which the mail of accounts was last checked, in ``reports.db`` (STORE-181): no account is opened to ask."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from moxlite.store.file.transaction import Reader, Tx

ALL: Final = "SELECT account, started, damaged FROM scrub"
NOTE: Final = """
INSERT INTO scrub (account, started, damaged) VALUES (?, ?, ?)
ON CONFLICT (account) DO UPDATE SET started = excluded.started, damaged = excluded.damaged"""
FORGET: Final = "DELETE FROM scrub WHERE account = ?"


class LastScrub(msgspec.Struct, frozen=True):
    """Start of an account's last scrub, µs UTC, and the number of damaged chunks that it found."""

    started: int
    damaged: int


def last_scrubs(r: Reader) -> dict[str, LastScrub]:
    """The last scrub of each account that had one."""
    return {account: LastScrub(started, damaged) for account, started, damaged in r.rows(ALL)}


def note_scrub(tx: Tx, account: str, scrub: LastScrub) -> None:
    """Store the last scrub of an account."""
    tx.execute(NOTE, account, scrub.started, scrub.damaged)


def forget_scrubs(tx: Tx, known: Collection[str]) -> None:
    """Remove the rows of accounts that are not among `known`."""
    for account in last_scrubs(tx).keys() - set(known):
        tx.execute(FORGET, account)
