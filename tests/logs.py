"""Lines of the log, as pytest's `caplog` keeps them."""

import logging
from typing import Any

__all__ = ["kv"]


def kv(record: logging.LogRecord) -> dict[str, Any]:
    """The keys and values of a line. Raises KeyError: it has none."""
    found: dict[str, Any] = record.__dict__["kv"]
    return found
