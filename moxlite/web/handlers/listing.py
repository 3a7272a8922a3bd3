"""The page that lists a directory (WEB-39)."""

import base64
import hashlib
from datetime import UTC, datetime
from html import escape
from typing import Final
from urllib.parse import quote

from moxlite.web.handlers.files import Listing

STYLE: Final = (
    ":root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}"
    "body{max-width:60rem;margin:1.5rem auto;padding:0 1rem}"
    "h1{font-size:1.2rem;overflow-wrap:anywhere}"
    "table{border-collapse:collapse;width:100%}"
    "th{text-align:left;font-weight:600}"
    "th,td{padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8884;vertical-align:top}"
    "th:nth-child(-n+2),td:nth-child(-n+2){text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums;width:1%}"
    "td:last-child{overflow-wrap:anywhere}"
    "a{color:#1f7a74;text-decoration:none}a:hover{text-decoration:underline}"
    "@media(prefers-color-scheme:dark){a{color:#6cc7bf}}"
)
PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{path}</title>
<style>{style}</style>
</head>
<body>
<h1>{path}</h1>
<table>
<thead><tr><th>MB</th><th>Modified (UTC)</th><th>Name</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>{note}
</body>
</html>
"""
_hash: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS: Final = (
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "no-cache"),  # there is no validator for a listing
    ("content-security-policy", f"default-src 'none'; style-src 'sha256-{_hash}'; frame-ancestors 'none'"),
    ("x-content-type-options", "nosniff"),
)


def render(path: str, listing: Listing) -> bytes:
    """The HTML page of the directory at `path`."""
    rows = [] if path == "/" else ['<tr><td></td><td></td><td><a href="../">..</a></td></tr>']
    for entry in listing.entries:
        size = "" if entry.directory else megabytes(entry.size)
        time = datetime.fromtimestamp(entry.modified, UTC).strftime("%Y-%m-%d %H:%M")
        name = entry.name + "/" * entry.directory
        # "./" because a name may have a colon, which would make a scheme of it (RFC 3986 §4.2)
        link = f'<a href="./{quote(name)}">{escape(name)}</a>'
        rows.append(f"<tr><td>{size}</td><td>{time}</td><td>{link}</td></tr>")
    note = "" if listing.complete else f"\n<p>Only the first {len(listing.entries)} entries are shown.</p>"
    return PAGE.format(path=escape(path), style=STYLE, rows="\n".join(rows), note=note).encode()


def megabytes(size: int) -> str:
    """A size in octets as megabytes; a size above 0 is never shown as 0."""
    return "0" if size == 0 else "&lt;0.01" if size < 10_000 else f"{size / 1e6:.2f}"
