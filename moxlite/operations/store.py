"""The operations about stored mail: checks and repairs of the files, junk filters, and accounts and mail from backups
(STORE-42, 43, 87, 180, 185, 193, 197).
"""

import msgspec

from moxlite.operations import Operation, Role, UserOperation, change, query


class CheckReport(msgspec.Struct, frozen=True):
    """Problems that ``store check`` found in one account; an empty list means that it is healthy."""

    account: str
    problems: list[str]


@query("store check", Role.COMMAND_LINE)
class StoreCheck(Operation[list[CheckReport]], frozen=True):
    """Check an account, or all accounts if the name is empty. `deep`: also read all stored data."""

    account: str = ""
    deep: bool = False


@change("store repair", Role.COMMAND_LINE)
class StoreRepair(Operation[list[str]], frozen=True):
    """Repair `account` using a verb like ``fix-counts``. For some verbs, you can specify a `mailbox`, or "" for all.
    Returns the changes.
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
    `index`: the search index, which has `indexed` of the messages. `problem`: why nothing could be read, or "".
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
    indexed: int = 0


@query("store stats", Role.COMMAND_LINE)
class StoreMeasure(Operation[list[StoreStats]], frozen=True):
    """Show mail storage sizes for an account, or for all accounts if the name is empty."""

    account: str = ""


class MailboxInfo(msgspec.Struct, frozen=True):
    """A mailbox, with how many messages it has."""

    name: str
    messages: int
    unread: int


@query("account mailboxes", Role.COMMAND_LINE, columns=("name", "messages", "unread"))
class ListMailboxes(UserOperation[list[MailboxInfo]], frozen=True):
    """List ACCOUNT's mailboxes."""


class StoreMaintenance(Operation[list[StoreDone]], frozen=True):
    """Work on the mail of one account, or of all with an empty name."""

    account: str = ""


@change("store recompress", Role.COMMAND_LINE)
class StoreRecompress(StoreMaintenance, frozen=True):
    """Recompress message bodies that don't match ``store.compress``."""


@change("store reparse", Role.COMMAND_LINE)
class StoreReparse(StoreMaintenance, frozen=True):
    """Reindex all messages."""


@change("store reassign-threads", Role.COMMAND_LINE)
class StoreReassignThreads(StoreMaintenance, frozen=True):
    """Rebuild threads for all messages."""


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
    """Rebuild junk filter words for an account, or for all accounts if the name is empty."""

    account: str = ""


@change("junk prune", Role.COMMAND_LINE)
class JunkPrune(Operation[list[JunkDone]], frozen=True):
    """Delete words that were only in one message and haven't been seen for this many days."""

    account: str = ""
    days: int = 180


class JunkUsedWord(msgspec.Struct, frozen=True):
    """A word that counted: the number of ham and junk messages that had it, and how strongly it indicates junk."""

    word: str
    ham: int
    spam: int
    probability: float


class JunkExplained(msgspec.Struct, frozen=True, kw_only=True):
    """A judgement and its grounds. `missing`: what the filter must still learn, or the message must have, for a
    judgement; nothing follows from the probability before. `certain`: the threshold of near certainty. `opening` and
    `opening_threshold`: the probability by the header, links and first words alone, and its threshold.

    `trained`: ``ham`` or ``junk`` if the message itself was learnt as that. `words`: the strongest of the used ones.
    """

    probability: float
    threshold: float
    certain: float
    opening: float
    opening_threshold: float
    missing: list[str]
    hams: int
    spams: int
    message_words: int
    known_words: int
    used_words: int
    trained: str
    words: list[JunkUsedWord]


@query("junk explain", Role.COMMAND_LINE)
class JunkExplain(Operation[JunkExplained], frozen=True):
    """Explain a junk classification. `message` is an ID, a Message-ID, or empty to send the message as a stream."""

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
    """Restore mail to `account` from a backup database, which follows as bytes. Leave `mailbox` empty for all. Mail is
    restored to or below the mailbox `target`.
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
    """Restore a whole account from an exported file, sent as bytes. The account must be configured and unused."""

    account: str
