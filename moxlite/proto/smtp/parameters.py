"""Parsers of the parameters of MAIL and RCPT (RFC 5321 §4.1.2 esmtp-param) of all supported extensions.

SIZE RFC 1870, BODY RFC 6152 and 3030, SMTPUTF8 RFC 6531, AUTH RFC 4954, REQUIRETLS RFC 8689, DSN RFC 3461,
FUTURERELEASE RFC 4865, MT-PRIORITY RFC 6710, DELIVERBY RFC 2852. The caller passes the announced extensions.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import msgspec

from moxlite.proto.smtp.errors import CommandError
from moxlite.proto.smtp.replies import Response

ENVID_LIMIT: Final = 100  # characters, RFC 3461 §4.4
ORCPT_LIMIT: Final = 500  # characters, RFC 3461 §4.2
DELIVER_BY_MINIMUM: Final = 60  # seconds for mode R: a queue cannot guarantee less (SMTP-157)

_PARAMETER: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\x00-\x20=\x7f-\x9f]+))?")
_XTEXT: Final = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")  # RFC 3461 §4
_HEX: Final = re.compile(r"\+([0-9A-F]{2})")
_NOT_XCHAR: Final = re.compile(r"[^!-*,-<>-~]")
_UNITEXT: Final = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")  # RFC 6533 §3
_ORCPT: Final = re.compile(r"([A-Za-z0-9-]+);(.+)")
_HOLDUNTIL: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z")
_BY: Final = re.compile(r"([+-]?[0-9]{1,9});([NRnr])([Tt]?)")


class Hold(msgspec.Struct, frozen=True):
    """Earliest time of sending: in `seconds`, or at `until`. `text`: the parameter as given, for DSNs."""

    text: str
    seconds: int = 0
    until: datetime | None = None


class DeliverBy(msgspec.Struct, frozen=True):
    """Deadline of delivery: after `seconds` return the message (mode `R`) or notify the sender (`N`). `trace`: report
    each relay.
    """

    seconds: int
    mode: str
    trace: bool

    def __str__(self) -> str:
        """The by-value, for the next hop."""
        return f"{self.seconds};{self.mode}{'T' if self.trace else ''}"


def encode_xtext(text: str) -> str:
    """Encode text as xtext (RFC 3461 §4); each octet of UTF-8 that is not an xchar becomes `+HH`."""
    return _NOT_XCHAR.sub(lambda match: "".join(f"+{octet:02X}" for octet in match[0].encode()), text)


def decode_xtext(text: str) -> str:
    """Decode an xtext (RFC 3461 §4). Raises ValueError if it is malformed or not UTF-8."""
    if not _XTEXT.fullmatch(text):
        raise ValueError("bad xtext")
    if "+" not in text:
        return text
    out = bytearray()
    position = 0
    for match in _HEX.finditer(text):
        out += text[position : match.start()].encode()
        out.append(int(match[1], 16))
        position = match.end()
    out += text[position:].encode()
    return out.decode()


Value: TypeAlias = Any  # value for the field of the same name in MailFrom or RcptTo, which has its type
Fields: TypeAlias = dict[str, Value]


def _bad(what: str) -> CommandError:
    return CommandError(Response(501, "5.5.4", (f"bad value of parameter {what}",)))


def _size(value: str) -> Fields:
    if not value.isascii() or not value.isdigit() or len(value) > 20:  # RFC 1870 §4: 1*20DIGIT
        raise _bad("SIZE")
    return {"size": int(value)}


def _body(value: str) -> Fields:
    if value.upper() not in {"7BIT", "8BITMIME"}:
        raise CommandError(Response(555, "5.5.4", ("unsupported value of parameter BODY",)))
    return {"body": value.upper()}


def _auth(value: str) -> Fields:
    if value != "<>" and not _XTEXT.fullmatch(value):
        raise _bad("AUTH")
    return {}  # RFC 4954 §5 allows to ignore the identity that a relay has authenticated


def _ret(value: str) -> Fields:
    if value.upper() not in {"FULL", "HDRS"}:
        raise _bad("RET")
    return {"ret": value.upper()}


def _envid(value: str) -> Fields:
    if len(value) > ENVID_LIMIT:
        raise _bad("ENVID")
    try:
        text = decode_xtext(value)
    except ValueError as error:
        raise _bad("ENVID") from error
    if not text.isascii() or not text.isprintable():  # RFC 3461 §4.4: it is printed in DSNs
        raise _bad("ENVID")
    return {"envid": text}


def _holdfor(value: str) -> Fields:
    if not value.isascii() or not value.isdigit() or len(value) > 9 or int(value) == 0:
        raise _bad("HOLDFOR")
    return {"hold": Hold(f"HOLDFOR={value}", seconds=int(value))}


def _holduntil(value: str) -> Fields:
    if not _HOLDUNTIL.fullmatch(value):
        raise _bad("HOLDUNTIL")
    try:
        until = datetime.fromisoformat(value.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError as error:
        raise _bad("HOLDUNTIL") from error
    return {"hold": Hold(f"HOLDUNTIL={value}", until=until)}


def _priority(value: str) -> Fields:
    if not re.fullmatch(r"-?[0-9]", value):
        raise _bad("MT-PRIORITY")
    return {"priority": int(value)}


def _by(value: str) -> Fields:
    match = _BY.fullmatch(value)
    if not match or (match[2].upper() == "R" and int(match[1]) < DELIVER_BY_MINIMUM):
        raise _bad("BY")
    return {"deliver_by": DeliverBy(int(match[1]), match[2].upper(), bool(match[3]))}


def _notify(value: str) -> Fields:
    words = tuple(word.upper() for word in value.split(","))
    if words != ("NEVER",) and (len(set(words)) != len(words) or not set(words) <= {"SUCCESS", "FAILURE", "DELAY"}):
        raise _bad("NOTIFY")
    return {"notify": words}


def _orcpt(value: str) -> Fields:
    match = _ORCPT.fullmatch(value)
    if len(value) > ORCPT_LIMIT or not match:
        raise _bad("ORCPT")
    try:
        if match[1].lower() == "utf-8":  # RFC 6533 §3: utf-8-addr-unitext or utf-8-addr-xtext with \x{…}
            address = _UNITEXT.sub(lambda found: chr(int(found[1], 16)), match[2])
            if "+" in address and address.isascii():
                address = decode_xtext(address)
            address.encode()
        else:
            address = decode_xtext(match[2])
    except (ValueError, OverflowError) as error:
        raise _bad("ORCPT") from error
    if not address or not address.isprintable():
        raise _bad("ORCPT")
    return {"orcpt": f"{match[1].lower()};{address}"}


class _Kind(msgspec.Struct, frozen=True):
    """A parameter: the EHLO keyword that announces it, and the parser of its value, None without a value."""

    extension: str
    parse: Callable[[str], Fields] | None
    flag: str = ""


_MAIL: Final[Mapping[str, _Kind]] = {
    "SIZE": _Kind("SIZE", _size),
    "BODY": _Kind("8BITMIME", _body),
    "SMTPUTF8": _Kind("SMTPUTF8", None, "smtputf8"),
    "REQUIRETLS": _Kind("REQUIRETLS", None, "requiretls"),
    "AUTH": _Kind("", _auth),  # accepted after any EHLO: relays add it even if it was not announced
    "RET": _Kind("DSN", _ret),
    "ENVID": _Kind("DSN", _envid),
    "HOLDFOR": _Kind("FUTURERELEASE", _holdfor),
    "HOLDUNTIL": _Kind("FUTURERELEASE", _holduntil),
    "MT-PRIORITY": _Kind("MT-PRIORITY", _priority),
    "BY": _Kind("DELIVERBY", _by),
}
_RCPT: Final[Mapping[str, _Kind]] = {"NOTIFY": _Kind("DSN", _notify), "ORCPT": _Kind("DSN", _orcpt)}


def parse_mail_parameters(text: str, offers: frozenset[str]) -> Fields:
    """Parse the parameters of MAIL into fields of MailFrom. `offers`: announced EHLO keywords. Raises CommandError."""
    return _parse(text, offers, _MAIL)


def parse_rcpt_parameters(text: str, offers: frozenset[str]) -> Fields:
    """Parse the parameters of RCPT into fields of RcptTo. Raises CommandError."""
    return _parse(text, offers, _RCPT)


def _parse(text: str, offers: frozenset[str], kinds: Mapping[str, _Kind]) -> Fields:
    fields: Fields = {}
    seen: set[str] = set()
    for word in text.split(" "):
        if not word:
            continue
        match = _PARAMETER.fullmatch(word)
        if not match:
            raise CommandError(Response(501, "5.5.2", ("bad parameter syntax",)))
        name = match[1].upper()
        kind = kinds.get(name)
        if kind is None or not offers or (kind.extension and kind.extension not in offers):
            raise CommandError(Response(555, "5.5.4", (f"unsupported parameter {name[:40]}",)))
        if name in seen:
            raise CommandError(Response(501, "5.5.4", (f"duplicate parameter {name}",)))
        seen.add(name)
        if (kind.parse is None) != (match[2] is None):
            raise _bad(name)
        fields.update({kind.flag: True} if kind.parse is None else kind.parse(match[2]))
    if {"HOLDFOR", "HOLDUNTIL"} <= seen:
        raise CommandError(Response(501, "5.5.4", ("both HOLDFOR and HOLDUNTIL",)))
    return fields
