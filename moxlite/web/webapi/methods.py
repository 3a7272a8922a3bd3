"""The table of all methods: dispatch, pages, the OpenAPI document and `moxlite webapi` are made from it (WEB-94)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from moxlite.web.webapi import messages, sending, types

OCTETS: Final = "octets"
"""In place of a result's type: the answer is octets of a message."""


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """A method.

    Attributes:
      result: a struct type, or OCTETS.
      run: takes a `Call` and the parameters.
      changes: app passwords that may only read are refused.
      files: forms may have files.
      example: parameters for pages and documents.
    """

    name: str
    summary: str
    request: type[msgspec.Struct]
    result: Any
    run: Callable[[Any, Any], Awaitable[Any]]
    changes: bool = False
    files: bool = False
    example: Mapping[str, Any] = {}


_TABLE: Final = (
    Method(
        name="Send",
        summary="Send a message: it is in the queue for all recipients, durably, when the answer comes.",
        request=types.SendRequest,
        result=types.SendResult,
        run=sending.send,
        changes=True,
        files=True,
        example={
            "To": [{"Name": "Jane", "Address": "jane@example.org"}],
            "Subject": "Hello",
            "Text": "Hi Jane!\n",
            "Extra": {"X-Order": "1234"},
            "SaveSent": True,
        },
    ),
    Method(
        name="SuppressionList",
        summary="List the addresses to which the account sends nothing.",
        request=types.NoParameters,
        result=types.SuppressionListResult,
        run=messages.list_all,
    ),
    Method(
        name="SuppressionAdd",
        summary="Add an address to the suppression list; an error if it is there.",
        request=types.SuppressionAddRequest,
        result=types.NoResult,
        run=messages.add,
        changes=True,
        example={"EmailAddress": "jane@example.org", "Manual": True, "Reason": "asked us to stop"},
    ),
    Method(
        name="SuppressionRemove",
        summary="Remove an address from the suppression list; an error if it is not there.",
        request=types.SuppressionRequest,
        result=types.NoResult,
        run=messages.remove,
        changes=True,
        example={"EmailAddress": "jane@example.org"},
    ),
    Method(
        name="SuppressionPresent",
        summary="Tell whether an address is on the suppression list.",
        request=types.SuppressionRequest,
        result=types.SuppressionPresentResult,
        run=messages.present,
        example={"EmailAddress": "jane@example.org"},
    ),
    Method(
        name="MessageGet",
        summary="Get a message: its header fields, texts and structure.",
        request=types.MessageRequest,
        result=types.MessageGetResult,
        run=messages.get,
        example={"MsgID": 1},
    ),
    Method(
        name="MessageRawGet",
        summary="Get a whole message as it is stored.",
        request=types.MessageRequest,
        result=OCTETS,
        run=messages.get_raw,
        example={"MsgID": 1},
    ),
    Method(
        name="MessagePartGet",
        summary="Get one part of a message, without its transfer encoding.",
        request=types.MessagePartRequest,
        result=OCTETS,
        run=messages.get_part,
        example={"MsgID": 1, "PartPath": [1]},
    ),
    Method(
        name="MessageDelete",
        summary="Remove a message for good.",
        request=types.MessageRequest,
        result=types.NoResult,
        run=messages.delete,
        changes=True,
        example={"MsgID": 1},
    ),
    Method(
        name="MessageFlagsAdd",
        summary="Add flags to a message.",
        request=types.FlagsRequest,
        result=types.NoResult,
        run=messages.add_flags,
        changes=True,
        example={"MsgID": 1, "Flags": ["\\seen", "customlabel"]},
    ),
    Method(
        name="MessageFlagsRemove",
        summary="Remove flags from a message.",
        request=types.FlagsRequest,
        result=types.NoResult,
        run=messages.remove_flags,
        changes=True,
        example={"MsgID": 1, "Flags": ["\\seen"]},
    ),
    Method(
        name="MessageMove",
        summary="Move a message to another mailbox of the account.",
        request=types.MessageMoveRequest,
        result=types.NoResult,
        run=messages.move,
        changes=True,
        example={"MsgID": 1, "DestMailboxName": "Archive"},
    ),
)

METHODS: Final[Mapping[str, Method]] = {method.name: method for method in _TABLE}
