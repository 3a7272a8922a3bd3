"""Commands as a client writes them: the mirror of `parse` (RFC 9051 §9).

A command becomes pieces of octets. Between two pieces the client waits for ``+`` (RFC 9051 §7.6): each piece but the
last ends with the announcement of a synchronizing literal. With LITERAL+ (RFC 7888) there is one piece.
"""

import base64
import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec import Struct

from . import commands as c
from .fetchitems import encode_item
from .search import (
    AllMessages,
    And,
    BodyText,
    DateIs,
    EmailIdIs,
    Filter,
    FlagIs,
    Header,
    Larger,
    ModSeqIs,
    Not,
    Older,
    Or,
    Recent,
    Return,
    SaveDateSupported,
    SearchKey,
    Sequence,
    Smaller,
    SortKey,
    Text,
    ThreadIdIs,
    UidAfter,
    UidBefore,
    Uids,
    Younger,
)
from .tokens import encode_astring, encode_date, encode_datetime, encode_mailbox, encode_nstring, encode_string

__all__ = ["Appended", "append_item", "append_start", "encode_command"]


class Appended(Struct, frozen=True):
    """A message of an APPEND whose octets go piece by piece: `size` of them. binary: they hold NUL (RFC 3516 §4.4).
    utf8: its header is UTF-8 (RFC 6855 §4).
    """

    size: int
    flags: tuple[str, ...] = ()
    date: dt.datetime | None = None
    binary: bool = False
    utf8: bool = False


def append_start(tag: str, mailbox: str, *, utf8: bool = False) -> bytes:
    """An APPEND up to its first message. The name is written such that it needs no literal: as UTF-7 or quoted."""
    wire = encode_mailbox(mailbox, utf8=utf8)
    if _LITERAL.match(wire):
        raise ValueError("no mailbox has such a name")
    return b"%b APPEND %b" % (tag.encode(), wire or b'""')


def append_item(message: Appended, *, wait: bool) -> bytes:
    """What comes before the octets of a message; with `wait` the server has to say that it wants them."""
    head = b" " + _flags(message.flags) if message.flags else b""
    if message.date is not None:
        head += b" " + encode_datetime(message.date)
    head += b" UTF8 (~" if message.utf8 else b" ~" if message.binary else b" "
    return head + b"{%d%b}\r\n" % (message.size, b"" if wait else b"+")


_LITERAL: Final = re.compile(rb"(~?)\{([0-9]+)\}\r\n")


class _Writer:
    """Collects one command. Literals are written as synchronizing ones; `pieces` turns them into what the server
    allows.
    """

    __slots__ = ("_octets", "_starts", "utf8")

    def __init__(self, tag: str, *, utf8: bool) -> None:
        self._octets = bytearray(tag.encode())
        self._starts: list[int] = []  # where the octets of literals begin
        self.utf8 = utf8

    def put(self, octets: bytes) -> None:
        """Octets as they are."""
        self._octets += octets

    def word(self, octets: bytes) -> None:
        """A space, and octets in which a string may be a literal: only such ones are written here."""
        self._octets += b" "
        self.string(octets)

    def string(self, wire: bytes) -> None:
        """A string in wire form."""
        match = _LITERAL.match(wire)
        if match is not None:
            self._starts.append(len(self._octets) + match.end())
        self._octets += wire

    def astring(self, text: str) -> None:
        """A space and an ``astring``."""
        self.word(encode_astring(text.encode(), utf8=self.utf8))

    def mailbox(self, name: str) -> None:
        """A space and a mailbox name."""
        wire = encode_mailbox(name, utf8=self.utf8)
        self.word(wire if name else b'""')

    def pieces(self, *, literal_plus: bool) -> list[bytes]:
        """The pieces, the last one with the line end."""
        self._octets += b"\r\n"
        found: list[bytes] = []
        last = 0
        for start in self._starts:
            found.append(bytes(self._octets[last:start]))
            last = start
        found.append(bytes(self._octets[last:]))
        if literal_plus:
            return [b"".join([piece[:-3] + b"+}\r\n" for piece in found[:-1]] + found[-1:])]
        return found


def encode_command(
    tag: str, command: c.Command, *, messages: Iterable[bytes] = (), utf8: bool = False, literal_plus: bool = True
) -> list[bytes]:
    """The pieces of a command.

    messages: for APPEND and REPLACE, the octets of each message (of each TEXT part with CATENATE), in order. utf8:
    mailbox names go as UTF-8.
    """
    writer = _Writer(tag, utf8=utf8)
    if isinstance(command, c.Append | c.Replace):
        _append(writer, command, list(messages))
    else:
        _ENCODERS[type(command)](writer, command)
    return writer.pieces(literal_plus=literal_plus)


def _uid(command: Any) -> bytes:
    return b" UID" if command.uid else b""


def _set(w: _Writer, command: Any) -> None:
    w.put(b" " + command.set.encode())


def _flags(flags: Iterable[str]) -> bytes:
    return b"(%b)" % " ".join(flags).encode()


def _append(w: _Writer, command: c.Append | c.Replace, octets: list[bytes]) -> None:
    messages: tuple[c.AppendMessage, ...]
    if isinstance(command, c.Replace):
        w.put(_uid(command) + b" REPLACE")
        _set(w, command)
        messages = (command.message,)
    else:
        w.put(b" APPEND")
        messages = command.messages
    w.mailbox(command.mailbox)
    octets.reverse()
    for message in messages:
        if message.flags:
            w.put(b" " + _flags(message.flags))
        if message.date is not None:
            w.put(b" " + encode_datetime(message.date))
        if message.catenate:
            w.put(b" CATENATE (")
            for number, part in enumerate(message.catenate):
                w.put(b" " if number else b"")
                if part is None:
                    w.put(b"TEXT ")
                    _data(w, octets.pop())
                else:
                    w.put(b"URL")
                    w.astring(part.url)
            w.put(b")")
        elif message.utf8:
            w.put(b" UTF8 (")
            _data(w, octets.pop(), binary=True)
            w.put(b")")
        else:
            w.put(b" ")
            _data(w, octets.pop())


def _data(w: _Writer, octets: bytes, *, binary: bool = False) -> None:
    w.string(b"%b{%d}\r\n%b" % (b"~" if binary or b"\x00" in octets else b"", len(octets), octets))


# --- one function per command


def _fixed(word: bytes) -> Callable[[_Writer, Any], None]:
    return lambda w, command: w.put(b" " + word)


def _named(word: bytes) -> Callable[[_Writer, Any], None]:
    def write(w: _Writer, command: Any) -> None:
        w.put(b" " + word)
        w.mailbox(command.mailbox)

    return write


def _words(word: bytes, field: str) -> Callable[[_Writer, Any], None]:
    def write(w: _Writer, command: Any) -> None:
        w.put(b" " + word)
        for text in getattr(command, field):
            w.astring(text)

    return write


def _id(w: _Writer, command: c.Id) -> None:
    if not command.pairs:
        w.put(b" ID NIL")
        return
    w.put(b" ID (")
    for number, (key, value) in enumerate(command.pairs):
        w.put(b" " if number else b"")
        w.string(encode_string(key.encode(), utf8=True))
        w.word(encode_nstring(None if value is None else value.encode(), utf8=True))
    w.put(b")")


def _authenticate(w: _Writer, command: c.Authenticate) -> None:
    w.put(b" AUTHENTICATE " + command.mechanism.encode())
    if command.initial is not None:
        w.put(b" " + (base64.b64encode(command.initial) or b"="))


def _login(w: _Writer, command: c.Login) -> None:
    w.put(b" LOGIN")
    w.astring(command.username)
    w.astring(command.password)


def _select(w: _Writer, command: c.Select | c.Examine) -> None:
    w.put(b" EXAMINE" if isinstance(command, c.Examine) else b" SELECT")
    w.mailbox(command.mailbox)
    parameters = [b"CONDSTORE"] if command.condstore else []
    q = command.qresync
    if q is not None:
        known = b" " + q.known.encode() if q.known is not None else b""
        match = b" (%b %b)" % (q.match[0].encode(), q.match[1].encode()) if q.match is not None else b""
        parameters.append(b"QRESYNC (%d %d%b%b)" % (q.uidvalidity, q.modseq, known, match))
    if parameters:
        w.put(b" (%b)" % b" ".join(parameters))


def _create(w: _Writer, command: c.Create) -> None:
    w.put(b" CREATE")
    w.mailbox(command.mailbox)
    if command.use is not None:
        w.put(b" (USE %b)" % _flags(command.use))


def _rename(w: _Writer, command: c.Rename) -> None:
    w.put(b" RENAME")
    w.mailbox(command.source)
    w.mailbox(command.target)


def _pattern(w: _Writer, text: str) -> None:
    wire = encode_mailbox(text, utf8=w.utf8)
    w.string(wire if wire[:1] in (b'"', b"{") else b'"%b"' % wire)


def _list(w: _Writer, command: c.List) -> None:
    w.put(b" LIST")
    if command.selection:
        w.put(b" " + _flags(command.selection))
    w.put(b" ")
    _pattern(w, command.reference)
    several = len(command.patterns) != 1 or (command.extended and not command.selection and not command.returns)
    w.put(b" (" if several else b" ")
    for number, pattern in enumerate(command.patterns):
        w.put(b" " if number else b"")
        _pattern(w, pattern)
    w.put(b")" if several else b"")
    if command.returns:
        words = []
        for word in command.returns:
            extra = {"STATUS": command.status, "METADATA": command.metadata}.get(word)
            words.append(word.encode() + (b" " + _flags(extra) if extra else b""))
        w.put(b" RETURN (%b)" % b" ".join(words))


def _lsub(w: _Writer, command: c.Lsub) -> None:
    w.put(b" LSUB ")
    _pattern(w, command.reference)
    w.put(b" ")
    _pattern(w, command.pattern)


def _status(w: _Writer, command: c.Status) -> None:
    w.put(b" STATUS")
    w.mailbox(command.mailbox)
    w.put(b" " + _flags(command.items))


def _get_quota(w: _Writer, command: c.GetQuota) -> None:
    w.put(b" GETQUOTA")
    w.astring(command.root)


def _set_quota(w: _Writer, command: c.SetQuota) -> None:
    w.put(b" SETQUOTA")
    w.astring(command.root)
    w.put(b" (%b)" % b" ".join([b"%b %d" % (name.encode(), limit) for name, limit in command.limits]))


def _get_metadata(w: _Writer, command: c.GetMetadata) -> None:
    w.put(b" GETMETADATA")
    options = [b"MAXSIZE %d" % command.maxsize] if command.maxsize is not None else []
    if command.depth != "0":
        options.append(b"DEPTH " + command.depth.encode())
    if options:
        w.put(b" (%b)" % b" ".join(options))
    w.mailbox(command.mailbox)
    w.put(b" (")
    for number, name in enumerate(command.entries):
        w.put(b" " if number else b"")
        w.string(encode_astring(name.encode()))
    w.put(b")")


def _set_metadata(w: _Writer, command: c.SetMetadata) -> None:
    w.put(b" SETMETADATA")
    w.mailbox(command.mailbox)
    w.put(b" (")
    for number, (name, value) in enumerate(command.entries):
        w.put(b" " if number else b"")
        w.string(encode_astring(name.encode()))
        if value is not None and b"\x00" in value:
            w.word(b"~{%d}\r\n%b" % (len(value), value))
        else:
            w.word(encode_nstring(value, utf8=w.utf8))
    w.put(b")")


def _source(w: _Writer, source: c.Source) -> None:
    w.put(source.kind.encode())
    if source.names:
        w.put(b" (")
        for number, name in enumerate(source.names):
            w.put(b" " if number else b"")
            w.string(encode_mailbox(name, utf8=w.utf8))
        w.put(b")")


def _notify(w: _Writer, command: c.Notify) -> None:
    w.put(b" NOTIFY" + (b" SET" if command.groups else b" NONE"))
    if command.status:
        w.put(b" STATUS")
    for group in command.groups:
        w.put(b" (")
        _source(w, group.source)
        if not group.events:
            w.put(b" NONE)")
            continue
        events = []
        for event in group.events:
            items = b" (%b)" % b" ".join(map(encode_item, event.items)) if event.items else b""
            events.append(event.name.encode() + items)
        w.put(b" (%b))" % b" ".join(events))


def _esearch(w: _Writer, command: c.Esearch) -> None:
    w.put(b" ESEARCH")
    if command.sources:
        w.put(b" IN (")
        for number, source in enumerate(command.sources):
            w.put(b" " if number else b"")
            _source(w, source)
        w.put(b")")
    _return(w, command.returns)
    w.put(b" ")
    _program(w, command.program, "utf-8")


def _set_acl(w: _Writer, command: c.SetAcl) -> None:
    w.put(b" SETACL")
    w.mailbox(command.mailbox)
    w.astring(command.identifier)
    w.astring(command.change + command.rights)


def _with_identifier(word: bytes) -> Callable[[_Writer, Any], None]:
    def write(w: _Writer, command: Any) -> None:
        w.put(b" " + word)
        w.mailbox(command.mailbox)
        w.astring(command.identifier)

    return write


def _gen_url_auth(w: _Writer, command: c.GenUrlAuth) -> None:
    w.put(b" GENURLAUTH")
    for url, mechanism in command.rules:
        w.astring(url)
        w.put(b" " + mechanism.encode())


def _reset_key(w: _Writer, command: c.ResetKey) -> None:
    w.put(b" RESETKEY")
    if command.mailbox is not None:
        w.mailbox(command.mailbox)
        for mechanism in command.mechanisms:
            w.put(b" " + mechanism.encode())


def _expunge(w: _Writer, command: c.Expunge) -> None:
    w.put(b" EXPUNGE" if command.uids is None else b" UID EXPUNGE " + command.uids.encode())


def _search(w: _Writer, command: c.Search) -> None:
    w.put(_uid(command) + b" SEARCH")
    _return(w, command.returns)
    if command.charset is not None:
        w.put(b" CHARSET " + command.charset.encode())
    w.put(b" ")
    _program(w, command.program, command.charset or "utf-8")


def _sort(w: _Writer, command: c.Sort) -> None:
    w.put(_uid(command) + b" SORT")
    _return(w, command.returns)
    w.put(b" (%b) %b " % (b" ".join(map(_sort_key, command.keys)), command.charset.encode()))
    _program(w, command.program, command.charset)


def _sort_key(key: SortKey) -> bytes:
    return (b"REVERSE " if key.reverse else b"") + key.name.encode()


def _thread(w: _Writer, command: c.Thread) -> None:
    w.put(_uid(command) + b" THREAD %b %b " % (command.algorithm.encode(), command.charset.encode()))
    _program(w, command.program, command.charset)


def _cancel_update(w: _Writer, command: c.CancelUpdate) -> None:
    w.put(b" CANCELUPDATE")
    for tag in command.tags:
        w.word(encode_string(tag.encode()))


def _fetch(w: _Writer, command: c.Fetch) -> None:
    w.put(_uid(command) + b" FETCH")
    _set(w, command)
    w.put(b" (%b)" % b" ".join(map(encode_item, command.items)))
    modifiers = []
    if command.changedsince is not None:
        modifiers.append(b"CHANGEDSINCE %d" % command.changedsince)
    if command.vanished:
        modifiers.append(b"VANISHED")
    if command.partial is not None:
        modifiers.append(b"PARTIAL %d:%d" % command.partial)
    if modifiers:
        w.put(b" (%b)" % b" ".join(modifiers))


def _store(w: _Writer, command: c.Store) -> None:
    w.put(_uid(command) + b" STORE")
    _set(w, command)
    if command.unchangedsince is not None:
        w.put(b" (UNCHANGEDSINCE %d)" % command.unchangedsince)
    w.put(b" %b%b %b" % (command.mode.value.encode(), b".SILENT" if command.silent else b"", _flags(command.flags)))


def _copy(word: bytes) -> Callable[[_Writer, Any], None]:
    def write(w: _Writer, command: Any) -> None:
        w.put(_uid(command) + word)
        _set(w, command)
        w.mailbox(command.mailbox)

    return write


def _return(w: _Writer, returns: Return | None) -> None:
    if returns is None:
        return
    names = ("min", "max", "all", "count", "save", "update", "context")
    words = [name.upper().encode() for name in names if getattr(returns, name)]
    if returns.partial is not None:
        words.append(b"PARTIAL %d:%d" % returns.partial)
    w.put(b" RETURN (%b)" % b" ".join(words))


# --- search programs


def _program(w: _Writer, program: SearchKey, charset: str) -> None:
    """The tree, without recursion: what is left to write is kept on a stack."""
    waiting: list[SearchKey | bytes] = [program]
    while waiting:
        key = waiting.pop()
        match key:
            case bytes():
                w.put(key)
            case Not(key=inner):
                waiting += [inner, b"NOT "]
            case Or(left=left, right=right):
                waiting += [right, b" ", left, b"OR "]
            case And(keys=keys):
                waiting.append(b")")
                for number, inner in enumerate(reversed(keys)):
                    waiting += [b" ", inner] if number else [inner]
                waiting.append(b"(")
            case _:
                _key(w, key, charset)


def _key(w: _Writer, key: SearchKey, charset: str) -> None:
    def text(word: bytes, value: str) -> None:
        w.put(word)
        w.word(encode_astring(value.encode(charset), utf8=w.utf8))

    match key:
        case Header(field=field, value=value):
            w.put(b"HEADER")
            w.astring(field)
            text(b"", value)
        case BodyText(value=value):
            text(b"BODY", value)
        case Text(value=value):
            text(b"TEXT", value)
        case EmailIdIs(id=value):
            text(b"EMAILID", value)
        case ThreadIdIs(id=value):
            text(b"THREADID", value)
        case _:
            w.put(_plain_key(key))


def _plain_key(key: SearchKey) -> bytes:
    match key:
        case FlagIs(flag=flag, present=present):
            word = flag[1:].upper() if flag.startswith("\\") else f"KEYWORD {flag}"
            return (word if present else f"UN{word}").encode()
        case DateIs(of=of, comparison=comparison, date=date):
            prefix = {"internal": "", "sent": "SENT", "saved": "SAVED"}[of]
            return f"{prefix}{comparison.value} ".encode() + encode_date(date)
        case Larger(size=size):
            return b"LARGER %d" % size
        case Smaller(size=size):
            return b"SMALLER %d" % size
        case Older(seconds=seconds):
            return b"OLDER %d" % seconds
        case Younger(seconds=seconds):
            return b"YOUNGER %d" % seconds
        case Sequence(set=numbers):
            return numbers.encode()
        case Uids(set=numbers):
            return b"UID " + numbers.encode()
        case UidAfter(uid=uid):
            return b"UIDAFTER %d" % uid
        case UidBefore(uid=uid):
            return b"UIDBEFORE %d" % uid
        case ModSeqIs(modseq=modseq):
            return b"MODSEQ %d" % modseq
        case Filter(name=name):
            return b"FILTER " + name.encode()
        case Recent():
            return b"RECENT"
        case SaveDateSupported():
            return b"SAVEDATESUPPORTED"
        case AllMessages():
            return b"ALL"
        case _:
            raise TypeError(f"not a search key: {key!r}")


_ENCODERS: Final[Mapping[type, Callable[[_Writer, Any], None]]] = {
    c.Capability: _fixed(b"CAPABILITY"),
    c.Noop: _fixed(b"NOOP"),
    c.Logout: _fixed(b"LOGOUT"),
    c.Id: _id,
    c.StartTls: _fixed(b"STARTTLS"),
    c.Authenticate: _authenticate,
    c.Login: _login,
    c.Enable: _words(b"ENABLE", "capabilities"),
    c.Select: _select,
    c.Examine: _select,
    c.Create: _create,
    c.Delete: _named(b"DELETE"),
    c.Rename: _rename,
    c.Subscribe: _named(b"SUBSCRIBE"),
    c.Unsubscribe: _named(b"UNSUBSCRIBE"),
    c.List: _list,
    c.Lsub: _lsub,
    c.Namespace: _fixed(b"NAMESPACE"),
    c.Status: _status,
    c.Idle: _fixed(b"IDLE"),
    c.Compress: lambda w, command: w.put(b" COMPRESS " + command.mechanism.encode()),
    c.GetQuota: _get_quota,
    c.GetQuotaRoot: _named(b"GETQUOTAROOT"),
    c.SetQuota: _set_quota,
    c.GetMetadata: _get_metadata,
    c.SetMetadata: _set_metadata,
    c.Notify: _notify,
    c.Esearch: _esearch,
    c.SetAcl: _set_acl,
    c.DeleteAcl: _with_identifier(b"DELETEACL"),
    c.GetAcl: _named(b"GETACL"),
    c.ListRights: _with_identifier(b"LISTRIGHTS"),
    c.MyRights: _named(b"MYRIGHTS"),
    c.GenUrlAuth: _gen_url_auth,
    c.ResetKey: _reset_key,
    c.UrlFetch: _words(b"URLFETCH", "urls"),
    c.Language: _words(b"LANGUAGE", "tags"),
    c.GetJmapAccess: _fixed(b"GETJMAPACCESS"),
    c.Unauthenticate: _fixed(b"UNAUTHENTICATE"),
    c.Check: _fixed(b"CHECK"),
    c.Close: _fixed(b"CLOSE"),
    c.Unselect: _fixed(b"UNSELECT"),
    c.Expunge: _expunge,
    c.Search: _search,
    c.Sort: _sort,
    c.Thread: _thread,
    c.CancelUpdate: _cancel_update,
    c.Fetch: _fetch,
    c.Store: _store,
    c.Copy: _copy(b" COPY"),
    c.Move: _copy(b" MOVE"),
}
