"""Who makes a change: the actor, the app or protocol, the address, and the login. And what they set up that gives
others access to an account (WEB-192): table `way_in` of the account's file.

The origin is known where a request comes in (`acting_as`, `act_from`); the writer's thread runs a unit in the context
of its caller, so each unit can note who set up what it stores (`note_way`).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader, Tx


class Origin(msgspec.Struct, frozen=True):
    """Actor of changes, with the address. `via`: ``cli``, ``file``, the name of an app, or a protocol. `login`: name of
    the app password that was used, or fingerprint of the client certificate; "" for a session and the account's own
    password. `sessions`: ids of the web session of the request, and of the one that has handed it on. `again`: when a
    call was made of which this one is a repetition, µs UTC; 0 for a first call. An unused secret that was made since
    then is to be replaced (WEB-61b).
    """

    actor: str
    via: str
    remote_ip: str = ""
    login: str = ""
    sessions: tuple[int, ...] = ()
    again: int = 0


CLI: Final = Origin("(cli)", "cli")
"""The command line, by the control socket: only root and the server's own user reach it."""

SERVER: Final = Origin("(server)", "server")
"""The server's own work."""

_origin: ContextVar[Origin] = ContextVar("origin", default=CLI)


@contextmanager
def acting_as(origin: Origin) -> Iterator[None]:
    """Changes within the block are made by `origin`."""
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)


def act_from(origin: Origin) -> None:
    """What the calling task changes from now on is changed by `origin`, and what the tasks change that it starts."""
    _origin.set(origin)


def origin() -> Origin:
    """Actor of the changes that the running task makes."""
    return _origin.get()


# Ways in


WayKind: TypeAlias = Literal[
    "folder",
    "calendar",
    "contacts",
    "delegate",
    "calendar_link",
    "forward",
    "script",
    "sender",
    "linked",
    "outgoing_webhook",
    "incoming_webhook",
    "session",
    "app_password",
    "token",
    "certificate",
    "authenticator",
    "security_key",
    "recovery_codes",
    "recovery_link",
    "provider",
    "device",
    "push",
]
"""Kinds of grants that outlive the login that set them up. `admin.waysin` has a description of each."""

NEWS: Final = "way-in"
"""Kind of the rows of the outbox by which the owner is told of new ways in."""

KEPT: Final = 3600 * 1_000_000
"""µs for which a note without a grant stays: a grant in another file is stored after its note."""

TELL_AFTER: Final = 60 * 1_000_000
"""µs from a way in until the owner is told: a program or a person sets up several at once, and one mail names them."""

NOTE: Final = """
INSERT INTO way_in (kind, key, at, actor, via, remote_ip, login, told) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (kind, key) DO UPDATE SET at = excluded.at, actor = excluded.actor, via = excluded.via,
remote_ip = excluded.remote_ip, login = excluded.login, told = excluded.told"""
COPY: Final = """
INSERT OR IGNORE INTO way_in (kind, key, at, actor, via, remote_ip, login, told)
SELECT kind, ? || substr(key, instr(key, '/')), at, actor, via, remote_ip, login, 1 FROM way_in
WHERE kind = ? AND substr(key, 1, instr(key, '/')) = ? || '/'"""
ALL: Final = "SELECT kind, key, at, actor, via, remote_ip, login FROM way_in"
UNTOLD: Final = "SELECT kind, key FROM way_in WHERE NOT told ORDER BY at DESC"
TOLD: Final = "UPDATE way_in SET told = 1 WHERE NOT told AND kind = ? AND key = ?"
FORGET: Final = "DELETE FROM way_in WHERE kind = ? AND key = ? AND at < ?"
WAITING: Final = "SELECT 1 FROM way_in WHERE NOT told LIMIT 1"


class SetUp(msgspec.Struct, frozen=True):
    """When a way in was set up (µs UTC), and by whom."""

    at: int
    origin: Origin


def note_way(tx: AccountTx, kind: WayKind, key: str | int, *, tell: bool = True) -> None:
    """Note who set up a way in, in the unit that stores it. Its owner is told soon, unless the command line, an
    administrator or the server did it, or with `tell` off another mail says so.
    """
    one = origin()
    # Users have no name that begins with "(".
    tell = tell and not one.actor.startswith("(")
    if tell and tx.value(WAITING) is None:
        tx.owe(secrets.token_bytes(16), NEWS, b"", due=tx.now + TELL_AFTER)
    tx.execute(NOTE, kind, str(key), tx.now, one.actor, one.via, one.remote_ip, one.login, not tell)


def inherit_ways(tx: Tx, kind: WayKind, place: int, parent: int) -> None:
    """Copy the notes of a place to the grants that a new place below it inherits; keys are ``PLACE/GUEST``."""
    tx.execute(COPY, str(place), kind, str(parent))


def noted_ways(r: Reader) -> Mapping[tuple[str, str], SetUp]:
    """All notes by kind and key."""
    return {(kind, key): SetUp(at, Origin(*one)) for kind, key, at, *one in r.rows(ALL)}


def untold_ways(r: Reader) -> list[tuple[str, str]]:
    """Kinds and keys of the ways in of which the owner is to be told, the newest first."""
    return [(kind, key) for kind, key in r.rows(UNTOLD)]


def note_told(tx: Tx, told: list[tuple[str, str]], gone: list[tuple[str, str]]) -> None:
    """Note of which ways in the owner was told, and forget those that are gone."""
    tx.executemany(TOLD, told)
    tx.executemany(FORGET, [(*way, tx.now - KEPT) for way in gone])
