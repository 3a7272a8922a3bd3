"""What a user has set for the webmail (WEBMAIL-105): kept with the account, the same in all browsers.

Sizes and layouts of panes are kept by each browser. A stored value that does not fit any more counts as not set
(`store.mail.settings`).
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = ["OwnSignature", "Settings", "ViewMode"]

Signature = Annotated[str, Meta(max_length=10_000)]
HeaderName = Annotated[str, Meta(pattern=r"^[!-9;-~]{1,100}$")]  # RFC 5322 §2.2

ViewMode = Literal["", "text", "html", "html_ext"]
"""How messages of a sender are shown: as text, as HTML, or with what that loads from outside; "": as set for all."""


class OwnSignature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The signature of one own address."""

    address: Annotated[str, Meta(min_length=1, max_length=1000)]
    text: Signature


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings.

    ``signature`` stands below what is written; ``signatures`` are those of single own addresses. ``quoting``: whether
    an answer begins above or below what it quotes; auto: below what was selected, else above.
    ``show_address_security``: bars below recipients (WEBMAIL-94). ``show_html``: HTML first, where nothing else is
    remembered for the sender. ``show_headers``: fields that are shown besides the usual ones. ``mark_seen_ms``: how
    long a message is shown until it is read, -1 for never. ``after_action``: which message is shown when one has left
    the list. ``undo_send_seconds``: for so long a message that was sent may be taken back, 0 for never (WEBMAIL-123).
    ``single_keys``: keys without ctrl or alt run commands (WEBMAIL-144).
    """

    signature: Signature = ""
    signatures: Annotated[list[OwnSignature], Meta(max_length=100)] = []
    quoting: Literal["auto", "top", "bottom"] = "auto"
    show_address_security: bool = True
    show_html: bool = False
    no_show_shortcuts: bool = False
    show_headers: Annotated[list[HeaderName], Meta(max_length=50)] = []
    color_scheme: Literal["auto", "light", "dark"] = "auto"
    density: Literal["comfortable", "compact"] = "comfortable"
    single_keys: bool = True
    undo_send_seconds: Annotated[int, Meta(ge=0, le=60)] = 10
    mark_seen_ms: Annotated[int, Meta(ge=-1, le=600_000)] = 500
    after_action: Literal["next", "previous", "list"] = "next"
