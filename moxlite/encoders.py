"""Encoding of values as JSON, MessagePack and plain objects.

A text that knows what it was made of (`moxlite.wording.Worded`) is written as its text. msgspec itself refuses
subclasses of str, so an answer with the reason of an error would become an error. No other module makes an encoder.
"""

from typing import Any, Final

import msgspec


def _plain(value: object) -> str:
    """A text of a subclass of str as str. Raises NotImplementedError for another type."""
    if isinstance(value, str):
        return str(value)
    raise NotImplementedError(f"unsupported type {type(value).__name__}")


to_json: Final = msgspec.json.Encoder(enc_hook=_plain).encode
to_msgpack: Final = msgspec.msgpack.Encoder(enc_hook=_plain).encode


def to_builtins(value: object) -> Any:
    """Convert structs to dicts, lists and scalars."""
    return msgspec.to_builtins(value, enc_hook=_plain)
