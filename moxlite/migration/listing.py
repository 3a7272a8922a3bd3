"""Reading another server's mailboxes, and the UIDs, flags and keys of the messages in one (IMAP-138, IMAP-139)."""

import datetime as dt
import re
from array import array
from collections.abc import AsyncGenerator, Collection, Iterable, Sequence
from contextlib import aclosing
from typing import Final

import msgspec
import trio

from moxlite.migration.names import Namespaces, RemoteBox, shows_others, uses_of
from moxlite.migration.problems import Problems, shown
from moxlite.net.imapclient import BrokenServer, Client, Refused
from moxlite.proto.imap import commands as c, responses as r
from moxlite.proto.imap.seqset import SequenceSet
from moxlite.proto.imap.tokens import encode_date
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.messageid import canonical_message_id
from moxlite.store.mail.annotations import MAX_ANNOTATIONS
from moxlite.store.mail.remotes import MARK, RemoteMessage, copy_key, join_words, mark
from moxlite.store.options import SECOND
from moxlite.wording import worded

GOOGLE: Final = "X-GM-EXT-1"

MAX_MAILBOXES: Final = 10_000
"""Number of mailboxes; an account may have as many (STORE-154)."""

MAX_LIST: Final = 8 << 20
"""Octets of a listing: 800 for each of as many mailboxes."""

MAX_NAMESPACES: Final = 100
"""Namespaces of a kind that are looked at: each name is compared with all of them."""

MAX_ATTRIBUTES: Final = 20
"""Attributes of a mailbox that are looked at: servers send five at most."""

MAX_MESSAGES: Final = 5_000_000
"""Messages of a mailbox at most: their UIDs are held in memory, in 20 MB."""

WINDOW: Final = 2_000
"""Messages of one search: its answer is a line of 22 kB, which takes 2 ms to parse."""

LISTINGS: Final = 5
"""Times that a listing is started again because messages were removed during it."""

FACTS: Final = b"UID FLAGS INTERNALDATE RFC822.SIZE"

MAX_FLAGS: Final = 1 << 30
"""Octets of changed flags: enough for ten million messages."""

MAX_ANNOTATION: Final = 64 << 10
"""Octets of a METADATA value; longer values are left out."""

_ENTRY: Final = re.compile(r"/(?:private|shared)(?:/[!-$&-)+-.0-~]+)+")


class ListedMessage(msgspec.Struct, frozen=True):
    """A message on the other server. `flags`: as stored in ``imap_copy``. `received`: µs UTC, with its `offset` in
    minutes; None if the server has no valid date. `message_id`: canonical, and only present if it was requested.
    """

    uid: int
    flags: str
    size: int
    received: int | None
    offset: int = 0
    gm_msgid: int | None = None
    message_id: str | None = None


async def list_boxes(client: Client, problems: Problems) -> list[RemoteBox]:
    """The mailboxes that can be copied. Mailboxes whose name fits in no command line are left out. Raises
    IMAPClientError.
    """
    google = client.has(GOOGLE)
    extended = client.has("LIST-EXTENDED")
    returns = ("SUBSCRIBED",) + (("SPECIAL-USE",) if client.has("SPECIAL-USE") else ()) if extended else ()
    boxes: dict[str, r.ListData] = {}
    command = c.List("", ("*",), returns=returns, extended=extended)
    async with aclosing(client.stream(command, octets=MAX_LIST)) as responses:
        async for response in responses:
            if isinstance(response, r.ListData):  # what is needed of it, while it comes
                boxes[response.name] = r.ListData(response.flags[:MAX_ATTRIBUTES], response.name, response.separator)
            if len(boxes) > MAX_MAILBOXES:
                raise BrokenServer(worded("the server has more than {n} folders", n=MAX_MAILBOXES))
    namespaces = await namespaces_of(client)
    await _leave_out(boxes, client, namespaces, problems)
    subscribed = set() if extended else await _subscribed(client, boxes)
    separator = next((box.separator for box in boxes.values() if box.separator), "")
    return uses_of(list(boxes.values()), subscribed, separator or "", google=google, namespaces=namespaces)


async def _leave_out(boxes: dict[str, r.ListData], client: Client, namespaces: Namespaces, problems: Problems) -> None:
    """Take out mailboxes that can't be named, or aren't the user's, and say which, and which only show messages of
    others.
    """
    for name, box in [*boxes.items()]:
        if not client.can_name(name):
            await problems.add(
                worded(
                    "skipped folder {name}: its name is too long or has unsupported characters", name=repr(shown(name))
                )
            )
            del boxes[name]
        elif namespaces.owner_of(name) == "others":
            await problems.add(worded("skipped another user's folder {name}", name=repr(shown(name))))
            del boxes[name]
        elif namespaces.owner_of(name) == "shared" and name.startswith(f"DELETED{box.separator}"):
            await problems.remark(worded("skipped deleted folder {name}", name=repr(shown(name))))
            del boxes[name]
        elif not client.has(GOOGLE) and shows_others(box, google=False):
            await problems.remark(
                worded("skipped folder {name}: only shows messages from other folders", name=repr(shown(name)))
            )


async def _subscribed(client: Client, boxes: Collection[str]) -> set[str]:
    """The subscribed mailboxes of a server without LIST-EXTENDED."""
    try:
        async with aclosing(client.stream(c.Lsub("", "*"), octets=MAX_LIST)) as responses:
            return {
                response.name
                async for response in responses
                if isinstance(response, r.LsubData) and response.name in boxes
            }
    except Refused:  # IMAP4rev2 no longer has it
        return {*boxes}


async def namespaces_of(client: Client) -> Namespaces:
    """The namespaces of a server that tells them (RFC 2342, RFC 9051 §6.3.10). Raises IMAPClientError."""
    if not client.has("NAMESPACE"):
        return Namespaces()
    try:
        answer = (await client.run(c.Namespace())).of(r.NamespaceData)
    except Refused:
        answer = []
    kinds = ((one.personal, one.others, one.shared) for one in answer)
    return Namespaces(*(pairs[:MAX_NAMESPACES] for pairs in next(kinds, ())))


async def separator_of(client: Client) -> tuple[str, str]:
    """The hierarchy separator, and the prefix of the user's own mailboxes (RFC 9051 §6.3.10)."""
    namespaces = await namespaces_of(client)
    if namespaces.personal:
        prefix, separator = namespaces.personal[0]
        return separator, prefix
    for data in (await client.run(c.List("", ("",)))).of(r.ListData):
        return data.separator or "", ""
    return "/", ""


async def list_uids(client: Client, since: int | None = None) -> "array[int]":
    """The UIDs of the open mailbox, ascending; with `since` (µs UTC) only of messages received on that day or later.

    Raises IMAPClientError; BrokenServer also for answers that contradict each other.
    """
    selected = client.selected
    assert selected is not None
    condition = b"ALL" if since is None else b"SINCE " + encode_date(dt.datetime.fromtimestamp(since / SECOND, dt.UTC))
    for _ in range(LISTINGS):
        if selected.exists > MAX_MESSAGES:
            raise BrokenServer(worded("the server reports more than {n} messages in a folder", n=MAX_MESSAGES))
        expunged = selected.expunged
        found: array[int] = array("I")
        first, ascending = 1, True
        while first <= selected.exists:
            # By message numbers, so that each answer is bounded whatever the UIDs are.
            last = min(first + WINDOW - 1, selected.exists)
            answer = (await client.run(b"UID SEARCH %d:%d %b" % (first, last, condition))).of(r.SearchData)
            numbers = sorted(number for data in answer for number in data.numbers if number)
            if since is None and len(numbers) <= last - first and selected.expunged == expunged:
                # Not all of these messages, or an answer that could not be understood. What is not listed is taken for
                # removed, so the server is asked in another way, too.
                fetched = (await client.run(b"FETCH %d:%d (UID)" % (first, last))).of(r.FetchData)
                uids = {uid for data in fetched for name, uid in data.items if name == "UID" and isinstance(uid, int)}
                numbers = sorted({*numbers, *(uid for uid in uids if 0 < uid < 1 << 32)})
            ascending = ascending and not (found and numbers and numbers[0] <= found[-1])
            found.extend(numbers)
            first += WINDOW
            if len(found) > selected.exists + WINDOW:
                raise BrokenServer(worded("a search returned more messages than the folder has"))
        if not ascending:
            found = await trio.to_thread.run_sync(_in_order, found)
        if selected.expunged == expunged:
            return found
    # A removal moves the numbers of later messages, so that some were in no search. The caller takes what is not listed
    # for removed, or for copied already: no listing is better than one with gaps.
    raise BrokenServer(worded("messages were deleted while the folder was being listed"))


def _in_order(uids: "array[int]") -> "array[int]":
    return array("I", sorted(set(uids)))


async def fetch_facts(
    client: Client, uids: Sequence[int], *, message_id: bool = False
) -> AsyncGenerator[ListedMessage, None]:
    """Fetch facts about messages, in any order. Close the generator when leaving early; the connection cannot be used
    then.
    """
    wanted = set(uids)
    fields = b"MESSAGE-ID" if message_id else b""
    async with aclosing(client.stream(facts_command(client, uids, fields=fields))) as responses:
        async for response in responses:
            facts = facts_of(response) if isinstance(response, r.FetchData) else None
            if facts is not None and facts.uid in wanted:
                # Each once: for a server that answers a second time, callers would count a message twice.
                wanted.discard(facts.uid)
                yield facts


async def fetch_marks(client: Client, uids: Sequence[int]) -> list[tuple[RemoteMessage, str, bytes]]:
    """Fetch messages with Message-ID and mark, for `match_marked`; those that have both. Raises IMAPClientError."""
    marked = []
    fields = b" ".join(MARK).upper()
    for data in (await client.run(facts_command(client, uids, fields=fields))).of(r.FetchData):
        facts, header = facts_of(data), _header_in(data)
        digest = None if header is None else mark(header)
        if facts is not None and facts.message_id is not None and digest is not None:
            marked.append((as_remote(facts), facts.message_id, digest))
    return marked


def facts_command(client: Client, uids: Sequence[int], *, fields: bytes = b"") -> bytes:
    """The command of `fetch_facts`. `fields`: of the header, that are fetched, too."""
    items = FACTS
    if client.has(GOOGLE):
        items += b" X-GM-MSGID"
    if fields:
        items += b" BODY.PEEK[HEADER.FIELDS (%b)]" % fields
    return b"UID FETCH %b (%b)" % (SequenceSet.of(uids).encode(), items)


def facts_of(data: r.FetchData) -> ListedMessage | None:
    """The facts in a FETCH response; None for a response that only reports new flags."""
    items = dict(data.items)
    uid, flags, size = items.get("UID"), items.get("FLAGS"), items.get("RFC822.SIZE")
    # Servers put other FETCH responses between these, when flags change at the same moment.
    if not isinstance(uid, int) or not isinstance(flags, tuple) or not isinstance(size, int) or not uid:
        return None
    date = items.get("INTERNALDATE")
    google = items.get("X-GM-MSGID")
    header = _header_in(data)
    message_id = None if header is None else canonical_message_id(HeaderSection(header).text(b"message-id") or b"")
    return ListedMessage(
        uid,
        join_words(flags),
        size,
        microseconds(date) if isinstance(date, dt.datetime) else None,
        _minutes(date) if isinstance(date, dt.datetime) else 0,
        _signed(google) if isinstance(google, int) else None,
        message_id,
    )


def _header_in(data: r.FetchData) -> bytes | None:
    """The fields of the header in a FETCH response."""
    for name, value in data.items:
        if name.upper().startswith("BODY[HEADER.FIELDS") and isinstance(value, bytes):
            return value
    return None


def as_remote(facts: ListedMessage) -> RemoteMessage:
    """The message, for `store.mail.remotes`."""
    return RemoteMessage(facts.uid, key_of(facts), facts.flags, facts.gm_msgid)


def key_of(facts: ListedMessage) -> bytes:
    """The key of a message whose Message-ID was requested."""
    return copy_key(facts.message_id, facts.size, facts.received or 0)


def microseconds(moment: dt.datetime) -> int:
    """A datetime as µs UTC."""
    return int(moment.timestamp()) * SECOND


def _minutes(moment: dt.datetime) -> int:
    offset = moment.utcoffset()
    return 0 if offset is None else int(offset.total_seconds()) // 60


def _signed(number: int) -> int:
    return number - (1 << 64) if number >= 1 << 63 else number


async def flags_in(client: Client, uids: Sequence[int]) -> list[tuple[int, str]]:
    """Fetch the flags of messages."""
    command = b"UID FETCH %b (UID FLAGS)" % SequenceSet.of(uids).encode()
    return _flags_of((await client.run(command)).data)


async def flags_changed(client: Client, modseq: int) -> AsyncGenerator[list[tuple[int, str]], None]:
    """Fetch the flags of messages that changed since `modseq` (RFC 7162 §3.1.4.1), in batches."""
    held: list[tuple[int, str]] = []
    command = b"UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE %d)" % modseq
    async with aclosing(client.stream(command, octets=MAX_FLAGS)) as responses:
        async for response in responses:
            held += _flags_of([response])
            if len(held) >= WINDOW:
                yield held
                held = []
    if held:
        yield held


def _flags_of(responses: Iterable[r.Response]) -> list[tuple[int, str]]:
    found = []
    for response in responses:
        if isinstance(response, r.FetchData):
            items = dict(response.items)
            uid, flags = items.get("UID"), items.get("FLAGS")
            if isinstance(uid, int) and isinstance(flags, tuple):
                found.append((uid, join_words(flags)))
    return found


async def annotations_of(client: Client, mailbox: str) -> list[tuple[str, bytes]]:
    """The METADATA entries of a mailbox (RFC 5464) whose names are allowed here."""
    if not client.has("METADATA"):
        return []
    try:
        command = c.GetMetadata(mailbox, ("/private", "/shared"), maxsize=MAX_ANNOTATION, depth="infinity")
        answer = await client.run(command)
    except Refused:  # Dovecot announces it, but some mailboxes have no METADATA
        return []
    found = [
        (name.lower(), value)
        for data in answer.of(r.MetadataData)
        for name, value in data.entries
        if value is not None and len(value) <= MAX_ANNOTATION and name.isascii() and _ENTRY.fullmatch(name)
    ]
    return found[:MAX_ANNOTATIONS]
