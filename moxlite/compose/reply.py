"""What an answer begins with: sender, recipients, subject, place in the thread, quoted text (WEBMAIL-90..92, 99)."""

import re
from collections.abc import Callable, Iterable
from typing import Final, Literal

import msgspec

from moxlite.proto.address import Address, AddressError, Domain, Localpart
from moxlite.proto.mime.compose import format_address
from moxlite.proto.mime.types import Envelope, MailAddress

__all__ = ["Answer", "Kind", "Original", "Own", "answer", "edit_again", "forward"]

Kind = Literal["reply", "reply_all", "reply_list"]

MAX_QUOTED: Final = 200_000
"""Characters of a quoted text: it travels in calls of at most 1 MiB (WEB-20); who answers more has it attached."""

_FORWARD: Final = re.compile(r"\s*(?:fwd?|wg|tr)\s*(?:\[[0-9]+\]|\([0-9]+\))?\s*:\s*", re.IGNORECASE)
_REPLY: Final = re.compile(r"\s*(?:re|aw|antw|sv|vs|rif)\s*(?:\[[0-9]+\]|\([0-9]+\))?\s*:\s*", re.IGNORECASE)
_ID: Final = re.compile(r"<[^<>\s]{1,996}>")
_BLANKS: Final = re.compile(r"(?:[ \t]*\n){3,}")


class Original(msgspec.Struct, frozen=True, kw_only=True):
    """The message that is answered.

    Attributes:
      references: text of its References field. list_post: where one writes to its list, "" when nowhere.
      delivered_to: addresses of its Delivered-To fields, the topmost first.
      text: its text as a reader sees it, lines ending in LF. when: its date as its reader has it, in words.
    """

    envelope: Envelope
    references: str = ""
    list_post: str = ""
    delivered_to: tuple[MailAddress, ...] = ()
    text: str = ""
    when: str = ""


class Own(msgspec.Struct, frozen=True):
    """Who answers.

    Attributes:
      login: the address of the log-in, with the display name.
      is_own: whether mail to an address comes to this account, also by catchall or a separator.
      may_send: whether the account may use an address in From.
    """

    login: MailAddress
    is_own: Callable[[Address], bool]
    may_send: Callable[[Address], bool]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the composer shows first. `references` end with `in_reply_to`."""

    author: MailAddress
    to: tuple[MailAddress, ...] = ()
    cc: tuple[MailAddress, ...] = ()
    bcc: tuple[MailAddress, ...] = ()
    subject: str = ""
    text: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()


def answer(original: Original, own: Own, kind: Kind, *, selected: str = "") -> Answer:
    """A reply to the author, to all, or to the list. `selected`: what is quoted instead of the whole text."""
    envelope = original.envelope
    author = _author(original, own)
    mine = any(_is(own.is_own, one) for one in envelope.from_)
    to = envelope.to if mine else envelope.reply_to or envelope.from_
    cc: tuple[MailAddress, ...] = ()
    if kind == "reply_all":
        to, cc = (*to, *(() if mine else envelope.to)), envelope.cc
    elif kind == "reply_list" and (post := _parsed(original.list_post)) is not None:
        to = (post,)
    if kind != "reply_list":
        others = _without_own(to, own)
        to = others or _unique(to)  # a note to oneself goes to oneself
    cc = tuple(one for one in _without_own(cc, own) if _key(one) not in {_key(other) for other in to})
    in_reply_to, references = _thread(original)
    name = _shown(envelope.from_)
    head = f"On {original.when}, {name} wrote:" if original.when else f"{name} wrote:"
    quoted = _quoted(selected or _without_signature(original.text))
    return Answer(
        author=author,
        to=_unique(to),
        cc=cc,
        subject=f"Re: {_bare(_REPLY, envelope.subject)}",
        text=f"{head}\n{quoted}\n" if quoted else "",
        in_reply_to=in_reply_to,
        references=references,
    )


def forward(original: Original, own: Own, *, inline: bool) -> Answer:
    """A message to be passed on: its text below a block of its header, or, not `inline`, attached by the caller."""
    envelope = original.envelope
    lines = ["---------- Forwarded message ----------"]
    for label, value in (
        ("From", _listed(envelope.from_)),
        ("Date", original.when),
        ("Subject", envelope.subject),
        ("To", _listed(envelope.to)),
        ("Cc", _listed(envelope.cc)),
    ):
        if value:
            lines.append(f"{label}: {value}")
    text = "\n".join((*lines, "", original.text[:MAX_QUOTED])) if inline else ""
    _, references = _thread(original)
    return Answer(
        author=_author(original, own),
        subject=f"Fwd: {_bare(_FORWARD, envelope.subject)}",
        text=text,
        references=references,
    )


def edit_again(original: Original, own: Own) -> Answer:
    """A sent message, or a draft, as a new one: with its recipients and text."""
    envelope = original.envelope
    author = next((one for one in envelope.from_ if _is(own.may_send, one)), own.login)
    return Answer(
        author=author,
        to=envelope.to,
        cc=envelope.cc,
        bcc=envelope.bcc,
        subject=envelope.subject,
        text=original.text,
        in_reply_to=envelope.in_reply_to,
        references=tuple(_ID.findall(original.references)),
    )


def _author(original: Original, own: Own) -> MailAddress:
    """The own address that the message was sent to, in exactly that form (WEBMAIL-90); for own mail its author."""
    envelope = original.envelope
    for one in (*envelope.from_, *envelope.to, *envelope.cc, *original.delivered_to):
        if _is(own.is_own, one) and _is(own.may_send, one):
            return msgspec.structs.replace(one, name=own.login.name)
    return own.login


def _is(rule: Callable[[Address], bool], one: MailAddress) -> bool:
    try:
        return bool(one.localpart) and rule(Address(Localpart(one.localpart), Domain.parse(one.domain)))
    except AddressError:
        return False


def _parsed(text: str) -> MailAddress | None:
    try:
        address = Address.parse(text)
    except AddressError:
        return None
    return MailAddress("", address.localpart, address.domain.ascii)


def _key(one: MailAddress) -> tuple[str, str]:
    return one.localpart.lower(), one.domain.lower()


def _unique(addresses: Iterable[MailAddress]) -> tuple[MailAddress, ...]:
    found: dict[tuple[str, str], MailAddress] = {}
    for one in addresses:
        if one.localpart:
            found.setdefault(_key(one), one)
    return tuple(found.values())


def _without_own(addresses: Iterable[MailAddress], own: Own) -> tuple[MailAddress, ...]:
    return tuple(one for one in _unique(addresses) if not _is(own.is_own, one))


def _thread(original: Original) -> tuple[str, tuple[str, ...]]:
    """In-Reply-To and References of an answer (RFC 5322 §3.6.4)."""
    found = _ID.findall(original.references)
    replied = _ID.findall(original.envelope.in_reply_to)
    if not found and len(replied) == 1:
        found = replied
    own = next(iter(_ID.findall(original.envelope.message_id)), "")
    return own, tuple(dict.fromkeys((*found, own) if own else found))


def _bare(mark: re.Pattern[str], subject: str) -> str:
    """A subject without the marks of earlier answers."""
    while (match := mark.match(subject)) is not None:
        subject = subject[match.end() :]
    return subject.strip()


def _shown(addresses: tuple[MailAddress, ...]) -> str:
    if not addresses:
        return "someone"
    return addresses[0].name or f"{addresses[0].localpart}@{addresses[0].domain}"


def _listed(addresses: tuple[MailAddress, ...]) -> str:
    return ", ".join(format_address(one, utf8=True) for one in addresses[:50] if one.localpart)


def _without_signature(text: str) -> str:
    """The text above a line ``-- `` (RFC 3676 §4.3)."""
    lines = text.split("\n")
    return "\n".join(lines[: lines.index("-- ")] if "-- " in lines else lines)


def _quoted(text: str) -> str:
    """Each line behind a ``>``, runs of blank lines as one (WEBMAIL-92)."""
    text = _BLANKS.sub("\n\n", text[:MAX_QUOTED].replace("\r\n", "\n")).strip("\n")
    if not text.strip():
        return ""
    return "\n".join(f">{line}" if line.startswith(">") else f"> {line}".rstrip() for line in text.split("\n"))
