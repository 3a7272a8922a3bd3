"""The content type of a file, from its name, else from how it begins."""

from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mimetypes import MimeTypes

__all__ = ["content_type"]

SNIFFED: Final = 512  # octets; what tells text from other data is in the first lines

# What Python's own table lacks or has otherwise. Types of programs' sources are left to the look at their content:
# a browser then shows them, instead of offering them as a download.
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
"""By content coding as mimetypes names it: the packed file is served as what it is."""
WITH_CHARSET: Final = frozenset({"application/javascript", "application/json", "application/xml", "image/svg+xml"})

CONTROLS: Final = frozenset(range(32)) - {9, 10, 12, 13, 27}


@cache
def _table() -> "MimeTypes":
    """Without the machine's own files: the same answer everywhere. But Python reads them, too, when it makes the first
    table, which takes 6 ms and half a megabyte: who serves no files does without.
    """
    import mimetypes

    table = mimetypes.MimeTypes()
    for extension, kind in MORE.items():
        table.add_type(kind, extension)
    return table


def content_type(name: str, first: bytes) -> str:
    """The type of a file with this name that begins with these octets. Blocks at its first use."""
    lower = name.lower()
    kind: str | None = None
    if not lower.endswith(tuple(SHOWN)):
        kind, coding = _table().guess_type(f"x{lower}")
        if coding is not None:
            return PACKED.get(coding, "application/octet-stream")
    if kind is None:
        return "text/plain; charset=utf-8" if looks_like_text(first[:SNIFFED]) else "application/octet-stream"
    if kind.startswith("text/") or kind in WITH_CHARSET:
        return f"{kind}; charset=utf-8"
    return kind


def looks_like_text(first: bytes) -> bool:
    """Whether the octets can be UTF-8 text; a character that is cut at the end does not count."""
    if not CONTROLS.isdisjoint(first):
        return False
    try:
        first.decode()
    except UnicodeDecodeError as e:
        return e.reason == "unexpected end of data" and e.start > 0
    return True
