"""Failures of TLS by kind: for the log, for metrics (SMTP-139), for reports to other domains (QUEUE-122)."""

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from OpenSSL import SSL

from moxlite.net.admission import ConnectionInfo

ALERTS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "close notify": 0,
        "unexpected message": 10,
        "bad record mac": 20,
        "record overflow": 22,
        "handshake failure": 40,
        "bad certificate": 42,
        "unsupported certificate": 43,
        "certificate revoked": 44,
        "certificate expired": 45,
        "certificate unknown": 46,
        "illegal parameter": 47,
        "unknown ca": 48,
        "access denied": 49,
        "decode error": 50,
        "decrypt error": 51,
        "protocol version": 70,
        "insufficient security": 71,
        "internal error": 80,
        "inappropriate fallback": 86,
        "user cancelled": 90,
        "missing extension": 109,
        "unsupported extension": 110,
        "unrecognized name": 112,
        "bad certificate status response": 113,
        "unknown psk identity": 115,
        "certificate required": 116,
        "no application protocol": 120,
    }
)
"""Alert names as OpenSSL writes them, and their numbers (RFC 8446 §6)."""


class TLSError(Exception):
    """TLS with this peer failed: in the handshake raised as such, later as the cause of trio.BrokenResourceError.

    ``alert`` is the name of the alert that the peer sent, such as ``handshake_failure``, None when the trouble was
    noticed on our side. ``plain_http``: the peer sent a request of HTTP without TLS. ``kind`` sorts the failure for
    metrics (SMTP-139): eof, timeout, nottls, sslv2, unsupportedversions, alert-40-handshake_failure,
    noname and unknownname (by a server that refuses both: WEB-118), other.
    """

    def __init__(self, text: str, *, alert: str | None = None, kind: str = "other", plain_http: bool = False) -> None:
        super().__init__(text)
        self.alert = alert
        self.kind = kind
        self.plain_http = plain_http


def log_level(error: TLSError, info: ConnectionInfo) -> int:
    """The log's level for a failed handshake. Peers that leave, and programs that search all addresses and name no
    server, are at debug; so are our own checks of the ports, which say elsewhere what they found.
    """
    inside = info.remote.is_loopback or info.remote == info.local
    quiet = error.kind in ("eof", "noname") or (inside and error.kind != "nottls")
    return logging.DEBUG if quiet else logging.INFO


def tls_error(exc: SSL.Error) -> TLSError:
    """The TLSError for an OpenSSL error."""
    if isinstance(exc, SSL.SysCallError):
        return TLSError("connection closed without a TLS alert", kind="eof")
    details = exc.args[0] if exc.args and isinstance(exc.args[0], list) else []
    reason = str(details[0][2]) if details and len(details[0]) > 2 else "TLS failed"
    _, found, name = reason.partition("alert ")
    if found:
        alert = name.removeprefix("number ").replace(" ", "_")
        return TLSError(f"peer sent alert {alert}", alert=alert, kind=f"alert-{ALERTS.get(name, 255)}-{alert}")
    plain_http = reason in ("http request", "https proxy request")
    if plain_http or reason in ("wrong version number", "packet length too long"):
        return TLSError(f"peer doesn't use TLS: {reason}", kind="nottls", plain_http=plain_http)
    if reason in ("unsupported protocol", "version too low", "no protocols available"):
        return TLSError(f"no common TLS version: {reason}", kind="unsupportedversions")
    return TLSError(reason, kind="sslv2" if "sslv2" in reason.lower() else "other")
