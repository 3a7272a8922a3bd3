"""Trace fields put before a message, and forged ones taken out (RFC 5321 §4.4, RFC 8601 §5; SMTP-78..80, 114)."""

import re
from typing import Final

from moxlite.net.connections import ConnectionInfo, TLSFacts
from moxlite.proto.address import Domain, IPAddress, Path, pack_ip_literal
from moxlite.proto.mime.dates import format_date
from moxlite.proto.mime.headers import fields

__all__ = [
    "authentication_results",
    "count_from",
    "count_received",
    "delivered_to",
    "header_end",
    "protocol_name",
    "reason_field",
    "received",
    "return_path",
    "without_forged",
]

HEADER_LIMIT: Final = 1 << 20
"""Octets of a header section that are looked at (STORE-55)."""

_SUSPECT: Final = re.compile(rb"(?:\A|\n)(?:x-moxlite-|authentication-results[ \t]*:)", re.IGNORECASE)
_FROM: Final = re.compile(rb"(?:\A|\n)from[ \t]*:")
_AUTHSERV_ID: Final = re.compile(rb'(?:\s|\([^()]*\))*"?([^\s;"(]*)')  # RFC 8601 §2.2: [CFWS] authserv-id


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


def header_end(octets: bytes) -> int:
    """Where the header section ends: behind the last line end before the blank line, or the end of `octets`."""
    if octets.startswith(b"\r\n"):
        return 0
    end = octets.find(b"\r\n\r\n")
    return end + 2 if end >= 0 else len(octets)


def count_received(header: bytes) -> int:
    """How many Received fields there are."""
    lower = header.lower()
    return lower.count(b"\nreceived:") + lower.startswith(b"received:")


def count_from(header: bytes) -> int:
    """How many From fields there are (SMTP-76)."""
    lower = header.lower()
    lines = lower.count(b"\nfrom") + lower.startswith(b"from")  # ten times faster than looking for fields
    return len(_FROM.findall(lower)) if lines else 0


def without_forged(header: bytes, hostname: Domain) -> bytes | None:
    """The header section without fields that only we may write: results under our name, and our own marks (SMTP-80).

    None if there are none, which is the rule.
    """
    if not _SUSPECT.search(header):
        return None
    ours = {hostname.ascii.encode(), hostname.unicode.encode()}
    kept = []
    forged = False
    for field in fields(header):
        name = field.name.lower()
        if name.startswith(b"x-moxlite-") or (name == b"authentication-results" and _authserv_id(field.value) in ours):
            forged = True
        else:
            kept.append(field.raw)
    return b"".join(kept) if forged else None


def _authserv_id(value: bytes) -> bytes:
    match = _AUTHSERV_ID.match(value)
    return match[1].lower().removesuffix(b".") if match else b""
