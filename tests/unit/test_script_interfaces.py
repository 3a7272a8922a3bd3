"""The table of interfaces (docs/developers/interfaces.md)."""

import sys
from typing import Any

import pytest

from tests.tools import top


@pytest.fixture(name="interfaces")
def generator() -> Any:
    """The module that makes the table."""
    path = str(top() / "script")
    if path not in sys.path:
        sys.path.insert(0, path)
    from generators import interfaces

    return interfaces


def test_each_call_method_and_operation_is_about_a_thing(interfaces: Any) -> None:
    """docs/developers/interfaces.md: a new one has a place, and each cell of the table a sign."""
    [table] = interfaces.outputs().values()
    assert table.count(b"\n| ") > len(interfaces.THINGS)
    for thing, cells in interfaces.THINGS.items():
        missing = set(interfaces.COLUMNS) - set(cells) - {"ManageSieve", "DAV"}
        assert not missing, f"{thing}: does {missing} show it, change it, or why not?"


@pytest.mark.parametrize("interface", ["account app", "webmail", "JMAP", "web API", "command line"])
def test_an_entry_without_a_place_is_found(interfaces: Any, monkeypatch: pytest.MonkeyPatch, interface: str) -> None:
    """docs/developers/interfaces.md: so is a pattern that no entry matches any more."""
    entries = {**interfaces.ENTRIES, interface: (*interfaces.ENTRIES[interface], "Note/set")}
    monkeypatch.setattr(interfaces, "ENTRIES", entries)
    with pytest.raises(ValueError, match="Note/set"):
        interfaces.outputs()
    with pytest.raises(ValueError, match="nothing is found by 'note_save'"):
        interfaces.split("note_save", interfaces.ENTRIES["account app"])
