"""Instructions for changing records in DNS, with three verbs: add, replace, remove (ADMIN-48b)."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Final

from moxlite.admin.dns.wanted import Kind, Value, Wanted
from moxlite.admin.dns.zonefile import record_line, zone_line

MAX_SHOWN: Final = 120
"""Characters shown of a record that is to be removed. DKIM keys have 400; the beginning tells which one is meant."""


def shown(name: str, kind: Kind, values: Iterable[Value]) -> list[str]:
    """Lines of records that were found in DNS."""
    return [record_line(name, kind, value) for value in values]


def instructions(found: Sequence[str], wanted: Sequence[Wanted]) -> list[str]:
    """Instructions that turn the records of a name into the wanted ones, one line each. A record that is both found and
    wanted stays.

    Args:
      found: lines of `shown`.
    """
    lines = {zone_line(one).lower() for one in wanted}
    present = {line.lower() for line in found}
    old = [line for line in found if line.lower() not in lines]
    new = [line for line in map(zone_line, wanted) if line.lower() not in present]
    return [_instruction(*pair) for pair in zip_longest(old, new)]


def _instruction(old: str | None, new: str | None) -> str:
    if old is None:
        return f"add to DNS: {new}"
    brief = old if len(old) <= MAX_SHOWN else f"{old[:MAX_SHOWN]}…"
    return f"remove from DNS: {brief}" if new is None else f"put into DNS instead of `{brief}`: {new}"
