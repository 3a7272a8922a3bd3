"""Messages in files: LF line ends there, CRLF in mail (RFC 5322 §2.1); names of flags in mbox and maildir.

A message in a file has either kind of line ends, and its first line tells which:

- its first line ends in LF: each LF without CR before it becomes CR LF;
- its first line ends in CR LF: all octets are taken as they are.

So a message survives the way into a file and back octet by octet. One that LF alone could not carry (it has a bare LF,
or a CR before CR LF) is written with its own line ends, which the second rule reads back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

__all__ = ["FLAG_WORDS", "FromFile", "IntoFile", "fits_lf", "flag_word"]

FLAG_WORDS: Final[Mapping[str, str]] = {
    "forwarded": "$Forwarded",
    "junk": "$Junk",
    "notjunk": "$NotJunk",
    "nonjunk": "$NotJunk",  # Thunderbird
    "mdnsent": "$MDNSent",
    "phishing": "$Phishing",
}
"""Keywords of files, without ``$`` and in lower case, that are flags (docs/spec/store.md STORE-125)."""


def flag_word(keyword: str) -> str:
    """The flag that a keyword of a file means, with or without ``$`` and in any case; else the keyword as it is."""
    return FLAG_WORDS.get(keyword.removeprefix("$").lower(), keyword)


class FromFile:
    """Octets of one message in a file to its octets in mail, piece by piece."""

    def __init__(self) -> None:
        self._verbatim: bool | None = None
        self._held = b""  # before the first line end all of it, later a CR whose LF may follow

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
"""Octets looked through for the first line end; a longer first line is none of a message with LF."""


def to_crlf(data: bytes) -> bytes:
    """CR LF for each LF; those that have their CR keep it."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    return data.replace(b"\n", b"\r\n")


def fits_lf(pieces: Iterable[bytes]) -> bool:
    """Whether a message comes back whole from its form with LF: no bare LF, no CR before CR LF."""
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
    """Octets of one message to its form with LF, piece by piece; only for what `fits_lf`."""

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
