"""Encoder of a client's commands: the counterpart of `reading.parse` (RFC 9051 §9).

A command becomes pieces of octets. Between two pieces the client waits for ``+`` (RFC 9051 §7.6): each piece but the
last ends with the announcement of a synchronizing literal. With LITERAL+ (RFC 7888) a command is one piece.
"""

import base64
import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import Struct

from .. import commands as c
from ..fetchitems import encode_item
from ..tokens import encode_astring, encode_datetime, encode_mailbox, encode_nstring, encode_string
from .search import sort_key, write_program, write_return
from .writing import Encoder, Writer, fixed, flag_list, is_literal, named, uid_word, words_of, write_set

# Encoders of the commands on messages of the selected mailbox: the counterpart of `reading.messages`.


def _expunge(w: Writer, command: c.Expunge) -> None:
    w.put(b" EXPUNGE" if command.uids is None else b" UID EXPUNGE " + command.uids.encode())


def _search(w: Writer, command: c.Search) -> None:
    w.put(uid_word(command) + b" SEARCH")
    write_return(w, command.returns)
    if command.charset is not None:
        w.put(b" CHARSET " + command.charset.encode())
    w.put(b" ")
    write_program(w, command.program, command.charset or "utf-8")


def _sort(w: Writer, command: c.Sort) -> None:
    w.put(uid_word(command) + b" SORT")
    write_return(w, command.returns)
    w.put(b" (%b) %b " % (b" ".join(map(sort_key, command.keys)), command.charset.encode()))
    write_program(w, command.program, command.charset)


def _thread(w: Writer, command: c.Thread) -> None:
    w.put(uid_word(command) + b" THREAD %b %b " % (command.algorithm.encode(), command.charset.encode()))
    write_program(w, command.program, command.charset)


def _fetch(w: Writer, command: c.Fetch) -> None:
    w.put(uid_word(command) + b" FETCH")
    write_set(w, command)
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


def _store(w: Writer, command: c.Store) -> None:
    w.put(uid_word(command) + b" STORE")
    write_set(w, command)
    if command.unchangedsince is not None:
        w.put(b" (UNCHANGEDSINCE %d)" % command.unchangedsince)
    w.put(b" %b%b %b" % (command.mode.value.encode(), b".SILENT" if command.silent else b"", flag_list(command.flags)))


def _copy(word: bytes) -> Encoder:
    def write(w: Writer, command: Any) -> None:
        w.put(uid_word(command) + word)
        write_set(w, command)
        w.mailbox(command.mailbox)

    return write


MESSAGE_ENCODERS: Final[Mapping[type, Encoder]] = {
    c.Expunge: _expunge,
    c.Search: _search,
    c.Sort: _sort,
    c.Thread: _thread,
    c.Fetch: _fetch,
    c.Store: _store,
    c.Copy: _copy(b" COPY"),
    c.Move: _copy(b" MOVE"),
}


# Encoders for the commands of extensions, the counterpart of `reading.extensions`.


def _uid_batches(w: Writer, command: c.UidBatches) -> None:
    batches = b"" if command.batches is None else b" %d:%d" % command.batches
    w.put(b" UIDBATCHES %d%b" % (command.size, batches))


def _get_quota(w: Writer, command: c.GetQuota) -> None:
    w.put(b" GETQUOTA")
    w.astring(command.root)


def _set_quota(w: Writer, command: c.SetQuota) -> None:
    w.put(b" SETQUOTA")
    w.astring(command.root)
    w.put(b" (%b)" % b" ".join([b"%b %d" % (name.encode(), limit) for name, limit in command.limits]))


def _get_metadata(w: Writer, command: c.GetMetadata) -> None:
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


def _set_metadata(w: Writer, command: c.SetMetadata) -> None:
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


def _source(w: Writer, source: c.Source) -> None:
    w.put(source.kind.encode())
    if source.names:
        w.put(b" (")
        for number, name in enumerate(source.names):
            w.put(b" " if number else b"")
            w.string(encode_mailbox(name, utf8=w.utf8))
        w.put(b")")


def _notify(w: Writer, command: c.Notify) -> None:
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


def _esearch(w: Writer, command: c.Esearch) -> None:
    w.put(b" ESEARCH")
    if command.sources:
        w.put(b" IN (")
        for number, source in enumerate(command.sources):
            w.put(b" " if number else b"")
            _source(w, source)
        w.put(b")")
    write_return(w, command.returns)
    w.put(b" ")
    write_program(w, command.program, "utf-8")


def _set_acl(w: Writer, command: c.SetAcl) -> None:
    w.put(b" SETACL")
    w.mailbox(command.mailbox)
    w.astring(command.identifier)
    w.astring(command.change + command.rights)


def _with_identifier(word: bytes) -> Encoder:
    def write(w: Writer, command: Any) -> None:
        w.put(b" " + word)
        w.mailbox(command.mailbox)
        w.astring(command.identifier)

    return write


EXTENSION_ENCODERS: Final[Mapping[type, Encoder]] = {
    c.Compress: lambda w, command: w.put(b" COMPRESS " + command.mechanism.encode()),
    c.UidBatches: _uid_batches,
    c.GetQuota: _get_quota,
    c.GetQuotaRoot: named(b"GETQUOTAROOT"),
    c.SetQuota: _set_quota,
    c.GetMetadata: _get_metadata,
    c.SetMetadata: _set_metadata,
    c.Notify: _notify,
    c.Esearch: _esearch,
    c.SetAcl: _set_acl,
    c.DeleteAcl: _with_identifier(b"DELETEACL"),
    c.GetAcl: named(b"GETACL"),
    c.ListRights: _with_identifier(b"LISTRIGHTS"),
    c.MyRights: named(b"MYRIGHTS"),
}


class Appended(Struct, frozen=True):
    """A message of an APPEND that is sent in pieces. size: its octets. binary: it has NUL octets (RFC 3516 §4.4). utf8:
    its header is UTF-8 (RFC 6855 §4).
    """

    size: int
    flags: tuple[str, ...] = ()
    date: dt.datetime | None = None
    binary: bool = False
    utf8: bool = False


def append_start(tag: str, mailbox: str, *, utf8: bool = False) -> bytes:
    """Encode an APPEND up to its first message. The mailbox name is written without a literal: as UTF-7 or quoted."""
    wire = encode_mailbox(mailbox, utf8=utf8)
    if is_literal(wire):
        raise ValueError("invalid mailbox name")
    return b"%b APPEND %b" % (tag.encode(), wire or b'""')


def append_item(message: Appended, *, wait: bool) -> bytes:
    """Encode flags, date and literal head of a message; with `wait` the literal is synchronizing."""
    head = b" " + flag_list(message.flags) if message.flags else b""
    if message.date is not None:
        head += b" " + encode_datetime(message.date)
    head += b" UTF8 (~" if message.utf8 else b" ~" if message.binary else b" "
    return head + b"{%d%b}\r\n" % (message.size, b"" if wait else b"+")


def encode_command(
    tag: str, command: c.Command, *, messages: Iterable[bytes] = (), utf8: bool = False, literal_plus: bool = True
) -> list[bytes]:
    """Encode a command, in pieces.

    messages: for APPEND and REPLACE, the octets of each message (of each TEXT part with CATENATE), in order. utf8:
    write mailbox names as UTF-8.
    """
    writer = Writer(tag, utf8=utf8)
    if isinstance(command, c.Append | c.Replace):
        _append(writer, command, list(messages))
    else:
        _ENCODERS[type(command)](writer, command)
    return writer.pieces(literal_plus=literal_plus)


def _append(w: Writer, command: c.Append | c.Replace, octets: list[bytes]) -> None:
    messages: tuple[c.AppendMessage, ...]
    if isinstance(command, c.Replace):
        w.put(uid_word(command) + b" REPLACE")
        write_set(w, command)
        messages = (command.message,)
    else:
        w.put(b" APPEND")
        messages = command.messages
    w.mailbox(command.mailbox)
    octets.reverse()
    for message in messages:
        if message.flags:
            w.put(b" " + flag_list(message.flags))
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


def _data(w: Writer, octets: bytes, *, binary: bool = False) -> None:
    w.string(b"%b{%d}\r\n%b" % (b"~" if binary or b"\x00" in octets else b"", len(octets), octets))


# --- one function per command


def _id(w: Writer, command: c.Id) -> None:
    if not command.pairs:
        w.put(b" ID NIL")
        return
    w.put(b" ID (")
    for number, (key, value) in enumerate(command.pairs):
        w.put(b" " if number else b"")
        w.string(encode_string(key.encode(), utf8=True))
        w.word(encode_nstring(None if value is None else value.encode(), utf8=True))
    w.put(b")")


def _authenticate(w: Writer, command: c.Authenticate) -> None:
    w.put(b" AUTHENTICATE " + command.mechanism.encode())
    if command.initial is not None:
        w.put(b" " + (base64.b64encode(command.initial) or b"="))


def _login(w: Writer, command: c.Login) -> None:
    w.put(b" LOGIN")
    w.astring(command.username)
    w.astring(command.password)


def _select(w: Writer, command: c.Select | c.Examine) -> None:
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


def _create(w: Writer, command: c.Create) -> None:
    w.put(b" CREATE")
    w.mailbox(command.mailbox)
    if command.use is not None:
        w.put(b" (USE %b)" % flag_list(command.use))


def _rename(w: Writer, command: c.Rename) -> None:
    w.put(b" RENAME")
    w.mailbox(command.source)
    w.mailbox(command.target)


def _pattern(w: Writer, text: str) -> None:
    wire = encode_mailbox(text, utf8=w.utf8)
    w.string(wire if wire[:1] in (b'"', b"{") else b'"%b"' % wire)


def _list(w: Writer, command: c.List) -> None:
    w.put(b" LIST")
    if command.selection:
        w.put(b" " + flag_list(command.selection))
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
            words.append(word.encode() + (b" " + flag_list(extra) if extra else b""))
        w.put(b" RETURN (%b)" % b" ".join(words))


def _lsub(w: Writer, command: c.Lsub) -> None:
    w.put(b" LSUB ")
    _pattern(w, command.reference)
    w.put(b" ")
    _pattern(w, command.pattern)


def _status(w: Writer, command: c.Status) -> None:
    w.put(b" STATUS")
    w.mailbox(command.mailbox)
    w.put(b" " + flag_list(command.items))


_ENCODERS: Final[Mapping[type, Encoder]] = {
    c.Capability: fixed(b"CAPABILITY"),
    c.Noop: fixed(b"NOOP"),
    c.Logout: fixed(b"LOGOUT"),
    c.Id: _id,
    c.StartTls: fixed(b"STARTTLS"),
    c.Authenticate: _authenticate,
    c.Login: _login,
    c.Enable: words_of(b"ENABLE", "capabilities"),
    c.Select: _select,
    c.Examine: _select,
    c.Create: _create,
    c.Delete: named(b"DELETE"),
    c.Rename: _rename,
    c.Subscribe: named(b"SUBSCRIBE"),
    c.Unsubscribe: named(b"UNSUBSCRIBE"),
    c.List: _list,
    c.Lsub: _lsub,
    c.Namespace: fixed(b"NAMESPACE"),
    c.GetJmapAccess: fixed(b"GETJMAPACCESS"),
    c.Status: _status,
    c.Idle: fixed(b"IDLE"),
    c.Check: fixed(b"CHECK"),
    c.Close: fixed(b"CLOSE"),
    c.Unselect: fixed(b"UNSELECT"),
    **MESSAGE_ENCODERS,
    **EXTENSION_ENCODERS,
}
