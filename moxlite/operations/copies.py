"""The operations that copy mail into accounts and out of them: files, and other servers by IMAP (STORE-120, STORE-135,
IMAP-137).
"""

from typing import Literal, TypeAlias

import msgspec

from moxlite.operations import Operation, Role, change
from moxlite.store.types import Meaning

# Files


class Imported(msgspec.Struct, frozen=True):
    """Result of an import or its dry run: number of messages added, and number of problems."""

    messages: int
    problems: int


@change("import", Role.COMMAND_LINE)
class ImportMail(Operation[Imported], frozen=True):
    """Import mail from files to an account. Send the data as a stream.

    `form`: mbox, tar, or archive (a zip or tar.gz file). `mailbox`: for messages without a folder. `prefix`: removed
    from folder names. `labels`: how to import Gmail labels.
    """

    account: str
    form: Literal["mbox", "tar", "archive"]
    mailbox: str = "Inbox"
    prefix: str = ""
    labels: dict[str, Meaning] = msgspec.field(default_factory=dict)
    skip_duplicates: bool = False
    dry_run: bool = False


class Exported(msgspec.Struct, frozen=True):
    """Result of an export: number of messages, and number of lines in errors.txt."""

    messages: int
    errors: int


@change("export", Role.COMMAND_LINE)  # an owner may ask who has taken the mail
class ExportMail(Operation[Exported], frozen=True):
    """Export an account's mail as files in a tar stream. `form`: maildir or mbox; leave `mailbox` empty for all."""

    account: str
    form: Literal["maildir", "mbox"]
    mailbox: str = ""
    single: bool = False


# Copies by IMAP. While one runs, the server sends events.


class MailboxPlan(msgspec.Struct, frozen=True, tag="plan"):
    """A mailbox to copy: its name at source and target, its number of messages, and how many of them are new."""

    source: str
    target: str
    messages: int
    new: int


class MailboxStep(msgspec.Struct, frozen=True, tag="step"):
    """Progress in a mailbox: messages `done` of `total`. `seconds`: estimated time until all mailboxes are copied, by
    the speed so far; -1 if unknown. `left`: messages of all mailboxes that are not looked at yet; -1 if unknown.
    """

    mailbox: str
    done: int
    total: int
    seconds: int = -1
    left: int = -1


class Note(msgspec.Struct, frozen=True, tag="note"):
    """A notice. `problem`: something was left out. The text may be `Worded`."""

    text: str
    problem: bool = True


Event: TypeAlias = MailboxPlan | MailboxStep | Note


class Copied(msgspec.Struct, frozen=True):
    """Result of a copy: numbers of new messages, of messages with changed flags, of removed messages, of mailboxes
    compared, and of problems.
    """

    messages: int
    flags: int
    removed: int
    mailboxes: int
    problems: int


class CopyByImap(Operation[Copied], frozen=True, kw_only=True):
    """Copy mail from or to another server by IMAP.

    Attributes:
      host, port, tls: the other server; port 0 means the default one.
      user: there, with a `password` or a `token` of OAuth 2.
      maps: pairs of a mailbox at the source and its name at the target; mailboxes below it move along.
      excludes: patterns of mailboxes at the source that are left out with all below; ``*`` and ``%`` as in LIST.
      leave_out: names of mailboxes at the source that are left out; mailboxes below them are not.
      prefix: a mailbox at the target below which all are put.
      since: µs UTC; messages received before are left out.
      dry_run: only report the work to do.
      continuous: an import goes on until it is ended.
      delete: an import removes messages here that were removed at the source.
      public: mailboxes that are for everybody there are left out by an import and named, or copied, or come by another
        import.
    """

    account: str
    host: str
    user: str
    port: int = 0
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    password: str = ""
    token: str = ""
    maps: list[tuple[str, str]] = msgspec.field(default_factory=list)
    excludes: list[str] = msgspec.field(default_factory=list)
    leave_out: list[str] = msgspec.field(default_factory=list)
    prefix: str = ""
    since: int | None = None
    dry_run: bool = False
    continuous: bool = False
    delete: bool = False
    public: Literal["named", "copied", "elsewhere"] = "named"

    def __repr__(self) -> str:
        """Without secrets."""
        return f"{type(self).__name__}(account={self.account!r}, host={self.host!r}, user={self.user!r})"


@change("imap import", Role.COMMAND_LINE)
class ImportByImap(CopyByImap, frozen=True, kw_only=True):
    """Copy mail from another server to an account."""


@change("imap export", Role.COMMAND_LINE)
class ExportByImap(CopyByImap, frozen=True, kw_only=True):
    """Copy an account's mail to another server."""
