"""The grammar of commands that extensions define (RFC 4978, 9208, 5464, 5465, 7377, 4314, 4467, 5255, 9698, 10022)."""

from collections.abc import Callable, Mapping
from typing import Final, Literal

from .. import commands as c
from ..errors import ProtocolError
from ..tokens import MAX_MODSEQ, Reader
from .messages import fetch_item
from .parsing import Modes, Rule, entry_name, list_of, with_mailbox
from .search import parse_return, search_program


def _compress(reader: Reader, modes: Modes) -> c.Compress:
    reader.space()
    return c.Compress(reader.atom("a mechanism").upper())


def _uid_batches(reader: Reader, modes: Modes) -> c.UidBatches:
    reader.space()
    size = reader.number(smallest=1, what="a number of messages")
    if not reader.skip(b" "):
        return c.UidBatches(size)
    first = reader.number(smallest=1, what="the number of a batch")
    reader.expect(b":")
    last = reader.number(smallest=1, what="the number of a batch")
    if last < first:
        raise ProtocolError("batches must be in ascending order")
    return c.UidBatches(size, (first, last))


def _get_quota(reader: Reader, modes: Modes) -> c.GetQuota:
    reader.space()
    return c.GetQuota(reader.text())


def _set_quota(reader: Reader, modes: Modes) -> c.SetQuota:
    reader.space()
    root = reader.text()
    reader.space()

    def limit() -> tuple[str, int]:
        name = reader.atom("a resource").upper()
        reader.space()
        return name, reader.number(MAX_MODSEQ)

    return c.SetQuota(root, tuple(list_of(reader, limit, empty=True)))


def _get_metadata(reader: Reader, modes: Modes) -> c.GetMetadata:
    maxsize: int | None = None
    depth: Literal["0", "1", "infinity"] = "0"

    def option() -> None:
        nonlocal maxsize, depth
        word = reader.atom("an option").upper()
        reader.space()
        if word == "MAXSIZE":
            maxsize = reader.number()
        elif word == "DEPTH":
            value = reader.atom("a depth").lower()
            if value == "0":
                depth = "0"
            elif value == "1":
                depth = "1"
            elif value == "infinity":
                depth = "infinity"
            else:
                raise ProtocolError("DEPTH must be 0, 1, or infinity")
        else:
            raise ProtocolError(f"unknown option {word}")

    # RFC 5464 §4.2 has the options first; its examples, and clients, put them after the mailbox too (IMAP-133).
    reader.space()
    if reader.peek() == b"(":
        list_of(reader, option)
        reader.space()
    mailbox = reader.mailbox()
    reader.space()
    if reader.peek() == b"(" and reader.data[reader.position + 1 : reader.position + 9].upper().startswith(
        (b"MAXSIZE ", b"DEPTH ")
    ):
        list_of(reader, option)
        reader.space()
    if reader.peek() == b"(":
        entries = tuple(list_of(reader, lambda: entry_name(reader)))
    else:
        entries = (entry_name(reader),)
    return c.GetMetadata(mailbox, entries, maxsize, depth)


def _set_metadata(reader: Reader, modes: Modes) -> c.SetMetadata:
    reader.space()
    mailbox = reader.mailbox()
    reader.space()

    def pair() -> tuple[str, bytes | None]:
        name = entry_name(reader)
        reader.space()
        return name, None if reader.word(b"NIL") else reader.string(binary=True)

    return c.SetMetadata(mailbox, tuple(list_of(reader, pair)))


_EVENTS: Final = frozenset(
    [
        "messagenew",
        "messageexpunge",
        "flagchange",
        "annotationchange",
        "mailboxname",
        "subscriptionchange",
        "mailboxmetadatachange",
        "servermetadatachange",
    ]
)


def _notify(reader: Reader, modes: Modes) -> c.Notify:
    reader.space()
    if reader.word(b"NONE"):
        return c.Notify()
    if not reader.word(b"SET "):
        raise ProtocolError("expected NONE or SET")
    status = False
    if reader.word(b"STATUS"):
        status = True
        reader.space()
    groups = []
    while True:
        groups.append(_event_group(reader, modes))
        if reader.at_end():
            return c.Notify(tuple(groups), status)
        reader.space()


def _event_group(reader: Reader, modes: Modes) -> c.EventGroup:
    reader.expect(b"(")
    source = _source(reader)
    reader.space()
    events: list[c.NotifyEvent] = []
    if not reader.word(b"NONE"):
        events = list_of(reader, lambda: _event(reader, modes))
    reader.expect(b")")
    return c.EventGroup(source, tuple(events))


def _event(reader: Reader, modes: Modes) -> c.NotifyEvent:
    name = reader.atom("an event").lower()
    if name not in _EVENTS:
        # RFC 5465 §5: an unknown name is not a syntax error
        raise ProtocolError(
            "unknown event",
            code="BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange "
            "MailboxMetadataChange ServerMetadataChange)",
            condition="NO",
        )
    if name == "messagenew" and reader.data.startswith(b" (", reader.position):
        reader.space()
        return c.NotifyEvent(name, tuple(dict.fromkeys(list_of(reader, lambda: fetch_item(reader)))))
    return c.NotifyEvent(name)


def _source(reader: Reader) -> c.Source:
    word = reader.atom("a mailbox filter").lower()
    match word:
        case "selected" | "selected-delayed" | "personal" | "inboxes" | "subscribed":
            return c.Source(word)
        case "subtree" | "subtree-one" | "mailboxes":
            reader.space()
            if reader.peek() == b"(":
                return c.Source(word, tuple(list_of(reader, reader.mailbox)))
            return c.Source(word, (reader.mailbox(),))
        case _:
            raise ProtocolError("unknown mailbox filter")


def _esearch(reader: Reader, modes: Modes) -> c.Esearch:
    sources: list[c.Source] = []
    if reader.word(b" IN "):
        reader.expect(b"(")
        sources.append(_source(reader))
        while reader.skip(b" "):
            sources.append(_source(reader))
        reader.expect(b")")
    returns = parse_return(reader)
    _, program = search_program(reader, modes, returns=returns)
    return c.Esearch(program, tuple(sources), returns)


def _set_acl(reader: Reader, modes: Modes) -> c.SetAcl:
    reader.space()
    mailbox = reader.mailbox()
    reader.space()
    identifier = reader.text()
    reader.space()
    rights = reader.text()
    if rights.startswith("+"):
        return c.SetAcl(mailbox, identifier, rights[1:], "+")
    if rights.startswith("-"):
        return c.SetAcl(mailbox, identifier, rights[1:], "-")
    return c.SetAcl(mailbox, identifier, rights)


def _with_identifier(kind: Callable[[str, str], c.Command]) -> Rule:
    def read(reader: Reader, modes: Modes) -> c.Command:
        reader.space()
        mailbox = reader.mailbox()
        reader.space()
        return kind(mailbox, reader.text())

    return read


EXTENSION_COMMANDS: Final[Mapping[str, Rule]] = {
    "COMPRESS": _compress,
    "UIDBATCHES": _uid_batches,
    "GETQUOTA": _get_quota,
    "GETQUOTAROOT": with_mailbox(c.GetQuotaRoot),
    "SETQUOTA": _set_quota,
    "GETMETADATA": _get_metadata,
    "SETMETADATA": _set_metadata,
    "NOTIFY": _notify,
    "ESEARCH": _esearch,
    "SETACL": _set_acl,
    "DELETEACL": _with_identifier(c.DeleteAcl),
    "GETACL": with_mailbox(c.GetAcl),
    "LISTRIGHTS": _with_identifier(c.ListRights),
    "MYRIGHTS": with_mailbox(c.MyRights),
}

NEVER: Final[Mapping[str, tuple[int | None, tuple[str, ...]]]] = {
    "XLIST": (None, ("XLIST",)),
    "URLAUTH": (4467, ("GENURLAUTH", "RESETKEY", "URLFETCH")),
    "LANGUAGE": (5255, ("LANGUAGE", "COMPARATOR")),
    "ANNOTATE-EXPERIMENT-1": (5257, ()),
    "CONTEXT": (5267, ("CANCELUPDATE",)),
    "FILTERS": (5466, ()),
    "UNAUTHENTICATE": (8437, ("UNAUTHENTICATE",)),
}
"""Extensions that are not offered, on purpose: the number of the RFC, None without one, and the commands (IMAP-36)."""

NEVER_OFFERED: Final[Mapping[str, str]] = {word: name for name, (_, words) in NEVER.items() for word in words}
"""The extension of each command that is not offered."""
