"""script/measure survey: constants and complex functions without a reason beside them."""

import sys
from pathlib import Path

import pytest

from tests.tools import top

sys.path.insert(0, str(top() / "script"))
from measuring.modules import PACKAGE
from measuring.survey import Complex, complex_functions, constants, has_reason, words_of_comments

MAX_COMPLEX = 90
"""Functions of moxlite with more than ten branches. Split what reads better in parts; raise it never."""

SOURCE = '''"""A module."""

PORT: Final = 25
# Seconds (RFC 5321 §4.5.3.2).
COMMAND: Final = 300.0
DATA: Final = 60 * 2.0

LEAST: Final = 1
MOST: Final = 9
"""Bounds of a priority."""

LINE: Final = 998  # without its end
NAME: Final = "a text"
'''


def test_a_constant_has_its_reason_beside_it() -> None:
    """docs/style.md: above or below its group, or in its line."""
    assert constants(SOURCE) == (6, 1)


def test_each_number_of_the_product_has_its_reason() -> None:
    """docs/style.md: a constant with no reason beside it is a bug."""
    assert [path for path in PACKAGE.rglob("*.py") if constants(path.read_text())[1]] == []


def test_comments_for_programs_are_no_words() -> None:
    """develop.md, The survey, twice."""
    assert words_of_comments("x = 1  # noqa: E501\ny = 2  # two words\n") == 2


@pytest.mark.parametrize(("line", "told"), [("pass", False), ("pass  # for the reader", True)])
def test_a_function_tells_why_by_a_comment(tmp_path: Path, line: str, told: bool) -> None:
    """docs/style.md."""
    path = tmp_path / "one.py"
    path.write_text(f"def step() -> None:\n    {line}\n")
    assert has_reason(Complex(path, 1)) == told


def test_complex_functions_become_fewer() -> None:
    """docs/style.md: complexity ≤ 10, or a reason."""
    functions = complex_functions()
    assert 0 < len(functions) <= MAX_COMPLEX
    assert [function for function in functions if not has_reason(function)] == []
