"""Encoders of the commands that extensions define: the counterpart of `reading.extensions`."""

from collections.abc import Mapping
from typing import Any, Final

from .. import commands as c
from ..fetchitems import encode_item
from ..tokens import encode_astring, encode_mailbox, encode_nstring
from .search import write_program, write_return
from .writing import Encoder, Writer, named


def _uid_batches(w: Writer, command: c.UidBatches) -> None:
    batches = b"" if command.batches is None else b" %d:%d" % command.batches
    w.put(b" UIDBATCHES %d%b" % (command.size, batches))


def _apple_push(w: Writer, command: c.XApplePushService) -> None:
    w.put(b" XAPPLEPUSHSERVICE aps-version %d aps-account-id" % command.version)
    w.astring(command.account_id)
    w.put(b" aps-device-token %b aps-subtopic" % command.token.encode())
    w.astring(command.subtopic)
    w.put(b" mailboxes (")
    for number, name in enumerate(command.mailboxes):
        w.put(b" " if number else b"")
        w.string(encode_mailbox(name, utf8=w.utf8))
    w.put(b")")


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
    c.XApplePushService: _apple_push,
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
