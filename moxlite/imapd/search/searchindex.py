"""The account's text index in a search: it reduces the messages to test (IMAP-156, STORE-111).

The index is asked with a term that every match of the program fulfils. If the term is equivalent to the program's test,
a stored text decides; otherwise the test follows. Messages that are not indexed yet are always tested, so the
result is the same without an index.
"""

from __future__ import annotations

from array import array
from functools import partial
from typing import Final

import msgspec

from moxlite.imapd.session.uidlist import uid_array
from moxlite.proto.imap import search as s
from moxlite.proto.mime.addresstext import ADDRESS_FIELDS, address_words
from moxlite.proto.mime.text import fold
from moxlite.store.rows.conditions import And, Condition, Messages, NewerThan, Or, matching
from moxlite.store.search.index import IndexedAccount
from moxlite.store.search.terms import Every, Has, Lacks, Some, Term, Where, looks_into_bodies
from moxlite.store.types import MailboxID

__all__ = ["Narrowed", "Sought", "narrow", "sought"]

PAGE: Final = 5_000
"""Messages taken from the store in one read: rows come one by one, 10 ms."""

DEARER: Final = 20
"""Number of header sections that can be searched in the time that one stored text takes: 10 µs."""


class Sought(msgspec.Struct, frozen=True):
    """A term of the text index that all matches of a program fulfil. `decides`: the messages that fulfil it, and the
    program's condition on rows, are exactly the matches.
    """

    term: Term
    decides: bool


class Narrowed(msgspec.Struct, frozen=True):
    """UIDs, ascending: messages that match, and messages that must still be tested."""

    matching: array[int]
    left: array[int]


def sought(program: s.SearchKey) -> Sought | None:
    """The query to the index; None if the program is not about text, or the index cannot rule out any message."""
    term, decides = _conjunct(program)
    return None if term is None else Sought(term, decides)


async def narrow(
    account: IndexedAccount, mailbox_id: MailboxID, last: int, condition: Condition, wanted: Sought
) -> Narrowed | None:
    """The messages up to UID `last` that meet the condition and fulfil the term; None if the index does not help."""
    in_bodies = looks_into_bodies(wanted.term)
    # With common words, searching all header sections costs less than searching the texts of so many messages.
    candidates = await account.search.candidates(wanted.term, most=None if in_bodies else last // DEARER)
    if candidates is not None:
        condition = And((condition, Or((Messages(candidates.ids), NewerThan(candidates.watermark)))))
    elif not account.search.enabled or not in_bodies:
        return None  # searching the header sections themselves is as fast
    uids: dict[int, int] = {}
    first = 1
    while first <= last:
        read = partial(matching, mailbox_id=mailbox_id, condition=condition, first=first, last=last, limit=PAGE)
        page = await account.scan(read, op="imap-search")
        uids.update([(message_id, uid) for uid, message_id, _ in page])
        if len(page) < PAGE:
            break
        first = page[-1][0] + 1
    sifted = await account.search.sift(array("q", uids), wanted.term)
    if sifted is None:
        return None if candidates is None else Narrowed(uid_array(), uid_array(uids.values()))
    decided = sifted.matching if wanted.decides else frozenset[int]()
    return Narrowed(
        uid_array(uid for message_id, uid in uids.items() if message_id in decided),
        uid_array(
            uid for message_id, uid in uids.items() if message_id not in decided and message_id not in sifted.ruled_out
        ),
    )


def _conjunct(key: s.SearchKey) -> tuple[Term | None, bool]:
    """(term, whether it replaces the whole test) of a program, or of one of the keys that it joins with AND. Keys on
    rows among these are conditions, and need no test.
    """
    if isinstance(key, s.And):
        parts = [_conjunct(one) for one in key.keys]
        known = tuple([term for term, _ in parts if term is not None])
        return (Every(known) if known else None), all(decides for _, decides in parts)
    if not any(isinstance(one, s.Header | s.BodyText | s.Text) for one in s.keys_of(key)):
        return None, not any(isinstance(one, s.DateIs) and one.of == "sent" for one in s.keys_of(key))
    return _term(key)


def _term(key: s.SearchKey) -> tuple[Term | None, bool]:
    """(a term that holds for every match, whether it holds for no other message) of a key."""
    match key:
        case s.Header(field=field, value=value) if field.lower() in ADDRESS_FIELDS:
            words = tuple([Has(word, Where.HEADER) for word in address_words(fold(value))])
            return (Every(words) if words else None), False
        case s.Header(value=value) if value:
            return Has(fold(value), Where.HEADER), False
        case s.BodyText(value=value):
            return Has(fold(value), Where.BODY), True
        case s.Text(value=value):
            return Has(fold(value)), True
        case s.And(keys=keys):
            parts = [_term(one) for one in keys]
            known = tuple([term for term, _ in parts if term is not None])
            return (Every(known) if known else None), len(known) == len(parts) and all(exact for _, exact in parts)
        case s.Or(left=left, right=right):
            (one, one_exact), (other, other_exact) = _term(left), _term(right)
            if one is None or other is None:
                return None, False
            return Some((one, other)), one_exact and other_exact
        case s.Not(key=inner):
            term, exact = _term(inner)
            return (Lacks(term), True) if term is not None and exact else (None, False)
        case _:
            return None, False
