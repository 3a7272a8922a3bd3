"""METADATA: annotations of mailboxes and of the server, as one account sees it (RFC 5464, RFC 9590; IMAP-133).

``/private`` and ``/shared`` are treated alike, as no other user sees an account's annotations. ``/private/specialuse``
tells and sets the special uses of a mailbox (RFC 6154 §4).
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from moxlite.imapd.mailboxes.mailboxes import special_uses
from moxlite.imapd.session.errors import Refused, bad, no
from moxlite.imapd.session.place import refuse_foreign
from moxlite.imapd.session.state import Done, Session
from moxlite.imapd.updates.changes import list_names
from moxlite.processor import Stretch
from moxlite.proto.imap import commands as c
from moxlite.proto.imap.responses import Code, MetadataData
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import LimitExceeded, NoSuchMailbox
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.annotations import (
    ACCOUNT,
    MAX_ANNOTATION_OCTETS,
    MAX_ANNOTATIONS,
    annotations,
    annotations_named,
    set_annotation,
)
from moxlite.store.mail.mailboxes import set_special_use
from moxlite.store.names import check_name
from moxlite.store.rows.mailboxes import mailbox, mailbox_by_name
from moxlite.store.types import Mailbox, MailboxID, SpecialUse

MAX_NAME: Final = 1000
"""Maximum octets of an entry name: the same as of a mailbox name. Names count towards the account's limit, too."""

VENDOR_PARTS: Final = 4
"""Minimum components of a vendor's entry: ``/shared/vendor/NAME/ENTRY`` (RFC 5464 §6.2.1)."""

_VENDOR: Final = ("/private/vendor/", "/shared/vendor/")
_ADMIN: Final = "/shared/admin"
_COMMENT: Final = "/shared/comment"
_SPECIAL_USE: Final = "/private/specialuse"


def check_entry(name: str, *, above: bool = False) -> str:
    """An entry name in its stored form; with `above`, also a name that only has entries below it.

    Raises Refused (BAD) for a name that RFC 5464 §3.2 does not allow.
    """
    name = name.lower()
    parts = name.split("/")[1:]
    if not name.startswith(("/private/", "/shared/")) and not (above and name in ("/private", "/shared")):
        raise bad("entry names must start with /private/ or /shared/")
    if "" in parts or any(c in "*%" or not " " < c < "\x7f" for c in name):
        raise bad("entry names can't have empty components, wildcards, or control characters")
    if not above and f"{name}/".startswith(_VENDOR) and len(parts) < VENDOR_PARTS:
        raise bad("vendor entry names must include a vendor and a name")
    if len(name) > MAX_NAME:
        raise bad("entry name is too long")
    return name


def _entries(names: Iterable[str], *, above: bool = False) -> tuple[str, ...]:
    """The entries that a command asks for. Raises Refused: BAD as `check_entry`, LIMIT for more than may be stored."""
    entries = tuple(dict.fromkeys(check_entry(name, above=above) for name in names))
    if len(entries) > MAX_ANNOTATIONS:
        raise no(f"too many entries (limit {MAX_ANNOTATIONS})", "LIMIT")
    return entries


def _server_entries(session: Session) -> dict[str, bytes]:
    """The server's read-only entries, from the configuration (RFC 5464 §3.2.1.1)."""
    hostname = session.context.hostname
    return {_ADMIN: f"mailto:postmaster@{hostname}".encode(), _COMMENT: f"moxlite on {hostname}".encode()}


def _target(r: Reader, name: str) -> MailboxID:
    """The mailbox of a name; "" is the server. Raises BadMailboxName, NoSuchMailbox."""
    if not name:
        return ACCOUNT
    box = mailbox_by_name(r, check_name(name))
    if box is None:
        raise NoSuchMailbox(name)
    return box.id


def _told_uses(box: Mailbox) -> dict[str, bytes]:
    """The entry for the special uses of a mailbox, none without any."""
    words = list_names(box.special_use, system=False)
    return {_SPECIAL_USE: " ".join(words).encode()} if words else {}


def _uses_to_set(mailbox_name: str, value: bytes | None) -> SpecialUse:
    """The special uses in a value of the entry. Raises Refused."""
    if not mailbox_name:
        raise no("only mailboxes can have special uses", "CANNOT")
    return special_uses((value or b"").decode("utf-8", "replace").split())


def _covered(entry: str, names: Sequence[str], depth: str) -> list[str]:
    """The names, of sorted ones, that GETMETADATA of an entry includes: its own, and those below (RFC 5464 §4.2.2)."""
    at = bisect_left(names, entry)
    included = [entry] if names[at : at + 1] == [entry] else []
    if depth == "0":
        return included
    below = names[bisect_left(names, f"{entry}/") : bisect_left(names, f"{entry}0")]  # "0" comes after "/"
    return included + [name for name in below if depth == "infinity" or "/" not in name[len(entry) + 1 :]]


async def get_metadata(session: Session, command: c.GetMetadata) -> Done:
    """GETMETADATA. An entry requested by its own name is always answered, with NIL if it is missing."""
    await refuse_foreign(session, command.mailbox, "annotations are returned")
    asked = _entries(command.entries, above=command.depth != "0")

    def read(r: Reader) -> dict[str, bytes]:
        target = _target(r, command.mailbox)
        found = {annotation.key: annotation.value for annotation in annotations(r, target)}
        return found if target == ACCOUNT else found | _told_uses(mailbox(r, target))

    found = await session.home.account.read(read, op="imap-metadata")
    if not command.mailbox:
        found |= _server_entries(session)
    values: dict[str, bytes | None] = {}
    longest = 0
    stored = sorted(found)
    stretch = Stretch()
    for entry in asked:
        await stretch.step()
        names = _covered(entry, stored, command.depth)
        if not names and command.depth == "0":
            values[entry] = None
        for name in names:
            size = len(found[name])
            if command.maxsize is not None and size > command.maxsize:
                longest = max(longest, size)
            else:
                values[name] = found[name]
    if values:
        name = check_name(command.mailbox) if command.mailbox else ""
        session.respond(MetadataData(name, tuple(values.items())))
    return Done("GETMETADATA completed", Code("METADATA", b"LONGENTRIES %d" % longest) if longest else None)


async def set_metadata(session: Session, command: c.SetMetadata) -> Done:
    """SETMETADATA: all entries or none (RFC 5464 §4.3). If an entry is named twice, its last value counts."""
    await refuse_foreign(session, command.mailbox, "annotations are set")
    entries = {check_entry(name): value for name, value in command.entries}
    # They come from the configuration: a stored value would never be shown, though the client was told OK.
    if not command.mailbox and not _server_entries(session).keys().isdisjoint(entries):
        raise no("only the administrator can set this entry", "NOPERM")
    sets_uses = _SPECIAL_USE in entries
    uses = _uses_to_set(command.mailbox, entries.pop(_SPECIAL_USE)) if sets_uses else SpecialUse(0)

    def unit(tx: AccountTx) -> None:
        target = _target(tx, command.mailbox)
        if sets_uses:
            set_special_use(tx, target, uses)
        for name, value in sorted(entries.items(), key=_removals_first):
            set_annotation(tx, target, name, value, is_string=value is not None and b"\0" not in value)

    try:
        await session.home.account.write(unit, session.home.cursor)
    except LimitExceeded as error:
        raise _too_much(error) from None
    return Done("SETMETADATA completed")


def _removals_first(entry: tuple[str, bytes | None]) -> bool:
    """Sort key: removals first, as they free space for the others."""
    return entry[1] is not None


def _too_much(error: LimitExceeded) -> Refused:
    """The refusal for an exceeded limit (RFC 5464 §4.3)."""
    if error.name == "too many annotations":
        return no("too many entries in this account", "METADATA", b"TOOMANY")
    return no("this account's entries are too large", "METADATA", b"MAXSIZE %d" % MAX_ANNOTATION_OCTETS)


async def values_of_mailboxes(session: Session, names: Iterable[str]) -> "_Values":
    """The entries for LIST RETURN (METADATA (…)), of all mailboxes (RFC 9590)."""
    entries = _entries(names)
    return _Values(
        entries, await session.home.account.read(lambda r: annotations_named(r, entries), op="imap-metadata")
    )


class _Values:
    """Entries of all mailboxes."""

    def __init__(self, entries: Sequence[str], found: Mapping[MailboxID, Mapping[str, bytes]]) -> None:
        self._entries = entries
        self._found = found

    def line(self, box: Mailbox, name: str) -> MetadataData:
        """``* METADATA`` of one mailbox; NIL for missing entries."""
        values = {**self._found.get(box.id, {}), **_told_uses(box)}
        return MetadataData(name, tuple([(entry, values.get(entry)) for entry in self._entries]))
