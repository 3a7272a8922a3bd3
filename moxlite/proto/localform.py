"""Conversion of messages between mail (CRLF line ends, RFC 5322 §2.1) and files (LF); flag names in mbox and maildir.

A message in a file has either kind of line ends. Its first line determines the conversion to mail:

- if it ends in LF, each LF without CR before it becomes CR LF;
- if it ends in CR LF, all octets are kept unchanged.

So a message that is written to a file and read back has the same octets. A message that would be changed by LF line
ends (it has a bare LF, or a CR before CR LF) is written unchanged, and is read back by the second rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

FLAG_WORDS: Final[Mapping[str, str]] = {
    "forwarded": "$Forwarded",
    "junk": "$Junk",
    "notjunk": "$NotJunk",
    "nonjunk": "$NotJunk",  # Thunderbird
    "mdnsent": "$MDNSent",
    "phishing": "$Phishing",
}
"""Flags by the keyword in a file, without ``$`` and in lower case (docs/spec/store.md STORE-125)."""


def flag_word(keyword: str) -> str:
    """Return the flag for a keyword in a file, with or without ``$`` and in any case; else the keyword unchanged."""
    return FLAG_WORDS.get(keyword.removeprefix("$").lower(), keyword)


class FromFile:
    """Converts one message from its form in a file to its form in mail, piece by piece."""

    def __init__(self) -> None:
        self._verbatim: bool | None = None
        self._held = b""  # all octets before the first line end; later a CR whose LF may follow

    def feed(self, data: bytes) -> bytes:
        """Take the next piece; returns what is certain."""
        if self._verbatim:
            return data
        data, self._held = self._held + data, b""
        if self._verbatim is None:
            end = data.find(b"\n")
            if end < 0 and len(data) < MAX_HELD:
                self._held = data
                return b""
            self._verbatim = end > 0 and data[end - 1] == 13
            if self._verbatim:
                return data
        if data.endswith(b"\r"):
            data, self._held = data[:-1], b"\r"
        return to_crlf(data)

    def finish(self) -> bytes:
        """The end of the message: what was held back."""
        held, self._held = self._held, b""
        return held


MAX_HELD: Final = 64 << 10
"""Octets searched for the first line end. No message with LF line ends has a longer first line."""


def to_crlf(data: bytes) -> bytes:
    """Replace each LF without CR before it by CR LF."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    return data.replace(b"\n", b"\r\n")


def fits_lf(pieces: Iterable[bytes]) -> bool:
    """Whether a message can be restored from its form with LF line ends: no bare LF, no CR before CR LF."""
    last = b""
    for piece in pieces:
        joined = last + piece
        if joined.count(b"\n") - last.count(b"\n") != joined.count(b"\r\n") - last.count(b"\r\n"):
            return False
        if b"\r\r\n" in joined:
            return False
        last = joined[-2:]
    return True


class IntoFile:
    """Converts one message to its form with LF line ends, piece by piece; only for a message that `fits_lf`."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Take the next piece; returns what is certain."""
        data, self._held = self._held + data, b""
        if data.endswith(b"\r"):
            data, self._held = data[:-1], b"\r"
        return data.replace(b"\r\n", b"\n")

    def finish(self) -> bytes:
        """The end of the message: what was held back."""
        held, self._held = self._held, b""
        return held
