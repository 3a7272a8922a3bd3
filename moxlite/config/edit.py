"""Changes of domains.toml as a document: comments, order and formatting stay (ADMIN-6).

tomlkit is slow to import and to parse, so only edits use it; loading is done by tomllib.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

__all__ = ["drop", "edit_text", "put", "table_at"]


def edit_text(text: str, change: "Callable[[TOMLDocument], None]") -> str:
    """The text after `change` has worked on its document."""
    import tomlkit

    document = tomlkit.parse(text)
    change(document)
    return tomlkit.dumps(document)


def table_at(document: "TOMLDocument", *keys: str) -> Any:
    """The table at a path of keys, made as far as it is missing. tomlkit's containers are dictionaries to work with."""
    import tomlkit

    at: Any = document
    for number, key in enumerate(keys):
        if key not in at:
            at.add(key, tomlkit.table(is_super_table=number < len(keys) - 1))
        at = at[key]
    return at


def put(document: "TOMLDocument", path: tuple[str, ...], value: object) -> None:
    """Set the value at a path; None takes the key away."""
    table = table_at(document, *path[:-1])
    if value is not None:
        table[path[-1]] = value
    elif path[-1] in table:
        del table[path[-1]]


def drop(document: "TOMLDocument", *path: str) -> bool:
    """Take what stands at a path away; False if nothing does."""
    at: Any = document
    for key in path[:-1]:
        if key not in at:
            return False
        at = at[key]
    if path[-1] not in at:
        return False
    del at[path[-1]]
    return True
