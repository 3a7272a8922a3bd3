"""Initial content of a reply or forward: sender, recipients, subject, thread, quoted text (WEBMAIL-90..92, 99).

`quote` processes whole untrusted texts, so it runs in the sandbox (docs/decisions/010). All other functions process
short fields.
"""

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Final, Literal

import msgspec

from moxlite.compose.draft import kept_references
from moxlite.proto.address import Address, AddressError, AddressKey, unicode_domain
from moxlite.proto.mime.compose import format_address, unflow
from moxlite.proto.mime.messageid import FORWARD_MARKS, REPLY_MARKS, marks
from moxlite.proto.mime.text import visible_text
from moxlite.proto.mime.types import Envelope, MailAddress

Kind = Literal["reply", "reply_all", "reply_list"]
TLSWish = Literal["default", "require", "insecure"]

MAX_QUOTED: Final = 200_000
"""Characters of a quoted text, which must fit into an API call of at most 1 MiB (WEB-20)."""

MAX_SUBJECT: Final = 1000
"""Characters of a subject that are used."""

MAX_KEPT_SUBJECT: Final = 5_000
"""Characters of the subject of a message that is edited again: as many as a draft may have (`draft.MAX_SUBJECT`)."""

MAX_NAME: Final = 200
"""Characters of a name in the lines above a quoted or forwarded text."""

MAX_SEARCHED: Final = 1_000
"""Addresses of a message among which an own one is looked for: as many as an answer may have recipients."""

MAX_WHOLE: Final = 8 << 20
"""Characters of a text that is edited again: more than the original's texts together (`Quotable.texts`)."""

_FORWARD: Final = re.compile(marks(FORWARD_MARKS), re.IGNORECASE)
_REPLY: Final = re.compile(marks(REPLY_MARKS), re.IGNORECASE)
_ID: Final = re.compile(r"<[^<>\s]{1,996}>")
_BLANKS: Final = re.compile(r"\n(?:[ \t]*+\n){2,}")


class Original(msgspec.Struct, frozen=True, kw_only=True):
    """The message that is answered, forwarded or edited again.

    Attributes:
      references: text of its References field. list_post: posting address of its mailing list, "" without one.
      delivered_to: addresses of its Delivered-To fields, the topmost first.
      when: its date as text, in the reader's time zone.
      receipts_to: addresses that its Disposition-Notification-To names. ask_delivered: a draft that asks for notices
        of delivery. tls: a draft's wish for protected delivery, as `Answer` has it.
      sent_by: the account in whose Sent or Drafts it is, "" for other mailboxes.
    """

    envelope: Envelope
    references: str = ""
    list_post: str = ""
    delivered_to: tuple[MailAddress, ...] = ()
    when: str = ""
    receipts_to: tuple[MailAddress, ...] = ()
    ask_delivered: bool = False
    tls: TLSWish = "default"
    sent_by: str = ""


class PlainText(msgspec.Struct, frozen=True):
    """A text/plain part, decoded. `flowed`, `delsp`: its parameters format=flowed and DelSp=yes (RFC 3676)."""

    text: str
    flowed: bool = False
    delsp: bool = False


class Quotable(msgspec.Struct, frozen=True, kw_only=True):
    """Subject and texts of a message that is answered, forwarded or edited again.

    Attributes:
      kind: "edit" keeps subject and text unchanged.
      subject: at most `MAX_SUBJECT` characters, or `MAX_KEPT_SUBJECT` for "edit". head: lines above the text.
      texts: its plain texts. html: its HTML, used if all plain texts are blank.
      selected: text that is quoted instead of the whole.
    """

    kind: Literal["answer", "forward", "edit"]
    subject: str
    head: str = ""
    texts: tuple[PlainText, ...] = ()
    html: str = ""
    selected: str = ""


class Quoted(msgspec.Struct, frozen=True):
    """Initial subject and text of a composer."""

    subject: Annotated[str, msgspec.Meta(max_length=MAX_KEPT_SUBJECT)]
    text: Annotated[str, msgspec.Meta(max_length=MAX_WHOLE)]


class AccountAddresses(msgspec.Struct, frozen=True):
    """Addresses of the account that answers.

    Attributes:
      account: its name.
      login: the login address, with the display name.
      is_own: whether mail to an address is delivered to this account alone, also by catchall or a separator.
      may_send: whether an answer may use an address in From: an own one, or an alias with `allow_msg_from`.
      may_keep: whether a message that the account wrote keeps an address in From: as `may_send`, and addresses of
        other accounts for which the user writes (SMTP-189).
      is_masked: whether the account gives the address away: mail from it goes without the user's name, which would tell
        whose address it is.
      is_local: whether a domain in lower case is one of the server's. Addresses elsewhere are not parsed, which would
        cost a millisecond for 15 internationalized ones.
    """

    account: str
    login: MailAddress
    is_own: Callable[[Address], bool]
    may_send: Callable[[Address], bool]
    may_keep: Callable[[Address], bool]
    is_masked: Callable[[Address], bool]
    is_local: Callable[[str], bool]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Initial content of a composer. `references` end with `in_reply_to`. `ask_read`, `ask_delivered`: receipts that
    it asks for. `tls`: require: deliver it protected or not at all (RFC 8689); insecure: deliver it at any rate.
    """

    author: MailAddress
    to: tuple[MailAddress, ...] = ()
    cc: tuple[MailAddress, ...] = ()
    bcc: tuple[MailAddress, ...] = ()
    reply_to: tuple[MailAddress, ...] = ()
    subject: str = ""
    text: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    ask_read: bool = False
    ask_delivered: bool = False
    tls: TLSWish = "default"


def quotable(original: Original, kind: Kind | Literal["forward", "forward_attached", "edit"]) -> Quotable:
    """Return the subject and head of a message; the caller adds its texts."""
    envelope = original.envelope
    subject = envelope.subject[:MAX_SUBJECT]
    match kind:
        case "edit":
            return Quotable(kind="edit", subject=envelope.subject[:MAX_KEPT_SUBJECT])
        case "forward":
            return Quotable(kind="forward", subject=subject, head=_forwarded_head(original, subject))
        case "forward_attached":
            return Quotable(kind="forward", subject=subject)
        case _:
            name = _shown(envelope.from_)
            head = f"On {original.when}, {name} wrote:" if original.when else f"{name} wrote:"
            return Quotable(kind="answer", subject=subject, head=head)


def quote(original: Quotable) -> Quoted:
    """Return the initial subject and text of a reply, a forwarded message or a message that is edited again."""
    text = _whole(original)
    match original.kind:
        case "edit":
            return Quoted(original.subject, text[:MAX_WHOLE])
        case "forward":
            inline = "\n".join((original.head, "", text[:MAX_QUOTED])) if original.head else ""
            return Quoted(f"Fwd: {_bare(_FORWARD, original.subject)}", inline)
        case "answer":
            quoted = _quoted(original.selected or _without_signature(text))
            words = f"{original.head}\n{quoted}\n" if quoted else ""
            return Quoted(f"Re: {_bare(_REPLY, original.subject)}", words)


def unquoted(original: Quotable) -> Quoted:
    """Return the initial subject with an empty text: the fallback if `quote` failed."""
    mark = {"answer": "Re: ", "forward": "Fwd: ", "edit": ""}[original.kind]
    return Quoted(f"{mark}{original.subject.strip()}", "")


def answer(original: Original, own: AccountAddresses, kind: Kind, quoted: Quoted) -> Answer:
    """A reply to the author, to all, or to the list."""
    envelope = original.envelope
    author = answers_from(original, own)
    mine = is_own_mail(original, own)
    to = envelope.to if mine else envelope.reply_to or envelope.from_
    cc: tuple[MailAddress, ...] = ()
    if kind == "reply_all":
        to, cc = (*to, *(() if mine else envelope.to)), envelope.cc
    elif kind == "reply_list" and (post := _parsed(original.list_post)) is not None:
        to = (post,)
    if kind != "reply_list":
        others = _without_own(to, own)
        to = others or _unique(to)  # a note to oneself is answered to oneself
    present = {other.key for other in to}
    cc = tuple(address for address in _without_own(cc, own) if address.key not in present)
    in_reply_to, references = _thread(original)
    return Answer(
        author=author,
        to=_unique(to),
        cc=cc,
        subject=quoted.subject,
        text=quoted.text,
        in_reply_to=in_reply_to,
        references=references,
    )


def forward(original: Original, own: AccountAddresses, quoted: Quoted) -> Answer:
    """A forwarded message: its text below a block of header fields, or without text if the caller attaches it."""
    _, references = _thread(original)
    return Answer(author=answers_from(original, own), subject=quoted.subject, text=quoted.text, references=references)


def edit_again(original: Original, own: AccountAddresses, quoted: Quoted) -> Answer:
    """A sent message or a draft as a new draft, with its recipients and text."""
    envelope = original.envelope
    written = next((address for address in envelope.from_ if _is(own, own.may_keep, address)), None)
    author = written or own.login
    return Answer(
        author=author,
        to=envelope.to,
        cc=envelope.cc,
        bcc=envelope.bcc,
        # the envelope names the author where there is no such field (RFC 9051 §7.5.2)
        reply_to=() if written is None or envelope.reply_to == envelope.from_ else envelope.reply_to,
        subject=quoted.subject,
        text=quoted.text,
        in_reply_to=envelope.in_reply_to,
        references=kept_references(_ID.findall(original.references)),
        ask_read=author.key in {asked.key for asked in original.receipts_to},
        ask_delivered=original.ask_delivered,
        tls="default" if written is None else original.tls,
    )


def _forwarded_head(original: Original, subject: str) -> str:
    envelope = original.envelope
    lines = ["---------- Forwarded message ----------"]
    for label, value in (
        ("From", _listed(envelope.from_)),
        ("Date", original.when),
        ("Subject", subject),
        ("To", _listed(envelope.to)),
        ("Cc", _listed(envelope.cc)),
    ):
        if value:
            lines.append(f"{label}: {value}")
    return "\n".join(lines)


def answers_from(original: Original, own: AccountAddresses) -> MailAddress:
    """The own address that a message came to, in exactly that form (WEBMAIL-90); of own mail, its author.

    Of several own addresses in To and Cc, the one that the message was delivered to. Without an own address there, as
    after a Bcc, the one in Delivered-To. Else the login address.
    """
    envelope = original.envelope
    if is_own_mail(original, own):
        candidates, delivered = _among(envelope.from_, own, own.may_keep), []
    else:
        candidates = _among((*envelope.to, *envelope.cc), own, own.may_send)
        delivered = _among(original.delivered_to, own, own.may_send)
    arrived = {recipient.key for recipient in delivered[:1]}
    address = next(
        (candidate for candidate in candidates if candidate.key in arrived),
        next(iter(candidates + delivered), own.login),
    )
    return msgspec.structs.replace(address, name="" if _is(own, own.is_masked, address) else own.login.name)


def receipt_from(original: Original, own: AccountAddresses) -> MailAddress | None:
    """The address that a receipt for a message names (RFC 8098 §3.2.4), without the person's name: the one that the
    message was delivered to here, else the first one in To and Cc.

    None if the account may not write from that, as from an alias: the login address would tell the sender who reads it.
    """
    here = [one for one in original.delivered_to if own.is_local(one.domain.lower())][:1]
    named = (*original.envelope.to, *original.envelope.cc)
    address = next(iter(_among(tuple(here) or named, own, own.may_send)), None)
    return None if address is None else msgspec.structs.replace(address, name="")


def is_own_mail(original: Original, own: AccountAddresses) -> bool:
    """Whether the account wrote the message, so that an answer goes to its recipients: what is in its Sent or Drafts,
    whatever From says, and elsewhere what is from one of its addresses.

    An address that it may write from isn't enough: all members of an alias, and all delegates of an account, may.
    """
    if original.sent_by and original.sent_by == own.account:
        return True
    return bool(_among(original.envelope.from_, own, own.is_own))


def own_addresses(original: Original, own: AccountAddresses) -> list[MailAddress]:
    """The own addresses in From, Reply-To, To and Cc, which an answer leaves out."""
    envelope = original.envelope
    named = (*envelope.from_, *envelope.reply_to, *envelope.to, *envelope.cc)
    return [address for address in _unique(named[:MAX_SEARCHED]) if _is(own, own.is_own, address)]


def _among(
    addresses: tuple[MailAddress, ...], own: AccountAddresses, rule: Callable[[Address], bool]
) -> list[MailAddress]:
    return [address for address in addresses[:MAX_SEARCHED] if _is(own, rule, address)]


def _is(own: AccountAddresses, rule: Callable[[Address], bool], address: MailAddress) -> bool:
    if not address.localpart or not own.is_local(address.domain.lower()):
        return False
    try:
        return rule(Address.of(address.localpart, address.domain))
    except AddressError:
        return False


def _parsed(text: str) -> MailAddress | None:
    try:
        address = Address.parse(text)
    except AddressError:
        return None
    return MailAddress("", address.localpart, address.domain.ascii)


def _unique(addresses: Iterable[MailAddress]) -> tuple[MailAddress, ...]:
    found: dict[AddressKey, MailAddress] = {}
    for address in addresses:
        if address.localpart:
            found.setdefault(address.key, address)
    return tuple(found.values())


def _without_own(addresses: Iterable[MailAddress], own: AccountAddresses) -> tuple[MailAddress, ...]:
    return tuple(address for address in _unique(addresses) if not _is(own, own.is_own, address))


def _thread(original: Original) -> tuple[str, tuple[str, ...]]:
    """In-Reply-To and References of a reply (RFC 5322 §3.6.4)."""
    found = _ID.findall(original.references)
    replied = _ID.findall(original.envelope.in_reply_to)
    if not found and len(replied) == 1:
        found = replied
    own = next(iter(_ID.findall(original.envelope.message_id)), "")
    return own, kept_references(list(dict.fromkeys((*found, own) if own else found)))


def _bare(mark: re.Pattern[str], subject: str) -> str:
    """A subject without the prefixes of earlier replies or forwards, such as ``Re:``."""
    subject = subject.strip()
    at = 0
    while (match := mark.match(subject, at)) is not None:
        at = match.end()
    return subject[at:]


def _shown(addresses: tuple[MailAddress, ...]) -> str:
    if not addresses:
        return "someone"
    return (addresses[0].name or f"{addresses[0].localpart}@{unicode_domain(addresses[0].domain)}")[:MAX_NAME]


def _listed(addresses: tuple[MailAddress, ...]) -> str:
    shortened = (
        msgspec.structs.replace(address, name=address.name[:MAX_NAME])
        for address in addresses[:50]
        if address.localpart
    )
    return ", ".join(format_address(address, utf8=True) for address in shortened)


def _whole(original: Quotable) -> str:
    """The plain texts, or the visible text of the HTML if they are blank; lines end in LF."""
    texts = [
        unflow(text.text, delsp=text.delsp) if text.flowed else text.text.replace("\r\n", "\n")
        for text in original.texts
    ]
    if any(text.strip() for text in texts):
        return "\n".join(text.removesuffix("\n") for text in texts)
    return visible_text(original.html, quotes=True) if original.html else ""


def _without_signature(text: str) -> str:
    """The text above a line ``-- `` (RFC 3676 §4.3)."""
    lines = text.split("\n")
    return "\n".join(lines[: lines.index("-- ")] if "-- " in lines else lines)


def _quoted(text: str) -> str:
    """The text with ``>`` before each line, and each run of blank lines as one (WEBMAIL-92)."""
    text = _BLANKS.sub("\n\n", text[:MAX_QUOTED].replace("\r\n", "\n")).strip("\n")
    if not text.strip():
        return ""
    return "\n".join(f">{line}" if line.startswith(">") else f"> {line}".rstrip() for line in text.split("\n"))
