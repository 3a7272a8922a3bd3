"""Server-sent events (WHATWG HTML §9.2): the octets of an event stream."""

from typing import Final

__all__ = ["COMMENT", "EVENT_STREAM_HEADERS", "encode_event"]

EVENT_STREAM_HEADERS: Final = (
    ("content-type", "text/event-stream; charset=utf-8"),
    ("cache-control", "no-cache"),
    ("x-accel-buffering", "no"),
)
COMMENT: Final = b":\n\n"  # says nothing, keeps the connection and the proxies between awake


def encode_event(name: str, data: bytes, event_id: str | None = None) -> bytes:
    """One event; `data` is a single line (JSON has no raw line ends)."""
    head = f"event: {name}\n".encode()
    if event_id is not None:
        head += f"id: {event_id}\n".encode()
    return head + b"data: " + data + b"\n\n"
