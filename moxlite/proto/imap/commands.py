"""Every command of IMAP as one frozen struct (RFC 9051 §6, RFC 3501 §6 and the extensions named at each).

Mailbox names are decoded (`str`, INBOX in any case is ``Inbox``). Flags, capability and option names are as on the wire
unless a docstring says otherwise. The values have passed only the grammar: the server checks whether a mailbox exists,
a flag is known or a number is in the view. The tag is not part of the struct.
"""

import datetime as dt
import enum
from typing import Literal, TypeAlias

from msgspec import Struct

from .fetchitems import FetchItem
from .search import Return, SearchKey, SortKey
from .seqset import SequenceSet

# --- any state (RFC 9051 §6.1)


class Capability(Struct, frozen=True):
    """``CAPABILITY`` — RFC 9051 §6.1.1, answered by ``* CAPABILITY`` (§7.2.2)."""


class Noop(Struct, frozen=True):
    """``NOOP`` — RFC 9051 §6.1.2."""


class Logout(Struct, frozen=True):
    """``LOGOUT`` — RFC 9051 §6.1.3, answered by ``* BYE`` (§7.1.5)."""


class Id(Struct, frozen=True):
    """``ID NIL`` or ``ID ("name" "value" …)`` — RFC 2971 §3.1, answered by ``* ID``. pairs in the client's order."""

    pairs: tuple[tuple[str, str | None], ...] = ()


# --- before login (RFC 9051 §6.2)


class StartTls(Struct, frozen=True):
    """``STARTTLS`` — RFC 9051 §6.2.1."""


class Authenticate(Struct, frozen=True):
    """``AUTHENTICATE mechanism [initial-response]`` — RFC 9051 §6.2.2, RFC 4959.

    mechanism in upper case. initial is decoded, ``b""`` for ``=``, None if not given.
    """

    mechanism: str
    initial: bytes | None = None


class Login(Struct, frozen=True):
    """``LOGIN username password`` — RFC 9051 §6.2.3."""

    username: str
    password: str


# --- after login (RFC 9051 §6.3)


class Enable(Struct, frozen=True):
    """``ENABLE capability …`` — RFC 9051 §6.3.1, RFC 5161, answered by ``* ENABLED``. Names in upper case."""

    capabilities: tuple[str, ...]


class Qresync(Struct, frozen=True):
    """Parameters of ``SELECT mailbox (QRESYNC (…))`` — RFC 7162 §3.2.5.

    known: UIDs that the client has (None: all). match: message numbers and their UIDs, two sets of equal length,
    strictly ascending.
    """

    uidvalidity: int
    modseq: int
    known: SequenceSet | None = None
    match: tuple[SequenceSet, SequenceSet] | None = None


class Select(Struct, frozen=True):
    """``SELECT mailbox [(CONDSTORE | QRESYNC (…))]`` — RFC 9051 §6.3.2, RFC 7162 §3.1.8, §3.2.5."""

    mailbox: str
    condstore: bool = False
    qresync: Qresync | None = None


class Examine(Struct, frozen=True):
    """``EXAMINE mailbox [(…)]`` — RFC 9051 §6.3.3: SELECT, but read-only."""

    mailbox: str
    condstore: bool = False
    qresync: Qresync | None = None


class Create(Struct, frozen=True):
    """``CREATE mailbox [(USE (\\Sent …))]`` — RFC 9051 §6.3.4, RFC 6154 §3. use is None without the parameter."""

    mailbox: str
    use: tuple[str, ...] | None = None


class Delete(Struct, frozen=True):
    """``DELETE mailbox`` — RFC 9051 §6.3.5."""

    mailbox: str


class Rename(Struct, frozen=True):
    """``RENAME source target`` — RFC 9051 §6.3.6."""

    source: str
    target: str


class Subscribe(Struct, frozen=True):
    """``SUBSCRIBE mailbox`` — RFC 9051 §6.3.7."""

    mailbox: str


class Unsubscribe(Struct, frozen=True):
    """``UNSUBSCRIBE mailbox`` — RFC 9051 §6.3.8."""

    mailbox: str


class List(Struct, frozen=True):
    """``LIST [(selection)] reference patterns [RETURN (…)]`` — RFC 9051 §6.3.9, RFC 5258, RFC 5819, RFC 6154 §2, RFC
    9590, RFC 8440.

    selection, returns: option names in upper case. status: items of STATUS (…); metadata: entries of METADATA (…).
    extended: whether one of the extended forms was used (several patterns, options, RETURN).
    """

    reference: str
    patterns: tuple[str, ...]
    selection: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    extended: bool = False


class Lsub(Struct, frozen=True):
    """``LSUB reference pattern`` — RFC 3501 §6.3.9."""

    reference: str
    pattern: str


class Namespace(Struct, frozen=True):
    """``NAMESPACE`` — RFC 9051 §6.3.10."""


class GetJmapAccess(Struct, frozen=True):
    """``GETJMAPACCESS`` — RFC 9698 §3."""


class Status(Struct, frozen=True):
    """``STATUS mailbox (item …)`` — RFC 9051 §6.3.11, RFC 7162 §3.1.7, RFC 8438, RFC 7889, RFC 8474 §4.3. items in
    upper case.
    """

    mailbox: str
    items: tuple[str, ...]


class CatenateUrl(Struct, frozen=True):
    """``URL "…"`` among the parts of CATENATE (RFC 4469 §3)."""

    url: str


class AppendMessage(Struct, frozen=True):
    """One message of APPEND or REPLACE (RFC 9051 §6.3.12).

    date: INTERNALDATE as given, with its offset. size: octets of the literal (for CATENATE, of its TEXT parts
    together). catenate: parts to join, in order: a URL, or None for the next literal; empty without CATENATE. The
    octets themselves were `LiteralChunk` events.
    """

    size: int
    flags: tuple[str, ...] = ()
    date: dt.datetime | None = None
    utf8: bool = False
    catenate: tuple[CatenateUrl | None, ...] = ()


class Append(Struct, frozen=True):
    """``APPEND mailbox [(flags)] [date] literal …`` — RFC 9051 §6.3.12, RFC 3502, RFC 3516, RFC 4469, RFC 6855 §4."""

    mailbox: str
    messages: tuple[AppendMessage, ...]


class Idle(Struct, frozen=True):
    """``IDLE`` — RFC 9051 §6.3.13."""


class Compress(Struct, frozen=True):
    """``COMPRESS mechanism`` — RFC 4978 §3. mechanism in upper case."""

    mechanism: str


class GetQuota(Struct, frozen=True):
    """``GETQUOTA root`` — RFC 9208 §4.1.1."""

    root: str


class GetQuotaRoot(Struct, frozen=True):
    """``GETQUOTAROOT mailbox`` — RFC 9208 §4.1.2."""

    mailbox: str


class SetQuota(Struct, frozen=True):
    """``SETQUOTA root (resource limit …)`` — RFC 9208 §4.1.3."""

    root: str
    limits: tuple[tuple[str, int], ...]


class GetMetadata(Struct, frozen=True):
    """``GETMETADATA [(MAXSIZE n DEPTH d)] mailbox entries`` — RFC 5464 §4.2. depth: "0", "1" or "infinity"; mailbox
    "" is the server.
    """

    mailbox: str
    entries: tuple[str, ...]
    maxsize: int | None = None
    depth: Literal["0", "1", "infinity"] = "0"


class SetMetadata(Struct, frozen=True):
    """``SETMETADATA mailbox (entry value …)`` — RFC 5464 §4.3. None removes the entry."""

    mailbox: str
    entries: tuple[tuple[str, bytes | None], ...]


class NotifyEvent(Struct, frozen=True):
    """An event of NOTIFY (RFC 5465 §5): name as in the RFC, in lower case; items only for ``messagenew``."""

    name: str
    items: tuple[FetchItem, ...] = ()


class Source(Struct, frozen=True):
    """A selection of mailboxes (RFC 5465 §6, RFC 7377 §2.2): kind in lower case, names for ``subtree``, ``subtree-one``
    and ``mailboxes``.
    """

    kind: Literal[
        "selected", "selected-delayed", "personal", "inboxes", "subscribed", "subtree", "subtree-one", "mailboxes"
    ]
    names: tuple[str, ...] = ()


class EventGroup(Struct, frozen=True):
    """Mailboxes and the events to report about them (RFC 5465 §3); no events: ``NONE``."""

    source: Source
    events: tuple[NotifyEvent, ...] = ()


class Notify(Struct, frozen=True):
    """``NOTIFY NONE`` or ``NOTIFY SET [STATUS] (…) …`` — RFC 5465 §3. No groups: NONE."""

    groups: tuple[EventGroup, ...] = ()
    status: bool = False


class Esearch(Struct, frozen=True):
    """``ESEARCH [IN (sources)] [RETURN (…)] program`` — RFC 7377 §2. No sources: the selected mailbox."""

    program: SearchKey
    sources: tuple[Source, ...] = ()
    returns: Return | None = None


class SetAcl(Struct, frozen=True):
    """``SETACL mailbox identifier [+-]rights`` — RFC 4314 §3.1."""

    mailbox: str
    identifier: str
    rights: str
    change: Literal["", "+", "-"] = ""


class DeleteAcl(Struct, frozen=True):
    """``DELETEACL mailbox identifier`` — RFC 4314 §3.2."""

    mailbox: str
    identifier: str


class GetAcl(Struct, frozen=True):
    """``GETACL mailbox`` — RFC 4314 §3.3."""

    mailbox: str


class ListRights(Struct, frozen=True):
    """``LISTRIGHTS mailbox identifier`` — RFC 4314 §3.4."""

    mailbox: str
    identifier: str


class MyRights(Struct, frozen=True):
    """``MYRIGHTS mailbox`` — RFC 4314 §3.5."""

    mailbox: str


# --- with a selected mailbox (RFC 9051 §6.4)


class Check(Struct, frozen=True):
    """``CHECK`` — RFC 3501 §6.4.1."""


class Close(Struct, frozen=True):
    """``CLOSE`` — RFC 9051 §6.4.1."""


class Unselect(Struct, frozen=True):
    """``UNSELECT`` — RFC 9051 §6.4.2."""


class Expunge(Struct, frozen=True):
    """``EXPUNGE`` — RFC 9051 §6.4.3; with uids ``UID EXPUNGE set`` (§6.4.9, RFC 4315 §2.1)."""

    uids: SequenceSet | None = None


class Search(Struct, frozen=True):
    """``[UID] SEARCH [RETURN (…)] [CHARSET c] program`` — RFC 9051 §6.4.4. returns: None without RETURN. charset as
    given.
    """

    program: SearchKey
    uid: bool = False
    returns: Return | None = None
    charset: str | None = None


class Sort(Struct, frozen=True):
    """``[UID] SORT [RETURN (…)] (keys) charset program`` — RFC 5256 §3, RFC 5267 §3."""

    keys: tuple[SortKey, ...]
    program: SearchKey
    uid: bool = False
    returns: Return | None = None
    charset: str = "UTF-8"


class Thread(Struct, frozen=True):
    """``[UID] THREAD algorithm charset program`` — RFC 5256 §3. algorithm in upper case."""

    algorithm: str
    program: SearchKey
    uid: bool = False
    charset: str = "UTF-8"


class Fetch(Struct, frozen=True):
    """``[UID] FETCH set items [(CHANGEDSINCE n VANISHED PARTIAL a:b)]`` — RFC 9051 §6.4.5, RFC 7162 §3.1.4, §3.2.6,
    RFC 9394 §3.

    items without doubles. partial: (first, last), both positive or both negative.
    """

    set: SequenceSet
    items: tuple[FetchItem, ...]
    uid: bool = False
    changedsince: int | None = None
    vanished: bool = False
    partial: tuple[int, int] | None = None


class StoreMode(enum.Enum):
    """Effect of STORE on the flags of a message (RFC 9051 §6.4.6)."""

    REPLACE = "FLAGS"
    ADD = "+FLAGS"
    REMOVE = "-FLAGS"


class Store(Struct, frozen=True):
    """``[UID] STORE set [(UNCHANGEDSINCE n)] [+-]FLAGS[.SILENT] flags`` — RFC 9051 §6.4.6, RFC 7162 §3.1.3."""

    set: SequenceSet
    mode: StoreMode
    flags: tuple[str, ...]
    uid: bool = False
    silent: bool = False
    unchangedsince: int | None = None


class Copy(Struct, frozen=True):
    """``[UID] COPY set mailbox`` — RFC 9051 §6.4.7."""

    set: SequenceSet
    mailbox: str
    uid: bool = False


class Move(Struct, frozen=True):
    """``[UID] MOVE set mailbox`` — RFC 9051 §6.4.8."""

    set: SequenceSet
    mailbox: str
    uid: bool = False


class Replace(Struct, frozen=True):
    """``[UID] REPLACE number mailbox [(flags)] [date] literal`` — RFC 8508 §3. set holds one number or ``*``."""

    set: SequenceSet
    mailbox: str
    message: AppendMessage
    uid: bool = False


class UidBatches(Struct, frozen=True):
    """``UIDBATCHES size [first:last]`` — RFC 10022 §3. size: messages of a batch; batches: the first and the last that
    are asked for, counted from 1, the newest messages; None for all.
    """

    size: int
    batches: tuple[int, int] | None = None


Command: TypeAlias = (
    Append
    | Authenticate
    | Capability
    | Check
    | Close
    | Compress
    | Copy
    | Create
    | Delete
    | DeleteAcl
    | Enable
    | Esearch
    | Examine
    | Expunge
    | Fetch
    | GetAcl
    | GetJmapAccess
    | GetMetadata
    | GetQuota
    | GetQuotaRoot
    | Id
    | Idle
    | List
    | ListRights
    | Login
    | Logout
    | Lsub
    | Move
    | MyRights
    | Namespace
    | Noop
    | Notify
    | Rename
    | Replace
    | Search
    | Select
    | SetAcl
    | SetMetadata
    | SetQuota
    | Sort
    | StartTls
    | Status
    | Store
    | Subscribe
    | Thread
    | UidBatches
    | Unselect
    | Unsubscribe
)
