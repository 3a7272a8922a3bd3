"""The table of the keys that belong to a machine, compared with all keys of moxlite.toml (ADMIN-52c)."""

from collections.abc import Iterator

from moxlite.config.fields import ArrayShape, KindShape, Shape, TableShape, TablesShape, fields_of
from moxlite.config.ownkeys import ANY, OWN_KEYS
from moxlite.config.static import Static
from tests.tools import top

OTHERS = top() / "tests/unit/otherkeys.txt"
"""Keys that a machine may take from another one."""


def keys_of(shape: Shape, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Shape]]:
    """All keys below a shape that hold values, as in `OWN_KEYS`, with the shape of the value."""
    match shape:
        case TableShape():
            for field in fields_of(shape.section):
                yield from keys_of(field.shape, (*path, field.name))
        case TablesShape():
            yield from keys_of(shape.item, (*path, ANY))
        case ArrayShape(item=TableShape() as item):
            yield from keys_of(item, path)
        case _:
            yield path, shape


ALL = dict(keys_of(TableShape(Static)))


def is_own(path: tuple[str, ...]) -> bool:
    return any(path[: len(key.key)] == key.key for key in OWN_KEYS)


def test_each_key_is_decided() -> None:
    """ADMIN-52c: a new key fails until somebody decides whether a backup may set it: in `OWN_KEYS`, if it gives a right
    on the machine, names a place there or a program, or says whose programs root installs; else in otherkeys.txt.
    """
    others = OTHERS.read_text().splitlines()
    assert others == sorted(set(others))
    assert others == sorted(".".join(path) for path in ALL if not is_own(path))
    for key in OWN_KEYS:
        assert any(path[: len(key.key)] == key.key for path in ALL), key


def test_each_path_and_target_belongs_to_the_machine() -> None:
    """ADMIN-52c: by their kinds, so that none can be put into the other list by mistake."""
    for path, shape in ALL.items():
        kind = shape.item if isinstance(shape, ArrayShape) else shape
        if isinstance(kind, KindShape) and kind.kind.name in ("path", "path or URL"):
            assert is_own(path), path


def test_each_path_says_how_the_server_uses_it() -> None:
    """ADMIN-11b: or `config test` couldn't tell who must be able to read or write it."""
    for path, shape in ALL.items():
        kind = shape.item if isinstance(shape, ArrayShape) else shape
        if isinstance(kind, KindShape) and kind.kind.name in ("path", "path or URL"):
            assert any(key.use for key in OWN_KEYS if path[: len(key.key)] == key.key), path


def test_what_goes_with_a_key_is_beside_it() -> None:
    """ADMIN-52c: keys that are dropped together are in one table."""
    for key in OWN_KEYS:
        for name in key.also:
            assert any(path[: len(key.key)] == (*key.key[:-1], name) for path in ALL), (key, name)
