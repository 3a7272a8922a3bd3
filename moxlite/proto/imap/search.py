"""Search programs as trees (RFC 9051 §6.4.4, RFC 3501 §6.4.4, RFC 5032, RFC 7162 §3.1.5, RFC 8474 §6, RFC 8514
§4.3).

Short-hands are expanded while parsing: ``UNSEEN`` is `FlagIs(r"\\Seen", present=False)`, ``NEW`` is `Recent` and not
seen, ``OLD`` is not `Recent`, ``FROM x`` is `Header("From", "x")`. Strings are decoded from the command's charset.
The nodes of a program are of type `SearchKey`.
"""

import datetime as dt
import enum
from typing import Literal, TypeAlias

from msgspec import Struct

from .seqset import SequenceSet


class AllMessages(Struct, frozen=True):
    """``ALL``."""


class FlagIs(Struct, frozen=True):
    """``SEEN``, ``UNSEEN``, ``KEYWORD x``, ``UNKEYWORD x`` …; flag as on the wire (``\\Seen``, ``$Junk``,
    ``anything``).
    """

    flag: str
    present: bool = True


class Recent(Struct, frozen=True):
    """``RECENT`` (RFC 3501 §6.4.4, IMAP-72a)."""


class Header(Struct, frozen=True):
    """``HEADER field value``, ``FROM value`` …: the field exists and its decoded text holds `value` ("" tests
    presence).
    """

    field: str
    value: str


class BodyText(Struct, frozen=True):
    """``BODY value``: decoded text of the text parts (IMAP-121)."""

    value: str


class Text(Struct, frozen=True):
    """``TEXT value``: headers or body."""

    value: str


class Comparison(enum.Enum):
    """How a message's date compares with the given one; SINCE includes the day itself (RFC 9051 §6.4.4)."""

    BEFORE = "BEFORE"
    ON = "ON"
    SINCE = "SINCE"


class DateIs(Struct, frozen=True):
    """``BEFORE d`` (internal), ``SENTBEFORE d`` (the Date field), ``SAVEDBEFORE d`` (RFC 8514), and the same with ON
    and SINCE.
    """

    of: Literal["internal", "sent", "saved"]
    comparison: Comparison
    date: dt.date


class SaveDateSupported(Struct, frozen=True):
    """``SAVEDATESUPPORTED`` (RFC 8514 §4.3)."""


class Larger(Struct, frozen=True):
    """``LARGER n``: more than n octets."""

    size: int


class Smaller(Struct, frozen=True):
    """``SMALLER n``: less than n octets."""

    size: int


class Older(Struct, frozen=True):
    """``OLDER n`` (RFC 5032): age ≥ n seconds."""

    seconds: int


class Younger(Struct, frozen=True):
    """``YOUNGER n`` (RFC 5032): age ≤ n seconds."""

    seconds: int


class Sequence(Struct, frozen=True):
    """A set of message sequence numbers, or ``$`` (RFC 9051 §6.4.4)."""

    set: SequenceSet


class Uids(Struct, frozen=True):
    """``UID set``."""

    set: SequenceSet


class UidAfter(Struct, frozen=True):
    """``UIDAFTER n``: UIDs above n (RFC 9738 §3.2)."""

    uid: int


class UidBefore(Struct, frozen=True):
    """``UIDBEFORE n``: UIDs below n (RFC 9738 §3.2)."""

    uid: int


class ModSeqIs(Struct, frozen=True):
    """``MODSEQ [name type] n`` (RFC 7162 §3.1.5): modseq ≥ n; entry name and type are parsed and dropped (IMAP-80)."""

    modseq: int


class EmailIdIs(Struct, frozen=True):
    """``EMAILID id`` (RFC 8474 §6)."""

    id: str


class ThreadIdIs(Struct, frozen=True):
    """``THREADID id`` (RFC 8474 §6)."""

    id: str


class Not(Struct, frozen=True):
    """``NOT key``."""

    key: "SearchKey"


class Or(Struct, frozen=True):
    """``OR key key``."""

    left: "SearchKey"
    right: "SearchKey"


class And(Struct, frozen=True):
    """A sequence of keys, at the top level or in parentheses: all must match."""

    keys: tuple["SearchKey", ...]


SearchKey: TypeAlias = (
    AllMessages
    | FlagIs
    | Recent
    | Header
    | BodyText
    | Text
    | DateIs
    | SaveDateSupported
    | Larger
    | Smaller
    | Older
    | Younger
    | Sequence
    | UidAfter
    | UidBefore
    | Uids
    | ModSeqIs
    | EmailIdIs
    | ThreadIdIs
    | Not
    | Or
    | And
)


class Return(Struct, frozen=True):
    """``RETURN (…)`` of SEARCH, SORT, ESEARCH (RFC 4731, RFC 5182, RFC 9394).

    `()` has become ``all=True``. partial: (first, last), both positive or both negative, as written.
    """

    min: bool = False
    max: bool = False
    all: bool = False
    count: bool = False
    save: bool = False
    partial: tuple[int, int] | None = None


class SortKey(Struct, frozen=True):
    """A sort criterion (RFC 5256 §3, RFC 5957): ARRIVAL CC DATE FROM SIZE SUBJECT TO DISPLAYFROM DISPLAYTO."""

    name: str
    reverse: bool = False


def keys_of(program: SearchKey) -> list[SearchKey]:
    """All keys of the tree, leaves and inner nodes, in the order of the command."""
    found: list[SearchKey] = []
    waiting = [program]
    while waiting:
        key = waiting.pop()
        found.append(key)
        match key:
            case Not(key=inner):
                waiting.append(inner)
            case Or(left=left, right=right):
                waiting += (right, left)
            case And(keys=keys):
                waiting += reversed(keys)
    return found
