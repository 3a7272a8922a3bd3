"""The forms of files in an archive of mail, by name: what a file is, and the mailbox that it belongs to (STORE-126,
STORE-194, STORE-194c).

One table has them all: `FORMS`, whose first fitting row counts. A name that fits none says nothing, and the content
decides (`sources`). No file is ever written by a name of an archive.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import Final, NamedTuple

import msgspec

from moxlite.normal import normalized
from moxlite.proto.cards.photo import SUFFIXES
from moxlite.proto.imap.errors import ProtocolError
from moxlite.proto.imap.utf7 import decode
from moxlite.proto.maildir import KEYWORDS_FILE, folder_of
from moxlite.proto.mh import NUMBER, SEQUENCES_FILE
from moxlite.store.imports.items import DBOX, DBOX_FOLDERS, PST, Order
from moxlite.store.names import INBOX, SEPARATOR, is_below

MAILDIR: Final = frozenset({"new", "cur", "tmp"})
"""Folders of a Maildir (https://cr.yp.to/proto/maildir.html)."""

HOME: Final = "Maildir"
"""The Maildir of a home directory, which is no mailbox of that name."""

CARDS: Final = ".vcf"
"""Suffix of contacts (RFC 6350 §10.1)."""

DBOX_FILE: Final = re.compile(r"[mu]\.\d+")
"""A file of messages in a store of Dovecot."""

KMAIL_FOLDER: Final = ".directory"
"""Ends the name of the folder of KMail in which those below the folder X are: ``.X.directory``."""

APPLE_PATH: Final = re.compile(r"Messages|Data|\d+|[0-9A-F]{8}-(?:[0-9A-F]{4}-){3}[0-9A-F]{12}")
"""Folders of Apple Mail's store between a mailbox and its messages."""

MBOX_SUFFIXES: Final = (".mbox", ".mbx", ".mbs", ".txt")
"""Suffixes that are left out of a mailbox's name: of Eudora, Opera, and archives of Mailman beside ``.mbox``."""


class BadPath(Exception):
    """An invalid name in an archive. The text says why."""


class FileKind(Enum):
    """Kind of a file, recognized by its name."""

    MBOX = "mbox"
    MAILDIR = "maildir"
    EML = "eml"
    EMLX = "emlx"
    KEYWORDS = "keywords"
    SEQUENCES = "sequences"
    BESIDE = "beside"
    PICTURE = "picture"
    FOLDER = "folder"
    NOTHING = "nothing"
    """A file that programs write beside mail; it has no mail."""
    UNKNOWN = "unknown"
    """The content decides."""


class ArchiveMember(msgspec.Struct, frozen=True):
    """Meaning of a member's name.

    Attributes:
      mailbox: its mailbox, "" if it has none.
      inside: mailbox of a message that isn't known by its name.
      folder: the folder in the archive.
    """

    what: FileKind
    mailbox: str = ""
    inside: str = ""
    folder: str = ""


class Form(NamedTuple):
    """A form of files: `fits` is asked for the folders above, and the name; `mailbox` gives the names that lead to the
    mailbox.
    """

    kind: FileKind
    fits: Callable[[list[str], str], bool]
    mailbox: Callable[[list[str], str], list[str]] = lambda folders, _: folders


def _suffix(*suffixes: str) -> Callable[[list[str], str], bool]:
    return lambda _, name: name.lower().endswith(suffixes) and not name.startswith(".")


def _named(*names: str) -> Callable[[list[str], str], bool]:
    return lambda _, name: name in names


def _apple(folders: list[str], _: str) -> list[str]:
    """The mailbox's folders: what is above the first ``X.mbox``, and what is between it and the message, is Mail's."""
    boxes = [name for name in folders if name.endswith(".mbox")]
    return boxes or [name for name in folders if not APPLE_PATH.fullmatch(name)]


FORMS: Final = (
    # macOS, in archives: AppleDouble files (RFC 1740) beside each file
    Form(FileKind.NOTHING, lambda folders, name: "__MACOSX" in folders or name.startswith("._")),
    # Maildir, Maildir++
    Form(FileKind.MAILDIR, lambda folders, _: folders[-1:] != [] and folders[-1] in MAILDIR, lambda f, _: f[:-1]),
    Form(FileKind.KEYWORDS, _named(KEYWORDS_FILE)),
    Form(FileKind.NOTHING, _named("maildirfolder", "maildirsize", "subscriptions", "courierimapsubscribed")),
    Form(FileKind.NOTHING, lambda _, name: name.startswith("dovecot")),
    # MH, and what Claws Mail, Sylpheed and nmh keep in its folders; messages that were removed begin with a comma
    Form(FileKind.SEQUENCES, _named(SEQUENCES_FILE)),
    Form(FileKind.NOTHING, lambda _, name: name.startswith((".claws", ".sylpheed", ".xmhcache"))),
    Form(FileKind.NOTHING, lambda _, name: name.startswith(",") and name[1:].isdecimal()),
    # Apple Mail, "Export Mailbox": X.mbox/mbox; readpst -r: FOLDER/mbox. In a folder of Thunderbird it's a name.
    Form(
        FileKind.MBOX,
        lambda folders, name: name == "mbox" and folders != [] and not folders[-1].endswith(".sbd"),
    ),
    Form(FileKind.NOTHING, _named("table_of_contents")),
    # Apple Mail's store: X.mbox/UUID/Data/1/Messages/N.emlx; attachments of a .partial.emlx are in files beside it
    Form(FileKind.EMLX, _suffix(".emlx"), _apple),
    Form(FileKind.NOTHING, lambda folders, name: name == "Info.plist" and folders != []),
    Form(FileKind.NOTHING, lambda folders, _: "Attachments" in folders and _apple(folders, "") != folders),
    # mbox files with a suffix, and messages of many programs
    Form(FileKind.MBOX, _suffix(".mbox"), lambda folders, name: [*folders, name[:-5]]),
    Form(FileKind.EML, _suffix(".eml")),
    # Google's Takeout, readpst -e, Proton's export
    Form(FileKind.BESIDE, _suffix(".ics", CARDS)),
    Form(FileKind.PICTURE, _suffix(*SUFFIXES)),
    Form(FileKind.NOTHING, _named("archive_browser.html")),
    Form(FileKind.NOTHING, lambda _, name: name.endswith(".metadata.json") or name == "labels.json"),
    # Thunderbird: indexes, settings, logs of its filters; KMail: indexes
    Form(FileKind.NOTHING, lambda _, name: name.lower().endswith(".msf")),
    Form(FileKind.NOTHING, _named("msgFilterRules.dat", "popstate.dat", "filterlog.html", "virtualFolders.dat")),
    Form(
        FileKind.NOTHING, lambda _, name: name[:1] == "." and name.endswith((".index", ".index.ids", ".index.sorted"))
    ),
    # systems
    Form(FileKind.NOTHING, lambda _, name: name.endswith(".DS_Store") or name.lower() in ("desktop.ini", "thumbs.db")),
)
"""The forms that are known by name, with the programs that write them."""


def find(name: str, order: Order, *, is_folder: bool = False) -> ArchiveMember:
    """Determine kind and mailbox of an archive's member by its name. Raises BadPath."""
    if name.startswith("/") or "\\" in name or "\0" in name or name[1:2] == ":":
        raise BadPath("the file name is absolute or has invalid characters")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise BadPath("the file name points outside the archive")
    if not parts:
        return ArchiveMember(FileKind.NOTHING)
    *folders, last = parts
    above = SEPARATOR.join(folders)
    if is_folder:
        if last in MAILDIR:
            return ArchiveMember(FileKind.FOLDER, _mailbox(folders, order), folder=above)
        return ArchiveMember(FileKind.NOTHING)
    for form in FORMS:
        if form.fits(folders, last):
            if form.kind is FileKind.NOTHING:
                return ArchiveMember(FileKind.NOTHING)
            folder = SEPARATOR.join(folders[:-1]) if form.kind is FileKind.MAILDIR else above
            return ArchiveMember(form.kind, _mailbox(form.mailbox(folders, last), order), folder=folder)
    return ArchiveMember(
        FileKind.UNKNOWN,
        _mailbox([*folders, _without_suffix(folders, last)], order),
        _mailbox(folders, order),
        above,
    )


def is_number(name: str) -> bool:
    """Whether a file's name is that of a message in an MH folder."""
    return NUMBER.fullmatch(name) is not None


def remedy(name: str) -> str:
    """Advice for a file of a mail store that only its own program reads; "" for another file."""
    *folders, last = name.split("/")
    if last.lower().endswith(".pst"):
        return PST
    return DBOX if folders[-1:] and folders[-1] in DBOX_FOLDERS and DBOX_FILE.fullmatch(last) else ""


def _without_suffix(folders: list[str], name: str) -> str:
    # Folders of Thunderbird are files without a suffix, whose names may have dots.
    if folders[-1:] and folders[-1].endswith(".sbd"):
        return name
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and stem and f".{suffix.lower()}" in MBOX_SUFFIXES else name


def _mailbox(parts: list[str], order: Order) -> str:
    """The mailbox name for a path, below the order's mailbox if that is not Inbox; not yet checked."""
    elements: list[str] = []
    for number, part in enumerate(parts):
        if number or part != HOME:
            elements += _elements(part, last=number + 1 == len(parts))
    name = normalized("NFC", SEPARATOR.join(elements).encode("utf-8", "replace").decode())
    prefix = order.prefix.strip(SEPARATOR)
    if prefix and (name == prefix or is_below(name, prefix)):
        name = name[len(prefix) :].lstrip(SEPARATOR)
    if not name:
        return order.mailbox
    if order.mailbox.lower() == INBOX.lower():
        return name
    return f"{order.mailbox}{SEPARATOR}{name}"


def _elements(part: str, *, last: bool) -> list[str]:
    """The names of mailboxes that a part of a path stands for."""
    if not last and part.startswith(".") and part.endswith(KMAIL_FOLDER) and part != KMAIL_FOLDER:
        return [part[1:].removesuffix(KMAIL_FOLDER)]
    dotted = folder_of(part)
    if dotted is not None:
        return [_decoded(one) for one in dotted]
    for suffix in (".sbd", ".mbox"):
        if part.endswith(suffix) and part != suffix:
            return [part.removesuffix(suffix)]
    return [part]


def _decoded(element: str) -> str:
    """Decode the name of a Maildir++ folder from modified UTF-7; other names are returned unchanged."""
    try:
        return decode(element.encode())
    except ProtocolError:
        return element
