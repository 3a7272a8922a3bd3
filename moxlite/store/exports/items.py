"""What an export is asked for."""

from __future__ import annotations

from enum import Enum

import msgspec

from moxlite.store.errors import StoreError

__all__ = ["Container", "ExportFailed", "ExportOrder", "FileForm"]


class ExportFailed(StoreError):
    """There is nothing to export, or not in this way; the text is for the user."""


class FileForm(Enum):
    """How a mailbox lies in files."""

    MAILDIR = "maildir"
    MBOX = "mbox"


class Container(Enum):
    """What holds the files."""

    NONE = "none"
    TAR = "tar"
    TGZ = "tgz"
    ZIP = "zip"


class ExportOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be exported: one mailbox, with those below it if `recursive`; else `ids`; else everything.

    Without a container it is one mbox, of a mailbox alone or of `ids`.
    """

    form: FileForm
    container: Container
    mailbox: str = ""
    recursive: bool = True
    ids: tuple[int, ...] | None = None
