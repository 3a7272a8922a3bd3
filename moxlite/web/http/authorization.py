"""Name and password of a request, by HTTP Basic authentication (RFC 7617)."""

import base64
import binascii
from typing import Final

from moxlite.web.http.messages import Headers

MAX_CREDENTIALS: Final = 4096
"""Characters of the credentials; names and passwords have at most some hundred."""


def basic_credentials(headers: Headers) -> tuple[str, str] | None:
    """Name and password, UTF-8; None unless there are credentials, once."""
    fields = headers.all("authorization")
    scheme, _, encoded = fields[0].strip().partition(" ") if len(fields) == 1 else ("", "", "")
    if scheme.lower() != "basic" or len(encoded) > MAX_CREDENTIALS:
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (name, password) if colon else None
