"""Secrets by which webhooks are signed, in the form of Standard Webhooks (WEB-111)."""

import base64
import binascii
from typing import Final

from moxlite.wording import worded

PREFIX: Final = "whsec_"
SIZES: Final = range(24, 65)
"""Octets of a key (Standard Webhooks, "Secret")."""

MAX_KEYS: Final = 2
"""Two secrets while one is replaced."""


def webhook_keys(text: str) -> tuple[bytes, ...]:
    """The keys in a setting: none, one, or two separated by a space. Raises ValueError."""
    keys: list[bytes] = []
    for word in text.split():
        try:
            key = base64.b64decode(word.removeprefix(PREFIX), validate=True) if word.startswith(PREFIX) else b""
        except binascii.Error:
            key = b""
        if len(key) not in SIZES:
            raise ValueError(
                worded(
                    "must be {prefix} and {least} to {most} octets as base64",
                    prefix=PREFIX,
                    least=SIZES[0],
                    most=SIZES[-1],
                )
            )
        keys.append(key)
    if len(keys) > MAX_KEYS:
        raise ValueError("has more than two secrets")
    return tuple(keys)
