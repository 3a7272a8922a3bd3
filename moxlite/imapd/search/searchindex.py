"""The account's text index in a search: it reduces the messages to test (IMAP-156, STORE-111).

The index is asked with a term that every match of the program fulfils. If the term is equivalent to the program's test,
a stored text decides; otherwise the test follows. Messages that are not indexed yet are always tested, so the
result is the same without an index.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import msgspec

from moxlite.imapd.session.sessions import uid_array
from moxlite.proto.imap import search as s
from moxlite.proto.mime.addresstext import ADDRESS_FIELDS
from moxlite.proto.mime.text import fold
from moxlite.store.file.transaction import Reader
from moxlite.store.rows.conditions import And, Condition, Messages, NewerThan, Not, Or, matching, matching_uids
from moxlite.store.rows.views import view_total
from moxlite.store.search import queries
from moxlite.store.search.index import IndexedAccount
from moxlite.store.search.queries import (
    AllOf,
    AnyOf,
    Contains,
    Lacks,
    SearchedPart,
    Term,
    in_addresses,
    in_header,
    looks_into_bodies,
)
from moxlite.store.search.texts import FieldQuery, every, in_field, lacks, some
from moxlite.store.types import MailboxID

PAGE: Final = 5_000
"""Messages taken from the store in one read: rows come one by one, 10 ms."""

SMALL: Final = 10
"""Number of stored fields that can be searched in the time that one header section takes: 9 µs."""

ALL_MESSAGES: Final = "SELECT coalesce(sum(total + deleted), 0) FROM mailbox"

UID_PAGE: Final = 100_000
"""UIDs read from the store at once, in a thread: 20 ms."""

HIGHEST: Final = "SELECT max(id) FROM message"

DEARER: Final = 20
"""Number of header sections that can be searched in the time that one stored text takes: 10 µs."""


class IndexQuery(msgspec.Struct, frozen=True):
    """Question to the text index. All matches of a program fulfil `term`, and `fields`, a query about header fields,
    if there is one. `decides`: the messages that fulfil the term, and the program's condition on rows, are exactly the
    matches; `fields_decide` the same for `fields`.
    """

    term: Term | None
    decides: bool
    fields: FieldQuery | None = None
    fields_decide: bool = False


class IndexResult(msgspec.Struct, frozen=True):
    """UIDs, ascending: messages that match, and messages that must still be tested."""

    matching: array[int]
    left: array[int]


def sought(program: s.SearchKey) -> IndexQuery | None:
    """The query to the index; None if the program is not about text, or the index cannot rule out any message."""
    term, decides = _conjunct(program)
    fields, fields_decide = _field_conjunct(program)
    return None if term is None and fields is None else IndexQuery(term, decides, fields, fields_decide)


async def narrow(
    account: IndexedAccount, mailbox_id: MailboxID, last: int, condition: Condition, wanted: IndexQuery
) -> IndexResult | None:
    """The messages up to UID `last` that meet the condition and fulfil the term; None if the index does not help."""
    in_bodies = wanted.term is not None and looks_into_bodies(wanted.term)
    # With common words, searching all header sections costs less than searching the texts of so many messages.
    candidates = None
    if wanted.term is not None:
        candidates = await queries.candidates(account.search, wanted.term, most=None if in_bodies else last // DEARER)
    if wanted.fields is not None and not in_bodies:
        return await _by_fields(account, mailbox_id, last, condition, wanted, wanted.fields, candidates)
    if wanted.term is None:
        return None
    if candidates is not None and candidates.exact and wanted.decides:
        return await _as_found(account, mailbox_id, last, condition, candidates)
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
    sifted = await queries.sift(account.search, array("q", uids), wanted.term)
    if sifted is None:
        return None if candidates is None else IndexResult(uid_array(), uid_array(uids.values()))
    decided = sifted.matching if wanted.decides else frozenset[int]()
    return IndexResult(
        uid_array(uid for message_id, uid in uids.items() if message_id in decided),
        uid_array(
            uid for message_id, uid in uids.items() if message_id not in decided and message_id not in sifted.ruled_out
        ),
    )


async def _as_found(
    account: IndexedAccount, mailbox_id: MailboxID, last: int, condition: Condition, candidates: queries.Candidates
) -> IndexResult:
    """As `narrow`, for candidates that match."""
    sure = (
        And((Messages(candidates.ids), Not(Messages(candidates.unread))))
        if candidates.unread
        else Messages(candidates.ids)
    )
    matching = await matching_until(account, mailbox_id, And((condition, sure)), last)
    left = uid_array()
    if (
        candidates.unread
        or (await account.read(lambda r: r.value(HIGHEST) or 0, op="imap-search")) > candidates.watermark
    ):
        tested = Or((Messages(candidates.unread), NewerThan(candidates.watermark)))
        left = await matching_until(account, mailbox_id, And((condition, tested)), last)
    return IndexResult(matching, left)


async def matching_until(account: IndexedAccount, mailbox_id: MailboxID, condition: Condition, last: int) -> array[int]:
    """The UIDs up to `last` of the messages that meet a condition, ascending."""
    found = uid_array()
    first = 1
    while first <= last:
        read = partial(
            matching_uids, mailbox_id=mailbox_id, condition=condition, first=first, last=last, limit=UID_PAGE
        )
        page = await account.scan(read, op="imap-search")
        found = found + page if found else page
        if len(page) < UID_PAGE:
            break
        first = page[-1] + 1
    return found


async def _by_fields(
    account: IndexedAccount,
    mailbox_id: MailboxID,
    last: int,
    condition: Condition,
    wanted: IndexQuery,
    query: FieldQuery,
    candidates: queries.Candidates | None,
) -> IndexResult | None:
    """As `narrow`, by the stored fields of the candidates, or of all messages of the account."""
    is_small, highest = await account.read(partial(_extent, mailbox_id=mailbox_id), op="imap-search")
    if candidates is None and is_small:
        return None  # its few header sections are searched sooner than all fields of the account
    decided = await queries.decide(account.search, query, None if candidates is None else candidates.ids)
    if decided is None:
        return None
    watermark = decided.watermark
    if candidates is not None:
        watermark = min(watermark, candidates.watermark)  # no candidate was looked for above
    unknown = Or((Messages(decided.unknown), NewerThan(watermark)))
    matching = await matching_until(account, mailbox_id, And((condition, Messages(decided.matching))), last)
    left = uid_array()
    if decided.unknown or highest > watermark:
        left = await matching_until(account, mailbox_id, And((condition, unknown)), last)
    if wanted.fields_decide:
        return IndexResult(matching, left)
    return IndexResult(uid_array(), uid_array(sorted([*matching, *left])))


def _extent(r: Reader, mailbox_id: MailboxID) -> tuple[bool, int]:
    """Whether the mailbox has few messages of the account's; the highest message id of the account."""
    everywhere: int = r.value(ALL_MESSAGES)
    return view_total(r, mailbox_id) * SMALL < everywhere, r.value(HIGHEST) or 0


def _field_conjunct(key: s.SearchKey) -> tuple[FieldQuery | None, bool]:
    """(query, whether it replaces the whole test) as `_conjunct`."""
    if isinstance(key, s.And):
        parts = [_field_conjunct(one) for one in key.keys]
        known = [query for query, _ in parts if query is not None]
        query = every(known) if known else None
        return query, all(decides for _, decides in parts) and (query is not None or not known)
    if not any(isinstance(one, s.Header | s.BodyText | s.Text) for one in s.keys_of(key)):
        return None, not any(isinstance(one, s.DateIs) and one.of == "sent" for one in s.keys_of(key))
    query = _field_query(key)
    return query, query is not None


def _field_query(key: s.SearchKey) -> FieldQuery | None:
    """The query of a key that is about header fields alone; None for others."""
    match key:
        case s.Header(field=field, value=value):
            return in_field(field, fold(value))
        case s.And(keys=keys):
            return _joined(every, [_field_query(one) for one in keys])
        case s.Or(left=left, right=right):
            return _joined(some, [_field_query(left), _field_query(right)])
        case s.Not(key=inner):
            part = _field_query(inner)
            return None if part is None else lacks(part)
        case _:
            return None


def _joined(
    join: Callable[[Sequence[FieldQuery]], FieldQuery | None], parts: Sequence[FieldQuery | None]
) -> FieldQuery | None:
    known = [part for part in parts if part is not None]
    return join(known) if len(known) == len(parts) else None


def _conjunct(key: s.SearchKey) -> tuple[Term | None, bool]:
    """(term, whether it replaces the whole test) of a program, or of one of the keys that it joins with AND. Keys on
    rows among these are conditions, and need no test.
    """
    if isinstance(key, s.And):
        parts = [_conjunct(one) for one in key.keys]
        known = tuple([term for term, _ in parts if term is not None])
        return (AllOf(known) if known else None), all(decides for _, decides in parts)
    if not any(isinstance(one, s.Header | s.BodyText | s.Text) for one in s.keys_of(key)):
        return None, not any(isinstance(one, s.DateIs) and one.of == "sent" for one in s.keys_of(key))
    return _term(key)


def _term(key: s.SearchKey) -> tuple[Term | None, bool]:
    """(a term that holds for every match, whether it holds for no other message) of a key."""
    match key:
        case s.Header(field=field, value=value) if value:
            folded = fold(value)
            terms = in_addresses(folded) if field.lower() in ADDRESS_FIELDS else in_header(field, [folded])
            return (AllOf(tuple(terms)) if terms else None), False
        case s.BodyText(value=value):
            return Contains(fold(value), SearchedPart.BODY), True
        case s.Text(value=value):
            return Contains(fold(value)), True
        case s.And(keys=keys):
            parts = [_term(one) for one in keys]
            known = tuple([term for term, _ in parts if term is not None])
            return (AllOf(known) if known else None), len(known) == len(parts) and all(exact for _, exact in parts)
        case s.Or(left=left, right=right):
            (one, one_exact), (other, other_exact) = _term(left), _term(right)
            if one is None or other is None:
                return None, False
            return AnyOf((one, other)), one_exact and other_exact
        case s.Not(key=inner):
            term, exact = _term(inner)
            return (Lacks(term), True) if term is not None and exact else (None, False)
        case _:
            return None, False
