"""Preparing the message that a program wrote to stdin for submission (QUEUE-142). No I/O."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from moxlite.cli.sendmail.settings import Settings
from moxlite.proto.address import Address, AddressError, Localpart, is_local_name, pack_localpart
from moxlite.proto.mime.compose import address_field
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.transport import for_transport, has_raw_name, start_of_text, with_line_ends
from moxlite.proto.mime.types import MailAddress
from moxlite.proto.mime.wire import read_addresses

FIELD: Final = re.compile(rb"([!-9;-~]+)[ \t]*:")
"""The name of a header field (RFC 5322 §2.2)."""

MAX_MESSAGE: Final = 256 << 20
"""Octets of a message that a program may write."""

MAX_RECIPIENTS: Final = 1000
"""Number of recipients that the server accepts in one transaction."""


class BadLetter(Exception):
    """The message cannot be sent as it is; the text is for people."""


class OutgoingMessage(msgspec.Struct, frozen=True):
    """A message with its envelope; its lines end in CRLF.

    senders: of the envelope, None for none: the next one is used if the server refuses one.
    """

    senders: tuple[Address | None, ...]
    recipients: tuple[Address, ...]
    octets: bytes


class Flags(msgspec.Struct, frozen=True):
    """The flags and recipients of a command line.

    Attributes:
      recipients: from the command line. from_header: (-t) also send to the addresses in To, Cc and Bcc.
      dots: (-i, -oi) a line with a dot alone is text, and does not end the message.
      sender: (-f, -r) of the envelope, None without the flag. name: (-F) of an author without one, for people.
      config: (-C) another file of settings.
      mode: (-b) the task; "m" is sending mail, "s" speaking SMTP.
    """

    recipients: tuple[str, ...] = ()
    from_header: bool = False
    dots: bool = False
    sender: str | None = None
    name: str = ""
    config: str = ""
    mode: str = "m"


def make_letter(data: bytes, flags: Flags, settings: Settings) -> OutgoingMessage:
    """Make a letter of the octets that a program wrote. Raises BadLetter."""
    data = b"".join(with_line_ends(data))
    if (start := start_of_text(HeaderSection(data))) is not None:
        data = data[:start] + b"\r\n" + data[start:]
    lines = data.split(b"\r\n")
    if not flags.dots and b"." in lines:
        lines = [*lines[: lines.index(b".")], b""]
    end = next((at for at, line in enumerate(lines) if not line), len(lines))
    fields = _fields(lines[:end])
    author = _address(settings.from_address, "")
    destinations = [_address(recipient, settings.default_destination) for recipient in flags.recipients]
    if flags.from_header:
        written = _addresses(fields, b"to", b"cc", b"bcc")
        destinations += [_address(_packed(address), settings.default_destination) for address in written]
    recipients = tuple(dict.fromkeys(destinations))
    if not recipients:
        raise BadLetter("no recipients; add recipients to the command, or use -t with a To, Cc, or Bcc field")
    if len(recipients) > MAX_RECIPIENTS:
        raise BadLetter(f"too many recipients: {len(recipients)} (limit {MAX_RECIPIENTS})")
    kept = [
        _completed(name, field, settings) for name, field in fields if name not in (b"from", b"bcc", b"return-path")
    ]
    names = {name for name, _ in fields}
    if b"mime-version" not in names and any(name.startswith(b"content-") for name in names):
        kept.append(b"MIME-Version: 1.0")
    head = _author_fields(fields, author, flags.name)
    if not any(name in (b"to", b"cc") for name, _ in fields):
        # Addresses of Bcc must not appear: in the envelope of a program that speaks SMTP, they're among the others.
        shown = () if flags.mode == "s" else flags.recipients
        named = [_address(recipient, settings.default_destination) for recipient in shown]
        head.append(_field("To", named) if named else b"To: undisclosed-recipients:;")
    if settings.require_tls == "no":
        head.append(b"TLS-Required: No")
    header = b"".join(field + b"\r\n" for field in (*head, *kept))
    # Here and not by the server alone: it may be one that takes the message as it is.
    octets = for_transport(header + b"\r\n" + b"\r\n".join(lines[end + 1 :]))
    return OutgoingMessage(_senders(flags.sender, author), recipients, octets)


def _completed(name: bytes, field: bytes, settings: Settings) -> bytes:
    """A field of recipients, as ``To: root`` of cron, with addresses as others can answer them (RFC 5322 §3.4.1)."""
    written = _addresses([(name, field)], name) if name in (b"to", b"cc") else []
    if not settings.default_destination or all(address.domain for address in written):
        return field
    shown = [address if address.domain else _named(address.name, settings.default_destination) for address in written]
    utf8 = any(not address.localpart.isascii() for address in shown)
    return address_field(name.decode().capitalize(), shown, utf8=utf8).removesuffix(b"\r\n")


def _named(name: str, text: str) -> MailAddress:
    address = _address(text, "")
    return MailAddress(name, str(address.localpart), address.domain.ascii)


def _author_fields(fields: Sequence[tuple[bytes, bytes]], author: Address, name: str) -> list[bytes]:
    """From, with the name that the program's From has, else `name`; and Reply-To with the addresses in that From which
    get mail elsewhere, unless the program says itself where answers go.
    """
    written = _addresses(fields, b"from")
    name = next((address.name for address in written if address.name), name)
    made = [_field("From", [author], name)]
    if not any(field == b"reply-to" for field, _ in fields):
        others = list(dict.fromkeys(other for address in written if (other := _elsewhere(address, author))))
        made += [_field("Reply-To", others)] if others else []
    return made


def _elsewhere(written: MailAddress, author: Address) -> Address | None:
    """The address that a program gives its author, if it isn't ours, nor one on this machine alone, as ``root`` or
    ``root@localhost``, nor one that only few servers take.
    """
    if is_local_name(written.domain):
        return None
    try:
        address = Address.parse(_packed(written))
    except AddressError:
        return None
    return None if address.needs_smtputf8 or address.key == author.key else address


def _senders(given: str | None, author: Address) -> tuple[Address | None, ...]:
    """The envelope's senders to try. Programs name what they think the machine is called: only the server knows
    whether the account may use that address, so the author is next. No sender, as automatic answers have (RFC 3834
    §3.3), isn't taken by all servers either.
    """
    if given is None:
        return (author,)
    text = given.strip().removeprefix("<").removesuffix(">")
    if not text:
        return None, author
    try:
        sender = Address.parse(text)
    except AddressError:
        return (author,)
    return (author,) if sender == author else (sender, author)


def _fields(lines: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """Name in lower case and whole text of each field; folded lines belong to the field above."""
    fields: list[tuple[bytes, bytes]] = []
    for at, line in enumerate(lines):
        if at == 0 and line.startswith((b"From ", b">From ")):  # the first line of a message in an mbox file
            continue
        if line[:1] in (b" ", b"\t") and fields:
            name, text = fields[-1]
            fields[-1] = (name, text + b"\r\n" + line)
        elif match := FIELD.match(line):
            fields.append((match[1].lower(), line))
        elif has_raw_name(line):
            raise BadLetter(f"line {at + 1} has a field name that isn't ASCII")
        else:
            raise BadLetter(f"line {at + 1} isn't a header field; separate the header and body with an empty line")
    return fields


def _addresses(fields: Sequence[tuple[bytes, bytes]], *names: bytes) -> list[MailAddress]:
    """The addresses in the fields of these names."""
    values = [field.partition(b":")[2].strip().replace(b"\r\n", b"") for name, field in fields if name in names]
    addresses, _ = read_addresses(values)
    return [address for address in addresses if address.localpart]


def _packed(address: MailAddress) -> str:
    localpart = pack_localpart(Localpart(address.localpart))
    return f"{localpart}@{address.domain}" if address.domain else localpart


def _address(text: str, default: str) -> Address:
    if "@" not in text:
        if not default:
            raise BadLetter(f"{text!r} must include a domain, because default_destination isn't set")
        text = default
    try:
        return Address.parse(text)
    except AddressError as error:
        raise BadLetter(f"invalid address {text!r}: {error}") from None


def _field(name: str, addresses: Sequence[Address], display: str = "") -> bytes:
    shown = [MailAddress(display, str(address.localpart), address.domain.ascii) for address in addresses]
    utf8 = any(address.needs_smtputf8 for address in addresses)
    return address_field(name, shown, utf8=utf8).removesuffix(b"\r\n")


# The command line of sendmail, as far as programs use it. Flags without a meaning here are ignored (QUEUE-142).


WITH_VALUE: Final = frozenset("fFrCoNRVBDhLOpqXAbd")
"""Flags with a value, which follows at once (``-oi``, ``-froot``) or as the next word (``-o i``, ``-f root``)."""

ATTACHED: Final = frozenset("bqdp")
"""Flags of `WITH_VALUE` whose value can only follow at once: ``-bm``, ``-q30m``."""


def parse_flags(words: Sequence[str]) -> Flags:
    """Parse the words after the program's name."""
    recipients: list[str] = []
    values: dict[str, str] = {}
    from_header = dots = False
    waiting = iter(words)
    for word in waiting:
        if word == "--":
            recipients += waiting
        elif not word.startswith("-") or word == "-":
            recipients.append(word)
        elif word[1] in WITH_VALUE:
            value = word[2:] or ("" if word[1] in ATTACHED else next(waiting, ""))
            values[word[1]] = value
            dots = dots or (word[1] == "o" and value.startswith("i"))
        else:  # some programs combine several: -ti
            from_header = from_header or "t" in word
            dots = dots or "i" in word
    return Flags(
        recipients=tuple(one for words in recipients for one in words.replace(",", " ").split()),
        from_header=from_header,
        dots=dots,
        sender=values.get("f", values.get("r")),
        name=values.get("F", ""),
        config=values.get("C", ""),
        mode=values.get("b") or "m",
    )
