"""Errors of the web API with their codes (WEB-93)."""

from __future__ import annotations

from typing import Literal, get_args

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
