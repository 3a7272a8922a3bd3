"""Arguments and results of the commands of the control socket that import and export mail, shared by the command line
and the server.
"""

from typing import Literal

import msgspec

from moxlite.operations import Request
from moxlite.store.types import Meaning


class ImportMail(Request, frozen=True):
    """``import``: the octets follow as a stream. `form`: mbox, tar, or archive (a zip or tar.gz file).

    `mailbox` gets messages without a folder of their own; `prefix` is removed from folder names; `labels`: what labels
    of Gmail mean.
    """

    account: str
    form: Literal["mbox", "tar", "archive"]
    mailbox: str = "Inbox"
    prefix: str = ""
    labels: dict[str, Meaning] = msgspec.field(default_factory=dict)
    skip_duplicates: bool = False
    dry_run: bool = False


class Imported(msgspec.Struct, frozen=True):
    """Result of an import or its dry run: number of messages added, and number of problems."""

    messages: int
    problems: int


class ExportMail(Request, frozen=True):
    """``export``: the files are sent as a tar stream. `form`: maildir or mbox; an empty `mailbox` means all."""

    account: str
    form: Literal["maildir", "mbox"]
    mailbox: str = ""
    single: bool = False


class Exported(msgspec.Struct, frozen=True):
    """Result of an export: number of messages, and number of lines in errors.txt."""

    messages: int
    errors: int
