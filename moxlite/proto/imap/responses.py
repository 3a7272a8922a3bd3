"""Every response of an IMAP server as one frozen struct (RFC 9051 §7, RFC 3501 §7 and the extensions named at each).

`encode.encode` writes them; the client codec decodes octets into the same structs.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from msgspec import Struct

# --- status responses (RFC 9051 §7.1)


class Code(Struct, frozen=True):
    """A response code without its brackets: ``TRYCREATE``, ``APPENDUID 1 5:7`` (RFC 9051 §7.1). argument is in wire
    form.
    """

    name: str
    argument: bytes = b""

    def encode(self) -> bytes:
        """``NAME argument``."""
        return self.name.encode() + (b" " + self.argument if self.argument else b"")


class State(Struct, frozen=True):
    """``OK``, ``NO``, ``BAD``, ``BYE``, ``PREAUTH``: tagged with tag, else untagged (RFC 9051 §7.1)."""

    condition: Literal["OK", "NO", "BAD", "BYE", "PREAUTH"]
    text: str
    code: Code | None = None
    tag: str | None = None


class Continue(Struct, frozen=True):
    """``+ text`` (RFC 9051 §7.6); within AUTHENTICATE text is base64."""

    text: bytes = b""


# --- server and mailbox data (RFC 9051 §7.2, §7.3)


class CapabilityData(Struct, frozen=True):
    """``* CAPABILITY`` — RFC 9051 §7.2.2."""

    names: tuple[str, ...]


class Enabled(Struct, frozen=True):
    """``* ENABLED`` — RFC 9051 §7.2.1."""

    names: tuple[str, ...] = ()


class ListData(Struct, frozen=True):
    """``* LIST`` — RFC 9051 §7.3.1, RFC 5258 §3.5, RFC 8440, RFC 9590.

    separator None: NIL. childinfo: selection options that a child matches. oldname: the name before a rename. rights:
    MYRIGHTS.
    """

    flags: tuple[str, ...]
    name: str
    separator: str | None = "/"
    childinfo: tuple[str, ...] = ()
    oldname: str | None = None


class LsubData(Struct, frozen=True):
    """``* LSUB`` — RFC 3501 §7.2.3."""

    flags: tuple[str, ...]
    name: str
    separator: str | None = "/"


class NamespaceData(Struct, frozen=True):
    """``* NAMESPACE personal others shared`` — RFC 9051 §7.3.2; pairs of prefix and separator, no pair is NIL."""

    personal: tuple[tuple[str, str], ...] = (("", "/"),)
    others: tuple[tuple[str, str], ...] = ()
    shared: tuple[tuple[str, str], ...] = ()


class JmapAccessData(Struct, frozen=True):
    """``* JMAPACCESS url`` — RFC 9698 §3: the session resource (RFC 8620 §2)."""

    url: str


class StatusData(Struct, frozen=True):
    """``* STATUS`` — RFC 9051 §7.3.4. Values: int; str for MAILBOXID; None for NIL (APPENDLIMIT without limit)."""

    mailbox: str
    items: tuple[tuple[str, int | str | None], ...]


class FlagsData(Struct, frozen=True):
    """``* FLAGS`` — RFC 9051 §7.3.5."""

    flags: tuple[str, ...]


class SearchData(Struct, frozen=True):
    """``* SEARCH`` — RFC 3501 §7.2.5, RFC 7162 §3.1.5 (modseq)."""

    numbers: Sequence[int] = ()
    modseq: int | None = None


class EsearchData(Struct, frozen=True):
    """``* ESEARCH`` — RFC 9051 §7.3.4, RFC 4731, RFC 7162 §3.1.10, RFC 9394 §3.3, RFC 7377 §2.1.

    all: ranges of numbers. partial: the requested range, and the ranges in it (None is NIL).
    """

    tag: str | None = None
    uid: bool = False
    min: int | None = None
    max: int | None = None
    all: tuple[tuple[int, int], ...] | None = None
    count: int | None = None
    modseq: int | None = None
    partial: tuple[tuple[int, int], tuple[tuple[int, int], ...] | None] | None = None
    mailbox: str | None = None
    uidvalidity: int | None = None


class UidBatchesData(Struct, frozen=True):
    """``* UIDBATCHES`` — RFC 10022 §3. batches: ranges, each from its highest to its lowest UID."""

    tag: str
    batches: tuple[tuple[int, int], ...] = ()


class SortData(Struct, frozen=True):
    """``* SORT`` — RFC 5256 §4."""

    numbers: Sequence[int] = ()
    modseq: int | None = None


ThreadTree: TypeAlias = tuple[Any, ...]
"""Message numbers from parent to child. If the thread branches, the last elements are tuples, one per branch (RFC 5256
§4).
"""


class ThreadData(Struct, frozen=True):
    """``* THREAD`` — RFC 5256 §4: one tree per thread."""

    threads: tuple[ThreadTree, ...] = ()


class QuotaData(Struct, frozen=True):
    """``* QUOTA root (resource usage limit …)`` — RFC 9208 §4.2.1; STORAGE in KiB."""

    root: str
    resources: tuple[tuple[str, int, int], ...] = ()


class QuotaRootData(Struct, frozen=True):
    """``* QUOTAROOT mailbox root …`` — RFC 9208 §4.2.2."""

    mailbox: str
    roots: tuple[str, ...]


class MetadataData(Struct, frozen=True):
    """``* METADATA mailbox (entry value …)`` — RFC 5464 §4.4.1."""

    mailbox: str
    entries: tuple[tuple[str, bytes | None], ...]


class MetadataChanged(Struct, frozen=True):
    """``* METADATA mailbox entry …`` without values — RFC 5464 §4.4.2."""

    mailbox: str
    entries: tuple[str, ...]


class AclData(Struct, frozen=True):
    """``* ACL mailbox identifier rights …`` — RFC 4314 §3.6."""

    mailbox: str
    rights: tuple[tuple[str, str], ...]


class ListRightsData(Struct, frozen=True):
    """``* LISTRIGHTS mailbox identifier required optional …`` — RFC 4314 §3.7."""

    mailbox: str
    identifier: str
    required: str
    optional: tuple[str, ...] = ()


class MyRightsData(Struct, frozen=True):
    """``* MYRIGHTS mailbox rights`` — RFC 4314 §3.8."""

    mailbox: str
    rights: str


class IdData(Struct, frozen=True):
    """``* ID`` — RFC 2971 §3.2; no pairs: NIL."""

    pairs: tuple[tuple[str, str | None], ...] = ()


# --- the view (RFC 9051 §7.4, §7.5)


class Exists(Struct, frozen=True):
    """``* n EXISTS`` — RFC 9051 §7.4.1."""

    number: int


class RecentData(Struct, frozen=True):
    """``* n RECENT`` — RFC 3501 §7.3.2."""

    number: int


class ExpungeData(Struct, frozen=True):
    """``* n EXPUNGE`` — RFC 9051 §7.5.1."""

    number: int


class Vanished(Struct, frozen=True):
    """``* VANISHED [(EARLIER)] uids`` — RFC 7162 §3.2.10."""

    uids: tuple[tuple[int, int], ...]
    earlier: bool = False


class Wire(Struct, frozen=True):
    """A value in wire form: ENVELOPE, BODY, BODYSTRUCTURE. `bodystructure` parses it."""

    octets: bytes


FetchValue: TypeAlias = int | str | bytes | tuple[str, ...] | dt.datetime | Wire | None
"""A data item's value: int (UID, RFC822.SIZE, MODSEQ, BINARY.SIZE), flags, INTERNALDATE and SAVEDATE, `str` for
EMAILID and THREADID, `Wire`, octets of a section, None for NIL.
"""


class FetchData(Struct, frozen=True):
    """``* n FETCH (item value …)`` — RFC 9051 §7.5.2; with uid ``* u UIDFETCH (…)`` (RFC 9586 §3.3). Item names in
    upper case, as on the wire.
    """

    number: int
    items: tuple[tuple[str, FetchValue], ...]
    uid: bool = False


class Unknown(Struct, frozen=True):
    """An untagged response without a struct; text without ``* `` (RFC 9051 §7: clients must accept it)."""

    text: bytes


Response: TypeAlias = (
    State
    | Continue
    | CapabilityData
    | Enabled
    | ListData
    | LsubData
    | NamespaceData
    | JmapAccessData
    | StatusData
    | FlagsData
    | SearchData
    | EsearchData
    | SortData
    | UidBatchesData
    | ThreadData
    | QuotaData
    | QuotaRootData
    | MetadataData
    | MetadataChanged
    | AclData
    | ListRightsData
    | MyRightsData
    | IdData
    | Exists
    | RecentData
    | ExpungeData
    | Vanished
    | FetchData
    | Unknown
)
