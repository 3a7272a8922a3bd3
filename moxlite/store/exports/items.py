"""The order of an export: mailboxes or messages, and the format of files."""

from __future__ import annotations

from enum import Enum

import msgspec

from moxlite.store.errors import StoreError


class ExportFailed(StoreError):
    """The mailbox does not exist or the order is not possible; the text is for the user."""


class FileForm(Enum):
    """Format in which a mailbox is written to files."""

    MAILDIR = "maildir"
    MBOX = "mbox"


class Container(Enum):
    """Format of the archive that has the files."""

    NONE = "none"
    TAR = "tar"
    TGZ = "tgz"
    ZIP = "zip"


class ExportOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The order of an export: one mailbox, with all below it if `recursive`; else the messages `ids`; else all.

    Without a container it is a single mbox, of one mailbox or of `ids`.
    """

    form: FileForm
    container: Container
    mailbox: str = ""
    recursive: bool = True
    ids: tuple[int, ...] | None = None
