"""A file or archive to messages: generators for a worker thread, in bounded memory (STORE-120, 124..126, 155,
156, 194).

Nothing is written, and no name of an archive is used as a path. A member that cannot be used is a `Problem`; damage
that makes the rest of the file useless raises `ImportFailed`.
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from enum import Enum
from itertools import chain
from typing import BinaryIO, Final, cast

import msgspec

from moxlite.normal import normalized
from moxlite.proto.imap.errors import ProtocolError
from moxlite.proto.imap.utf7 import decode
from moxlite.proto.localform import FromFile, without_mark
from moxlite.proto.maildir import KEYWORDS_FILE, folder_of, parse_keywords, parse_name
from moxlite.proto.mbox import End, Event, Head, MboxError, MboxReader
from moxlite.store.errors import ImportFailed
from moxlite.store.imports.archives import READ_SIZE, Member, Read, members, zip_members
from moxlite.store.imports.items import (
    DBOX,
    DBOX_FOLDERS,
    PST,
    Folder,
    Form,
    GroupwareFile,
    Item,
    Keywords,
    Mail,
    Order,
    Part,
    Problem,
)
from moxlite.store.names import INBOX, SEPARATOR, is_below
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

FIELD: Final = re.compile(rb"[A-Za-z][A-Za-z0-9-]*:[ \t\r\n]")
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

MAX_COUNT: Final = 20
"""Octets of the first line of an ``.emlx``."""

MAX_KEYWORDS_FILE: Final = 64 << 10
"""Octets of ``dovecot-keywords`` that are read: 26 keywords of 128."""


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
        pieces = _from_file(iter(lambda: read(READ_SIZE), b""))
        yield Mail(order.mailbox, "the message", pieces, words=(r"\Seen",), labels=order.labels)
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
        if part.form is not Form.MBOX and part.form is not Form.MESSAGE:
            why = "not a mail file" if part.form is None else "archives must be imported separately"
            yield Problem(f"{part.name}: {why}")
            continue
        one = msgspec.structs.replace(order, form=part.form, parts=())
        try:
            for item in read_source(cast("BinaryIO", _Window(file, part)), one, budget):
                yield msgspec.structs.replace(item, place=part.name) if isinstance(item, Mail) else item
        except ImportFailed as error:
            yield Problem(f"{part.name}: {error}")


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
    start = without_mark(start)
    if start.startswith((ZIP_MARK, GZIP_MARK, PST_MARK)):
        return Form.ARCHIVE
    if start.startswith(TAR_MARK, TAR_MARK_AT):
        return Form.TAR
    if start.startswith(b"From "):
        return Form.MBOX
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
        if entry.what in (FileKind.NOTHING, FileKind.FOLDER):
            if entry.what is FileKind.FOLDER:
                yield Folder(entry.mailbox)
        elif member.kind != "file":
            yield Problem(f"{shown}: {member.kind}")
        else:
            yield from _file(member, shown, entry.what, entry.mailbox, entry.folder, order)


def _file(member: Member, shown: str, what: FileKind, mailbox: str, folder: str, order: Order) -> Iterator[Item]:
    match what:
        case FileKind.MBOX:
            yield from _mbox_member(member.pieces, shown, mailbox)
        case FileKind.MAYBE_MBOX:
            first = next(member.pieces, b"")
            if without_mark(first).startswith(b"From "):
                yield from _mbox_member(chain([first], member.pieces), shown, mailbox)
            else:
                yield Problem(f"{shown}: not a mail file")
        case FileKind.MAILDIR:
            name = parse_name(shown.rpartition("/")[2])
            received = name.received
            if EARLIEST <= member.mtime < LATEST and (
                received is None or (member.mtime < received and not member.local_time)
            ):
                received = member.mtime
            yield Mail(
                mailbox,
                shown,
                _from_file(member.pieces),
                None if received is None else received * SECOND,
                words=name.words,
                folder=folder,
                letters=name.letters,
            )
        case FileKind.EML:
            yield Mail(mailbox, shown, _from_file(member.pieces), words=(r"\Seen",), labels=True)
        case FileKind.EMLX:
            yield Mail(mailbox, shown, _from_file(_of_apple(member.pieces)), words=(r"\Seen",), labels=True)
        case FileKind.MAYBE_MESSAGE:
            first = next(member.pieces, b"")
            if recognise(first[:RECOGNISED]) is Form.MESSAGE:
                yield Mail(mailbox, shown, _from_file(chain([first], member.pieces)), words=(r"\Seen",), labels=True)
            else:
                yield Problem(f"{shown}: not a mail file")
        case FileKind.BESIDE:
            yield GroupwareFile(shown, member.pieces)
        case FileKind.KEYWORDS:
            text = b""
            for piece in member.pieces:
                text = (text + piece)[:MAX_KEYWORDS_FILE]
            yield Keywords(folder, parse_keywords(text))
        case _:
            yield Problem(f"{shown}: {_remedy(shown) or 'not a mail file'}")


def _of_apple(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The message of an ``.emlx``: a line with its octets, the message, and a property list."""
    start = b""
    for piece in pieces:
        start += piece
        if b"\n" in start or len(start) > MAX_COUNT:
            break
    line, _, rest = start.partition(b"\n")
    left = int(line) if line.strip().isdigit() and len(line) <= MAX_COUNT else 0
    for piece in chain([rest], pieces):
        yield piece[:left]
        left = max(left - len(piece), 0)


def set_aside(items: Iterator[Item], beside: zipfile.ZipFile | None) -> Iterator[Item]:
    """The items, without files of calendars and contacts, which go into a .zip; without one they are problems."""
    for item in items:
        if not isinstance(item, GroupwareFile):
            yield item
        elif beside is None:
            yield Problem(f"{item.name}: calendars and contacts are imported by a running server only")
        else:
            octets = 0
            # A number before the name, as an archive may have two files of one name.
            with beside.open(zipfile.ZipInfo(f"{len(beside.filelist)}/{item.name}"), "w") as file:
                for piece in item.pieces:
                    octets += len(piece)
                    if octets > MAX_BESIDE:
                        break
                    file.write(piece)
            if octets > MAX_BESIDE:
                yield Problem(f"{item.name}: truncated (larger than {MAX_BESIDE} bytes)")


def _remedy(name: str) -> str:
    """Advice for a file of a mail store that only its own program reads; "" for another file."""
    *folders, last = name.split("/")
    if last.lower().endswith(".pst"):
        return PST
    return DBOX if folders[-1:] and folders[-1] in DBOX_FOLDERS and DBOX_FILE.fullmatch(last) else ""


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


# Mapping names of files in an archive to names of mailboxes (STORE-126, STORE-194).
#
# ==================================  ===========================  =============================
# Name                                Content                      Mailbox
# ==================================  ===========================  =============================
# ``A/B.mbox``                        mbox                         ``A/B``
# ``A/B/cur/NAME``, ``new``, ``tmp``  message of a Maildir         ``A/B``
# ``Maildir/cur/NAME``                message in a home directory  Inbox
# ``A/.B.C/cur/NAME``                 message of a Maildir++       ``A/B/C``
# ``A/B/NAME.eml``                    message                      ``A/B``
# ``A/B.ics``, ``A/B.vcf``            calendar, contacts           none
# ``A.mbox/mbox``, ``A/mbox``         mbox of Apple, readpst       ``A``
# ``A/12``                            message of MH                ``A``
# ``A/NAME.emlx``                     message of Apple Mail        ``A``
# ``.A.directory/B``                  mbox of KMail                ``A/B``, if it begins as one
# ``A.sbd/B``                         mbox of Thunderbird          ``A/B``, if it begins as one
# ==================================  ===========================  =============================


MAX_BESIDE: Final = 512 << 20
"""Octets of a calendar or of contacts in an archive of mail."""

BESIDE: Final = (".ics", ".vcf")
"""Suffixes of calendars and contacts."""

MAILDIR: Final = frozenset({"new", "cur", "tmp"})
SILENT: Final = (".msf", ".DS_Store", ".mh_sequences", ".metadata.json", "archive_browser.html", "table_of_contents")
"""Suffixes of files that mail programs write beside their mail; they have no mail."""

APPLE_FOLDERS: Final = frozenset({"Data", "Messages"})
"""Folders of Apple Mail's store between a mailbox and its messages."""

MAILDIR_FILES: Final = frozenset({"maildirfolder", "maildirsize", "subscriptions", "courierimapsubscribed"})
"""Files of Dovecot and Courier beside messages; more begin with `DOVECOT`."""

DOVECOT: Final = "dovecot"
DBOX_FILE: Final = re.compile(r"[mu]\.\d+")
"""A file of messages in a store of Dovecot."""

KMAIL: Final = ".directory"
"""Ends the name of KMail's folder ``.A.directory`` with the mailboxes below A."""

HOME: Final = "Maildir"
"""The Maildir of a home directory, which is no mailbox of that name."""


class BadPath(Exception):
    """An invalid name in an archive. The text says why."""


class FileKind(Enum):
    """Kind of a file, recognized by its name."""

    MBOX = "mbox"
    MAYBE_MBOX = "maybe mbox"
    MAYBE_MESSAGE = "maybe message"
    MAILDIR = "maildir"
    EML = "eml"
    EMLX = "emlx"
    KEYWORDS = "keywords"
    BESIDE = "beside"
    FOLDER = "folder"
    NOTHING = "nothing"
    OTHER = "other"


class ArchiveMember(msgspec.Struct, frozen=True):
    """Meaning of a member's name: `mailbox` is its mailbox, `folder` the folder in the archive."""

    what: FileKind
    mailbox: str = ""
    folder: str = ""


def find(name: str, order: Order, *, is_folder: bool = False) -> ArchiveMember:
    """Determine kind and mailbox of an archive's member by its name. Raises BadPath."""
    name = name.replace("\\", SEPARATOR)  # as some programs for Windows write zip files
    if name.startswith("/") or "\0" in name or name[1:2] == ":":
        raise BadPath("the file name is absolute or has invalid characters")
    # no file is written by this name, but a mailbox must not be named by a path either
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise BadPath("the file name points outside the archive")
    if not parts:
        return ArchiveMember(FileKind.NOTHING)
    folder, last = parts[:-1], parts[-1]
    if is_folder:
        if last in MAILDIR:
            return ArchiveMember(FileKind.FOLDER, _mailbox(folder, order), SEPARATOR.join(folder))
        return ArchiveMember(FileKind.NOTHING)
    if folder and folder[-1] in MAILDIR:
        return ArchiveMember(FileKind.MAILDIR, _mailbox(folder[:-1], order), SEPARATOR.join(folder[:-1]))
    lower = last.lower()
    if last == KEYWORDS_FILE:
        return ArchiveMember(FileKind.KEYWORDS, "", SEPARATOR.join(folder))
    if lower == "mbox" and folder:
        above = folder[-1]
        named = above[: -len(".mbox")] if above.lower().endswith(".mbox") else above
        return ArchiveMember(FileKind.MBOX, _mailbox([*folder[:-1], named], order))
    if lower.endswith(".emlx") and not lower.endswith(".partial.emlx"):
        return ArchiveMember(FileKind.EMLX, _mailbox([part for part in folder if part not in APPLE_FOLDERS], order))
    if last.isascii() and last.isdecimal() and folder:
        return ArchiveMember(FileKind.MAYBE_MESSAGE, _mailbox(folder, order))
    if lower.endswith(".mbox"):
        return ArchiveMember(FileKind.MBOX, _mailbox([*folder, last[:-5]], order))
    if lower.endswith(".eml"):
        return ArchiveMember(FileKind.EML, _mailbox(folder, order))
    if lower.endswith(BESIDE) and not last.startswith("."):
        return ArchiveMember(FileKind.BESIDE)
    if last.endswith(SILENT) or last in MAILDIR_FILES or last.startswith(DOVECOT):
        return ArchiveMember(FileKind.NOTHING)
    # Thunderbird's mbox files have no suffix, and its folders end with .sbd, so the content decides
    if "." not in last or last.endswith(".sbd") or (folder and folder[-1].endswith(".sbd")):
        return ArchiveMember(FileKind.MAYBE_MBOX, _mailbox(parts, order))
    return ArchiveMember(FileKind.OTHER)


def _mailbox(parts: list[str], order: Order) -> str:
    """The mailbox name for a path, below the order's mailbox if that is not Inbox; not yet checked."""
    elements: list[str] = []
    for part in parts[1:] if parts[:1] == [HOME] else parts:
        dotted = [part[1 : -len(KMAIL)]] if part.startswith(".") and part.endswith(KMAIL) else folder_of(part)
        if dotted is not None:
            elements += [_decoded(one) for one in dotted]
        else:
            elements.append(part.removesuffix(".sbd"))
    name = normalized("NFC", SEPARATOR.join(elements).encode("utf-8", "replace").decode())
    prefix = order.prefix.strip(SEPARATOR)
    if prefix and (name == prefix or is_below(name, prefix)):
        name = name[len(prefix) :].lstrip(SEPARATOR)
    if not name:
        return order.mailbox
    if order.mailbox.lower() == INBOX.lower():
        return name
    return f"{order.mailbox}{SEPARATOR}{name}"


def _decoded(element: str) -> str:
    """Decode the name of a Maildir++ folder from modified UTF-7; other names are returned unchanged."""
    try:
        return decode(element.encode())
    except ProtocolError:
        return element
