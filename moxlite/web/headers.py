"""Header fields of the answers of internal services (WEB-29)."""

from typing import Final
from urllib.parse import quote

from moxlite.web.http.messages import header_value

SERVICE_HEADERS: Final = (
    ("x-frame-options", "deny"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
)
# an API answer must not be run or shown as a page
API_HEADERS: Final = (
    ("content-type", "application/json; charset=utf-8"),
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    *SERVICE_HEADERS,
)


def page_policy(scripts: tuple[str, ...], styles: tuple[str, ...]) -> str:
    """The Content-Security-Policy of an app's document (WEBMAIL-11). `scripts` and `styles` are the hashes ``sha256-…``
    of its inline elements.
    """
    # 'self' for the lazy parts of the script, hashes for what is in the document: no other inline script runs, should
    # HTML of a mail ever get into the page.
    script = " ".join(("'self'", *(f"'{value}'" for value in scripts)))
    style = " ".join(("'self'", *(f"'{value}'" for value in styles)))
    return (
        f"default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; img-src 'self' data: blob:; "
        "frame-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


def disposition(filename: str) -> tuple[str, str]:
    """Content-Disposition of a download (RFC 6266 §5)."""
    return ("content-disposition", header_value(f"attachment; filename*=UTF-8''{quote(filename, safe='')}"))
