"""Trace fields put before a message, and removal of forged ones (RFC 5321 §4.4, RFC 8601 §5; SMTP-78..80, 114)."""

from collections.abc import Collection
from typing import Final

from moxlite.config.snapshot import ReportKind
from moxlite.net.admission import ConnectionInfo, TLSFacts
from moxlite.proto.address import Domain, IPAddress, Path, pack_ip_literal
from moxlite.proto.authresults import authserv_id
from moxlite.proto.mime.dates import format_date
from moxlite.proto.mime.headers import HeaderSection

MAX_PROBLEM: Final = 200
"""Characters of a problem. It's limited because it may quote the report."""


def protocol_name(*, extended: bool, utf8: bool, tls: bool, authenticated: bool) -> str:
    """The protocol name after `with` in Received: RFC 3848, RFC 6531 §3.7.3."""
    name = "UTF8SMTP" if utf8 else "ESMTP" if extended else "SMTP"
    return name + ("S" if tls else "") + ("A" if authenticated else "")


def received(
    *,
    client: str,
    client_ip: IPAddress | None,
    client_name: str = "",
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
      client: its name in EHLO, in ASCII. client_ip: None leaves it out, to protect users.
      client_name: the verified reverse name of the address, "" without one.
      recipient: None for several recipients.
      moment: µs UTC.
    """
    name = f"{client_name} " if client_name else ""
    address = f" ({name}{pack_ip_literal(client_ip)})" if client_ip is not None else ""
    local = f" ({pack_ip_literal(info.local)})" if client_ip is not None else ""
    comment = " (requiretls)" if requiretls else ""  # RFC 8689 §4.3 does not say where
    target = f"\r\n\tfor <{recipient.pack(utf8)}>" if recipient is not None else ""
    return (
        f"Received: from {client}{address}\r\n"
        f"\tby {hostname.ascii}{local} via tcp\r\n"
        f"\twith {protocol}{comment} id {identifier}{_tls_comment(info.tls)}{target};\r\n"
        f"\t{format_date(moment)}\r\n"
    ).encode()


def _tls_comment(tls: TLSFacts | None) -> str:
    return f" ({tls.version} {tls.suite})" if tls is not None else ""


def return_path(sender: Path, *, utf8: bool) -> bytes:
    """The Return-Path field, added at final delivery (RFC 5321 §4.4)."""
    return f"Return-Path: <{sender.pack(utf8)}>\r\n".encode()


def delivered_to(recipient: Path, *, utf8: bool) -> bytes:
    """The Delivered-To field: the address as the client gave it (RFC 9228)."""
    return f"Delivered-To: {recipient.pack(utf8)}\r\n".encode()


def reason_field(reason: str, steps: Collection[str] = ()) -> bytes:
    """The field with the reason of the delivery decision: its word, and the findings step by step (SMTP-78)."""
    text = ";\r\n\t".join((reason, *steps))
    return f"X-Moxlite-Reason: {text}\r\n".encode()


def report_problem(kind: ReportKind | None, problem: str) -> bytes:
    """The field with the reason why the report in the message cannot be used (SMTP-100, SMTP-101); empty without a
    problem.
    """
    if not problem:
        return b""
    name = "DMARC" if kind == "dmarc" else "TLS"
    text = "".join(char if " " <= char <= "~" else "?" for char in problem[:MAX_PROBLEM])
    return f"X-Moxlite-{name}Report-Error: {text}\r\n".encode()


def authentication_results(hostname: Domain, mail_from: str) -> bytes:
    """Authentication-Results of a submission: the user has logged in (RFC 8601 §2.7.4, SMTP-114)."""
    return f"Authentication-Results: {hostname.ascii};\r\n\tauth=pass smtp.mailfrom={mail_from}\r\n".encode()


def without_forged(section: HeaderSection, hostnames: Collection[str]) -> bytes | None:
    """Remove the fields that only we may write: Authentication-Results under one of our names, and X-Moxlite fields
    (SMTP-80).

    Returns None if there are no such fields, the usual case.

    Args:
      hostnames: of all listeners, A-labels: a reader trusts each of them.
    """
    forged = [field for field in section.all(b"authentication-results") if authserv_id(field.text) in hostnames]
    forged += section.all(*[name for name in section.names if name.startswith(b"x-moxlite-")])
    return section.without(forged) if forged else None
