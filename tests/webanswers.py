"""Answers of an app's calls, made from the types of their results: each text that a page could show is a given one.

So every place of every page gets the texts, also a place that a stranger reaches only through other servers.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import inspect

__all__ = ["Answers"]

FEW: Final = 2
"""Items of a list within another list, and of a map."""

TIME: Final = "2026-11-20T10:30:00Z"

NOW: Final = 1_795_000_000_000_000
"""µs UTC, for integers that are times."""

TIMES: Final = frozenset(
    {
        *("at", "begin", "began", "created", "due", "end", "ended", "ends", "examined", "expires", "first", "last"),
        *("last_activity", "last_backup", "last_login", "last_rehearsal", "last_update", "last_use", "last_used"),
        *("next_attempt", "oldest", "queued", "received", "since", "start", "submitted", "until", "valid_end"),
    }
)
"""Names of fields that are moments: RFC 3339 where they are texts, µs UTC where they are integers."""


class Answers:
    """Makes answers out of `texts`: a list of structs has an item for each of them, and each field of text shows each
    text in one of the items. A field outside of lists has the text of number `turn`, or with `whole` all in one.
    """

    def __init__(self, texts: Sequence[str], turn: int = 0, *, whole: bool = False) -> None:
        self._texts = texts
        self._turn = turn
        self._whole = " ".join(texts) if whole else ""
        self._number = 0

    def of(self, result: Any, fixed: Mapping[str, Any] | None = None) -> Any:
        """An answer of this type, as JSON has it. `fixed`: values of fields, by their names."""
        return self._made(inspect.type_info(result), "", None, fixed or {})

    def _made(self, kind: inspect.Type, name: str, item: int | None, fixed: Mapping[str, Any]) -> Any:
        """A value. `item`: the number of the list's item that it is in, None outside of lists."""
        if name in fixed:
            return fixed[name]
        self._number += 1
        match kind:
            case inspect.StructType():
                return {
                    field.encode_name: self._made(
                        field.type, field.encode_name, None if item is None else item + 7 * place, fixed
                    )
                    for place, field in enumerate(kind.fields)
                }
            case inspect.ListType() | inspect.VarTupleType():
                numbers = range(len(self._texts)) if item is None else range(item, item + FEW)
                return [self._made(kind.item_type, "", one, fixed) for one in numbers]
            case inspect.DictType():
                begin = item or 0
                return {
                    self._text(one): self._made(kind.value_type, "", one + 1, fixed)
                    for one in range(begin, begin + FEW)
                }
            case inspect.UnionType():
                first = next(one for one in kind.types if not isinstance(one, inspect.NoneType))
                return self._made(first, name, item, fixed)
            case inspect.LiteralType():
                return kind.values[self._number % len(kind.values)]
            case inspect.StrType() | inspect.AnyType():
                return TIME if name in TIMES else self._text(item)
            case inspect.IntType():
                return NOW - self._number * 10**9 if name in TIMES else self._number
            case inspect.FloatType():
                return self._number / 7
            case inspect.BoolType():
                return self._number % 2 == 0
            case inspect.DateTimeType():
                return TIME
            case inspect.NoneType():
                return None
            case _:
                raise TypeError(f"{name}: {kind}")

    def _text(self, item: int | None) -> str:
        if item is None and self._whole:
            return self._whole
        return self._texts[(self._turn if item is None else item) % len(self._texts)]
