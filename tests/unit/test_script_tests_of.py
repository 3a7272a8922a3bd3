"""`script/test PATH` and `script/test changed`: the tests for a module, by imports, where no run was recorded."""

import sys
from pathlib import Path

import pytest

from tests.tools import top

sys.path.insert(0, str(top() / "script"))
from testing import tests_of as finder


def found(path: str) -> set[str]:
    """The tests for one path, below the top."""
    return {str(one.relative_to(top())) for one in finder.tests_of([Path(path)])}


def test_a_module_that_no_test_imports_has_the_nearest_tests_of_its_component() -> None:
    """Of the configuration; there are no more than fit."""
    tests = found("moxlite/config/listeners.py")
    assert {f"tests/unit/test_config_{name}.py" for name in ("load", "holder", "startup")} <= tests
    assert len(tests) <= finder.NEAREST


def test_a_module_has_all_tests_that_import_it() -> None:
    """A package has the tests of its modules, and no others if these are enough."""
    tests = found("moxlite/proto/sieve")
    assert "tests/unit/test_proto_sieve.py" in tests
    assert "tests/unit/test_script_tests_of.py" not in tests


@pytest.mark.parametrize("path", ["tests/unit/test_script_tests_of.py", "tests/session"])
def test_files_and_folders_of_tests_are_taken_whole(path: str) -> None:
    """A folder has all its tests."""
    tests = found(path)
    assert path in tests or len(tests) == len(list((top() / path).rglob("test_*.py")))


def test_a_file_beside_tests_has_those_that_use_it() -> None:
    """Directly, or by another file beside them."""
    tests = found("tests/openings.py")
    assert tests
    assert all(one.startswith("tests/") for one in tests)
