"""Types of the webmail's queries: which messages, in what order, and actions on them (WEBMAIL-24, 37, 39, 137).

They come from the browser, which `script/gen` gives their TypeScript types and checks.
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

ID = Annotated[int, Meta(ge=1, le=2**53 - 1)]
AnyID = Annotated[int, Meta(ge=-1, le=2**53 - 1)]
Counter = Annotated[int, Meta(ge=0, le=2**53 - 1)]
IDs = Annotated[list[ID], Meta(min_length=1, max_length=100_000)]  # WEBMAIL-26
Time = Annotated[datetime, Meta(tz=True)]


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base class of types that come from the browser: unknown fields are refused."""


INBOXES = -3
"""Id of the view of all inboxes: own, of links, and those that others share (WEBMAIL-176)."""

Needles = Annotated[list[Annotated[str, Meta(min_length=1, max_length=1000)]], Meta(max_length=20)]
Kind = Literal["none", "any", "image", "pdf", "archive", "spreadsheet", "document", "presentation"]


class HeaderIs(Strict, frozen=True):
    """A message must have a header field of this name whose text contains the value."""

    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[!-9;-~]+$")]
    value: Annotated[str, Meta(max_length=1000)] = ""


class Alternatives(Strict, frozen=True):
    """Texts of which one must match: words, or correspondents, subjects and names of files. Of both, one of each must
    match.
    """

    words: Needles = []
    from_: Needles = msgspec.field(name="from", default_factory=list)
    to: Needles = []
    subject: Needles = []
    filenames: Needles = []


class Filter(Strict, frozen=True):
    """Conditions on the messages of a view (WEBMAIL-38); all must hold. ``mailbox_id`` is one mailbox; -3: all
    inboxes; -2: all mailboxes; -1: all but Trash, Junk and Rejects; 0: the mailbox ``mailbox_name``, Inbox for an
    unknown name. Texts match as substrings, in any case. ``to`` covers To, Cc and Bcc. ``filenames``: the message has
    a file with each of these in its name. ``labels`` are keywords and, by their IMAP names, flags. ``writers``: a
    newsletter or mailing list sent the message, or a person wrote it.
    """

    mailbox_id: Annotated[int, Meta(ge=-3, le=2**53 - 1)] = 0
    mailbox_name: Annotated[str, Meta(max_length=1000)] = ""
    mailbox_children_included: bool = False
    unread: bool = False
    words: Needles = []
    from_: Needles = msgspec.field(name="from", default_factory=list)
    to: Needles = []
    subject: Needles = []
    filenames: Needles = []
    labels: Needles = []
    headers: Annotated[list[HeaderIs], Meta(max_length=20)] = []
    any_: Annotated[list[Alternatives], Meta(max_length=20)] = msgspec.field(name="any", default_factory=list)
    oldest: Time | None = None
    newest: Time | None = None
    size_min: Counter | None = None
    size_max: Counter | None = None
    attachments: Kind | None = None
    writers: Literal["people", "newsletters"] | None = None


class NotFilter(Strict, frozen=True):
    """Conditions that exclude a message from a view; one is enough."""

    words: Needles = []
    from_: Needles = msgspec.field(name="from", default_factory=list)
    to: Needles = []
    subject: Needles = []
    filenames: Needles = []
    labels: Needles = []
    attachments: Annotated[list[Kind], Meta(max_length=8)] = []


class Query(Strict, frozen=True):
    """The messages of a view, and their order: by ``order`` (largest first, by the sender's name, unread first), then
    by time of reception. With ``threading``, a thread is one entry, at the place of its first message in that order,
    and is sent whole (WEBMAIL-41). Whether it is shown expanded, always (``on``) or only while it has unread messages
    (``unread``), is left to the browser.
    """

    filter: Filter
    not_filter: NotFilter = NotFilter()
    order_asc: bool = False
    order: Literal["received", "size", "sender", "unread"] = "received"
    threading: Literal["off", "on", "unread"] = "off"


class Page(Strict, frozen=True):
    """The entries that are wanted: ``count`` entries from a ``position`` on (0 is the first), after the message
    ``anchor_message_id`` (with ``before``: before it), or around ``dest_message_id``; else from the top. Entries are
    messages or threads.
    """

    count: Annotated[int, Meta(ge=1, le=10_000)]
    anchor_message_id: Counter = 0
    before: bool = False
    position: Counter | None = None
    dest_message_id: Counter = 0


class Request(Strict, frozen=True):
    """A request to a stream: for a view (with a new ``view_id``), or for more of the current one. ``id`` grows with
    each: a request that arrives after a later one is dropped. ``cancel`` only ends the search of ``view_id``; entries
    that were found stay.
    """

    id: Counter
    view_id: Counter
    stream_id: Counter = 0
    cancel: bool = False
    query: Query | None = None
    page: Page | None = None


class Mark(Strict, frozen=True):
    """The place of a message in the order of a view: its time of reception and its id."""

    received: Time
    id: Counter


class Range(Strict, frozen=True):
    """Consecutive messages of a view, from ``first`` to ``last``, both included."""

    first: Mark
    last: Mark


class Target(Strict, frozen=True):
    """The mailbox to which messages of another one move."""

    from_id: ID
    mailbox_id: ID


class QueryAction(Strict, frozen=True, kw_only=True):
    """An action on messages of a query (WEBMAIL-137): on the messages in the ``ranges``, or on all if there are no
    ranges. ``except_ids`` and messages that came after ``modseq`` are left out. ``after`` continues where the last call
    ended. Messages move to the mailbox that ``targets`` name for theirs, else to ``mailbox_id``.
    """

    query: Query
    ranges: Annotated[list[Range], Meta(max_length=1000)] = []
    except_ids: Annotated[list[ID], Meta(max_length=100_000)] = []
    modseq: Counter
    action: Literal["move", "flags_add", "flags_clear", "delete"]
    mailbox_id: Counter = 0
    targets: Annotated[list[Target], Meta(max_length=100)] = []
    mark_seen: bool = False
    flags: Annotated[list[Annotated[str, Meta(min_length=1, max_length=128)]], Meta(max_length=100)] = []
    after: Mark | None = None


class QueryDone(msgspec.Struct, frozen=True):
    """The result of one call: the messages that it changed, the mailbox that each was in, the ids of the unread ones,
    and the mark to continue from; null at the end.
    """

    message_ids: list[int]
    mailbox_ids: list[int]
    unseen_ids: list[int]
    after: Mark | None
