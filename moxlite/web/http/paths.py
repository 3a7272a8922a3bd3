"""Parsing paths and hosts of requests for routing (RFC 3986 §5.2.4, RFC 9110 §7.2; WEB-6, WEB-7)."""

import ipaddress
import re
from typing import Final
from urllib.parse import unquote_to_bytes

import idna
import msgspec

# RFC 3986 §3.2.2: IP-literal in brackets, else a name up to the port
AUTHORITY: Final = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[^\[\]:@/?#\s]*))(?::(?P<port>[0-9]{0,5}))?\Z")
PLAIN_NAME: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\Z", re.ASCII | re.IGNORECASE)
MAX_NAME: Final = 253  # RFC 1035 §2.3.4, without the dot at the end


class Host(msgspec.Struct, frozen=True):
    """The host that a request is addressed to.

    ``name`` is a domain as lower-case A-labels or an IP address in its canonical form. It is None if the text is
    neither; such a host matches no route that is bound to a host. ``authority`` is the text as received, with the port.
    """

    authority: str
    name: str | None
    is_ip: bool = False


def parse_host(authority: str) -> Host:
    """Parse the value of a Host field, or the authority of a target. Never raises."""
    match = AUTHORITY.match(authority)
    if match is None:
        return Host(authority, None)
    if match["v6"] is not None:
        try:
            return Host(authority, str(ipaddress.IPv6Address(match["v6"])), is_ip=True)
        except ValueError:
            return Host(authority, None)
    name = match["name"].removesuffix(".")
    if name[-1:].isdecimal():  # for all other names it would be an exception, which costs as much as the rest
        try:
            return Host(authority, str(ipaddress.IPv4Address(name)), is_ip=True)
        except ValueError:
            pass
    if not name or len(name) > MAX_NAME:
        return Host(authority, None)
    if PLAIN_NAME.match(name):
        return Host(authority, name.lower())
    try:
        # browsers send A-labels; other programs send UTF-8, which came to us octet by octet
        return Host(authority, idna.encode(name.encode("latin-1").decode(), uts46=True).decode())
    except (UnicodeError, idna.IDNAError):
        return Host(authority, None)


def split_target(target: str) -> tuple[str | None, str, str]:
    """Authority (None in origin form), raw path and raw query of a request target (RFC 9112 §3.2)."""
    authority: str | None = None
    scheme, separator, rest = target.partition("://")
    if separator and scheme.lower() in ("http", "https"):
        end = min((i for i in (rest.find("/"), rest.find("?")) if i >= 0), default=len(rest))
        authority, target = rest[:end], rest[end:]
    path, _, query = target.partition("?")
    return authority, path, query


def unescaped(raw: str) -> str:
    """A path with its percent-escapes decoded (RFC 3986 §2.1). Octets that are not UTF-8 become lone surrogates, so
    that a server behind us can still have them; whatever else uses a path asks `is_text` first.
    """
    return unquote_to_bytes(raw).decode("utf-8", "surrogateescape")


def is_text(decoded: str) -> bool:
    """Whether the octets of an unescaped path were UTF-8."""
    try:
        decoded.encode()
    except UnicodeEncodeError:
        return False
    return True


def normalise_path(raw: str) -> str:
    """Normalise a path for matching. It is decoded once; dot segments and doubled slashes are removed; a slash at the
    end stays. The result is never empty.

    Octets that are not UTF-8 stay as `unescaped` has them.
    """
    path = unescaped(raw)
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            if kept:
                kept.pop()
        elif segment not in ("", "."):
            kept.append(segment)
    slash = "/" if kept and segments[-1] in ("", ".", "..") else ""
    return "/" + "/".join(kept) + slash
