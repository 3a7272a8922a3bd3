"""Encoder of a server's responses (RFC 9051 §7, IMAP-6). `encode` writes the structs of `responses`.

For thousands of responses (flags of a whole mailbox), `fetch_flags` and the other functions at the end write octets
directly, without structs.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from .responses import (
    AclData,
    CapabilityData,
    Continue,
    Enabled,
    EsearchData,
    Exists,
    ExpungeData,
    FetchData,
    FetchValue,
    FlagsData,
    IdData,
    JmapAccessData,
    ListData,
    ListRightsData,
    LsubData,
    MetadataChanged,
    MetadataData,
    MyRightsData,
    NamespaceData,
    QuotaData,
    QuotaRootData,
    RecentData,
    Response,
    SearchData,
    SortData,
    State,
    StatusData,
    ThreadData,
    ThreadTree,
    UidBatchesData,
    Unknown,
    Vanished,
    Wire,
)
from .seqset import format_lines, format_ranges
from .tokens import encode_astring, encode_datetime, encode_mailbox, encode_nstring, encode_string

MAX_VANISHED_LINE: Final = 4064
"""Octets of a set in one VANISHED line (IMAP-56): clients with 4 KiB line buffers exist."""


def encode(response: Response, *, utf8: bool = False) -> bytes:
    """The octets of `response`, line end included. `utf8`: the client has enabled IMAP4rev2 or UTF8=ACCEPT (IMAP-6,
    IMAP-32).
    """
    return _ENCODERS[type(response)](response, utf8)


def _words(head: bytes, words: Iterable[str]) -> bytes:
    return b" ".join([head, *(word.encode() for word in words)]) + b"\r\n"


def _text(text: str, utf8: bool) -> bytes:
    if text.isascii() and text.isprintable():
        return text.encode()
    clean = "".join(c if c >= " " and c != "\x7f" and (utf8 or c <= "~") else "?" for c in text)
    return clean.encode("utf-8", "replace")


def _state(r: State, utf8: bool) -> bytes:
    code = b"[%b] " % r.code.encode() if r.code else b""
    return b"%b %b %b%b\r\n" % ((r.tag or "*").encode(), r.condition.encode(), code, _text(r.text, utf8) or b"-")


def _separator(separator: str | None) -> bytes:
    if separator == "/":  # the separator of our server
        return b'"/"'
    return b"NIL" if separator is None else encode_string(separator.encode())


def _list(r: ListData, utf8: bool) -> bytes:
    extended = []
    if r.childinfo:
        extended.append(b'"CHILDINFO" (%b)' % b" ".join(encode_string(name.encode()) for name in r.childinfo))
    if r.oldname is not None:
        extended.append(b'"OLDNAME" (%b)' % encode_mailbox(r.oldname, utf8=utf8))
    tail = b" (%b)" % b" ".join(extended) if extended else b""
    return b"* LIST (%b) %b %b%b\r\n" % (
        " ".join(r.flags).encode(),
        _separator(r.separator),
        _listed(r.name, utf8),
        tail,
    )


def _listed(name: str, utf8: bool) -> bytes:
    return encode_mailbox(name, utf8=utf8) if name else b'""'


def _lsub(r: LsubData, utf8: bool) -> bytes:
    return b"* LSUB (%b) %b %b\r\n" % (" ".join(r.flags).encode(), _separator(r.separator), _listed(r.name, utf8))


def _namespace(r: NamespaceData, utf8: bool) -> bytes:
    fields = [
        b"(%b)"
        % b"".join(b"(%b %b)" % (_quoted_mailbox(prefix, utf8), _separator(separator)) for prefix, separator in pairs)
        if pairs
        else b"NIL"
        for pairs in (r.personal, r.others, r.shared)
    ]
    return b"* NAMESPACE %b\r\n" % b" ".join(fields)


def _quoted_mailbox(name: str, utf8: bool) -> bytes:
    wire = encode_mailbox(name, utf8=utf8)
    return wire if wire[:1] in (b'"', b"{") else b'"%b"' % wire


def _status(r: StatusData, utf8: bool) -> bytes:
    items = " ".join(
        [
            f"{name} {value}" if isinstance(value, int) else f"{name} NIL" if value is None else f"{name} ({value})"
            for name, value in r.items
        ]
    )
    return b"* STATUS %b (%b)\r\n" % (encode_mailbox(r.mailbox, utf8=utf8), items.encode())


def _search(r: SearchData, utf8: bool) -> bytes:
    # A single line of any length: Python's imaplib, used as documented, reads only one (IMAP-123).
    if not r.numbers:
        return b"* SEARCH\r\n"
    modseq = b" (MODSEQ %d)" % r.modseq if r.modseq is not None else b""
    return b"* SEARCH %b%b\r\n" % (" ".join(map(str, r.numbers)).encode(), modseq)


def _esearch(r: EsearchData, utf8: bool) -> bytes:
    parts = [b"* ESEARCH"]
    if r.tag is not None:
        correlator = b"TAG " + encode_string(r.tag.encode())
        if r.mailbox is not None:
            correlator += b" MAILBOX %b UIDVALIDITY %d" % (encode_mailbox(r.mailbox, utf8=utf8), r.uidvalidity or 0)
        parts.append(b"(%b)" % correlator)
    if r.uid:
        parts.append(b"UID")
    if r.min is not None:
        parts.append(b"MIN %d" % r.min)
    if r.max is not None:
        parts.append(b"MAX %d" % r.max)
    if r.count is not None:
        parts.append(b"COUNT %d" % r.count)
    if r.all is not None:
        parts.append(b"ALL " + format_ranges(r.all))
    if r.partial is not None:
        (first, last), found = r.partial
        parts.append(b"PARTIAL (%d:%d %b)" % (first, last, b"NIL" if not found else format_ranges(found)))
    if r.modseq is not None:
        parts.append(b"MODSEQ %d" % r.modseq)
    return b" ".join(parts) + b"\r\n"


def _sort(r: SortData, utf8: bool) -> bytes:
    modseq = b" (MODSEQ %d)" % r.modseq if r.modseq is not None else b""
    return b"* SORT%b%b\r\n" % (b"".join([b" %d" % n for n in r.numbers]), modseq)


def _thread(r: ThreadData, utf8: bool) -> bytes:
    return thread_line(b"".join(map(_tree, r.threads)))


def thread_line(threads: bytes) -> bytes:
    """``* THREAD`` with threads in wire form."""
    return b"* THREAD %b\r\n" % threads if threads else b"* THREAD\r\n"


def _tree(tree: ThreadTree) -> bytes:
    # Without recursion: a thread may be deeper than Python's stack.
    out: list[bytes] = []
    waiting: list[object] = [tree]
    while waiting:
        item = waiting.pop()
        if isinstance(item, bytes):
            out.append(item)
            continue
        if isinstance(item, int):
            if out and out[-1][-1:].isdigit():
                out.append(b" ")
            out.append(b"%d" % item)
            continue
        assert isinstance(item, tuple)
        if out and out[-1][-1:].isdigit():
            out.append(b" ")
        waiting.append(b")")
        waiting += reversed(item)
        out.append(b"(")
    return b"".join(out)


def _metadata(r: MetadataData, utf8: bool) -> bytes:
    entries = [encode_astring(name.encode()) + b" " + _value(value, utf8) for name, value in r.entries]
    return b"* METADATA %b (%b)\r\n" % (_listed(r.mailbox, utf8), b" ".join(entries))


def _value(value: bytes | None, utf8: bool) -> bytes:
    if value is not None and b"\x00" in value:
        return b"~{%d}\r\n%b" % (len(value), value)
    return encode_nstring(value, utf8=utf8)


def _metadata_changed(r: MetadataChanged, utf8: bool) -> bytes:
    names = b" ".join(encode_astring(name.encode()) for name in r.entries)
    return b"* METADATA %b %b\r\n" % (_listed(r.mailbox, utf8), names)


def _id(r: IdData, utf8: bool) -> bytes:
    if not r.pairs:
        return b"* ID NIL\r\n"
    words = []
    for key, value in r.pairs:
        words += [
            encode_string(key.encode(), utf8=utf8),
            encode_nstring(None if value is None else value.encode(), utf8=utf8),
        ]
    return b"* ID (%b)\r\n" % b" ".join(words)


def _quota(r: QuotaData, utf8: bool) -> bytes:
    resources = b" ".join(b"%b %d %d" % (name.encode(), usage, limit) for name, usage, limit in r.resources)
    return b"* QUOTA %b (%b)\r\n" % (_astring(r.root), resources)


def _astring(text: str, utf8: bool = False) -> bytes:
    return encode_astring(text.encode(), utf8=utf8)


def _fetch(r: FetchData, utf8: bool) -> bytes:
    items = [name.encode() + b" " + _fetched(name, value, utf8) for name, value in r.items]
    return b"* %d %b (%b)\r\n" % (r.number, b"UIDFETCH" if r.uid else b"FETCH", b" ".join(items))


def _fetched(name: str, value: FetchValue, utf8: bool) -> bytes:
    match value:
        case None:
            return b"NIL"
        case int():
            return b"(%d)" % value if name == "MODSEQ" else b"%d" % value
        case bytes():
            if b"\x00" in value:
                return b"~{%d}\r\n%b" % (len(value), value)
            return encode_string(value, utf8=utf8)
        case str():
            return b"(%b)" % value.encode()
        case Wire(octets=octets):
            return octets
        case dt.datetime():
            return encode_datetime(value)
        case _:
            return flag_list(value)


_ENCODERS: Final[Mapping[type, Callable[[Any, bool], bytes]]] = {
    State: _state,
    Continue: lambda r, _: b"+ %b\r\n" % r.text,
    CapabilityData: lambda r, _: _words(b"* CAPABILITY", r.names),
    Enabled: lambda r, _: _words(b"* ENABLED", r.names),
    ListData: _list,
    LsubData: _lsub,
    NamespaceData: _namespace,
    JmapAccessData: lambda r, _: b'* JMAPACCESS "%b"\r\n' % r.url.encode(),
    StatusData: _status,
    FlagsData: lambda r, _: b"* FLAGS %b\r\n" % flag_list(r.flags),
    SearchData: _search,
    EsearchData: _esearch,
    UidBatchesData: lambda r, _: (
        b"* UIDBATCHES (TAG %b)" % encode_string(r.tag.encode())
        + (b" " + b",".join([b"%d:%d" % batch for batch in r.batches]) if r.batches else b"")
        + b"\r\n"
    ),
    SortData: _sort,
    ThreadData: _thread,
    QuotaData: _quota,
    QuotaRootData: lambda r, utf8: (
        b" ".join([b"* QUOTAROOT", _listed(r.mailbox, utf8), *map(_astring, r.roots)]) + b"\r\n"
    ),
    MetadataData: _metadata,
    MetadataChanged: _metadata_changed,
    AclData: lambda r, utf8: (
        b" ".join([b"* ACL", _listed(r.mailbox, utf8), *(_astring(word, utf8) for pair in r.rights for word in pair)])
        + b"\r\n"
    ),
    ListRightsData: lambda r, utf8: (
        b" ".join(
            [
                b"* LISTRIGHTS",
                _listed(r.mailbox, utf8),
                *(_astring(word, utf8) for word in (r.identifier, r.required, *r.optional)),
            ]
        )
        + b"\r\n"
    ),
    MyRightsData: lambda r, utf8: b"* MYRIGHTS %b %b\r\n" % (_listed(r.mailbox, utf8), _astring(r.rights)),
    IdData: _id,
    Exists: lambda r, _: b"* %d EXISTS\r\n" % r.number,
    RecentData: lambda r, _: b"* %d RECENT\r\n" % r.number,
    ExpungeData: lambda r, _: b"* %d EXPUNGE\r\n" % r.number,
    Vanished: lambda r, _: vanished_lines(r.uids, earlier=r.earlier),
    FetchData: _fetch,
    Unknown: lambda r, _: b"* %b\r\n" % r.text,
}


# --- responses without structs, written by the thousand


def flag_list(flags: Iterable[str]) -> bytes:
    r"""Flags in parentheses: ``(\Seen $Junk)``."""
    return b"(%b)" % " ".join(flags).encode()


def fetch_flags(number: int, uid: int, flags: bytes, modseq: int | None = None) -> bytes:
    """``* n FETCH (UID u FLAGS (…) [MODSEQ (m)])``; flags as `flag_list` writes them."""
    if modseq is None:
        return b"* %d FETCH (UID %d FLAGS %b)\r\n" % (number, uid, flags)
    return b"* %d FETCH (UID %d FLAGS %b MODSEQ (%d))\r\n" % (number, uid, flags, modseq)


def uidfetch_flags(uid: int, flags: bytes, modseq: int | None = None) -> bytes:
    """``* u UIDFETCH (FLAGS (…) [MODSEQ (m)])`` (RFC 9586 §3.3)."""
    if modseq is None:
        return b"* %d UIDFETCH (FLAGS %b)\r\n" % (uid, flags)
    return b"* %d UIDFETCH (FLAGS %b MODSEQ (%d))\r\n" % (uid, flags, modseq)


def vanished_lines(uids: Iterable[tuple[int, int]], *, earlier: bool = False) -> bytes:
    """``* VANISHED`` lines for ascending ranges, b"" without ranges (IMAP-56)."""
    head = b"* VANISHED (EARLIER) " if earlier else b"* VANISHED "
    return b"".join([head + piece + b"\r\n" for piece in format_lines(uids, MAX_VANISHED_LINE)])


def expunge_lines(numbers: Iterable[int]) -> bytes:
    """``* n EXPUNGE`` lines; each number counts after the expunges before it (RFC 9051 §7.5.1)."""
    return b"".join([b"* %d EXPUNGE\r\n" % n for n in numbers])


def literal_head(size: int, *, binary: bool = False) -> bytes:
    """The ``{n}`` line before the octets of a literal, ``~{n}`` before a literal8 (RFC 9051 §4.3)."""
    return b"~{%d}\r\n" % size if binary else b"{%d}\r\n" % size
