"""Whole frames out of a client's octets, and the limits against floods of them (RFC 9113 §4.1, §10.5; WEB-2).

h2 takes 20 to 100 µs for a frame, whatever it is good for. Frames are counted here before h2 sees them: those that
a client needs now and then have a budget for each `PERIOD`, those that come with data one that grows with the data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum
from typing import Final, TypeAlias, final

import msgspec
from hpack.struct import HeaderTuple, NeverIndexedHeaderTuple

from moxlite.web.http.messages import Headers

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""RFC 9113 §3.4."""

HEAD: Final = 9
"""Octets of a frame's head (RFC 9113 §4.1)."""

MAX_FRAME: Final = 16384
"""Octets of a frame's payload: the lowest value of SETTINGS_MAX_FRAME_SIZE, which is the one that we announce."""

FRAMES_IN_A_TURN: Final = 16
"""Frames that h2 gets at once, before other tasks have a turn: 1 ms, 20 ms if all are malicious header lists."""

MAX_BLOCK: Final = 64 * 1024
"""Octets of a header list, compressed, over all its frames (WEB-4)."""

MAX_BLOCK_FRAMES: Final = 16
"""Frames of a header list. Four full ones hold `MAX_BLOCK`."""

PERIOD: Final = 10.0
"""Seconds for which the budgets are."""

FREE_DATA: Final = 4096
"""DATA frames of any size on a connection, as for chunks (WEB-4)."""

MIN_DATA: Final = 64
"""Average octets of a DATA frame after that."""

FREE_UPDATES: Final = 1000
"""WINDOW_UPDATE frames on a connection for nothing that we have sent."""

MIN_UPDATE: Final = 512
"""Octets that we must have sent for each further one. Clients give 16 KiB and more at a time."""


class Kind(IntEnum):
    """Types of frames (RFC 9113 §6)."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


OTHER: Final = 10
"""All types that we do not know are counted as one."""

BUDGETS: Final = {
    Kind.PRIORITY: 1000,  # a browser sends some for each image when the user scrolls
    Kind.RST_STREAM: 200,
    Kind.SETTINGS: 20,
    Kind.PING: 100,
    OTHER: 200,
}
"""Frames of a kind in a period."""

NAMES: Final = {kind.value: kind.name for kind in Kind}
END_STREAM: Final = 0x1
END_HEADERS: Final = 0x4
"""Flags of DATA and HEADERS (RFC 9113 §6.1, §6.2)."""


class Flood(Exception):
    """The client sends more of something than it can need. The text names it."""


@final
class Frames:
    """Cuts the octets of one connection into frames, and counts them.

    Attributes:
      farewell: the client has sent GOAWAY: it begins no other request, and waits for the answers. h2 does not see that
        frame, since it would refuse to send anything after it.
    """

    def __init__(self) -> None:
        self.farewell = False
        self._buffer = bytearray()
        self._begun = False  # the preface has come
        self._block = 0  # frames of the header list that has not ended
        self._block_octets = 0
        self._period = 0.0  # end of the current one
        self._counts: dict[int, int] = {}
        self._data = 0
        self._data_octets = 0
        self._updates = 0
        self._sent = 0

    @property
    def begun(self) -> bool:
        """Whether the preface has come."""
        return self._begun

    def feed(self, octets: bytes) -> None:
        """Take octets as they come."""
        self._buffer += octets

    def sent(self, octets: int) -> None:
        """Count octets of bodies that were sent to the client, for which it opens its windows again."""
        self._sent += octets

    def reset(self, now: float) -> None:
        """Count a stream that was reset, by whichever side: a request that costs us work and the client nothing.

        Raises Flood.
        """
        self._spend(Kind.RST_STREAM, now)

    def take(self, now: float) -> bytes:
        """The next whole frames, a few at most; b"" if no frame is whole. `now` in seconds of any clock.

        Raises Flood.
        """
        end = 0
        if not self._begun:
            if len(self._buffer) < len(PREFACE) and PREFACE.startswith(self._buffer):
                return b""
            # h2 sees any other octets as they are, and refuses them
            self._begun, end = True, len(PREFACE)
        for _ in range(FRAMES_IN_A_TURN):
            if len(self._buffer) < end + HEAD:
                break
            length = int.from_bytes(self._buffer[end : end + 3], "big")
            if length > MAX_FRAME:
                raise Flood("frame is larger than 16384 octets")
            if len(self._buffer) < end + HEAD + length:
                break
            kind, flags = self._buffer[end + 3], self._buffer[end + 4]
            if kind == Kind.GOAWAY and not self._block:
                self.farewell = True
                del self._buffer[end : end + HEAD + length]
                continue
            self._count(kind, flags, length, now)
            end += HEAD + length
        piece = bytes(self._buffer[:end])
        del self._buffer[:end]
        return piece

    def _count(self, kind: int, flags: int, length: int, now: float) -> None:
        match kind:
            case Kind.HEADERS | Kind.CONTINUATION:
                self._block += 1
                self._block_octets += length
                if self._block > MAX_BLOCK_FRAMES or self._block_octets > MAX_BLOCK:
                    raise Flood("CONTINUATION")
                if flags & END_HEADERS:
                    self._block = self._block_octets = 0
            case Kind.DATA:
                self._data += 1
                self._data_octets += length
                small = self._data_octets < self._data * MIN_DATA
                if self._data > FREE_DATA and small and not flags & END_STREAM:
                    raise Flood("too many small DATA frames")
            case Kind.WINDOW_UPDATE:
                self._updates += 1
                if self._updates > FREE_UPDATES + self._sent // MIN_UPDATE:
                    raise Flood("WINDOW_UPDATE")
            case _:
                self._spend(kind, now)

    def _spend(self, kind: int, now: float) -> None:
        if now >= self._period:
            self._period = now + PERIOD
            self._counts.clear()
        key = kind if kind in BUDGETS else OTHER
        self._counts[key] = count = self._counts.get(key, 0) + 1
        if count > BUDGETS[key]:
            raise Flood(NAMES.get(kind, "unknown frames"))


# Header fields of HTTP/2: requests checked as strictly as in HTTP/1.1, responses for the encoder (RFC 9113 §8).
#
# h2 could check fields too, octet by octet in Python: 5 ms for a list of 64 KiB. Regular expressions take 0.1 ms.
# They refuse what servers behind us could read as two fields or two requests.


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
                raise Malformed("invalid pseudo-header fields")
            pseudo[name] = value
            continue
        _check(name, value)
        if name in ONCE:
            if name in once:
                raise Malformed("duplicate content-length or host field")
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
        raise Malformed("invalid characters in a header field")
    if name in FORBIDDEN or (name == b"te" and value.lower() != b"trailers"):
        raise Malformed("connection-specific fields aren't allowed")


def _request_line(pseudo: dict[bytes, bytes], host: bytes | None) -> tuple[bytes, bytes, bytes]:
    """Method, target and authority (RFC 9113 §8.3.1, §8.5)."""
    method, authority = pseudo.get(b":method", b""), pseudo.get(b":authority", host or b"")
    if not METHOD.fullmatch(method) or not VISIBLE.fullmatch(authority) or b"@" in authority:
        raise Malformed("invalid method or authority")
    if host is not None and host.lower() != authority.lower():
        raise Malformed("Host and :authority don't match")
    if method == b"CONNECT":
        if len(pseudo) != 2 or b":authority" not in pseudo:
            raise Malformed("CONNECT")
        return method, authority, authority
    path = pseudo.get(b":path", b"")
    if pseudo.get(b":scheme") not in SCHEMES or not VISIBLE.fullmatch(path):
        raise Malformed("invalid scheme or path")
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
