"""Bytecode of the frozen program, without docstrings that nothing reads (ADMIN-60c)."""

import functools
import inspect
import sys
from pathlib import Path

import pytest

from tests.tools import top

sys.path.insert(0, str(top() / "script"))
from packages.docstrings import compiled

SOURCE = '''\
"""About the module."""

import functools


class Request:
    """Help of a command."""

    def plain(self):
        """Nobody reads this."""
        return 1


@functools.cache
def command():
    """Help that the decorator reads."""


def empty():
    """Nothing else."""


async def waits():
    """Nobody reads this."""
    assert False, "stays"


TEXT = """A text,
not a docstring."""


def fails():
    raise ValueError(inspect)
'''


@pytest.fixture
def names(tmp_path: Path) -> dict[str, object]:
    """The names of SOURCE, run from bytecode."""
    path = tmp_path / "sample.py"
    path.write_text(SOURCE)
    found: dict[str, object] = {"__name__": "sample"}
    exec(compiled(path), found)
    return found


def test_what_is_read_keeps_its_docstring(names: dict[str, object]) -> None:
    """ADMIN-60c: classes, and functions with decorators."""
    docs = {name: getattr(names[name], "__doc__", None) for name in ("Request", "command", "empty", "waits", "fails")}
    assert docs == {
        "Request": "Help of a command.",
        "command": "Help that the decorator reads.",
        "empty": None,
        "waits": None,
        "fails": None,
    }
    assert names.get("__doc__") is None
    assert names["Request"].plain.__doc__ is None  # type: ignore[attr-defined]
    assert names["TEXT"] == "A text,\nnot a docstring."


async def test_the_rest_is_the_same(names: dict[str, object]) -> None:
    """ADMIN-60c: results, assertions, and the numbers of lines in tracebacks."""
    assert names["Request"]().plain() == 1  # type: ignore[operator]
    assert names["empty"]() is None  # type: ignore[operator]
    with pytest.raises(AssertionError, match="stays"):
        await names["waits"]()  # type: ignore[operator]
    lines = SOURCE.splitlines()
    for name in ("empty", "waits", "fails"):
        function = names[name]
        assert inspect.isfunction(function)
        assert name in lines[function.__code__.co_firstlineno - 1]
    fails = names["fails"]
    assert inspect.isfunction(fails)
    with pytest.raises(NameError) as caught:
        fails()
    assert "raise" in lines[caught.traceback[-1].lineno]


def test_our_own_modules_compile() -> None:
    """ADMIN-60c: each of them, with as many functions as before."""

    @functools.cache
    def functions(code: object) -> int:
        inner = [one for one in getattr(code, "co_consts", ()) if inspect.iscode(one)]
        return len(inner) + sum(map(functions, inner))

    for path in sorted((top() / "moxlite").rglob("*.py")):
        whole = compile(path.read_bytes(), path, "exec", dont_inherit=True)
        assert functions(compiled(path)) == functions(whole), path
