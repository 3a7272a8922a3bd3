"""Email/query and Email/queryChanges (RFC 8621 §4.4, §4.5).

A filter becomes one search of the store wherever it can: conditions on rows, words for the text index, and tests of the
stored structure and header, each a tree of its own kind, all of which must hold. Only where kinds are mixed below OR
or NOT, such a branch is searched by itself first, and its messages become a condition.

Nothing is kept between two requests: a page in the order of reception is read from the index up to its end.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, overload

import msgspec

from moxlite.processor import off_loop
from moxlite.proto.address import spellings
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.text import fold
from moxlite.store.errors import BadKeyword, LimitExceeded
from moxlite.store.rows import conditions as q
from moxlite.store.rows.emails import (
    conversations,
    copies_among,
    emails_of_threads,
    mailbox_emails,
    other_flags,
    sort_columns,
    thread_flags,
)
from moxlite.store.rows.history import TooManyChanges, email_changes, mail_state
from moxlite.store.rows.mailboxes import check_keyword
from moxlite.store.rows.ordering import Numbers, arrange, number_key, room_for, slices, text_key
from moxlite.store.rows.sorting import addressed_of
from moxlite.store.rows.views import view_total
from moxlite.store.search.finding import MessageQuery, Search, Test
from moxlite.store.search.queries import AllOf, AnyOf, Contains, Lacks, SearchedPart, Term, in_addresses
from moxlite.store.types import Flag, MailboxID
from moxlite.web.jmap.bodies import sorted_parts
from moxlite.web.jmap.emails import FLAG_KEYWORDS, has_attachment, state
from moxlite.web.jmap.methods import read_id
from moxlite.web.jmap.protocol import MethodError, Object, invalid
from moxlite.web.jmap.standard import (
    MAX_DEPTH,
    filter_moment,
    max_changes,
    query_changes_response,
    query_response,
    since_state,
    span,
    window,
    words_of,
)

if TYPE_CHECKING:
    from moxlite.proto.mime.types import MailAddress, Structure
    from moxlite.store.file.transaction import Reader, Row
    from moxlite.store.rows.sorting import Addressed
    from moxlite.web.jmap.methods import Call


LETTER: Final = "M"
MAX_IDS: Final = 5_000
"""Ids of one answer."""

FLAGS: Final[Mapping[str, Flag]] = {name: flag for flag, name in FLAG_KEYWORDS.items()}
LIVING: Final = q.WithFlags(lacking=Flag.DELETED)
SORTS: Final = (
    *("receivedAt", "sentAt", "size", "from", "to", "subject"),
    *("hasKeyword", "allInThreadHaveKeyword", "someInThreadHaveKeyword"),
)
FOUND: Final = 32
"""Octets of an email in the order of reception: its number, and bits."""

CONVERSATION: Final = 160
"""Octets of an email in a list with one of each thread: numbers in a dict and a set."""


class Node(msgspec.Struct, frozen=True):
    """A part of a filter: exactly one of the first three fields, or the branches of a mixed one."""

    rows: q.Condition | None = None
    term: Term | None = None
    test: Test | None = None
    hint: Term | None = None
    mixed: tuple[str, tuple[Node, ...]] | None = None
    reads_header: bool = False

    @property
    def kind(self) -> str:
        """The kind of this part."""
        return next(name for name in ("rows", "term", "test", "mixed") if getattr(self, name) is not None)


class Filter(msgspec.Struct, frozen=True):
    """A filter as parts that must all hold. `mailbox`: the mailbox that all matches are in, 0 for any."""

    parts: tuple[Node, ...]
    mailbox: int = 0

    @property
    def is_mailbox(self) -> bool:
        """Whether the mailbox is all that is asked for."""
        return bool(self.mailbox) and not self.parts


class _Compiler:
    """Makes a `Filter` of the JSON."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._guest = bool(call.place.guest)

    def filter(self, wish: object) -> Filter:
        """The whole filter. Raises MethodError."""
        if wish is None:
            return Filter(())
        mailbox = 0
        if isinstance(wish, dict) and "operator" not in wish and isinstance(wish.get("inMailbox"), str):
            mailbox = self._mailbox(wish["inMailbox"])
            wish = {name: value for name, value in wish.items() if name != "inMailbox"}
        elif isinstance(wish, dict) and wish.get("operator") == "AND" and isinstance(wish.get("conditions"), list):
            alone = [one for one in wish["conditions"] if isinstance(one, dict) and [*one] == ["inMailbox"]]
            if alone and isinstance(alone[0]["inMailbox"], str):
                mailbox = self._mailbox(alone[0]["inMailbox"])
                wish = {**wish, "conditions": [one for one in wish["conditions"] if one is not alone[0]]}
        return Filter(tuple(self._parts(wish, 0)), mailbox)

    def _parts(self, wish: object, depth: int) -> list[Node]:
        """Parts that must all hold."""
        match wish:
            case {"operator": "AND", "conditions": list(conditions)}:
                self._check(wish, depth)
                return [node for condition in conditions for node in self._parts(condition, depth + 1)]
            case {"operator": ("OR" | "NOT") as operator, "conditions": list(conditions)}:
                self._check(wish, depth)
                return [_joined(operator, [_all(self._parts(condition, depth + 1)) for condition in conditions])]
            case dict() if "operator" not in wish:
                return [self._condition(name, value) for name, value in wish.items()]
        raise invalid("filter: operator must be AND, OR, or NOT, with an array of conditions")

    def _check(self, wish: object, depth: int) -> None:
        assert isinstance(wish, dict)
        if depth >= MAX_DEPTH:
            raise MethodError("unsupportedFilter", "the filter is nested too deeply")
        if wish.keys() - {"operator", "conditions"}:
            raise invalid("filter: an operator object can only have operator and conditions")

    def _condition(self, name: str, value: Any) -> Node:
        # A case for each condition of RFC 8621 §4.4.1 with the type it takes; all else is the client's mistake.
        match name, value:
            case "inMailbox", str():
                return Node(rows=q.EmailIn([self._mailbox(value)]))
            case "inMailboxOtherThan", list() if all(isinstance(one, str) for one in value):
                left_out = {self._mailbox(one) for one in value}
                others = [box for box in self._call.boxes if box not in left_out]
                return Node(rows=q.EmailIn(others))
            case "before", str():
                return Node(rows=q.ReceivedAt(until=filter_moment(value)))
            case "after", str():
                return Node(rows=q.ReceivedAt(since=filter_moment(value)))
            case "minSize", int() if not isinstance(value, bool):
                return Node(rows=q.SizeBetween(least=value))
            case "maxSize", int() if not isinstance(value, bool):
                return Node(rows=q.SizeBetween(most=value - 1))
            case "hasKeyword", str():
                return Node(rows=self._keyword(value))
            case "notKeyword", str():
                return Node(rows=q.Not(self._keyword(value)))
            case (("someInThreadHaveKeyword" | "noneInThreadHaveKeyword" | "allInThreadHaveKeyword"), str()) if (
                self._guest
            ):
                raise MethodError(
                    "unsupportedFilter",
                    f"filter: {name} isn't supported in shared accounts, because threads may include unshared emails",
                )
            case "someInThreadHaveKeyword", str():
                return Node(rows=q.InThreadWith(self._keyword(value)))
            case "noneInThreadHaveKeyword", str():
                return Node(rows=q.Not(q.InThreadWith(self._keyword(value))))
            case "allInThreadHaveKeyword", str():
                return Node(rows=q.Not(q.InThreadWith(q.Not(self._keyword(value)))))
            case "hasAttachment", bool():
                return Node(test=lambda structure, _: has_attachment(sorted_parts(structure.root)) is value)
            case "text", str():
                return Node(term=AllOf(tuple(Contains(word) for word in words_of(fold(value)))))
            case "body", str():
                return Node(term=AllOf(tuple(Contains(word, SearchedPart.BODY) for word in words_of(fold(value)))))
            case (("from" | "to" | "cc" | "bcc" | "subject"), str()):
                return _in_envelope(name, value)
            case "header", list() if 1 <= len(value) <= 2 and all(isinstance(one, str) for one in value):
                return _in_header(*value)
        if name in FILTERS:
            raise invalid(f"filter: {name} has the wrong type")
        raise MethodError("unsupportedFilter", f"unknown filter: {name[:100]!r}")

    def _keyword(self, name: str) -> q.Condition:
        """That the email has a keyword: any of its copies that the user may read."""
        flag = FLAGS.get(name.lower())
        if flag is not None:
            return q.OfEmail(q.WithFlags(having=flag), self._call.boxes)
        try:
            return q.OfEmail(q.HasKeyword(check_keyword(name)), self._call.boxes)
        except BadKeyword as error:
            raise invalid(f"filter: {error}") from None

    def _mailbox(self, text: str) -> int:
        return read_id(self._call.id_of(text), "F") or -1


FILTERS: Final = (
    *("inMailbox", "inMailboxOtherThan", "before", "after", "minSize", "maxSize", "hasKeyword", "notKeyword"),
    *("someInThreadHaveKeyword", "noneInThreadHaveKeyword", "allInThreadHaveKeyword", "hasAttachment"),
    *("text", "body", "from", "to", "cc", "bcc", "subject", "header"),
)


def _in_envelope(name: str, value: str) -> Node:
    words = words_of(fold(value))

    def test(structure: Structure, _: bytes) -> bool:
        envelope = structure.envelope
        if name == "subject":
            text = fold(envelope.subject)
        else:
            text = fold(_written(getattr(envelope, "from_" if name == "from" else name)))
        return all(word in text for word in words)

    # white space may be folded or doubled, and addresses have several spellings, but their words are in the header
    hints = [hint for word in words for hint in in_addresses(word)]
    return Node(test=test, hint=AllOf(tuple(hints)) if hints else None)


def _written(addresses: Sequence[MailAddress]) -> str:
    return "\n".join(
        [f"{one.name} <{spelling}>" for one in addresses for spelling in spellings(one.localpart, one.domain)]
    )


def _in_header(name: str, value: str | None = None) -> Node:
    field, needle = name.lower().encode(), fold(value or "")

    def test(structure: Structure, header: bytes) -> bool:
        return any(needle in fold(text) for text in HeaderSection(header, hint=structure.root.hint).decoded(field))

    return Node(test=test, reads_header=True)


def _all(parts: Sequence[Node]) -> Node:
    return parts[0] if len(parts) == 1 else _joined("AND", parts)


def _joined(operator: str, parts: Sequence[Node]) -> Node:
    """The parts as one, of their kind if they have one."""
    kinds = {part.kind for part in parts} or {"rows"}
    header = any(part.reads_header for part in parts)
    if kinds == {"rows"}:
        rows = tuple([part.rows for part in parts if part.rows is not None])
        return Node(rows=q.And(rows) if operator == "AND" else q.Or(rows) if operator == "OR" else q.Not(q.Or(rows)))
    if kinds == {"term"}:
        terms = tuple([part.term for part in parts if part.term is not None])
        return Node(
            term=AllOf(terms) if operator == "AND" else AnyOf(terms) if operator == "OR" else Lacks(AnyOf(terms))
        )
    if kinds == {"test"}:
        tests = [part.test for part in parts if part.test is not None]
        return Node(test=partial(_tested, operator, tests), reads_header=header)
    return Node(mixed=(operator, tuple(parts)), reads_header=header)


def _tested(operator: str, tests: Sequence[Test], structure: Structure, header: bytes) -> bool:
    found = (test(structure, header) for test in tests)
    return all(found) if operator == "AND" else any(found) if operator == "OR" else not any(found)


async def wanted_of(call: Call, wish: Filter) -> MessageQuery:
    """The search of the store. Branches that mix kinds are searched first."""
    boxes = [wish.mailbox] if wish.mailbox else call.boxes
    return await _wanted(call, wish.parts, [MailboxID(box) for box in boxes if box in call.boxes])


async def _wanted(call: Call, parts: Sequence[Node], boxes: Sequence[MailboxID]) -> MessageQuery:
    rows: list[q.Condition] = [LIVING]
    rows += [part.rows for part in parts if part.rows is not None]
    for part in parts:
        if part.mixed is not None:
            found = await _found(call, part, boxes)
            rows.append(q.Messages(await off_loop(partial(array, "q", found), kind="search")))
    terms = tuple([part.term for part in parts if part.term is not None])
    hints = tuple([part.hint for part in parts if part.hint is not None])
    tests = [part.test for part in parts if part.test is not None]
    return MessageQuery(
        tuple(boxes),
        q.And(tuple(rows)),
        term=AllOf(terms) if terms else None,
        hint=AllOf(hints) if hints else None,
        test=partial(_tested, "AND", tests) if tests else None,
        reads_header=any(part.reads_header for part in parts),
    )


async def _found(call: Call, node: Node, boxes: Sequence[MailboxID]) -> Numbers:
    """The messages that a part holds for."""
    if node.mixed is None:
        return await _searched(call, await _wanted(call, [node], boxes))
    operator, parts = node.mixed
    found = await _found(call, parts[0], boxes)
    for part in parts[1:]:
        more = await _found(call, part, boxes)
        found = found.both(more) if operator == "AND" else found.either(more)
    # The index finds what has a word, never what has not: all that may be found, without what does.
    return (await _searched(call, await _wanted(call, [], boxes))).without(found) if operator == "NOT" else found


async def _searched(call: Call, message_query: MessageQuery) -> Numbers:
    """All messages that are found."""
    search = Search(call.account, message_query)
    found = Numbers()
    while not search.done:
        for one in q.columns(await search.step())[0]:
            found.add(one)
    return found


class Comparator(msgspec.Struct, frozen=True):
    """One property to sort by."""

    name: str
    ascending: bool
    keyword: str = ""


def _comparators(call: Call) -> list[Comparator]:
    comparators: list[Comparator] = []
    for one in call.order():
        if not isinstance(name := one.get("property"), str):
            raise invalid("sort: must be an array of comparators")
        keyword = one.get("keyword")
        if name not in SORTS or ("Keyword" in name and not isinstance(keyword, str)):
            raise MethodError("unsupportedSort", f"emails can't be sorted by {name[:100]!r}")
        if "InThread" in name and call.place.guest:
            raise MethodError(
                "unsupportedSort",
                f"sort: {name} isn't supported in shared accounts, because threads may include unshared emails",
            )
        comparators.append(Comparator(name, one.get("isAscending") is not False, keyword or ""))
    return comparators or [Comparator("receivedAt", ascending=False)]


async def query(call: Call) -> Object:
    """Email/query."""
    await call.learn_boxes()
    wish = _Compiler(call).filter(call.filter())
    order = _comparators(call)
    collapse = call.argument("collapseThreads", bool, False)
    count = call.argument("calculateTotal", bool, False)
    # Before the search, for the reason in `emails.get`.
    now = await call.account.read(partial(state, place=call.place), op="jmap state")
    if wish.is_mailbox and wish.mailbox in call.boxes and not collapse and _by_reception(order):
        read = partial(_page, call=call, mailbox_id=wish.mailbox, now=now, oldest_first=order[0].ascending)
        if (found := await call.account.scan(read, op="jmap page")) is not None:
            return found
    page = _needed(call, order, count=count)
    ids = await _ids(call, wish, order, collapse=collapse, page=page)
    part, position, limit = window(call, ids, MAX_IDS)
    total = len(ids) if count else None
    return query_response(call, now, part, position, total=total, calculable=True, limit=limit)


def _page(r: Reader, call: Call, mailbox_id: int, now: str, *, oldest_first: bool) -> Object | None:
    """The response about one mailbox in the order of reception, from the index; None where that does not help."""
    found = mailbox_emails(r, mailbox_id, oldest_first=oldest_first)
    if found is None:
        return None
    position, size, limit = span(call, found.total, lambda anchor: found.position(r, read_id(anchor, LETTER)), MAX_IDS)
    ids = [f"{LETTER}{one}" for one in found.page(r, position, size)]
    total = found.total if call.argument("calculateTotal", bool, False) else None
    return query_response(call, now, ids, position, total=total, calculable=True, limit=limit)


def _by_reception(order: Sequence[Comparator]) -> bool:
    """Whether the time of reception is all that is sorted by."""
    return [comparator.name for comparator in order] == ["receivedAt"]


class Page(msgspec.Struct, frozen=True):
    """The results that an answer needs, in order: those before the `end`, which is counted from the email `anchor`, or
    without one from the first; without an end all.
    """

    end: int | None = None
    anchor: int | None = None


def _needed(call: Call, order: Sequence[Comparator], *, count: bool) -> Page:
    """The page that a call asks for."""
    position, anchor = call.argument("position", int, 0), call.argument("anchor", str)
    if count or not _by_reception(order) or (anchor is None and position < 0):
        return Page()
    limit = call.unsigned("limit")
    size = min(MAX_IDS if limit is None else limit, MAX_IDS)
    if anchor is None:
        return Page(int(position) + size)
    return Page(max(0, call.argument("anchorOffset", int, 0)) + size, read_id(call.id_of(anchor), LETTER))


async def _ids(call: Call, wish: Filter, order: Sequence[Comparator], *, collapse: bool, page: Page) -> Sequence[str]:
    """The ids that match, in order, at least up to the end of the page."""
    by_reception = _by_reception(order)
    if collapse and wish.is_mailbox and wish.mailbox in call.boxes and by_reception:
        total = await call.account.read(partial(view_total, mailbox_id=wish.mailbox), op="jmap page")
        await call.budget.reserve(CONVERSATION * (total if page.end is None or page.anchor else min(page.end, total)))
        read = partial(conversations, mailbox_id=wish.mailbox, oldest_first=order[0].ascending)
        return _Ids(await call.account.scan(partial(read, anchor=page.anchor, end=page.end), op="jmap page"))
    message_query = await wanted_of(call, wish)
    if not message_query.mailboxes:
        return []
    search = Search(call.account, message_query, oldest_first=by_reception and order[0].ascending)
    chosen = _SelectedEmails(collapse=collapse)
    found, threads = array("q"), array("q")
    while not search.done and not chosen.has(page):
        part, threadids = q.columns(await search.step())
        if by_reception:
            await call.budget.reserve(FOUND * (len(chosen.ids) + len(part)))
            await chosen.add(call, part, threadids)
        else:
            await _hold_keys(call, len(found) + len(part))
            found.extend(part)
            threads.extend(threadids)
    if not by_reception:
        places = await arrange(call.account, found, partial(_keys, order=order, boxes=call.boxes), op="jmap sort")
        for some in slices(places):
            await chosen.add(call, [found[place] for place in some], [threads[place] for place in some])
    return _Ids(chosen.ids)


async def _hold_keys(call: Call, count: int) -> None:
    """Wait for room for the keys of so many emails. Raises MethodError."""
    try:
        room = room_for(count)
    except LimitExceeded as error:
        raise MethodError("unsupportedSort", str(error.name)) from None
    await call.budget.reserve(room)


class _Ids(Sequence[str]):
    """Ids of emails, of which the numbers alone are kept."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [f"{LETTER}{number}" for number in self._numbers[at]]
        return f"{LETTER}{self._numbers[at]}"

    def __contains__(self, one: object) -> bool:
        return isinstance(one, str) and read_id(one, LETTER) in self._numbers

    def index(self, one: str, *_: int) -> int:
        return self._numbers.index(read_id(one, LETTER))


class _SelectedEmails:
    """Emails in order: each once, and with `collapse` one of each thread."""

    def __init__(self, *, collapse: bool) -> None:
        self.ids = array("q")
        self._collapse = collapse
        self._seen = Numbers()
        self._threads = Numbers()

    async def add(self, call: Call, ids: Sequence[int], threads: Sequence[int]) -> None:
        """Add the next messages, with their threads."""
        if not ids:
            return
        copies = await call.account.scan(partial(copies_among, message_ids=ids), op="jmap ids")
        for message_id, threadid in zip(ids, threads, strict=True):
            email_id = copies.get(message_id, message_id) if copies else message_id
            if email_id not in self._seen and not (self._collapse and threadid in self._threads):
                self._seen.add(email_id)
                self._threads.add(threadid)
                self.ids.append(email_id)

    def has(self, page: Page) -> bool:
        """Whether all of a page is there."""
        if page.anchor is None:
            return page.end is not None and len(self.ids) >= page.end
        if page.end is None or page.anchor not in self._seen:
            return False
        return len(self.ids) >= self.ids.index(page.anchor) + page.end


def _keys(
    r: Reader, ids: Sequence[int], order: Sequence[Comparator], boxes: Sequence[int]
) -> Iterator[tuple[int, bytes]]:
    """Yields message ids and keys (`rows.ordering`)."""
    named = [comparator for comparator in order if "InThread" in comparator.name]
    threads: dict[int, list[bool]] = {}
    for threadid, bits, keywords in thread_flags(r, ids) if named else ():
        known = threads.setdefault(threadid, [comparator.name.startswith("all") for comparator in named])
        for index, comparator in enumerate(named):
            if _has(comparator.keyword, bits, keywords) is not comparator.name.startswith("all"):
                known[index] = not comparator.name.startswith("all")
    flagged = any(comparator.name == "hasKeyword" for comparator in order)
    others = other_flags(r, ids, boxes) if flagged else {}
    structured = any(comparator.name in ("sentAt", "from", "to") for comparator in order)
    for row in sort_columns(r, ids, structures=structured):
        envelope = addressed_of(row[7]) if structured else None
        in_thread = iter(threads.get(row[6], ()))
        bits, keywords = others.get(row[0], (0, ""))
        row = (*row[:4], row[4] | bits, f"{row[5]} {keywords}", *row[6:])
        yield row[0], b"".join([_part(comparator, row, envelope, in_thread) for comparator in order])


def _part(comparator: Comparator, row: Row, envelope: Addressed | None, in_thread: Iterator[bool]) -> bytes:
    """The part of a key for a property: a case for each of RFC 8621 §4.4.2."""
    value: int | str
    match comparator.name:
        case "receivedAt":
            value = row[1]
        case "size":
            value = row[2]
        case "subject":
            value = row[3].casefold()
        case "sentAt":
            value = row[1] if envelope is None or envelope.date is None else envelope.date
        case "from":
            value = "" if envelope is None else _shown(envelope.from_.address)
        case "to":
            value = "" if envelope is None else _shown(envelope.to.address)
        case "hasKeyword":
            value = _has(comparator.keyword, row[4], row[5])
        case _:
            value = next(in_thread, False)
    if isinstance(value, str):
        return text_key(value, descending=not comparator.ascending)
    return number_key(value, descending=not comparator.ascending)


def _shown(address: MailAddress | None) -> str:
    """The key of an address list: the name of the first one, else its address (RFC 8621 §4.4.2)."""
    return "" if address is None else (address.name or f"{address.localpart}@{address.domain}").casefold()


def _has(keyword: str, bits: int, keywords: str) -> bool:
    flag = FLAGS.get(keyword.lower())
    return bool(bits & flag) if flag is not None else keyword.lower() in keywords.split(" ")


async def query_changes(call: Call) -> Object:
    """Email/queryChanges: emails that have changed are taken out, and put in where they match now."""
    await call.learn_boxes()
    (since, mark), most = since_state(call, "sinceQueryState"), max_changes(call)
    wish = _Compiler(call).filter(call.filter())
    order = _comparators(call)
    collapse = call.argument("collapseThreads", bool, False)

    def read(r: Reader) -> tuple[int, list[str], set[str]]:
        now, within = call.place.modseq(r, mail_state), call.place.readable(r)
        if mark != call.place.mark(r):
            raise TooManyChanges
        if now == since:
            return now, [], set()
        changes, threads = email_changes(r, since, within)
        gone = [f"{LETTER}{change.id}" for change in changes if change.kind == "destroyed"]
        changed = {change.id for change in changes if change.kind != "destroyed"}
        if collapse or _looks_at_threads(order, wish):
            changed |= {one for numbers in emails_of_threads(r, [*threads], within).values() for one in numbers}
        return now, gone, {f"{LETTER}{one}" for one in changed}

    try:
        now, gone, changed = await call.account.scan(read, op="jmap changes")
    except TooManyChanges:
        raise MethodError("cannotCalculateChanges", "too many changes; run the query again") from None
    count = call.argument("calculateTotal", bool, False)
    ids = await _ids(call, wish, order, collapse=collapse, page=Page()) if count or changed else []
    respond = partial(query_changes_response, call, f"{since}{mark}", f"{now}{mark}", ids)
    respond = partial(respond, moved=changed, gone=gone, most=most)
    return respond() if len(ids) <= MAX_IDS else await off_loop(respond, kind="search")


def _looks_at_threads(order: Sequence[Comparator], wish: Filter) -> bool:
    return any("InThread" in comparator.name for comparator in order) or any(_has_threads(part) for part in wish.parts)


def _has_threads(node: Node) -> bool:
    if node.mixed is not None:
        return any(map(_has_threads, node.mixed[1]))
    return node.rows is not None and "InThreadWith" in repr(node.rows)
