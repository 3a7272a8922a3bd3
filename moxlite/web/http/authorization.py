"""Credentials of a request: name and password (HTTP Basic, RFC 7617), or a token (Bearer, RFC 6750)."""

import base64
import binascii
from typing import Final

from moxlite.web.http.messages import Headers

MAX_CREDENTIALS: Final = 4096
"""Characters of the credentials; names and passwords have at most some hundred."""


def bearer_token(headers: Headers) -> str | None:
    """The token, "" for one that cannot be right; None unless the request has one, once."""
    fields = headers.all("authorization")
    scheme, _, token = fields[0].strip().partition(" ") if len(fields) == 1 else ("", "", "")
    if scheme.lower() != "bearer":
        return None
    return token.strip() if len(token) <= MAX_CREDENTIALS and token.isascii() else ""


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
