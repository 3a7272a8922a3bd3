"""Faults of targets and programs, in words for states and logs."""

from __future__ import annotations

from typing import Final

from moxlite.escapes import printable
from moxlite.process.backuptargets import Target

MAX_WORDS: Final = 500


def words_of(error: Exception) -> str:
    """The reason of an error, without its number."""
    return printable(str(getattr(error, "strerror", None) or error) or type(error).__name__)[:MAX_WORDS]


def target_fault(target: Target, error: Exception) -> str:
    """A sentence about a target that cannot be used."""
    return f"{target}: {words_of(error)}"
