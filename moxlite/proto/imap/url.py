"""IMAP URLs (RFC 5092): ``imap://user@host/mailbox;UIDVALIDITY=v/;UID=u/;SECTION=s/;PARTIAL=o.n``, and relative ones
for CATENATE.
"""

import re
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from msgspec import Struct

from .errors import ProtocolError
from .tokens import inbox

_AUTHORITY: Final = re.compile(
    r"imap://(?:([^@/;]*)(?:;AUTH=[^@/]*)?@)?(\[[0-9A-Fa-f:.]+\]|[^/:@]*)(?::([0-9]{1,5}))?", re.IGNORECASE
)
_PATH: Final = re.compile(
    r"/?(?P<mailbox>[^;?]*?)(?:;UIDVALIDITY=(?P<validity>[0-9]{1,10}))?"
    r"(?:/;UID=(?P<uid>[0-9]{1,10})(?:/;SECTION=(?P<section>[^;?]*?))?(?:/;PARTIAL=(?P<offset>[0-9]{1,19})(?:\.(?P<length>[0-9]{1,19}))?)?)?",
    re.IGNORECASE,
)
_SAFE: Final = "/!$'()*+,&=:@~"
"""Characters that a path may have unencoded (RFC 5092 §11 ``bchar``)."""


class ImapUrl(Struct, frozen=True):
    """An IMAP URL of a mailbox, a message or a part of it.

    host: "" in a relative URL. uid: None for the mailbox itself. section: ``section-spec`` as in FETCH, "" for the
    whole message. partial: offset and length in octets; length None is up to the end.
    """

    mailbox: str
    uidvalidity: int | None = None
    uid: int | None = None
    section: str = ""
    partial: tuple[int, int | None] | None = None
    host: str = ""
    port: int | None = None
    user: str | None = None

    @classmethod
    def parse(cls, text: str) -> "ImapUrl":
        """Parse a URL. Raises ProtocolError."""
        host, port, user = "", None, None
        rest = text
        if (authority := _AUTHORITY.match(text)) is not None:
            user = _decode(authority[1]) if authority[1] is not None else None
            host, port = authority[2], int(authority[3]) if authority[3] else None
            rest = text[authority.end() :]
        match = _PATH.fullmatch(rest)
        if match is None or (authority is None and "://" in text and not text.startswith("/")):
            raise ProtocolError("not an IMAP URL for a message or mailbox")
        uid, validity, offset, length = (_number(match[name]) for name in ("uid", "validity", "offset", "length"))
        return cls(
            inbox(_decode(match["mailbox"])),
            validity,
            uid,
            _decode(match["section"] or ""),
            None if offset is None else (offset, length),
            host,
            port,
            user,
        )

    def encode(self) -> str:
        """The URL as text: absolute with a host, else relative to the server."""
        text = "/" + quote(self.mailbox, safe=_SAFE)
        if self.uidvalidity is not None:
            text += f";UIDVALIDITY={self.uidvalidity}"
        if self.uid is not None:
            text += f"/;UID={self.uid}"
            if self.section:
                text += f"/;SECTION={quote(self.section, safe=_SAFE)}"
            if self.partial is not None:
                offset, length = self.partial
                text += f"/;PARTIAL={offset}" + ("" if length is None else f".{length}")
        if not self.host:
            return text
        user = "" if self.user is None else quote(self.user, safe="") + "@"
        port = "" if self.port is None else f":{self.port}"
        return f"imap://{user}{self.host}{port}{text}"


def _number(digits: str | None) -> int | None:
    return None if digits is None else int(digits)


def _decode(text: str) -> str:
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError("IMAP URL isn't valid UTF-8") from error
