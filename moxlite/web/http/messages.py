"""Header fields and whole responses as values (RFC 9110 §3, §5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import final

import msgspec


@final
class Headers:
    """Header fields in order of arrival; names are lower case (RFC 9110 §5.1), values latin-1 text."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = tuple(fields)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def get(self, name: str) -> str | None:
        """The value of the first field of that name, or None."""
        for key, value in self._fields:
            if key == name:
                return value
        return None

    def all(self, name: str) -> list[str]:
        """The values of all fields of that name."""
        return [value for key, value in self._fields if key == name]

    def elements(self, name: str) -> list[str]:
        """The elements of a comma-separated list (RFC 9110 §5.6.1) over all fields of that name. Quoted commas are not
        supported; tokens and entity tags have none.
        """
        return [part for value in self.all(name) for element in value.split(",") if (part := element.strip())]


class Response(msgspec.Struct, frozen=True):
    """A whole response. ``Content-Length`` and ``Date`` are added when it is written. ``shared``: the body is kept
    for all requests, and costs this one nothing.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    shared: bool = False

    @classmethod
    def text(cls, status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
        """A response with one line of plain text."""
        fields = (("content-type", "text/plain; charset=utf-8"), ("x-content-type-options", "nosniff"), *headers)
        return cls(status, fields, text.encode() + b"\n")

    @classmethod
    def redirect(cls, status: int, location: str) -> Response:
        """A redirect. ``location`` must be percent-encoded already."""
        return cls(status, (("location", header_value(location)),))

    def header(self, name: str) -> str | None:
        """The value of the first header field of that (lower-case) name."""
        return next((value for key, value in self.headers if key == name), None)


def header_value(text: str) -> str:
    """Check a text for use in a header field, and return it.

    Raises ValueError if it contains a control character: the response must not be split, wherever the text comes from
    (WEB-135).
    """
    if any(ord(c) < 0x20 or ord(c) == 0x7F for c in text):
        raise ValueError("control character in a header value")
    return text
