"""The operations about stored mail: checks and repairs of the files, junk filters, and accounts and mail from backups
(STORE-42, 43, 87, 180, 185, 193, 197).
"""

import msgspec

from moxlite.operations import Operation, Role, change, query


class CheckReport(msgspec.Struct, frozen=True):
    """Problems that ``store check`` found in one account; an empty list means that it is healthy."""

    account: str
    problems: list[str]


@query("store check", Role.COMMAND_LINE)
class StoreCheck(Operation[list[CheckReport]], frozen=True):
    """Check one account, or all with an empty name. `deep`: also read all stored octets."""

    account: str = ""
    deep: bool = False


@change("store repair", Role.COMMAND_LINE)
class StoreRepair(Operation[list[str]], frozen=True):
    """Repair `account` by a verb such as ``fix-counts``; some repair one `mailbox`, or all with an empty name. Returns
    what was changed.
    """

    account: str
    verb: str
    mailbox: str = ""


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


@query("store stats", Role.COMMAND_LINE)
class StoreMeasure(Operation[list[StoreStats]], frozen=True):
    """Tell the sizes of the mail of one account, or of all with an empty name."""

    account: str = ""


class StoreMaintenance(Operation[list[StoreDone]], frozen=True):
    """Work on the mail of one account, or of all with an empty name."""

    account: str = ""


@change("store recompress", Role.COMMAND_LINE)
class StoreRecompress(StoreMaintenance, frozen=True):
    """Store bodies again whose compression differs from ``store.compress``."""


@change("store reparse", Role.COMMAND_LINE)
class StoreReparse(StoreMaintenance, frozen=True):
    """Parse all messages again for their index."""


@change("store reassign-threads", Role.COMMAND_LINE)
class StoreReassignThreads(StoreMaintenance, frozen=True):
    """Assign all messages to threads again."""


# Junk filters


class JunkDone(msgspec.Struct, frozen=True):
    """Result in one account: number of messages or words. `note`: the reason of a failure, or why there was nothing to
    do.
    """

    account: str
    count: int
    note: str = ""
    failed: bool = False


@change("junk retrain", Role.COMMAND_LINE)
class JunkRetrain(Operation[list[JunkDone]], frozen=True):
    """Rebuild the words of one account, or of all with an empty name."""

    account: str = ""


@change("junk prune", Role.COMMAND_LINE)
class JunkPrune(Operation[list[JunkDone]], frozen=True):
    """Drop words that were in one message only, and not seen for so many days."""

    account: str = ""
    days: int = 180


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


@query("junk explain", Role.COMMAND_LINE)
class JunkExplain(Operation[JunkExplained], frozen=True):
    """Explain a judgement. `message` is an id or a Message-ID; if it is empty, the message itself follows as octets."""

    account: str
    message: str = ""


# From backups


class RestoredMail(msgspec.Struct, frozen=True):
    """Result of a restore: number of messages added, of mailboxes, and of backup messages that could not be read."""

    messages: int
    mailboxes: int
    damaged: int


@change("restore mail", Role.COMMAND_LINE)
class RestoreMail(Operation[RestoredMail], frozen=True):
    """Restore mail of a backup's database, which follows as octets, into `account`. An empty `mailbox` means all. The
    mail goes into or below the mailbox `target`.
    """

    account: str
    target: str
    mailbox: str = ""


class ImportedAccount(msgspec.Struct, frozen=True):
    """Numbers of messages and mailboxes that an account has now."""

    messages: int
    mailboxes: int


@change("account import-full", Role.COMMAND_LINE)
class ImportAccount(Operation[ImportedAccount], frozen=True):
    """Take over a whole account, whose file follows as octets, as one of the configuration that was never used."""

    account: str
