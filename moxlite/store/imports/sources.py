"""A file or archive to messages: generators for a worker thread, in bounded memory (STORE-120, 124..126, 155,
156, 194).

Nothing is written, and no name of an archive is used as a path. A member that cannot be used is a `Problem`; damage
that makes the rest of the file useless raises `ImportFailed`.
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from typing import BinaryIO, Final, cast

import msgspec

from moxlite.proto.cards.photo import MAX_PHOTO
from moxlite.proto.emlx import EmlxError, EmlxReader
from moxlite.proto.localform import FromFile
from moxlite.proto.maildir import parse_keywords, parse_name
from moxlite.proto.mbox import End, Event, Head, MboxError, MboxReader, is_separator
from moxlite.proto.mh import parse_sequences
from moxlite.store.errors import BadMessage, ImportFailed
from moxlite.store.imports.archives import READ_SIZE, Member, Read, members, zip_members
from moxlite.store.imports.forms import CARDS, ArchiveMember, BadPath, FileKind, find, is_number, remedy
from moxlite.store.imports.items import (
    PST,
    Folder,
    Form,
    GroupwareFile,
    Item,
    Keywords,
    LeftOut,
    Mail,
    Order,
    Part,
    Problem,
    States,
)
from moxlite.store.options import SECOND
from moxlite.wording import counted

ZIP_MARK: Final = b"PK\x03\x04"
GZIP_MARK: Final = b"\x1f\x8b"
PST_MARK: Final = b"!BDN"
"""Treated as an archive, so that its import explains what to do with it."""
TAR_MARK: Final = b"ustar"
TAR_MARK_AT: Final = 257
"""Octet of a tar file at which its mark begins (POSIX ustar)."""

RECOGNISED: Final = 8 << 10
"""Octets from the beginning of a file that are enough for `recognise`: the trace fields of most messages."""

EMLX_START: Final = re.compile(rb"\d{1,15} {0,40}\n")
"""The first line of a message in the form of Apple Mail."""
FIELD: Final = re.compile(rb"[A-Za-z][A-Za-z0-9-]*:[ \t\r\n]")
FROM_FIELD: Final = re.compile(rb"^from:", re.IGNORECASE | re.MULTILINE)
DATE_FIELD: Final = re.compile(rb"^date:", re.IGNORECASE | re.MULTILINE)
"""Fields that each message has (RFC 5322 §3.6)."""
GROUPWARE: Final = ((b"BEGIN:VCARD", CARDS), (b"BEGIN:V", ".ics"))
"""Beginnings of files of contacts and calendars (RFC 6350 §6.1.1, RFC 5545 §3.4); readpst -r gives no suffix."""
MAIL_FIELD: Final = re.compile(rb"^(?:from|date|received|message-id|subject):", re.IGNORECASE | re.MULTILINE)
"""Fields of which one must be in the beginning of a message (RFC 5322 §3.6); any `FIELD` must be its first line."""

EARLIEST: Final = 631_152_000
"""Unix time of 1990: older times of files are not used. Dovecot keeps INTERNALDATE in the time of the file, and the
time of saving in its name, so the earlier of the two is used; a copy of the file makes its time later."""

LATEST: Final = 10**10
"""Unix time after which times of files are not used, in 2286: the number in a name has ten digits as well. IMAP has no
date after the year 9999."""

MAX_MEMBERS: Final = 5_000_000
"""Members of one archive: twenty times the files of the largest Maildirs; reading so many takes minutes."""

MAX_NAME: Final = 2_048
"""Characters of a member's path: a mailbox has 1,000 octets (STORE-12), a file's name 255, and both may be in further
folders."""

SHOWN: Final = 80
"""Characters shown of a name that is too long."""

FREE_UNPACKED: Final = 256 << 20
"""Octets that an archive of any size may unpack to: 1 s of work, and one message of zeros of the largest size."""

MAX_RATIO: Final = 250
"""Unpacked octets per packed octet of an archive, beyond `FREE_UNPACKED`. Mail has 2 to 20, the reports of one machine
up to 100; deflate reaches 1,030 (STORE-156)."""

MAX_KEYWORDS_FILE: Final = 64 << 10
"""Octets of ``dovecot-keywords`` that are read: 26 keywords of 128."""

MAX_SEQUENCES_FILE: Final = 256 << 10
"""Octets of ``.mh_sequences`` that are read: 30,000 numbers."""

MAX_BESIDE: Final = 512 << 20
"""Octets of a calendar or of contacts in an archive of mail."""

MAX_PICTURES: Final = 10_000
"""Pictures of an archive that are kept until it's known whether they are contacts' photos: as many as an account has
contacts, and half of the files that are looked at then."""


def read_source(file: BinaryIO, order: Order, budget: Budget) -> Iterator[Item]:
    """Yield all items of a file, in its order.

    Args:
      file: for a zip file it must be seekable.

    Raises:
      ImportFailed: the file does not have the format of the order, is damaged or too large.
      OSError: it cannot be read.
    """
    if order.parts:
        yield from _parts(file, order, budget)
    elif order.form is Form.MBOX:
        yield from _whole_mbox(budget.bounded(file.read), order)
    elif order.form is Form.MESSAGE:
        read = budget.bounded(file.read)
        pieces = _without_mark(iter(lambda: read(READ_SIZE), b""))
        yield Mail(order.mailbox, "the message", _from_file(pieces), words=(r"\Seen",), labels=order.labels)
    elif order.form is Form.EMLX:
        read = budget.bounded(file.read)
        yield from _emlx(iter(lambda: read(READ_SIZE), b""), "the message", order.mailbox)
    elif order.form is Form.TAR:
        yield from _walk(members(budget.bounded(file.read)), order)
    else:
        start = file.read(len(ZIP_MARK))
        if start == ZIP_MARK:
            size = file.seek(0, io.SEEK_END)
            budget.packed = lambda: size
            yield from _walk(budget.members(zip_members(file)), order)
        elif start.startswith(GZIP_MARK):
            yield from _walk_gzip(PrefixedFile(start, file.read), order, budget)
        else:
            raise ImportFailed(PST if start == PST_MARK else "this isn't a zip or tar.gz file")


def _parts(file: BinaryIO, order: Order, budget: Budget) -> Iterator[Item]:
    """Items of several files. A file that cannot be used is a `Problem`, and the others are imported."""
    for part in order.parts:
        if part.form not in ALONE:
            why = "not a mail file" if part.form is None else "archives must be imported separately"
            yield Problem(f"{part.name}: {why}")
            continue
        one = msgspec.structs.replace(order, form=part.form, parts=())
        try:
            for item in read_source(cast("BinaryIO", _Window(file, part)), one, budget):
                yield msgspec.structs.replace(item, place=part.name) if isinstance(item, Mail) else item
        except ImportFailed as error:
            yield Problem(f"{part.name}: {error}")


ALONE: Final = frozenset({Form.MBOX, Form.MESSAGE, Form.EMLX})
"""Forms of files that may be several in an import."""


class _Window(io.RawIOBase):
    """The octets of one of several files, read once."""

    def __init__(self, file: BinaryIO, part: Part) -> None:
        file.seek(part.start)
        self._file = file
        self._left = part.size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data


def recognise(start: bytes) -> Form | None:
    """Guess the format of a file by its first `RECOGNISED` octets; None if it cannot be imported."""
    start = start.removeprefix(codecs.BOM_UTF8)
    if start.startswith((ZIP_MARK, GZIP_MARK, PST_MARK)):
        return Form.ARCHIVE
    if start.startswith(TAR_MARK, TAR_MARK_AT):
        return Form.TAR
    if start.startswith(b"From "):
        return Form.MBOX
    if (size := EMLX_START.match(start)) is not None and FIELD.match(start, size.end()):
        return Form.EMLX
    return Form.MESSAGE if FIELD.match(start) and MAIL_FIELD.search(start) else None


class PrefixedFile(io.RawIOBase):
    """A file whose first octets were read already."""

    def __init__(self, start: bytes, rest: Read) -> None:
        self._start = start
        self._rest = rest
        self.taken = 0
        """Octets read."""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Return at least one octet, none at the end; never more than `size`."""
        size = READ_SIZE if size < 0 else size
        if self._start:
            data, self._start = self._start[:size], self._start[size:]
        else:
            data = self._rest(size)
        self.taken += len(data)
        return data


class Budget:
    """Limits of unpacking: `limit` octets, and `MAX_RATIO` unpacked octets per packed octet.

    Attributes:
      packed: returns the number of octets of the archive read so far; None: it is not compressed.
    """

    def __init__(self, limit: int, check: Callable[[], None] = lambda: None) -> None:
        """`check` is called at each read, and with each member: a file may have millions that yield no item. It raises
        to end the reading.
        """
        self.packed: Callable[[], int] | None = None
        self._limit = limit
        self._check = check
        self._spent = 0

    def spend(self, data: bytes) -> bytes:
        """Count octets. Raises ImportFailed: the limit is exceeded."""
        self._check()
        self._spent += len(data)
        if self._spent > self._limit:
            raise ImportFailed(f"the unpacked mail is larger than {self._limit} bytes")
        if (
            self.packed is not None
            and self._spent > FREE_UNPACKED
            and self._spent - FREE_UNPACKED > MAX_RATIO * self.packed()
        ):
            raise ImportFailed(
                f"the archive unpacks to more than {MAX_RATIO} times its size, which isn't plausible for mail"
            )
        return data

    def bounded(self, read: Read) -> Read:
        """Wrap a read function so that it counts octets."""
        return lambda size: self.spend(read(size))

    def members(self, found: Iterator[Member]) -> Iterator[Member]:
        """Wrap members so that their octets are counted when they are read."""
        for member in found:
            self._check()
            pieces = map(self.spend, member.pieces)
            yield Member(member.name, member.kind, member.size, member.mtime, pieces, member.local_time)


def _walk_gzip(file: PrefixedFile, order: Order, budget: Budget) -> Iterator[Item]:
    with gzip.GzipFile(fileobj=file, mode="rb") as unpacked:

        def unpack(size: int) -> bytes:
            try:
                return unpacked.read(size)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise ImportFailed(f"the archive is damaged or truncated: {error}") from None

        budget.packed = lambda: file.taken
        read = budget.bounded(unpack)
        yield from _walk(members(read), order)
        while read(READ_SIZE):
            pass  # up to the check sum: a truncated file is refused, even if its members are complete


def _walk(found: Iterator[Member], order: Order) -> Iterator[Item]:
    """Yield the items of an archive's members, based on their names."""
    for number, member in enumerate(found):
        if number >= MAX_MEMBERS:
            raise ImportFailed(f"too many files in this archive (limit {MAX_MEMBERS}); use smaller archives")
        if len(member.name) > MAX_NAME:
            yield Problem(f"{member.name[:SHOWN]!r}…: the name is longer than {MAX_NAME} characters")
            continue
        shown = member.name.encode("utf-8", "backslashreplace").decode()
        try:
            entry = find(shown, order, is_folder=member.kind == "folder")
        except BadPath as error:
            yield Problem(f"{shown!r}: {error}")
            continue
        if entry.what is FileKind.FOLDER:
            yield Folder(entry.mailbox)
        elif member.kind == "folder":
            pass
        elif entry.what is FileKind.NOTHING:
            yield LeftOut(shown)
        elif member.kind != "file":
            yield Problem(f"{shown}: {member.kind}")
        else:
            yield from _file(member, shown, entry)


def _file(member: Member, shown: str, entry: ArchiveMember) -> Iterator[Item]:
    match entry.what:
        case FileKind.MBOX:
            yield from _mbox_member(member.pieces, shown, entry.mailbox)
        case FileKind.MAILDIR:
            name = parse_name(shown.rpartition("/")[2])
            received = name.received
            if EARLIEST <= member.mtime < LATEST and (
                received is None or (member.mtime < received and not member.local_time)
            ):
                received = member.mtime
            yield Mail(
                entry.mailbox,
                shown,
                _from_file(member.pieces),
                None if received is None else received * SECOND,
                words=name.words,
                folder=entry.folder,
                letters=name.letters,
            )
        case FileKind.EML:
            yield _message_file(member.pieces, shown, entry.mailbox)
        case FileKind.EMLX:
            yield from _emlx(member.pieces, shown, entry.mailbox)
        case FileKind.BESIDE:
            yield GroupwareFile(shown, member.pieces)
        case FileKind.PICTURE:
            yield GroupwareFile(shown, member.pieces, picture=True, size=member.size)
        case FileKind.KEYWORDS:
            yield Keywords(entry.folder, parse_keywords(_start_of(member.pieces, MAX_KEYWORDS_FILE)))
        case FileKind.SEQUENCES:
            yield States(entry.folder, parse_sequences(_start_of(member.pieces, MAX_SEQUENCES_FILE)))
        case _:
            yield from _unknown(member.pieces, shown, entry)


def _unknown(pieces: Iterator[bytes], shown: str, entry: ArchiveMember) -> Iterator[Item]:
    """The items of a file whose name says nothing, by its first octets: an mbox, a message, contacts, a calendar. Of a
    file with a suffix more is required, since a text may begin with what looks like a field.
    """
    start = b""
    for piece in pieces:
        start += piece
        if len(start) >= RECOGNISED:
            break
    whole = chain([start], pieces)
    begin = start.removeprefix(codecs.BOM_UTF8)[:RECOGNISED]
    name = shown.rpartition("/")[2]
    plain = "." not in name or entry.folder.endswith(".sbd") or name.endswith(".sbd")
    suffix = next((suffix for mark, suffix in GROUPWARE if begin[: len(mark)].upper() == mark), "")
    form = recognise(begin)
    if form is Form.MBOX and (plain or is_separator(begin.partition(b"\n")[0])):
        yield from _mbox_member(whole, shown, entry.mailbox)
    elif form is Form.EMLX:
        yield from _emlx(whole, shown, entry.inside)
    elif form is Form.MESSAGE and is_number(name):
        yield _message_file(whole, shown, entry.inside, folder=entry.folder, letters=name)
    elif form is Form.MESSAGE and (plain or (FROM_FIELD.search(begin) and DATE_FIELD.search(begin))):
        yield _message_file(whole, shown, entry.inside)
    elif suffix and plain:
        yield GroupwareFile(shown + suffix, whole)
    else:
        why = PST if start.startswith(PST_MARK) else remedy(shown)
        yield Problem(f"{shown}: {why or 'not a mail file'}")


def _message_file(pieces: Iterator[bytes], shown: str, mailbox: str, *, folder: str = "", letters: str = "") -> Mail:
    """A message in a file of its own. Its state is unknown, or in the folder's file of states by `letters`."""
    words = () if letters else (r"\Seen",)
    text = _from_file(_without_mark(pieces))
    return Mail(mailbox, shown, text, words=words, folder=folder, letters=letters, labels=True)


def _emlx(pieces: Iterator[bytes], shown: str, mailbox: str) -> Iterator[Item]:
    reader = EmlxReader(pieces)

    def text() -> Iterator[bytes]:
        try:
            yield from _from_file(_without_mark(iter(reader)))
        except EmlxError as error:
            raise BadMessage(str(error)) from None

    def ending() -> tuple[tuple[str, ...], int | None]:
        return reader.words, None if reader.received is None else reader.received * SECOND

    yield Mail(mailbox, shown, text(), ending=ending)
    if shown.lower().endswith(".partial.emlx"):
        yield Problem(f"{shown}: imported without the attachments, which Apple Mail keeps in other files")


def _start_of(pieces: Iterator[bytes], size: int) -> bytes:
    text = b""
    for piece in pieces:
        text = (text + piece)[:size]
    return text


def _without_mark(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The octets without a byte order mark, which some programs write before a message."""
    start = b""
    for piece in pieces:
        start += piece
        if len(start) >= len(codecs.BOM_UTF8):
            break
    yield start.removeprefix(codecs.BOM_UTF8)
    yield from pieces


def set_aside(items: Iterator[Item], beside: zipfile.ZipFile | None) -> Iterator[Item]:
    """The items, without files of calendars and contacts, which go into a .zip; without one they are problems. Pictures
    go there as well: those in a folder without contacts are problems at the end, as they are no photos of these.
    """
    pictures: list[str] = []
    folders = set[str]()
    for item in items:
        if not isinstance(item, GroupwareFile):
            yield item
        elif item.picture:
            if beside is None or item.size > MAX_PHOTO or len(pictures) >= MAX_PICTURES:
                yield Problem(f"{item.name}: not a mail file")
            else:
                pictures.append(item.name)
                _kept_whole(item, beside)
        elif beside is None:
            yield Problem(f"{item.name}: calendars and contacts are imported by a running server only")
        else:
            if item.name.lower().endswith(CARDS):
                folders.add(item.name.rpartition("/")[0])
            if not _kept_whole(item, beside):
                yield Problem(f"{item.name}: truncated (larger than {MAX_BESIDE} bytes)")
    for name in pictures:
        if name.rpartition("/")[0] not in folders:
            yield Problem(f"{name}: not a mail file")


def _kept_whole(item: GroupwareFile, beside: zipfile.ZipFile) -> bool:
    """Write a file into a .zip; whether all of it is there."""
    octets = 0
    # A number before the name, as an archive may have two files of one name.
    with beside.open(zipfile.ZipInfo(f"{len(beside.filelist)}/{item.name}"), "w") as file:
        for piece in item.pieces:
            octets += len(piece)
            if octets > MAX_BESIDE:
                return False
            file.write(piece)
    return True


def _from_file(pieces: Iterator[bytes]) -> Iterator[bytes]:
    lines = FromFile()
    for piece in pieces:
        if data := lines.feed(piece):
            yield data
    if data := lines.finish():
        yield data


# Mbox


def _whole_mbox(read: Read, order: Order) -> Iterator[Item]:
    try:
        yield from _mbox(iter(lambda: read(READ_SIZE), b""), "mbox", order.mailbox, labels=order.labels)
    except MboxError as error:
        raise ImportFailed(f"the file isn't a valid mbox file: {error}") from None


def _mbox_member(pieces: Iterator[bytes], shown: str, mailbox: str) -> Iterator[Item]:
    """Items of an mbox in an archive; a file in another format is a `Problem`, and does not end the import."""
    try:
        yield from _mbox(pieces, shown, mailbox, labels=True)
    except MboxError as error:
        yield Problem(f"{shown}: {error}")


def _mbox(pieces: Iterator[bytes], shown: str, mailbox: str, *, labels: bool) -> Iterator[Item]:
    events = _events(pieces)
    number = expunged = 0
    for event in events:
        if not isinstance(event, Head):
            continue  # the rest of a message that is left out
        number += 1
        if event.expunged:
            expunged += 1
            continue
        yield Mail(
            mailbox,
            f"{shown}, message {number}",
            _message(event, events),
            event.moment,
            event.offset,
            event.words,
            labels=labels,
            file=shown,
        )
    if number == expunged:  # an empty mailbox; elsewhere a message makes its mailbox, which its labels may name
        yield Folder(mailbox)
    if expunged:
        yield Problem(f"{shown}: skipped {counted(expunged, 'message')} marked as deleted by Thunderbird")


def _events(pieces: Iterator[bytes]) -> Iterator[Event]:
    reader = MboxReader()
    for piece in pieces:
        yield from reader.feed(piece)
    yield from reader.finish()


def _message(head: Head, events: Iterator[Event]) -> Iterator[bytes]:
    yield head.header
    for event in events:
        if isinstance(event, End):
            return
        assert isinstance(event, bytes)
        yield event
