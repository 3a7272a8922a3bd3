"""Encoders of the commands on messages of the selected mailbox: the counterpart of `reading.messages`."""

from collections.abc import Mapping
from typing import Any, Final

from .. import commands as c
from ..fetchitems import encode_item
from .search import sort_key, write_program, write_return
from .writing import Encoder, Writer, flag_list, uid_word, write_set


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
