"""Tests of the nightly tier keep a smoke in the landing run (docs/developers/develop.md)."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.crash.test_campaigns import NIGHTLY
from tests.tools import top

Test: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


def functions_of(path: Path) -> Iterator[Test]:
    """The functions of a file that pytest collects."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node


def marks(test: Test, name: str) -> list[ast.expr]:
    """Decorators of a test that are the marker."""
    return [one for one in test.decorator_list if ast.unparse(one).partition("(")[0] == f"pytest.mark.{name}"]


def marks_of_all(path: Path, name: str) -> list[ast.expr]:
    """Markers of a file in its `pytestmark`."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            every = node.value.elts if isinstance(node.value, ast.List) else [node.value]
            return [one for one in every if ast.unparse(one).partition("(")[0] == f"pytest.mark.{name}"]
    return []


def smoke(mark: ast.expr) -> str | None:
    """The test that a marker names as the one which stays."""
    if not isinstance(mark, ast.Call):
        return None
    [named] = [one.value for one in mark.keywords if one.arg == "smoke"]
    found = ast.literal_eval(named)
    assert isinstance(found, str)
    return found


def is_in_landing(name: str) -> bool:
    """Whether the landing run has the test, as `path::function`."""
    path, _, function = name.partition("::")
    file = top() / path
    stays = not marks_of_all(file, "nightly")
    return stays and any(test.name == function and not marks(test, "nightly") for test in functions_of(file))


FILES = sorted(path for path in (top() / "tests").rglob("test_*.py") if "mark.nightly" in path.read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_nightly_test_leaves_a_smoke_in_the_landing_run(path: Path) -> None:
    """The smoke is in its file, or its marker names it."""
    whole = marks_of_all(path, "nightly")
    stays = not whole and any(not marks(test, "nightly") for test in functions_of(path))
    for mark in [*whole, *(mark for test in functions_of(path) for mark in marks(test, "nightly"))]:
        named = smoke(mark)
        assert stays if named is None else is_in_landing(named), f"{ast.unparse(mark)} leaves nothing"


@pytest.mark.parametrize("name", NIGHTLY)
def test_a_nightly_campaign_leaves_a_smoke_in_the_landing_run(name: str) -> None:
    """Its share of a two-hundredth costs too much."""
    assert is_in_landing(NIGHTLY[name])
