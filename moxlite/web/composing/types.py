"""Types of a message that is being written, as the webmail and the web API send it."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

AnyID = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Line = Annotated[str, Meta(max_length=10_000)]
UploadID = Annotated[str, Meta(min_length=22, max_length=22)]
TLSWish = Literal["default", "require", "insecure"]


class Party(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A name, which may be empty, and an address as it was typed."""

    name: Line
    address: Line


Parties = Annotated[list[Party], Meta(max_length=1000)]


class Uploaded(msgspec.Struct, frozen=True):
    """An uploaded file; ``size`` in octets."""

    upload_id: str
    filename: str
    content_type: str
    size: int


class Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message as typed.

    ``message_id``, ``in_reply_to`` and ``references`` are the values from `compose_prepare`. ``uploads`` are the files
    in their order, those that ``html`` shows among them. ``original_id`` is the message that is answered or forwarded,
    by ``original_flag``; 0 for none.

    ``ask_read``: ask for a receipt of reading (RFC 8098); ``ask_delivered``: for notices of delivery to each recipient
    (RFC 3461).

    ``html``: the text as HTML; ``text`` is made of it then. It refers to uploaded pictures by ``cid:`` and their
    content id. ``original``: the id from `compose_prepare` for the HTML of the original, which goes below the text.
    """

    from_: Party = msgspec.field(name="from")
    to: Parties
    cc: Parties
    bcc: Parties
    reply_to: Parties
    subject: Annotated[str, Meta(max_length=10_000)]
    text: str
    uploads: Annotated[list[UploadID], Meta(max_length=200)]
    message_id: Line
    in_reply_to: Line
    references: Annotated[list[Line], Meta(max_length=1000)]
    html: str = ""
    original: Annotated[str, Meta(pattern=r"^([A-Za-z0-9_-]{22})?$")] = ""
    tls: TLSWish = "default"
    original_id: AnyID = 0
    original_flag: Literal["", "answered", "forwarded"] = ""
    ask_read: bool = False
    ask_delivered: bool = False
