"""The one exception of the IMAP codecs: a peer that broke the grammar or a limit."""

from typing import Final, Literal

__all__ = ["ProtocolError"]

MAX_TEXT: Final = 200
"""Characters of an error text: it becomes one response line, and may quote what the peer sent."""


class ProtocolError(Exception):
    """What a peer sent can't be taken.

    Attributes:
      text: for people; one line, printable ASCII.
      code: the response code without its brackets, such as ``TOOBIG`` (RFC 9051 §7.1), or None.
      condition: ``BAD``, or ``NO`` where an RFC asks for it (``BADCHARSET``, ``LIMIT``).
      fatal: the stream can't be understood any further, the connection has to end.
    """

    def __init__(
        self,
        text: str,
        *,
        code: str | None = None,
        condition: Literal["BAD", "NO"] = "BAD",
        fatal: bool = False,
    ) -> None:
        if len(text) > MAX_TEXT or not (text.isascii() and text.isprintable()):
            text = "".join(c if " " <= c <= "~" else "?" for c in text[:MAX_TEXT])
        super().__init__(text)
        self.text = text
        self.code = code
        self.condition: Literal["BAD", "NO"] = condition
        self.fatal = fatal
