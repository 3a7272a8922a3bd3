"""The grammar of commands (RFC 9051 §9, RFC 3501 §9): octets of a whole command in, a struct of `commands` out.

Theory of operation
-------------------
`COMMANDS` maps each command word to the function that reads its arguments, written in the order of the ABNF. A
function takes a `Reader` positioned after the word, and must leave it at the end of the line: `parse_arguments` checks
this. This module has all commands but the ones on messages (`messages`) and of extensions (`extensions`). APPEND and
REPLACE are missing: their message data is streamed, so `append` parses them piece by piece.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from .. import commands as c
from ..errors import ProtocolError
from ..seqset import STAR, SequenceSet
from ..tokens import ATOM, Reader
from .extensions import EXTENSION_COMMANDS
from .messages import MESSAGE_COMMANDS
from .parsing import (
    Modes,
    Rule,
    atoms,
    decode_base64,
    decode_text,
    entry_name,
    list_of,
    modseq_value,
    plain,
    with_mailbox,
)

MAX_TAG: Final = 128
"""Octets of a tag (IMAP-28); clients use four to ten."""

_TAG: Final = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\+]+')

MAX_ID_PAIRS: Final = 30
MAX_ID_KEY: Final = 30
MAX_ID_VALUE: Final = 1024
"""Octets of a value of ID (RFC 2971 §3.3)."""

STATUS_ITEMS: Final = frozenset(
    [
        "MESSAGES",
        "UIDNEXT",
        "UIDVALIDITY",
        "UNSEEN",
        "DELETED",
        "DELETED-STORAGE",
        "SIZE",
        "RECENT",
        "APPENDLIMIT",
        "HIGHESTMODSEQ",
        "MAILBOXID",
    ]
)
"""Items of STATUS (RFC 9051 §6.3.11, RFC 3501, RFC 9208 §4.1.4, RFC 7889, RFC 7162, RFC 8474)."""

_SELECTION: Final = frozenset({"SUBSCRIBED", "REMOTE", "RECURSIVEMATCH", "SPECIAL-USE"})
_BASE_SELECTION: Final = frozenset({"SUBSCRIBED", "SPECIAL-USE"})  # RFC 5258 §3.1: what RECURSIVEMATCH may extend
_RETURNS: Final = frozenset({"SUBSCRIBED", "CHILDREN", "SPECIAL-USE", "MYRIGHTS"})


def parse_tag(reader: Reader) -> str:
    """``tag``: at least one ASTRING-CHAR, without "+" (RFC 9051 §9)."""
    match = _TAG.match(reader.data, reader.position)
    if match is None or match.end() - reader.position > MAX_TAG:
        raise ProtocolError("missing command tag")
    reader.position = match.end()
    return match[0].decode("ascii")


def parse_word(reader: Reader) -> str:
    """Read the command word, in upper case; ``UID`` together with the next word."""
    word = _word(reader)
    return f"UID {_word(reader)}" if word == "UID" else word


def _word(reader: Reader) -> str:
    reader.space()
    match = ATOM.match(reader.data, reader.position)
    if match is None:
        raise ProtocolError("expected a command")
    reader.position = match.end()
    return match[0].decode("ascii").upper()


def parse_arguments(word: str, reader: Reader, modes: Modes) -> c.Command:
    """Parse the arguments of the command `word` at `reader`. Raises ProtocolError."""
    command = COMMANDS[word](reader, modes)
    reader.end()
    return command


# --- any state


def _id(reader: Reader, modes: Modes) -> c.Id:
    reader.space()
    if reader.word(b"NIL"):
        return c.Id()

    def pair() -> tuple[str, str | None]:
        key = reader.string()
        reader.space()
        value = reader.nstring()
        if len(key) > MAX_ID_KEY or len(value or b"") > MAX_ID_VALUE:
            raise ProtocolError("ID field is too long")
        return decode_text(key), None if value is None else decode_text(value)

    pairs = list_of(reader, pair, empty=True)
    if len(pairs) > MAX_ID_PAIRS:
        raise ProtocolError(f"too many fields in ID (limit {MAX_ID_PAIRS})")
    if len({key.lower() for key, _ in pairs}) < len(pairs):
        raise ProtocolError("duplicate ID field")
    return c.Id(tuple(pairs))


# --- before login


def _authenticate(reader: Reader, modes: Modes) -> c.Authenticate:
    reader.space()
    mechanism = reader.atom("a mechanism").upper()
    if reader.at_end():
        return c.Authenticate(mechanism)
    reader.space()
    rest = reader.data[reader.position :]
    reader.position = len(reader.data)
    if rest == b"=":  # RFC 4959 §3: an empty initial response
        return c.Authenticate(mechanism, b"")
    return c.Authenticate(mechanism, decode_base64(rest))


def _login(reader: Reader, modes: Modes) -> c.Login:
    reader.space()
    username = reader.text()
    reader.space()
    return c.Login(username, reader.text())


# --- after login


def _enable(reader: Reader, modes: Modes) -> c.Enable:
    names: list[str] = []
    while not names or not reader.at_end():
        reader.space()
        names.append(reader.atom("a capability").upper())
    return c.Enable(tuple(names))


def _select(kind: type[c.Select] | type[c.Examine]) -> Rule:
    def read(reader: Reader, modes: Modes) -> c.Command:
        reader.space()
        mailbox = reader.mailbox()
        condstore = False
        qresync: c.Qresync | None = None
        if not reader.at_end():
            reader.space()
            reader.expect(b"(")
            while True:
                word = reader.atom("CONDSTORE or QRESYNC").upper()
                if word == "CONDSTORE":
                    condstore = True
                elif word == "QRESYNC":
                    if not modes.qresync:
                        raise ProtocolError("QRESYNC isn't enabled")  # RFC 7162 §3.2.5
                    qresync = _qresync(reader, modes)
                else:
                    raise ProtocolError(f"unknown parameter {word}")
                if reader.skip(b")"):
                    break
                reader.space()
        return kind(mailbox, condstore=condstore, qresync=qresync)

    return read


def _qresync(reader: Reader, modes: Modes) -> c.Qresync:
    reader.space()
    reader.expect(b"(")
    uidvalidity = reader.number(smallest=1, what="UIDVALIDITY")
    reader.space()
    modseq = modseq_value(reader, zero=not modes.pedantic)
    known: SequenceSet | None = None
    match: tuple[SequenceSet, SequenceSet] | None = None
    if reader.skip(b" ") and reader.peek() != b"(":
        known = reader.sequence_set()
        if known.saved or (known.star and modes.pedantic):  # RFC 7162 §7: no "*"
            raise ProtocolError("known UIDs can't include $ or *")
        if not reader.data.startswith(b")", reader.position):
            reader.space()
    if reader.skip(b"("):
        if modes.uidonly:
            raise ProtocolError("message numbers aren't allowed with UIDONLY", code="UIDREQUIRED")  # RFC 9586 §3
        numbers = reader.sequence_set()
        reader.space()
        uids = reader.sequence_set()
        reader.expect(b")")
        if _ascending(numbers) != _ascending(uids):
            raise ProtocolError("the lists of message numbers and UIDs must be the same length")
        match = (numbers, uids)
    reader.expect(b")")
    return c.Qresync(uidvalidity, modseq, known, match)


def _ascending(numbers: SequenceSet) -> int:
    """Count the numbers of a set that must be strictly ascending and without ``*`` (RFC 7162 §3.2.5.2)."""
    total = last = 0
    if numbers.saved:
        raise ProtocolError("known message numbers and UIDs can't include $")
    for low, high in numbers.ranges:
        if low <= last or high < low or high == STAR:
            raise ProtocolError("known message numbers and UIDs must be in ascending order, without *")
        total += high - low + 1
        last = high
    return total


def _create(reader: Reader, modes: Modes) -> c.Create:
    reader.space()
    mailbox = reader.mailbox()
    use: tuple[str, ...] | None = None
    if not reader.at_end():
        reader.space()
        reader.expect(b"(")
        if not reader.word(b"USE "):
            raise ProtocolError("unknown CREATE parameter")
        use = tuple(list_of(reader, reader.flag, empty=True))
        reader.expect(b")")
    return c.Create(mailbox, use)


def _rename(reader: Reader, modes: Modes) -> c.Rename:
    reader.space()
    source = reader.mailbox()
    reader.space()
    return c.Rename(source, reader.mailbox())


def _list(reader: Reader, modes: Modes) -> c.List:
    reader.space()
    selection: tuple[str, ...] = ()
    extended = False
    if reader.peek() == b"(":
        extended = True
        selection = _options(reader, _SELECTION, "selection option")
        if "RECURSIVEMATCH" in selection and not _BASE_SELECTION.intersection(selection):
            raise ProtocolError("RECURSIVEMATCH requires another selection option")  # RFC 5258 §3.1
        reader.space()
    reference = reader.list_mailbox() if reader.peek() != b"(" else ""
    reader.space()
    if reader.peek() == b"(":
        extended = True
        patterns = tuple(list_of(reader, reader.list_mailbox))
    else:
        patterns = (reader.list_mailbox(),)
    returns: list[str] = []
    status: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    if not reader.at_end():
        extended = True
        reader.space()
        if not reader.word(b"RETURN "):
            raise ProtocolError("expected RETURN")

        def option() -> None:
            nonlocal status, metadata
            word = reader.atom("a return option").upper()
            if word == "STATUS":
                reader.space()
                status = atoms(reader, STATUS_ITEMS, "STATUS item")
            elif word == "METADATA":  # RFC 9590 §3
                reader.space()
                metadata = tuple(list_of(reader, lambda: entry_name(reader)))
            elif word not in _RETURNS:
                raise ProtocolError(f"unknown return option {word}")
            returns.append(word)

        list_of(reader, option, empty=True)
    return c.List(reference, patterns, selection, tuple(returns), status, metadata, extended)


def _options(reader: Reader, known: Iterable[str], what: str) -> tuple[str, ...]:
    words = [word.upper() for word in list_of(reader, reader.atom, empty=True)]
    for word in words:
        if word not in known:
            raise ProtocolError(f"unknown {what} {word}")
    return tuple(words)


def _lsub(reader: Reader, modes: Modes) -> c.Lsub:
    reader.space()
    reference = reader.list_mailbox()
    reader.space()
    return c.Lsub(reference, reader.list_mailbox())


def _status(reader: Reader, modes: Modes) -> c.Status:
    reader.space()
    mailbox = reader.mailbox()
    reader.space()
    return c.Status(mailbox, atoms(reader, STATUS_ITEMS, "STATUS item"))


COMMANDS: Final[Mapping[str, Rule]] = {
    # RFC 9051 §6.1, any state
    "CAPABILITY": plain(c.Capability()),
    "NOOP": plain(c.Noop()),
    "LOGOUT": plain(c.Logout()),
    "ID": _id,
    # §6.2, before login
    "STARTTLS": plain(c.StartTls()),
    "AUTHENTICATE": _authenticate,
    "LOGIN": _login,
    # §6.3, after login
    "ENABLE": _enable,
    "SELECT": _select(c.Select),
    "EXAMINE": _select(c.Examine),
    "CREATE": _create,
    "DELETE": with_mailbox(c.Delete),
    "RENAME": _rename,
    "SUBSCRIBE": with_mailbox(c.Subscribe),
    "UNSUBSCRIBE": with_mailbox(c.Unsubscribe),
    "LIST": _list,
    "LSUB": _lsub,
    "NAMESPACE": plain(c.Namespace()),
    "GETJMAPACCESS": plain(c.GetJmapAccess()),
    "STATUS": _status,
    "IDLE": plain(c.Idle()),
    **EXTENSION_COMMANDS,
    **MESSAGE_COMMANDS,
}
