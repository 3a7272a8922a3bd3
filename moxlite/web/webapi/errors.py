"""Errors of the web API with their codes (WEB-93)."""

from __future__ import annotations

from typing import Final, Literal, get_args

from moxlite.encoding import to_json

Code = Literal[
    "user",
    "server",
    "protocol",
    "error",
    "badAddress",
    "missingBody",
    "multipleFrom",
    "badFrom",
    "domainDisabled",
    "noRecipients",
    "messageLimitReached",
    "recipientLimitReached",
    "messageTooLarge",
    "malformedMessageID",
    "sentOverQuota",
    "messageNotFound",
    "partNotFound",
    "mailboxNotFound",
]

CODES: tuple[str, ...] = get_args(Code)


class WebAPIError(Exception):
    """A refused call. `code` is for programs, `text` for people."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code: Code = code
        self.text = text


# The size of results: clients of webapi v0 read at most 3 MiB of JSON (WEB-103).


MAX_RESULT: Final = 3 << 20
"""Octets of a JSON result."""

MAX_ERROR: Final = 2000
"""Characters of an error text: 10 KiB whatever they are."""


def shortened(text: str, room: int) -> str:
    """The longest beginning of a text that takes at most `room` octets as a JSON string, with its quotes."""
    if len(text) * 6 + 2 <= room or len(to_json(text)) <= room:
        return text
    low, high = 0, min(len(text), max(room, 0))
    while low < high:
        middle = (low + high + 1) // 2
        if len(to_json(text[:middle])) <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low]
