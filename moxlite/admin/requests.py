"""Arguments and results of the commands of the control socket, shared by the command line and the server.

A command's name is the words that a user types: ``config account add``. This module imports nothing heavy, because the
command line must start fast.
"""

from typing import Literal

import msgspec

from moxlite.operations import Request


class AccountName(Request, frozen=True):
    """``config account rm``, ``enable``, ``addresses``."""

    account: str


class StoreCheck(Request, frozen=True):
    """``store check``: of one account, or all with an empty name. `deep`: also read all stored octets."""

    account: str = ""
    deep: bool = False


class CheckReport(msgspec.Struct, frozen=True):
    """Problems that ``store check`` found in one account; an empty list means that it is healthy."""

    account: str
    problems: list[str]


class StoreRepair(Request, frozen=True):
    """``store fix-counts`` and the other repairs of `account`. Some repair one `mailbox`, or all with an empty name."""

    account: str
    verb: str
    mailbox: str = ""


class StoreAccount(Request, frozen=True):
    """``store stats``, ``recompress``, ``reparse``, ``reassign-threads``: of one account, or all with an empty name."""

    account: str = ""


class StoreDone(msgspec.Struct, frozen=True):
    """Result in one account: number of messages or pieces that were rewritten. `problem`: the reason of a failure, or
    "".
    """

    account: str
    count: int
    problem: str = ""


class StoreStats(msgspec.Struct, frozen=True):
    """Sizes of an account's mail, in octets (STORE-180).

    `logical`: of all messages, as the quota counts. `plain`: of their bodies, each distinct one once. `stored`: of
    these bodies in the file, compressed. `file`: the database with its write-ahead log, of which `free` can be reused.
    `index`: the search index. `problem`: why nothing could be read, or "".
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
    """``junk retrain``: of one account, or all with an empty name."""

    account: str = ""


class JunkPrune(Request, frozen=True):
    """``junk prune``: words that were in one message only, and not seen for so many days."""

    account: str = ""
    days: int = 180


class JunkDone(msgspec.Struct, frozen=True):
    """Result in one account: number of messages or words. `note`: the reason of a failure, or why there was nothing to
    do.
    """

    account: str
    count: int
    note: str = ""
    failed: bool = False


class JunkExplain(Request, frozen=True):
    """``junk explain``: `message` is an id or a Message-ID; if it is empty, the message itself follows as octets."""

    account: str
    message: str = ""


class JunkUsedWord(msgspec.Struct, frozen=True):
    """A word that counted: the number of ham and junk messages that had it, and how strongly it indicates junk."""

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
    """``import``: the octets follow as a stream. `form`: mbox, tar, or archive (a zip or tar.gz file).

    `mailbox` gets messages without a folder of their own; `prefix` is removed from folder names.
    """

    account: str
    form: Literal["mbox", "tar", "archive"]
    mailbox: str = "Inbox"
    prefix: str = ""
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


class RestoreMail(Request, frozen=True):
    """``restore --account``: restore mail from a backup's uploaded database into `account`. An empty `mailbox` means
    all. The mail goes into or below the mailbox `target`.
    """

    account: str
    target: str
    mailbox: str = ""


class RestoredMail(msgspec.Struct, frozen=True):
    """Result of a restore: number of messages added, of mailboxes, and of backup messages that could not be read."""

    messages: int
    mailboxes: int
    damaged: int


class ImapSessions(Request, frozen=True):
    """``imap sessions``: lists them; with `kill` the session with that id is ended first."""

    kill: int | None = None


class ImapSession(msgspec.Struct, frozen=True):
    """A logged-in IMAP session. `client`: its ID response; `mailbox`: the selected one, or "". `received` and `sent`:
    octets. `app_password`: the name of the app password used, or "".
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
    """``imap trace``: the masked transcript of an account's IMAP sessions as octets, for `minutes` minutes."""

    account: str
    minutes: int


class ImapTraced(msgspec.Struct, frozen=True):
    """Number of lines in a transcript, and number of lines left out because the terminal was too slow."""

    lines: int
    lost: int


class ImapServe(Request, frozen=True):
    """``admin imapserve``: an IMAP session over the octet streams, of the account that has `address`."""

    address: str
