"""The exception of the IMAP codecs: the peer violated the grammar or a limit."""

from typing import Final, Literal

MAX_TEXT: Final = 200
"""Characters of an error text: it becomes one response line, and may quote the peer's input."""


class ProtocolError(Exception):
    """The peer's input violates the grammar or a limit.

    Attributes:
      text: for people; one line, printable ASCII.
      code: the response code without its brackets, such as ``TOOBIG`` (RFC 9051 §7.1), or None.
      condition: ``BAD``, or ``NO`` if an RFC requires it (``BADCHARSET``, ``LIMIT``).
      fatal: the rest of the stream can't be parsed, so the connection must end.
      saves: the command may have been a search whose result is saved.
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
        self.saves = False
