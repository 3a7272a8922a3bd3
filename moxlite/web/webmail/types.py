"""Types of the webmail's API: results, and what its stream sends (WEBMAIL-24, 25, 30..48). Queries: `querytypes.py`.

From these structs `script/gen` writes the JSON Schema, and the TypeScript types and checks. Times are RFC 3339 in UTC.
Ids are integers within the range of a JavaScript number. Flags have their IMAP names in lower case (``\\seen``,
``$junk``), keywords their stored spelling.
"""

from typing import Literal

import msgspec

from moxlite.web.preferences import Settings, ViewMode
from moxlite.web.webmail.querytypes import Mark, Time

Role = Literal["archive", "draft", "junk", "sent", "trash"]


class Address(msgspec.Struct, frozen=True):
    """An address of a header field; the domain in Unicode."""

    name: str
    user: str
    host: str


class Attachment(msgspec.Struct, frozen=True):
    """A part that is shown as a file. ``path`` is its place in the MIME tree, such as "0.1". ``inside``: a picture that
    the HTML probably shows; its page tells which it does.
    """

    path: str
    filename: str
    content_type: str
    size: int
    inside: bool = False


class Mailbox(msgspec.Struct, frozen=True):
    """A mailbox with its counts (WEBMAIL-35). ``owner`` is the account of another user who shares it, "" for the user's
    own. For a shared mailbox, ``rights`` are the user's rights there (RFC 4314).
    """

    id: int
    name: str
    roles: list[Role]
    keywords: list[str]
    total: int
    unread: int
    unseen: int
    deleted: int
    size: int
    owner: str = ""
    rights: str = ""


class LinkedMailbox(msgspec.Struct, frozen=True):
    """A mailbox at another provider (LINK-1), whose mailboxes here are below the mailbox ``name``."""

    name: str
    address: str


class MessageItem(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the list, made from stored columns only (WEBMAIL-47). In a thread, ``thread_parent`` is the message
    above it (0: none), ``same_message_id`` is whether both have the same Message-ID, and ``match_query`` whether the
    message matches the query. ``copy_of``: another message of the entry with the same content, which came by another
    way and is shown for both; 0 for none (WEBMAIL-176a).
    """

    id: int
    mailbox_id: int
    uid: int
    modseq: int
    thread_id: int
    flags: list[str]
    keywords: list[str]
    received: Time
    size: int
    subject: str
    preview: str
    date: Time | None
    from_: list[Address] = msgspec.field(name="from")
    to: list[Address]
    cc: list[Address]
    bcc: list[Address]
    reply_to: list[Address]
    attachments: list[Attachment]
    is_signed: bool
    is_encrypted: bool
    thread_muted: bool
    thread_collapsed: bool
    thread_missing_link: bool
    thread_parent: int = 0
    same_message_id: bool = False
    match_query: bool = True
    copy_of: int = 0


class MailboxName(msgspec.Struct, frozen=True):
    """A mailbox by its name."""

    id: int
    name: str


class FileList(msgspec.Struct, frozen=True):
    """Messages with files (WEBMAIL-184): the ``attachments`` of each are the files that the query means.
    ``mailboxes``: those that the query is about. ``after``: the mark to continue from; null at the end.
    """

    messages: list[MessageItem]
    mailboxes: list[MailboxName]
    after: Mark | None


class Header(msgspec.Struct, frozen=True):
    """One field of the message's header, decoded."""

    name: str
    value: str


class Text(msgspec.Struct, frozen=True):
    """A text to read. ``truncated`` is whether it is longer than the part that is sent. ``quoted_from``: the line, from
    0, with which a quoted message begins that has no marks at its lines (WEBMAIL-165).
    """

    path: str
    content_type: str
    text: str
    truncated: bool
    quoted_from: int | None = None


class Part(msgspec.Struct, frozen=True):
    """A node of the MIME tree. ``size`` is in octets of the decoded content."""

    path: str
    content_type: str
    disposition: str
    filename: str
    size: int
    parts: list["Part"]


class Unsubscribe(msgspec.Struct, frozen=True):
    """The ways to leave the list or newsletter of a message (RFC 2369 §3.2), and whether it was left (WEBMAIL-136).

    ``one_click``: https address to which the server may send the request (RFC 8058), ``mailto`` and ``link``: addresses
    for a message and a browser; each "" without such a way. ``host`` is the host of the web address. ``at``: when it
    was left. ``still_sends``: the message came more than ten days later.
    """

    one_click: str
    host: str
    mailto: str
    link: str
    at: Time | None
    still_sends: bool


class ReceiptRequest(msgspec.Struct, frozen=True):
    """A request for a receipt of reading (WEBMAIL-139). ``to``: the addresses that the receipt goes to. ``elsewhere``:
    one of them is not the From address, or not the address that gets notices about the message (RFC 8098 §2.1).
    """

    to: list[Address]
    elsewhere: bool


class Answering(msgspec.Struct, frozen=True):
    """Own addresses in a message, for an answer that begins without a connection (WEBMAIL-121).

    ``from``: the author of an answer (WEBMAIL-90). ``own``: own addresses in the message's row.
    ``own_mail``: the user wrote the message, so that an answer goes to its recipients.
    """

    from_: Address = msgspec.field(name="from")
    own: list[Address]
    own_mail: bool


class Claim(msgspec.Struct, frozen=True):
    """A name that an author claims, although the address ``sender`` is new (WEBMAIL-161).

    ``kind``: "person": ``name`` is a person whom the user knows as the address ``known``, "" for an address without a
    name; ``contact_id``: of the person's contact, 0 for none. "own": the user, by ``name``, "" without one, or by an
    address. "domain": ``name``, the user's own domain.
    """

    kind: Literal["person", "own", "domain"]
    name: str
    known: str
    sender: str
    contact_id: int = 0


class GivenTo(msgspec.Struct, frozen=True):
    """An address that was given away, to which a message came (MASK-14). ``strangers``: other senders than ``site``,
    ``since`` the first message of one, None without them.
    """

    address: str
    state: Literal["on", "off", "expired"]
    site: str
    strangers: int
    since: Time | None


class ParsedMessage(msgspec.Struct, frozen=True):
    """An opened message (WEBMAIL-48). ``view_mode`` is the setting for its sender, as is ``fixed_width``, for text in a
    font of fixed width. ``validation`` is the result for the From domain at the delivery (AUTH-58); "list": a rule
    trusts a list or forwarder and nothing is proven; "": unknown. ``signed_by`` is the domain of a DKIM signature that
    passed and is of the From domain's organization, or "". ``earlier`` is the number of messages that came from the
    same address before, at most 1,000; None for a message that did not come by SMTP. ``photo``: the end of the address
    of the photo that a contact with the author's address has, "" without one. ``stranger``: the one author is neither a
    contact nor the reader.
    """

    id: int
    headers: list[Header]
    texts: list[Text]
    has_html: bool
    attachments: list[Attachment]
    structure: Part
    list_reply_address: str
    view_mode: ViewMode
    fixed_width: bool
    validation: Literal["", "dmarc", "forged", "list", "none", "relaxed", "strict"]
    signed_by: str
    earlier: int | None
    answering: Answering
    unsubscribe: Unsubscribe | None = None
    receipt: ReceiptRequest | None = None
    claim: Claim | None = None
    given: GivenTo | None = None
    photo: str = ""
    stranger: bool = False


class Start(msgspec.Struct, frozen=True, tag="start", tag_field="kind"):
    """The first event of a stream (WEBMAIL-34). ``storage_limit``: octets for the account's mail, 0 without a limit."""

    stream_id: int
    login_address: str
    addresses: list[str]
    mailboxes: list[Mailbox]
    mailbox_name: str
    rejects_mailbox: str
    introbox: str
    storage_limit: int
    account_path: str
    version: str
    modseq: int
    epoch: str
    server_time: Time
    capabilities: list[str]
    settings: Settings
    links: list[LinkedMailbox]


class MsgAdd(msgspec.Struct, frozen=True, tag="msg_add", tag_field="kind"):
    """A message was added to the account or moved to the mailbox, and belongs to the view."""

    item: MessageItem


class MsgRemove(msgspec.Struct, frozen=True, tag="msg_remove", tag_field="kind"):
    """Messages left a mailbox: expunged, or moved to another."""

    mailbox_id: int
    message_ids: list[int]


class MsgFlags(msgspec.Struct, frozen=True, tag="msg_flags", tag_field="kind"):
    """The flags of a message changed; ``flags`` and ``keywords`` are the complete new values."""

    message_id: int
    mailbox_id: int
    modseq: int
    flags: list[str]
    keywords: list[str]


class MsgThread(msgspec.Struct, frozen=True, tag="msg_thread", tag_field="kind"):
    """Threads were muted or collapsed."""

    message_ids: list[int]
    muted: bool
    collapsed: bool


class MailboxAdd(msgspec.Struct, frozen=True, tag="mailbox_add", tag_field="kind"):
    """A mailbox was created."""

    mailbox: Mailbox


class MailboxRemove(msgspec.Struct, frozen=True, tag="mailbox_remove", tag_field="kind"):
    """A mailbox was removed."""

    mailbox_id: int
    name: str


class MailboxRename(msgspec.Struct, frozen=True, tag="mailbox_rename", tag_field="kind"):
    """A mailbox was renamed."""

    mailbox_id: int
    old_name: str
    name: str


class MailboxCounts(msgspec.Struct, frozen=True, tag="mailbox_counts", tag_field="kind"):
    """The new counts of a mailbox."""

    mailbox_id: int
    total: int
    unread: int
    unseen: int
    deleted: int
    size: int


class MailboxSpecialUse(msgspec.Struct, frozen=True, tag="mailbox_special_use", tag_field="kind"):
    """The new roles of a mailbox."""

    mailbox_id: int
    roles: list[Role]


class MailboxKeywords(msgspec.Struct, frozen=True, tag="mailbox_keywords", tag_field="kind"):
    """All keywords ever used in a mailbox."""

    mailbox_id: int
    keywords: list[str]


class MailboxesShared(msgspec.Struct, frozen=True, tag="mailboxes_shared", tag_field="kind"):
    """The current list of mailboxes that others share, with the user's rights there (WEBMAIL-62)."""

    mailboxes: list[Mailbox]


class LinksChange(msgspec.Struct, frozen=True, tag="links", tag_field="kind"):
    """The current list of linked mailboxes."""

    links: list[LinkedMailbox]


class SettingsChange(msgspec.Struct, frozen=True, tag="settings", tag_field="kind"):
    """The user's new settings."""

    settings: Settings


class CollectionChanged(msgspec.Struct, frozen=True, tag="collection", tag_field="kind"):
    """A calendar or address book of the user, or what is in it, was changed; or, with the id 0, `departure`s, which
    the queue holds.
    """

    holds: Literal["calendar", "contact", "departure"]
    collection_id: int


Change = (
    SettingsChange
    | MsgAdd
    | MsgRemove
    | MsgFlags
    | MsgThread
    | MailboxAdd
    | MailboxRemove
    | MailboxRename
    | MailboxCounts
    | MailboxSpecialUse
    | MailboxKeywords
    | MailboxesShared
    | LinksChange
    | CollectionChanged
)


class ViewMsgs(msgspec.Struct, frozen=True, tag="view_msgs", tag_field="kind"):
    """Messages of a view, in its order (WEBMAIL-40). ``position`` is the index of the first one, ``total`` the number
    of entries in the view. Empty ``items`` end the request. ``view_end`` is whether the view has no more.
    """

    view_id: int
    request_id: int
    items: list[list[MessageItem]]
    position: int
    total: int
    view_end: bool
    parsed_message: ParsedMessage | None = None


class ViewProgress(msgspec.Struct, frozen=True, tag="view_progress", tag_field="kind"):
    """Progress of the search of a view: ``total`` entries are found, in which ``messages`` match (a thread may have
    several); ``looked`` of at most ``of`` messages are searched. ``done``: the search has ended; ``stopped``: it was
    cancelled. ``left_out``: accounts that share mailboxes which could not be searched. ``index``: how many messages
    the text index has, and of how many; empty unless it is being made, which keeps the search slow.
    """

    view_id: int
    total: int
    messages: int
    looked: int
    of: int
    done: bool
    stopped: bool
    left_out: list[str]
    index: list[int]


class ViewStale(msgspec.Struct, frozen=True, tag="view_stale", tag_field="kind"):
    """The view changed in a way that ``view_changes`` cannot express; the browser must request its rows again."""

    view_id: int


class ViewReset(msgspec.Struct, frozen=True, tag="view_reset", tag_field="kind"):
    """The anchor no longer exists: the results that follow begin at the top."""

    view_id: int
    request_id: int


class ViewErr(msgspec.Struct, frozen=True, tag="view_err", tag_field="kind"):
    """The query could not be answered; the stream goes on. ``unthreaded``: it can be answered without threads."""

    view_id: int
    request_id: int
    message: str
    unthreaded: bool = False


class ViewChanges(msgspec.Struct, frozen=True, tag="view_changes", tag_field="kind"):
    """Changes of the account in their order (WEBMAIL-43). If ``more`` is false, ``modseq`` is reached with the last of
    them.
    """

    view_id: int
    modseq: int
    more: bool
    changes: list[Change]


class Resume(msgspec.Struct, frozen=True, tag="resume", tag_field="kind"):
    """The stream continues after the browser's modseq: nothing is lost, and the list stays (WEBMAIL-44). ``shared`` is
    the current list of mailboxes that others share, ``links`` that of linked ones.
    """

    stream_id: int
    version: str
    modseq: int
    server_time: Time
    shared: list[Mailbox]
    links: list[LinkedMailbox]


class Importing(msgspec.Struct, frozen=True, tag="importing", tag_field="kind"):
    """State of an import that the user began (WEBMAIL-141): ``messages`` so far, of ``about`` so many (0 while that is
    unknown); while ``finishing``, those that are filed. ``message`` is why it was ``aborted``, "" if it was stopped,
    else the first of the ``problems``. ``done``: the ids of the messages follow each other from ``first_id``.
    """

    token: str
    mailbox_id: int
    state: Literal["reading", "finishing", "done", "aborted"]
    messages: int
    about: int
    problems: int
    message: str
    first_id: int


class Alarmed(msgspec.Struct, frozen=True, tag="alarms", tag_field="kind"):
    """Alarms of the calendar have come, which the call ``alarms`` tells (DAV-51)."""


class Fatal(msgspec.Struct, frozen=True, tag="fatal", tag_field="kind"):
    """The stream ends, and must not be opened again in the same way."""

    message: str


class ServerShutdown(msgspec.Struct, frozen=True, tag="server_shutdown", tag_field="kind"):
    """The server stops; the browser should reconnect after some seconds."""


class Keepalive(msgspec.Struct, frozen=True, tag="keepalive", tag_field="kind"):
    """Nothing happened for 30 seconds; the connection is still open (WEBMAIL-33)."""


StreamEvent = (
    Start
    | Resume
    | ViewMsgs
    | ViewProgress
    | ViewStale
    | ViewReset
    | ViewErr
    | ViewChanges
    | Importing
    | Alarmed
    | Keepalive
    | Fatal
    | ServerShutdown
)
