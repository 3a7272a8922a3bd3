"""Reading the account, its mailboxes, flags and keywords. Plain functions on a `Reader`, for `account.read`
and `account.scan`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from moxlite.store.errors import BadKeyword, NoSuchMailbox
from moxlite.store.file.transaction import Reader, Row, Tx
from moxlite.store.names import INBOX, composed
from moxlite.store.types import UID, Flag, Mailbox, ModSeq, SpecialUse

# Flags and keywords: names of flag bits, syntax of keywords, and their stored form (STORE-22, IMAP-108, IMAP-109).
#
# A keyword is compared and stored in lower case; the spelling first used in the account is kept in table ``keyword``
# and shown. In a row the keywords are one text, sorted, separated by one space, "" for none: the usual case costs one
# octet.


MAX_KEYWORD: Final = 128
"""Octets of a keyword (STORE-22)."""

MAX_PER_MESSAGE: Final = 100
"""Keywords of one message (STORE-154)."""

MAX_PER_MAILBOX: Final = 1000
"""Keywords of one mailbox (STORE-154)."""

FLAG_NAMES: Final[Mapping[Flag, str]] = {
    Flag.SEEN: r"\Seen",
    Flag.ANSWERED: r"\Answered",
    Flag.FLAGGED: r"\Flagged",
    Flag.DELETED: r"\Deleted",
    Flag.DRAFT: r"\Draft",
    Flag.FORWARDED: "$Forwarded",
    Flag.JUNK: "$Junk",
    Flag.NOTJUNK: "$NotJunk",
    Flag.PHISHING: "$Phishing",
    Flag.MDNSENT: "$MDNSent",
}
"""The wire names of the bits, the system flags first (RFC 9051 §2.3.2)."""

_BITS: Final = {name.lower(): flag for flag, name in FLAG_NAMES.items()}

# RFC 9051 §9 flag-keyword is an atom: printable ASCII without atom-specials; "]" is left out too (STORE-22).
_KEYWORD: Final = re.compile(r"[!#$&\'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~]+")


def check_keyword(keyword: str) -> str:
    """Return the stored form, lower case. Raises BadKeyword for an invalid keyword (STORE-22)."""
    if len(keyword) > MAX_KEYWORD or not _KEYWORD.fullmatch(keyword):
        raise BadKeyword(keyword)
    return keyword.lower()


def parse_flags(words: Iterable[str]) -> tuple[Flag, frozenset[str]]:
    r"""Split names of flags, in any case, into bits and keywords; keywords keep their spelling.

    Raises:
      BadKeyword: a name with ``\`` that is no system flag (``\Recent`` too), or a bad keyword.
    """
    flags, keywords = Flag(0), set[str]()
    for word in words:
        bit = _BITS.get(word.lower())
        if bit is not None:
            flags |= bit
        else:
            check_keyword(word)
            keywords.add(word)
    return flags, frozenset(keywords)


def flag_words(flags: Flag, keywords: Iterable[str] = (), spelling: Mapping[str, str] | None = None) -> list[str]:
    """The names of bits and keywords for people and for the wire; `spelling` maps a stored keyword to its first
    spelling.
    """
    words = [name for flag, name in FLAG_NAMES.items() if flags & flag]
    words += keywords if spelling is None else [spelling.get(keyword, keyword) for keyword in keywords]
    return words


def join_keywords(keywords: Iterable[str]) -> str:
    """The column of a row: lower-case keywords, sorted, each once."""
    return " ".join(sorted(set(keywords)))


def split_keywords(column: str) -> tuple[str, ...]:
    """The keywords of a column."""
    return tuple(column.split(" ")) if column else ()


def learn_spellings(tx: Tx, keywords: Iterable[str]) -> frozenset[str]:
    """Store the spelling of keywords that are new in this account; returns the stored, lower-case forms. Raises
    BadKeyword.
    """
    lower = {check_keyword(keyword): keyword for keyword in keywords}
    for stored, spelling in lower.items():
        tx.execute(LEARN, stored, spelling)
    return frozenset(lower)


def spellings(r: Reader) -> dict[str, str]:
    """Stored form to spelling, of all keywords of the account (the limits keep them few)."""
    return dict(r.rows(SPELLINGS))


LEARN: Final = "INSERT INTO keyword (lower, spelling) VALUES (?, ?) ON CONFLICT DO NOTHING"
SPELLINGS: Final = "SELECT lower, spelling FROM keyword"


class State(msgspec.Struct, frozen=True):
    """The row of ``state``: the counters of the whole account."""

    modseq: ModSeq
    highest_purged_modseq: ModSeq
    next_uidvalidity: int
    total_size: int
    threads_step: int
    created: int


STATE: Final = "SELECT modseq, highest_purged_modseq, next_uidvalidity, total_size, threads_step, created FROM state"

MAILBOX_COLUMNS: Final = (
    "id, name, parent_id, uidvalidity, uidnext, recent_uid, special_use, keywords, createseq, modseq, "
    "total, deleted, unread, unseen, size, deleted_size, system"
)
MAILBOXES: Final = f"SELECT {MAILBOX_COLUMNS} FROM mailbox ORDER BY name"  # noqa: S608 - constants, here and below
MAILBOX: Final = f"SELECT {MAILBOX_COLUMNS} FROM mailbox WHERE id = ?"  # noqa: S608
MAILBOX_BY_NAME: Final = f"SELECT {MAILBOX_COLUMNS} FROM mailbox WHERE name = ?"  # noqa: S608
MAILBOX_BY_USE: Final = f"SELECT {MAILBOX_COLUMNS} FROM mailbox WHERE special_use & ? <> 0 ORDER BY id LIMIT 1"  # noqa: S608
CHILDREN: Final = f"SELECT {MAILBOX_COLUMNS} FROM mailbox WHERE parent_id = ? ORDER BY name"  # noqa: S608
SUBSCRIPTIONS: Final = "SELECT name FROM subscription WHERE present ORDER BY name"
STATE_AND_UNSEEN: Final = """
SELECT modseq, highest_purged_modseq,
(SELECT uid FROM message WHERE mailbox_id = ? AND flags & 1 = 0 ORDER BY uid LIMIT 1) FROM state"""

_NO_USE: Final = SpecialUse(0)


def state(r: Reader) -> State:
    """The counters of the account."""
    row = r.row(STATE)
    assert row is not None
    return State(*row)


def _mailbox(row: Row) -> Mailbox:
    values = list(row)
    values[6] = SpecialUse(row[6]) if row[6] else _NO_USE  # an enum's constructor takes as long as all the rest
    values[7] = tuple(row[7].split(" ")) if row[7] else ()
    values[16] = row[16] != 0
    return Mailbox(*values)


def mailboxes(r: Reader) -> list[Mailbox]:
    """All mailboxes, Inbox first, the others by name (code points)."""
    found = [_mailbox(row) for row in r.rows(MAILBOXES)]
    found.sort(key=lambda box: box.name != INBOX and not box.name.startswith(INBOX + "/"))  # stable: they come by name
    return found


def mailbox(r: Reader, mailbox_id: int) -> Mailbox:
    """One mailbox. Raises NoSuchMailbox."""
    row = r.row(MAILBOX, mailbox_id)
    if row is None:
        raise NoSuchMailbox(mailbox_id)
    return _mailbox(row)


def mailbox_by_name(r: Reader, name: str) -> Mailbox | None:
    """The mailbox of that (checked) name, which may be decomposed."""
    row = r.row(MAILBOX_BY_NAME, composed(name))
    return None if row is None else _mailbox(row)


def mailbox_by_use(r: Reader, use: SpecialUse) -> Mailbox | None:
    """The mailbox that has this special use; there is one at most (STORE-17)."""
    row = r.row(MAILBOX_BY_USE, int(use))
    return None if row is None else _mailbox(row)


def children(r: Reader, mailbox_id: int) -> list[Mailbox]:
    """The mailboxes right below, by name."""
    return [_mailbox(row) for row in r.rows(CHILDREN, mailbox_id)]


def subscriptions(r: Reader) -> list[str]:
    """The subscribed names, sorted; a mailbox of that name need not exist (STORE-18)."""
    return [name for (name,) in r.rows(SUBSCRIPTIONS)]


def state_and_unseen(r: Reader, mailbox_id: int | None) -> tuple[ModSeq, ModSeq, UID | None]:
    r"""The modseq and the highest purged modseq of the account; and the lowest UID without ``\Seen`` of a mailbox, from
    a partial index, None without one.
    """
    row = r.row(STATE_AND_UNSEEN, mailbox_id)
    assert row is not None
    modseq, purged, unseen = row
    return modseq, purged, unseen
