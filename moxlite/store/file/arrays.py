"""Numbers bound to one statement as an array: ``carray(?)``."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import apsw

__all__ = ["distinct_array", "int_array"]


def int_array(values: Iterable[int]) -> apsw.CArrayBinding:
    """Numbers to bind to ``carray(?)``; there must be one at least."""
    return apsw.carray(values if isinstance(values, array) and values.typecode == "q" else array("q", values))


def distinct_array(values: Iterable[int]) -> apsw.CArrayBinding:
    """As `int_array`, ascending and each number once: for operations, where a message named twice counts once."""
    return apsw.carray(array("q", sorted(set(values))))
