"""What a file is by its first octets, and the command that imports it: people try the wrong one (ADMIN-18e)."""

import shlex
from collections.abc import Collection
from pathlib import Path
from typing import Final, NamedTuple

from moxlite.cli.common import Failure

START_SIZE: Final = 256
"""Octets of a file that tell its kind."""

BEFORE: Final = b"\xef\xbb\xbf\r\n "
"""Octets that some programs write before the beginning."""


class FileKind(NamedTuple):
    """A kind of file.

    Attributes:
      start: how it begins, in upper case.
      what: what a file of it is.
      command: the command that imports it, without the file.
    """

    start: bytes
    what: str
    command: str


CONTACTS: Final = FileKind(b"BEGIN:VCARD", "has contacts", "contacts import {account}")
CALENDAR: Final = FileKind(b"BEGIN:VCALENDAR", "has a calendar", "calendar import {account}")
MBOX: Final = FileKind(b"FROM ", "is an mbox file", "import mbox {account} Inbox")
ZIP: Final = FileKind(b"PK\x03\x04", "is a zip file", "import archive {account}")
GZIP: Final = FileKind(b"\x1f\x8b", "is a tar.gz file", "import archive {account}")
OUTLOOK: Final = FileKind(b"!BDN", "is an Outlook file", "import archive {account}")
FILE_KINDS: Final = (CONTACTS, CALENDAR, MBOX, ZIP, GZIP, OUTLOOK)
"""Kinds of files that some command imports."""

EMPTY_ZIP: Final = b"PK\x05\x06"
"""How a zip file without members begins: with the end of its directory."""


def kind_of(start: bytes) -> FileKind | None:
    """The kind of a file that begins so (START_SIZE octets); None for others."""
    begin = start.lstrip(BEFORE).upper()
    return next((kind for kind in FILE_KINDS if begin.startswith(kind.start)), None)


def check_kind(name: str, start: bytes, account: str, kinds: Collection[FileKind]) -> None:
    """Check that a command imports the file, as far as its beginning tells.

    Args:
      name: of the file. start: its first octets. kinds: of the files that this command imports.

    Raises:
      Failure: it has nothing to import, or another command is for it.
    """
    if not start.strip(BEFORE):
        raise Failure(f"{name} is empty, so there's nothing to import")
    if start.startswith(EMPTY_ZIP):
        raise Failure(f"{name} is a zip file without files, so there's nothing to import")
    kind = kind_of(start)
    if kind is not None and kind not in kinds:
        line = f"moxlite {kind.command.format(account=shlex.quote(account))} {shlex.quote(name)}"
        raise Failure(f"{name} {kind.what}. To import it, run: {line}")


def beginning(path: Path) -> bytes:
    """The first octets of a file. Raises Failure: it can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(START_SIZE)
    except OSError as error:
        raise Failure(f"can't read {path}: {error.strerror or error}") from None
