"""Conversion of rows of the store to the webmail's types: mailboxes, message items, flags (WEBMAIL-35, 47, 49)."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import idna
import msgspec

from moxlite.proto.mime import types as mime
from moxlite.store.mail.links import links
from moxlite.store.names import flag_names
from moxlite.store.rows import messages as message_rows
from moxlite.store.types import SpecialUse
from moxlite.web.webmail.types import Address, Attachment, LinkedMailbox, Mailbox, MessageItem, Part, Role

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader
    from moxlite.store.types import Mailbox as MailboxRow, MessageRow

ITEM_SLICE: Final = 100
"""Items that are made at once on the event loop: unpacking a structure and building its item take 15 µs."""

MAX_FILENAME: Final = 200  # octets (WEBMAIL-49): 255 is the limit of file systems, and browsers append to names
MAX_ADDRESSES: Final = 50  # of one header field in a row of the list; the opened message has all of them in its headers
MAX_ATTACHMENTS: Final = 50  # likewise
MAX_ROW_TEXT: Final = 1000  # characters of a subject, a name or an address in a row of the list, likewise
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
ROLES: Final[dict[SpecialUse, Role]] = {
    SpecialUse.ARCHIVE: "archive",
    SpecialUse.DRAFTS: "draft",
    SpecialUse.JUNK: "junk",
    SpecialUse.SENT: "sent",
    SpecialUse.TRASH: "trash",
}
UNSAFE_IN_FILENAMES: Final = frozenset('/\\:*?"<>|')
SIGNATURES: Final = frozenset(
    {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
)
EXTENSIONS: Final = {"text/plain": ".txt", "text/html": ".html", "message/rfc822": ".eml", "message/global": ".eml"}
TEXTS: Final = frozenset(
    {"text/plain", "message/delivery-status", "message/global-delivery-status", "text/rfc822-headers"}
)
"""Types that are shown as text, unless the part is an attachment."""

MAX_TEXTS: Final = 50
"""Parts that a page shows as text or HTML; the others are files."""

MAX_TEXT: Final = 2 << 20
"""Octets of a text (WEBMAIL-48): 30,000 lines, more than a person reads in a pane."""

MAX_REPORT_TEXT: Final = 1 << 20
"""Octets of a part of a delivery report."""

MAX_ALL_TEXTS: Final = 4 << 20
"""Octets of the texts that are shown together; texts beyond are cut, and are files as well."""

MAX_HTML: Final = 10 << 20
"""Octets of HTML that is shown (WEBMAIL-109); HTML beyond is a file as well."""

TEXT_ALONE: Final = ([("TEXT", "PLAIN")], [("TEXT", "HTML")], [("TEXT", "PLAIN"), ("TEXT", "HTML")])
"""Types of messages, or of their alternatives, without files."""

NAMES: Final = {"text/calendar": "calendar.ics", "application/ics": "calendar.ics"}
"""File names of parts without a name, for types that readers meet often; an invitation is named `INVITATION`."""

INVITATION: Final = "invitation.ics"
MAX_SUBJECT: Final = 100  # characters of the name of an attached message


def time_of(microseconds: int) -> datetime:
    """A stored time (µs UTC) as a datetime."""
    return EPOCH + timedelta(microseconds=microseconds)


def roles_of(use: SpecialUse) -> list[Role]:
    """The roles of a mailbox by its special use."""
    return [role for bit, role in ROLES.items() if use & bit]


def use_of_roles(roles: Iterable[Role]) -> SpecialUse:
    """The special use bits of these roles."""
    use = SpecialUse(0)
    for bit, role in ROLES.items():
        if role in roles:
            use |= bit
    return use


def linked_mailboxes(r: Reader) -> list[LinkedMailbox]:
    """The account's links in the form that browsers get."""
    return [LinkedMailbox(link.name, link.address) for link in links(r)]


def mailbox_of(row: MailboxRow) -> Mailbox:
    """A mailbox in the form that browsers get."""
    return Mailbox(
        id=row.id,
        name=row.name,
        roles=roles_of(row.special_use),
        keywords=list(row.keywords),
        total=row.total,
        unread=row.unread,
        unseen=row.unseen,
        deleted=row.deleted,
        size=row.size,
    )


def make_items(r: Reader, rows: Sequence[MessageRow]) -> list[MessageItem]:
    """The items of these rows, in their order. On the event loop call it with at most `ITEM_SLICE` rows."""
    ids = [row.id for row in rows]
    items: list[MessageItem] = []
    for row, info in zip(rows, message_rows.in_step(ids, message_rows.infos(r, ids)), strict=True):
        structure = _structure(None if info is None else info.structure)
        envelope = structure.envelope
        root = structure.root
        items.append(
            MessageItem(
                id=row.id,
                mailbox_id=row.mailbox_id,
                uid=row.uid,
                modseq=row.modseq,
                thread_id=row.threadid,
                flags=flag_names(row.flags),
                keywords=list(row.keywords),
                received=time_of(row.received),
                size=row.size,
                subject=_cut(envelope.subject),
                preview=(info.preview if info is not None else None) or "",
                date=None if envelope.date is None else _date(envelope.date),
                from_=shown_addresses(envelope.from_),
                to=shown_addresses(envelope.to),
                cc=shown_addresses(envelope.cc),
                bcc=shown_addresses(envelope.bcc),
                reply_to=shown_addresses(envelope.reply_to),
                attachments=attachments(root)[:MAX_ATTACHMENTS],
                is_signed=_is_signed(root),
                is_encrypted=_is_encrypted(root),
                thread_muted=row.thread_muted,
                thread_collapsed=row.thread_collapsed,
                thread_missing_link=row.thread_missing_link,
            )
        )
    return items


def with_ids(item: MessageItem, shown_id: Callable[[int], int]) -> MessageItem:
    """An item with the browser's form of its ids."""
    if shown_id(1) == 1:
        return item
    shown, box, thread = [shown_id(one) for one in (item.id, item.mailbox_id, item.thread_id)]
    return msgspec.structs.replace(item, id=shown, mailbox_id=box, thread_id=thread)


OPAQUE: Final = mime.Structure(
    mime.PARSE_VERSION, 0, mime.Envelope(), mime.Part(0, 0, 0, 0, 0, 0, 0, "APPLICATION", "OCTET-STREAM")
)


def _structure(packed: bytes | None) -> mime.Structure:
    """Decode a stored structure. An opaque one replaces a structure of another version, or a missing one, until the
    message is scanned again.
    """
    if packed is None:
        return OPAQUE
    try:
        return mime.decode_structure(packed)
    except msgspec.DecodeError:
        return OPAQUE


def _date(microseconds: int) -> datetime | None:
    try:
        return time_of(microseconds)
    except OverflowError:
        return None


def shown_addresses(addresses: Sequence[mime.MailAddress]) -> list[Address]:
    """The first addresses of a field, as a row of the list has them."""
    return [
        Address(_cut(address.name), _cut(address.localpart), _unicode_domain(_cut(address.domain)))
        for address in addresses[:MAX_ADDRESSES]
    ]


def _cut(text: str) -> str:
    """A text of a row, which shows where it was cut."""
    return text if len(text) <= MAX_ROW_TEXT else text[: MAX_ROW_TEXT - 1] + "…"


@functools.lru_cache(4096)
def _unicode_domain(domain: str) -> str:
    """A domain with U-labels; unchanged if it has no valid A-labels."""
    if "xn--" not in domain:
        return domain
    try:
        return idna.decode(domain)
    except UnicodeError:
        return domain


# Parts


Forms: TypeAlias = dict[str, int]
"""The child of each multipart/alternative, by its path, in which leaves are, or SEVERAL."""

SEVERAL: Final = -1  # no place among the children


class Leaf(NamedTuple):
    """A leaf of the MIME tree with its path. `forms`: for each multipart/alternative around it (RFC 2046 §5.1.4) its
    path, and which of its children the leaf is in. `related`: whether it is in a multipart/related.
    """

    path: str
    part: mime.Part
    forms: tuple[tuple[str, int], ...]
    related: bool

    def is_said_by(self, drawn: Forms) -> bool:
        """Whether a drawn leaf says in another form what a text says. A table within one form of a text is not in the
        others.
        """
        part = self.part
        if part.type != "TEXT" or part.is_attachment or part.defect:
            return False
        above = self.path.rpartition(".")[0]
        forms = [form for form in self.forms if part.subtype in ("PLAIN", "HTML") or form[0] == above]
        return any(drawn.get(path, form) != form for path, form in forms)


def _forms(leaves: Iterable[Leaf]) -> Forms:
    forms: Forms = {}
    for path, form in [one for leaf in leaves for one in leaf.forms]:
        forms[path] = form if forms.get(path, form) == form else SEVERAL
    return forms


def walk_shown(root: mime.Part) -> Iterator[Leaf]:
    """The leaves of the MIME tree, without the signature of a multipart/signed, and with the content of signed-data or
    TNEF; an embedded message is one leaf.
    """
    # A list, not recursion: nested generators pass each leaf through all levels above it.
    stack = [Leaf("0", root, (), False)]
    while stack:
        leaf = stack.pop()
        path, part, forms, related = leaf
        if part.type != "MULTIPART" and part.wrapped is None:
            yield leaf
            continue
        alternative, related = part.subtype == "ALTERNATIVE", related or part.subtype == "RELATED"
        stack.extend(
            Leaf(f"{path}.{i}", child, (*forms, (path, i)) if alternative else forms, related)
            for i, child in reversed(list(enumerate(part.children)))
            if i == 0 or part.subtype != "SIGNED" or child.media_type not in SIGNATURES
        )


class Bodies(NamedTuple):
    """The leaves that a reader sees as `text`, and as `html`, in their order; `html` is empty without an HTML part.

    A leaf that is another form of one that is seen is left out.
    """

    text: list[Leaf]
    html: list[Leaf]


def bodies(root: mime.Part) -> Bodies:
    """Leaves that the pages of a message show, beside pictures in HTML."""
    leaves = [leaf for leaf in walk_shown(root) if not leaf.part.is_attachment]
    texts = [leaf for leaf in leaves if leaf.part.media_type in TEXTS]
    html = [leaf for leaf in leaves if leaf.part.media_type == "text/html"]
    first = _unsaid(html, {})
    forms = _forms(first)
    as_html = [*first, *[leaf for leaf in texts if not leaf.is_said_by(forms)]] if first else []
    return Bodies(_in_order([*texts, *_unsaid(html, _forms(texts))]), _in_order(as_html))


def _unsaid(leaves: Iterable[Leaf], drawn: Forms) -> list[Leaf]:
    """The leaves that say what neither a drawn one nor one before them says."""
    drawn = dict(drawn)
    unsaid: list[Leaf] = []
    for leaf in leaves:
        if not leaf.is_said_by(drawn):
            unsaid.append(leaf)
            drawn.update(leaf.forms)
    return unsaid


def _in_order(leaves: list[Leaf]) -> list[Leaf]:
    """The leaves in the order of the message, as many as a page shows."""
    return sorted(leaves[:MAX_TEXTS], key=lambda leaf: [int(step) for step in leaf.path.split(".")])


def attachments(root: mime.Part) -> list[Attachment]:
    """The parts that are offered as files: all leaves but those that the pages show whole, and other forms of these.

    An invitation is a file although it is another form of the text that announces it. Pictures that the HTML may refer
    to are files that are perhaps inside.
    """
    return [] if _is_text_alone(root) else _files(root)


def _is_text_alone(root: mime.Part) -> bool:
    """Whether it is clear at once that there are no files: most messages are a text, or plain text and HTML, and lists
    ask for each row.
    """
    parts = root.children if (root.type, root.subtype) == ("MULTIPART", "ALTERNATIVE") else (root,)
    return [(part.type, part.subtype) for part in parts] in TEXT_ALONE and not any(
        part.defect or part.decoded > MAX_TEXT or part.is_attachment or part.wrapped is not None for part in parts
    )


def _files(root: mime.Part) -> list[Attachment]:
    text, html = bodies(root)
    drawn = {leaf.path for leaf in html}
    seen = [*_whole([leaf for leaf in text if leaf.path not in drawn], MAX_ALL_TEXTS), *_whole(html, MAX_HTML)]
    paths, forms = {leaf.path for leaf in seen}, _forms(seen)
    files: list[Attachment] = []
    # indexes of invitations among alternatives: the first one is a file, unless one is attached
    calendars: list[int] = []
    attached = False
    for leaf in walk_shown(root):
        path, part, _, related = leaf
        if path in paths and not part.defect:
            continue
        if leaf.is_said_by(forms):
            if part.media_type != "text/calendar":
                continue
            calendars.append(len(files))
        elif part.media_type in NAMES:
            attached = True
        inside = bool(html) and related and part.is_picture and part.disposition != "ATTACHMENT"
        files.append(Attachment(path, clean_filename(part, path), part.media_type, part.decoded, inside))
    # Google Calendar sends an invitation twice, as alternative and as attachment; one file is shown.
    twins = set(calendars if attached else calendars[1:])
    return [file for i, file in enumerate(files) if i not in twins] if twins else files


def _whole(leaves: Iterable[Leaf], room: int) -> Iterator[Leaf]:
    """The leaves that a page with this room, in octets, does not cut."""
    for leaf in leaves:
        room -= leaf.part.decoded
        if leaf.part.decoded <= text_limit(leaf.part) and room >= 0:
            yield leaf


def text_limit(part: mime.Part) -> int:
    """Octets of a body that a page shows."""
    return {"text/plain": MAX_TEXT, "text/html": MAX_HTML}.get(part.media_type, MAX_REPORT_TEXT)


def clean_filename(part: mime.Part, path: str) -> str:
    """A file name that is safe to show and to save: without path separators, control characters and bidirectional
    controls (WEBMAIL-49).
    """
    kept: list[str] = []
    for char in part.filename or _title(part):
        if char in UNSAFE_IN_FILENAMES or unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp"):
            kept.append("_")
        # With an override a name that ends in "fdp.exe" is shown as if it ended in "exe.pdf".
        elif unicodedata.bidirectional(char) in ("LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"):
            kept.append(f"U+{ord(char):04X}")
        else:
            kept.append(char)
    name = "".join(kept).strip(". ")
    octets = name.encode()
    if len(octets) > MAX_FILENAME:
        stem, dot, extension = name.rpartition(".")
        # The extension stays: systems choose the program by it.
        tail = dot + extension if dot and len(extension) <= 10 else ""
        head = (stem if tail else name).encode()[: MAX_FILENAME - len(tail.encode())]
        name = head.decode(errors="ignore") + tail
    return name or f"attachment-{path}{EXTENSIONS.get(part.media_type, '.' + _extension(part.subtype))}"


def _title(part: mime.Part) -> str:
    """A file name made from the part's content: an attached message has a subject. "" if there is nothing to make it
    from.
    """
    if part.message is not None:
        subject = part.message.envelope.subject[:MAX_SUBJECT].replace(": ", " - ").strip(". ")
        return subject and subject + EXTENSIONS["message/rfc822"]
    if part.media_type == "message/partial":
        number, total = (part.parameter(name) for name in ("number", "total"))
        return f"message-{number}-of-{total or '?'}.eml" if number else ""
    if part.media_type in ("application/ms-tnef", "application/vnd.ms-tnef"):
        return "winmail.dat"
    if part.media_type in NAMES and part.parameter("method").upper() == "REQUEST":
        return INVITATION
    return NAMES.get(part.media_type, "")


def _extension(subtype: str) -> str:
    plain = subtype.lower().removeprefix("x-")
    return plain if plain.isalnum() and len(plain) <= 5 else "bin"


def part_tree(part: mime.Part, path: str = "0") -> Part:
    """The MIME tree in the form that browsers get."""
    return Part(
        path=path,
        content_type=part.media_type,
        disposition=part.disposition.lower(),
        filename=clean_filename(part, path) if part.filename else "",
        size=part.decoded,
        parts=[part_tree(child, f"{path}.{i}") for i, child in enumerate(part.children)],
    )


def _is_signed(root: mime.Part) -> bool:
    if root.media_type in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        return root.wrapped is not None or root.parameter("smime-type").lower() == "signed-data"
    return root.media_type == "multipart/signed"


def _is_encrypted(root: mime.Part) -> bool:
    if root.media_type in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        return not _is_signed(root)
    return root.media_type == "multipart/encrypted"
