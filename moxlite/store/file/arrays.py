"""Numbers bound to a statement as one array: ``carray(?)``."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import apsw


def int_array(values: Iterable[int]) -> apsw.CArrayBinding:
    """Bind numbers to ``carray(?)``, in their order; at least one."""
    return apsw.carray(values if isinstance(values, array) and values.typecode == "q" else array("q", values))


def distinct_array(values: Iterable[int]) -> apsw.CArrayBinding:
    """As `int_array`, but ascending and each number once: for operations that count a message named twice once."""
    return apsw.carray(array("q", sorted(set(values))))
