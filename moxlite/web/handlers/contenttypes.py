"""The content type of a file, by its name, else by its first octets."""

from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mimetypes import MimeTypes

SNIFFED: Final = 512  # octets that are examined; text differs from other data in its first lines

# Types that Python's own table lacks or has differently. The types of source files are left to the check of their
# content: a browser then shows them, instead of offering them as a download.
MORE: Final = {
    ".avif": "image/avif",
    ".cjs": "text/javascript",
    ".eml": "text/plain",
    ".ico": "image/vnd.microsoft.icon",
    ".ics": "text/calendar",
    ".js": "text/javascript",
    ".log": "text/plain",
    ".md": "text/plain",
    ".mjs": "text/javascript",
    ".opus": "audio/ogg",
    ".otf": "font/otf",
    ".ttf": "font/ttf",
    ".vcf": "text/vcard",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
SHOWN: Final = frozenset({".c", ".h", ".py", ".sh", ".tex", ".toml", ".ts"})
PACKED: Final = {
    "bzip2": "application/x-bzip2",
    "compress": "application/x-compress",
    "gzip": "application/gzip",
    "xz": "application/x-xz",
}
"""Content type by content coding, as mimetypes names it: a packed file is served as what it is."""
WITH_CHARSET: Final = frozenset({"application/javascript", "application/json", "application/xml", "image/svg+xml"})

STARTS: Final = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"OggS\0", "application/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
)
"""Content types by the first octets (https://mimesniff.spec.whatwg.org/): none that a browser runs."""

CONTROLS: Final = frozenset(range(32)) - {9, 10, 12, 13, 27}
"""Octets that no text has: all controls but TAB, LF, FF, CR and ESC (https://mimesniff.spec.whatwg.org/)."""


@cache
def _table() -> "MimeTypes":
    """Python's table with our additions, without the machine's own files, so that the answer is the same everywhere.
    Python itself reads these files when it makes the first table, which takes 6 ms and half a megabyte. A server
    without files never makes it.
    """
    import mimetypes

    table = mimetypes.MimeTypes()
    for extension, kind in MORE.items():
        table.add_type(kind, extension)
    return table


def content_type(name: str, first: bytes) -> str:
    """The content type of a file by its name, else by its first octets, at least SNIFFED. Blocks at its first use."""
    lower = name.lower()
    kind: str | None = None
    if not lower.endswith(tuple(SHOWN)):
        kind, coding = _table().guess_type(f"x{lower}")
        if coding is not None:
            return PACKED.get(coding, "application/octet-stream")
    if kind is None:
        kind = next((one for start, one in STARTS if first.startswith(start)), None)
    if kind is None and first[:4] == b"RIFF" and first[8:12] == b"WEBP":
        kind = "image/webp"
    if kind is None:
        return "text/plain; charset=utf-8" if looks_like_text(first[:SNIFFED]) else "application/octet-stream"
    if kind.startswith("text/") or kind in WITH_CHARSET:
        return f"{kind}; charset=utf-8"
    return kind


def looks_like_text(first: bytes) -> bool:
    """Whether the octets can be UTF-8 text. A character that is cut off at the end is accepted."""
    if not CONTROLS.isdisjoint(first):
        return False
    try:
        first.decode()
    except UnicodeDecodeError as e:
        return e.reason == "unexpected end of data" and e.start > 0
    return True
