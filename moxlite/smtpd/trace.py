"""Trace fields put before a message, and forged ones taken out (RFC 5321 §4.4, RFC 8601 §5; SMTP-78..80, 114)."""

import re
from typing import Final

from moxlite.net.connections import ConnectionInfo, TLSFacts
from moxlite.proto.address import AddressError, Domain, IPAddress, Path, pack_ip_literal
from moxlite.proto.mime.dates import format_date
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.words import decode_words

__all__ = [
    "authentication_results",
    "delivered_to",
    "protocol_name",
    "reason_field",
    "received",
    "return_path",
    "without_forged",
]

# Quoted pairs, what opens, closes and ends, and all between (RFC 5322 §3.2).
_PIECE: Final = re.compile(rb'\\.|[()";]|[^\\()";]+|\\', re.DOTALL)
_WORD: Final = re.compile(r"[^\s/;=@]+")


def protocol_name(*, extended: bool, utf8: bool, tls: bool, authenticated: bool) -> str:
    """The word behind `with`: RFC 3848, RFC 6531 §3.7.3."""
    name = "UTF8SMTP" if utf8 else "ESMTP" if extended else "SMTP"
    return name + ("S" if tls else "") + ("A" if authenticated else "")


def received(
    *,
    client: str,
    client_ip: IPAddress | None,
    hostname: Domain,
    info: ConnectionInfo,
    protocol: str,
    requiretls: bool,
    identifier: str,
    recipient: Path | None,
    utf8: bool,
    moment: int,
) -> bytes:
    """The Received field (SMTP-79).

    Args:
      client: what it called itself, in ASCII. client_ip: None leaves it out, to protect users.
      recipient: None where there are several.
      moment: µs UTC.
    """
    address = f" ({pack_ip_literal(client_ip)})" if client_ip is not None else ""
    local = f" ({pack_ip_literal(info.local)})" if client_ip is not None else ""
    comment = " (requiretls)" if requiretls else ""  # RFC 8689 §4.3 leaves the place to us
    target = f"\r\n\tfor <{recipient.pack(utf8)}>" if recipient is not None else ""
    return (
        f"Received: from {client}{address}\r\n"
        f"\tby {hostname.ascii}{local} via tcp\r\n"
        f"\twith {protocol}{comment} id {identifier}{_tls_comment(info.tls)}{target};\r\n"
        f"\t{format_date(moment)}\r\n"
    ).encode()


def _tls_comment(tls: TLSFacts | None) -> str:
    return f" ({tls.version} {tls.cipher})" if tls is not None else ""


def return_path(sender: Path, *, utf8: bool) -> bytes:
    """The reverse path, put in at final delivery (RFC 5321 §4.4)."""
    return f"Return-Path: <{sender.pack(utf8)}>\r\n".encode()


def delivered_to(recipient: Path, *, utf8: bool) -> bytes:
    """The address as the client gave it (RFC 9228)."""
    return f"Delivered-To: {recipient.pack(utf8)}\r\n".encode()


def reason_field(reason: str) -> bytes:
    """Why the message is where it is (SMTP-78)."""
    return f"X-Moxlite-Reason: {reason}\r\n".encode()


def authentication_results(hostname: Domain, mail_from: str) -> bytes:
    """Of a submission: the user has logged in (RFC 8601 §2.7.4, SMTP-114)."""
    return f"Authentication-Results: {hostname.ascii};\r\n\tauth=pass smtp.mailfrom={mail_from}\r\n".encode()


def without_forged(section: HeaderSection, hostname: Domain) -> bytes | None:
    """The header section without fields that only we may write: results under our name, and our own marks (SMTP-80).

    None if there are none, which is the rule.
    """
    forged = [field for field in section.all(b"authentication-results") if _authserv_id(field.text) == hostname.ascii]
    forged += section.all(*[name for name in section.names if name.startswith(b"x-moxlite-")])
    return section.without(forged) if forged else None


def _authserv_id(field: bytes) -> str:
    """Who has written the field, in A-labels; "" if that is no domain (RFC 8601 §2.2: ``[CFWS] authserv-id``).

    Read as generously as any reader of the field may: comments nest, the name may be quoted, encoded or cut by blanks
    at its dots, and may end in a dot; whatever follows it is no matter.
    """
    name: list[bytes] = []
    depth = 0
    quoted = False
    for piece in _PIECE.findall(field):
        if depth:
            depth += {b"(": 1, b")": -1}.get(piece, 0)
        elif piece == b'"':
            quoted = not quoted
        elif quoted:
            name.append(piece.removeprefix(b"\\"))
        elif piece == b"(":
            depth = 1
        elif piece == b";":
            break
        else:
            name.append(piece)
    text = " ".join(decode_words(b"".join(name)).split())
    word = _WORD.match(text.replace(" .", ".").replace(". ", "."))
    try:
        return Domain.parse(word[0].removesuffix(".")).ascii if word else ""
    except AddressError:
        return ""
