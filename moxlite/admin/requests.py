"""Arguments and results of the commands that go through the control socket; the command line and the server share them.

A command's name is the words that one types: ``config account add``. Nothing heavy is imported here, for the command
line starts fast.
"""

from typing import Literal

import msgspec

__all__ = [
    "AccountAdd",
    "AccountInfo",
    "AccountName",
    "AddressAdd",
    "AddressInfo",
    "AddressName",
    "AppPasswordAdd",
    "AppPasswordInfo",
    "AppPasswordName",
    "BackUp",
    "BackedUp",
    "CertificatesRead",
    "CheckReport",
    "DisableAccount",
    "ExportMail",
    "Exported",
    "ImapServe",
    "ImapSession",
    "ImapSessions",
    "ImapTrace",
    "ImapTraced",
    "ImportMail",
    "Imported",
    "JunkAccount",
    "JunkDone",
    "JunkExplain",
    "JunkExplained",
    "JunkPrune",
    "JunkUsedWord",
    "LogLevels",
    "NoArguments",
    "Process",
    "Request",
    "RestoreMail",
    "RestoredMail",
    "SetPassword",
    "StoreAccount",
    "StoreCheck",
    "StoreDone",
    "StoreRepair",
    "StoreStats",
    "Undelete",
    "UndeletedMail",
    "Wellness",
]


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of a command; unknown ones are refused (ADMIN-24)."""


class NoArguments(Request, frozen=True):
    """For commands without arguments."""


class Wellness(msgspec.Struct, frozen=True):
    """What is not well, one line each: of the server, and of single accounts, beside which all else goes on."""

    problems: list[str]
    accounts: list[str]


class CertificatesRead(msgspec.Struct, frozen=True):
    """Certificates of files that could not be read again, one line each; the old ones stay in use."""

    problems: list[str]


class Process(msgspec.Struct, frozen=True):
    """The running server."""

    pid: int
    version: str


class SetPassword(Request, frozen=True):
    """``account set-password``."""

    account: str
    password: str

    def __repr__(self) -> str:
        """Without the password, which must not reach a log."""
        return f"SetPassword(account={self.account!r})"


class AppPasswordAdd(Request, frozen=True):
    """``account app-password add``: `expires` in µs UTC, None for never. The answer is the password."""

    account: str
    name: str
    scopes: list[Literal["imap", "submission", "webapi"]]
    read_only: bool = False
    expires: int | None = None


class AppPasswordName(Request, frozen=True):
    """``account app-password rm``."""

    account: str
    name: str


class AppPasswordInfo(msgspec.Struct, frozen=True):
    """A line of ``account app-password list``; times are in words, UTC, "" for never."""

    name: str
    scopes: list[str]
    read_only: bool
    created: str
    last_used: str
    expires: str
    expired: bool


class ShareSet(Request, frozen=True):
    """``account share set``, and with no rights ``account share rm``: `guest` is an account, an address or ``anyone``,
    `rights` letters of RFC 4314; `below`: on the mailboxes below, too.
    """

    account: str
    mailbox: str
    guest: str
    rights: str = ""
    below: bool = False


class ShareInfo(msgspec.Struct, frozen=True):
    """A line of ``account share list``."""

    mailbox: str
    guest: str
    rights: str


class LogLevels(Request, frozen=True):
    """``log levels``: `levels` has "" for all packages. As a request: set these, an empty level takes a package's
    own away.
    """

    levels: dict[str, str] = {}


class AccountAdd(Request, frozen=True):
    """``config account add``."""

    account: str
    address: str


class AccountName(Request, frozen=True):
    """``config account rm``, ``enable``, ``addresses``."""

    account: str


class DisableAccount(Request, frozen=True):
    """``config account disable``: `message` is shown at every log-in."""

    account: str
    message: str


class AddressAdd(Request, frozen=True):
    """``config address add``."""

    address: str
    account: str


class AddressName(Request, frozen=True):
    """``config address rm``, ``config address account``."""

    address: str


class AccountInfo(msgspec.Struct, frozen=True):
    """A line of ``config account list``. `disabled`: the text for log-ins, empty when they're allowed."""

    account: str
    description: str
    disabled: str
    addresses: list[str]


class AddressInfo(msgspec.Struct, frozen=True):
    """Who has an address."""

    address: str
    account: str


class StoreCheck(Request, frozen=True):
    """``store check``: of one account, or with an empty name of all. `deep`: read all stored octets as well."""

    account: str = ""
    deep: bool = False


class CheckReport(msgspec.Struct, frozen=True):
    """What ``store check`` found in one account; nothing is good."""

    account: str
    problems: list[str]


class BackUp(Request, frozen=True):
    """``backup``: `target` is an absolute path, as the server sees it; with `verbose` each file is told as progress.

    With `repo` it is a repository, made where it is missing: encrypted to `recipients`, or with a `passphrase`.
    """

    target: str
    verbose: bool = False
    repo: bool = False
    recipients: list[str] = []
    passphrase: str = ""

    def __repr__(self) -> str:
        """Without the passphrase, which must not reach a log."""
        return f"BackUp(target={self.target!r}, repo={self.repo!r})"


class BackedUp(msgspec.Struct, frozen=True):
    """Outcome of a backup; without `errors` it is whole. `left_out` has a line for each private key of the host that
    the backup lacks.
    """

    databases: int
    octets: int
    stored: int
    errors: list[str] = []
    warnings: list[str] = []
    left_out: list[str] = []


class StoreRepair(Request, frozen=True):
    """``store fix-counts`` and its like: of `account`, for some of one `mailbox` or with an empty name of all."""

    account: str
    verb: str
    mailbox: str = ""


class StoreAccount(Request, frozen=True):
    """``store stats``, ``recompress``, ``reparse``, ``reassign-threads``: of one account, or with an empty name of
    all.
    """

    account: str = ""


class StoreDone(msgspec.Struct, frozen=True):
    """What was done in one account: how many messages or pieces were made anew. `problem`: why it failed, or ""."""

    account: str
    count: int
    problem: str = ""


class StoreStats(msgspec.Struct, frozen=True):
    """What the mail of an account takes, in octets (STORE-180).

    `logical`: of all messages, what the quota counts. `plain`: of their bodies, each once. `stored`: of these as they
    lie in the file. `file`: the database with its log, of which `free` can be used again. `index`: the search index.
    `problem`: why nothing could be read, or "".
    """

    account: str
    messages: int = 0
    logical: int = 0
    bodies: int = 0
    plain: int = 0
    stored: int = 0
    file: int = 0
    free: int = 0
    index: int = 0
    problem: str = ""


class JunkAccount(Request, frozen=True):
    """``junk retrain``: of one account, or with an empty name of all."""

    account: str = ""


class JunkPrune(Request, frozen=True):
    """``junk prune``: words of one message, not met for so many days."""

    account: str = ""
    days: int = 180


class JunkDone(msgspec.Struct, frozen=True):
    """What was done in one account: how many messages or words. `note`: why there was nothing to do, or it failed."""

    account: str
    count: int
    note: str = ""
    failed: bool = False


class JunkExplain(Request, frozen=True):
    """``junk explain``: `message` is an id or a Message-ID; empty, the octets come along."""

    account: str
    message: str = ""


class JunkUsedWord(msgspec.Struct, frozen=True):
    """A word that decided: how many ham and junk messages had it, how much it speaks for junk."""

    word: str
    ham: int
    spam: int
    probability: float


class JunkExplained(msgspec.Struct, frozen=True, kw_only=True):
    """A judgement and its grounds. `trained`: ``ham`` or ``junk`` if the message itself was learnt as that."""

    probability: float
    threshold: float
    significant: bool
    hams: int
    spams: int
    message_words: int
    known_words: int
    trained: str
    words: list[JunkUsedWord]


class ImportMail(Request, frozen=True):
    """``import``: the octets come as a stream. `form`: mbox, tar, or archive (a zip or tar.gz file).

    `mailbox` is for messages without a folder of their own, `prefix` is cut off names of folders.
    """

    account: str
    form: Literal["mbox", "tar", "archive"]
    mailbox: str = "Inbox"
    prefix: str = ""
    skip_duplicates: bool = False
    dry_run: bool = False


class Imported(msgspec.Struct, frozen=True):
    """What an import added, or would add, and how much was left out of it."""

    messages: int
    problems: int


class ExportMail(Request, frozen=True):
    """``export``: the files are sent as a tar stream. `form`: maildir or mbox; an empty `mailbox` means all."""

    account: str
    form: Literal["maildir", "mbox"]
    mailbox: str = ""
    single: bool = False


class Exported(msgspec.Struct, frozen=True):
    """What an export wrote; `errors` is the number of lines in errors.txt."""

    messages: int
    errors: int


class RestoreMail(Request, frozen=True):
    """``restore --account``: mail from the uploaded database of a backup into `account`: of `mailbox`, or when that is
    empty of all, into or below `target`.
    """

    account: str
    target: str
    mailbox: str = ""


class RestoredMail(msgspec.Struct, frozen=True):
    """What was added, and how many messages of the backup could not be read."""

    messages: int
    mailboxes: int
    damaged: int


class Undelete(Request, frozen=True):
    """``account undelete``: what was removed at or after `since` (µs UTC), of one `mailbox`, or with an empty name of
    all.
    """

    account: str
    since: int = 0
    mailbox: str = ""


class UndeletedMail(msgspec.Struct, frozen=True):
    """What came back, and how many messages could not be read."""

    messages: int
    damaged: int


class ImapSessions(Request, frozen=True):
    """``imap sessions``: all of them; with `kill` the session of that id is ended first."""

    kill: int | None = None


class ImapSession(msgspec.Struct, frozen=True):
    """One IMAP session that is logged in. `client` is what it said of itself, `mailbox` "" when none is selected;
    `received` and `sent` are octets; `app_password` is the name of the one that was used, "" for none.
    """

    id: int
    account: str
    address: str
    remote: str
    client: str
    mailbox: str
    received: int
    sent: int
    command: str
    app_password: str = ""


class ImapTrace(Request, frozen=True):
    """``imap trace``: the masked transcript of an account's IMAP sessions as octets, for some minutes."""

    account: str
    minutes: int


class ImapTraced(msgspec.Struct, frozen=True):
    """How many lines a transcript has, and how many were left out since the terminal was too slow."""

    lines: int
    lost: int


class ImapServe(Request, frozen=True):
    """``admin imapserve``: an IMAP session of the account that `address` belongs to, over the octet streams."""

    address: str
