"""Header fields of HTTP/2: requests checked as strictly as in HTTP/1.1, responses for the encoder (RFC 9113 §8).

h2 could check fields too, octet by octet in Python: 5 ms for a list of 64 KiB. Regular expressions take 0.1 ms. They
refuse what servers behind us could read as two fields or two requests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, TypeAlias

import msgspec
from hpack.struct import HeaderTuple, NeverIndexedHeaderTuple

from moxlite.web.http.messages import Headers

Pairs: TypeAlias = Iterable[tuple[bytes, bytes]]

NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
"""A field's name, in lower case (RFC 9110 §5.1, RFC 9113 §8.2.1)."""

VALUE: Final = re.compile(rb"(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")
"""A field's value, without white space around it (RFC 9110 §5.5)."""

METHOD: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
VISIBLE: Final = re.compile(rb"[\x21-\x7e]+")
DIGITS: Final = re.compile(rb"[0-9]{1,18}")

PSEUDO: Final = frozenset((b":method", b":scheme", b":authority", b":path"))
FORBIDDEN: Final = frozenset((b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"))
"""Fields about one connection of HTTP/1.1 (RFC 9113 §8.2.2)."""

SCHEMES: Final = frozenset((b"http", b"https"))
"""http: of a client whose TLS ends at a proxy in front of us."""

ONCE: Final = frozenset((b"host", b"content-length"))
SECRET: Final = frozenset((b"set-cookie",))
"""Fields that no table of the compression may hold: their length would tell guessed values (RFC 7541 §7.1.3)."""


class Malformed(Exception):
    """The fields are not a valid request (RFC 9113 §8.1.1). The text says why."""


class RequestHead(msgspec.Struct, frozen=True):
    """Head of a request. `headers` begin with ``host``; `length` is the announced one of the body, or None."""

    method: str
    target: str
    headers: Headers
    length: int | None


def request_head(fields: Pairs) -> RequestHead:
    """Check and convert the fields of a request. Raises Malformed."""
    pseudo: dict[bytes, bytes] = {}
    regular: list[tuple[str, str]] = []
    cookies: list[str] = []
    once: dict[bytes, bytes] = {}
    for name, value in fields:
        if name[:1] == b":":
            if regular or cookies or once or name not in PSEUDO or name in pseudo:
                raise Malformed("pseudo-header fields")
            pseudo[name] = value
            continue
        _check(name, value)
        if name in ONCE:
            if name in once:
                raise Malformed("two lengths or hosts")
            once[name] = value
        if name == b"cookie":
            cookies.append(value.decode("latin-1"))
        elif name != b"host":
            regular.append((name.decode("ascii"), value.decode("latin-1")))
    method, target, authority = _request_line(pseudo, once.get(b"host"))
    if cookies:  # one field for each cookie compresses better; all others expect one field (RFC 9113 §8.2.3)
        regular.append(("cookie", "; ".join(cookies)))
    length = once.get(b"content-length")
    if length is not None and not DIGITS.fullmatch(length):
        raise Malformed("content-length")
    headers = Headers((("host", authority.decode("latin-1")), *regular))
    return RequestHead(method.decode("ascii"), target.decode("ascii"), headers, None if length is None else int(length))


def _check(name: bytes, value: bytes) -> None:
    if not NAME.fullmatch(name) or not VALUE.fullmatch(value):
        raise Malformed("characters of a field")
    if name in FORBIDDEN or (name == b"te" and value.lower() != b"trailers"):
        raise Malformed("a field about the connection")


def _request_line(pseudo: dict[bytes, bytes], host: bytes | None) -> tuple[bytes, bytes, bytes]:
    """Method, target and authority (RFC 9113 §8.3.1, §8.5)."""
    method, authority = pseudo.get(b":method", b""), pseudo.get(b":authority", host or b"")
    if not METHOD.fullmatch(method) or not VISIBLE.fullmatch(authority) or b"@" in authority:
        raise Malformed("method or authority")
    if host is not None and host.lower() != authority.lower():
        raise Malformed("two hosts")
    if method == b"CONNECT":
        if len(pseudo) != 2 or b":authority" not in pseudo:
            raise Malformed("CONNECT")
        return method, authority, authority
    path = pseudo.get(b":path", b"")
    if pseudo.get(b":scheme") not in SCHEMES or not VISIBLE.fullmatch(path):
        raise Malformed("scheme or path")
    if not path.startswith(b"/") and not (path == b"*" and method == b"OPTIONS"):
        raise Malformed("path")
    return method, path, authority


def trailer_section(fields: Pairs) -> tuple[tuple[str, str], ...]:
    """Check and convert the fields after a body. Raises Malformed."""
    found = []
    for name, value in fields:
        _check(name, value)
        found.append((name.decode("ascii"), value.decode("latin-1")))
    return tuple(found)


def response_fields(status: int | None, fields: Pairs) -> list[HeaderTuple]:
    """The fields of a response, or with None of a trailer section, without those about a connection of HTTP/1.1."""
    first = [] if status is None else [HeaderTuple(b":status", str(status).encode())]
    return first + [
        (NeverIndexedHeaderTuple if name in SECRET else HeaderTuple)(bytes(name), bytes(value))
        for name, value in fields
        if name not in FORBIDDEN
    ]
