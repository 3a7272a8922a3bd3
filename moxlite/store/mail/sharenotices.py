"""Notices to users whose rights on a mailbox, calendar or address book of another user have changed (RFC 9670 §3;
JMAP-80).

The unit that changes the rights writes a row of the owner's outbox, which is carried to table `share_notice` of the
guest's file. Rights are letters of RFC 4314, "" for none that make the object visible.
"""

from __future__ import annotations

import secrets
from typing import Final, Literal, TypeAlias

import msgspec

from moxlite.encoding import to_json
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader
from moxlite.store.mail import notices
from moxlite.store.mail.notices import Notices

SHARED: Final = "shared"
"""Kind of the rows of the outbox that are carried to the guest."""

ANYONE: Final = "anyone"
"""The identifier of all users, of whom none is told (RFC 4314 §2)."""

JOINED: Final = 60_000_000
"""µs for which a further change of the same rights by the same user replaces the notice: programs set one right after
the other.
"""

COLUMNS: Final = "created, owner, author, kind, object_id, name, before, after, id"
ALL: Final = f"SELECT {COLUMNS} FROM share_notice WHERE NOT gone ORDER BY id"  # noqa: S608 column names
LAST: Final = f"""
SELECT {COLUMNS} FROM share_notice WHERE NOT gone AND owner = ? AND author = ? AND kind = ? AND object_id = ?
AND created > ? ORDER BY id DESC LIMIT 1"""  # noqa: S608 column names
ADD: Final = """
INSERT INTO share_notice (createseq, modseq, created, owner, author, kind, object_id, name, before, after)
VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"""
TOO_MANY: Final = "SELECT id FROM share_notice WHERE NOT gone ORDER BY id DESC LIMIT -1 OFFSET ?"
_notices: Final = Notices("share_notice")
share_notice_state: Final = _notices.state
share_notice_changes: Final = _notices.changes
forget_notices: Final = _notices.forget

Kind: TypeAlias = Literal["mailbox", "calendar", "contact"]


class RightsChanged(msgspec.Struct, frozen=True):
    """A change of a guest's rights on an object of the account `owner`, by the account `author`. `created`: µs UTC."""

    created: int
    owner: str
    author: str
    kind: Kind
    object_id: int
    name: str
    before: str
    after: str


class Share(RightsChanged, frozen=True):
    """Data that is carried to the guest's file."""

    guest: str


class ShareNotice(RightsChanged, frozen=True):
    """A notice in the guest's file."""

    id: int


def visible_rights(rights: str) -> str:
    """The rights, "" where they do not make the object visible: that needs those to look up and to read."""
    return rights if "l" in rights and "r" in rights else ""


def owe_notice(
    tx: AccountTx, guest: str, kind: Kind, object_id: int, name: str, before: str, after: str, *, by: str = ""
) -> None:
    """Notify a guest that the rights on an object of this account have changed.

    `by`: the account that changed them, or "" for the owner. Users aren't notified about their own changes.
    """
    before, after, author = visible_rights(before), visible_rights(after), by or tx.account
    if before != after and guest not in (ANYONE, author):
        share = Share(tx.now, tx.account, author, kind, object_id, name, before, after, guest)
        # By the outbox: the guest's file is another one, and may be closed or full. The rights count in any case.
        tx.owe(secrets.token_bytes(16), SHARED, to_json(share))


def add_notice(tx: AccountTx, share: Share) -> None:
    """Add a notice to the guest's file. One that takes back what was just told removes that."""
    before = share.before
    last = tx.row(LAST, share.owner, share.author, share.kind, share.object_id, share.created - JOINED)
    # Guests are only notified about the outcome, so rights granted and revoked within a minute cause no notice.
    if last is not None:
        joined = ShareNotice(*last)
        before = joined.before
        forget_notices(tx, [joined.id])
    if before != share.after:
        values = (share.created, share.owner, share.author, share.kind, share.object_id, share.name)
        tx.insert(ADD, tx.modseq(), *values, before, share.after)
    forget_notices(tx, [number for (number,) in tx.rows(TOO_MANY, notices.MAX_NOTICES)])


def share_notices(r: Reader) -> list[ShareNotice]:
    """All notices, the oldest first."""
    return [ShareNotice(*row) for row in r.rows(ALL)]
