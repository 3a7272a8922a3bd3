"""The sizes that keep rooms and modules easy to find one's way in (docs/style.md, docs/architecture.md §2). The
directions of imports are contracts in pyproject.toml."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import moxlite

HERE = Path(moxlite.__file__).parent

MAX_LINES = 600
"""Of one module: past this it is split by job."""

MAX_MODULES = 30
"""In one folder; `MAX_IN_LARGE_ROOMS` in those of store and imapd, which have sub-rooms."""

MAX_IN_LARGE_ROOMS = 20
LARGE_ROOMS = {"store", "imapd"}


def modules() -> Iterator[Path]:
    """Every module of moxlite, relative to the package."""
    return (path.relative_to(HERE) for path in HERE.rglob("*.py"))


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    """docs/style.md: 100 to 400 lines, never over 600."""
    lengths = {str(one): len((HERE / one).read_text().splitlines()) for one in modules()}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def test_no_room_has_more_doors_than_one_can_look_over() -> None:
    """docs/architecture.md §2: larger rooms have sub-rooms."""
    doors = Counter(one.parent for one in modules() if one.name != "__init__.py")
    crowded = {
        str(folder): count
        for folder, count in doors.items()
        if count > (MAX_IN_LARGE_ROOMS if folder.parts[:1] and folder.parts[0] in LARGE_ROOMS else MAX_MODULES)
    }
    assert crowded == {}


def test_each_room_says_what_lives_there() -> None:
    """docs/architecture.md §2: in the docstring of its `__init__.py`."""
    silent = {
        str(one.parent) for one in modules() if one.name == "__init__.py" and not (HERE / one).read_text().strip()
    }
    assert silent == set()
