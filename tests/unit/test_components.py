"""The sizes that keep components and modules easy to find one's way in (docs/style.md, docs/architecture.md §2). The
directions of imports are contracts in pyproject.toml."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import moxlite
from tests.tools import top
from tests.trees import nodes, trees

sys.path.insert(0, str(top() / "script"))
from measuring.modules import Size, importers, sizes

HERE = Path(moxlite.__file__).parent
TESTS = Path(__file__).parent.parent

MAX_LINES = 600
"""Of one module: past this it is split by job."""

MAX_PLUMBING = 11.1
"""Percent of the code lines that are imports or `__all__`. The aim is 8: lower it with each merge, raise it never."""

MIN_LINES = 40
"""Of a module with one importer: a shorter one is a part of that."""

SHORT = {
    "moxlite.net.exposition": "loads the library of Prometheus, which a server without metrics does without (ADMIN-82)",
}
"""Shorter modules, with the reason."""

PRONOUNS = {"one", "found", "wanted", "told", "here"}
MAX_PRONOUNS = 2510
"""Values named by a pronoun or participle: most have no type with a name (texts, numbers). Raise it never."""

MAX_TEST_LINES = 1000
"""Of one file of tests: each is read alone, found by its name, so that a file is a list and no text."""

WITHOUT_COMPONENT = {
    "a_machine": "tells what the machine allows, first of all",
    "campaigns": "of script/soak, each through many components",
    "dnsworld": "tests what tests are run in",
    "nurseries": "looks at all modules",
    "components": "looks at all modules and tests",
    "leftovers": "looks at all modules",
    "objects": "looks at all modules",
}
"""Files of tests by what comes after ``test_``, and why they begin with no component."""


def modules() -> Iterator[Path]:
    """Every module of moxlite, relative to the package."""
    return (path.relative_to(HERE) for path in HERE.rglob("*.py"))


def test_no_module_is_too_long() -> None:
    """docs/style.md: 100 to 400 lines, never over 600."""
    lengths = {str(one): len((HERE / one).read_text().splitlines()) for one in modules()}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def test_few_lines_are_plumbing() -> None:
    """docs/style.md: many small modules cost imports, and a reader's way through them."""
    total = Size(*map(sum, zip(*sizes().values(), strict=True)))
    assert total.share <= MAX_PLUMBING, "`script/measure modules` shows the packages: merge small modules"


def test_a_short_module_has_several_importers() -> None:
    """docs/style.md: with one importer it is folded in."""
    known = importers()
    short = {
        ".".join(("moxlite", *one.with_suffix("").parts))
        for one in modules()
        if one.name != "__init__.py" and len((HERE / one).read_text().splitlines()) < MIN_LINES
    }
    assert {name for name in short if known.get(name, 0) < 2} == set(SHORT)


def test_values_have_the_names_of_their_types() -> None:
    """docs/style.md: `message`, `finding`, and not `one` or `found`."""
    number = 0
    for path in trees():
        number += sum(isinstance(node.ctx, ast.Store) and node.id in PRONOUNS for node in nodes(path, ast.Name))
        number += sum(node.arg in PRONOUNS for node in nodes(path, ast.arg))
    assert number <= MAX_PRONOUNS


def test_only_packages_list_their_names() -> None:
    """docs/style.md: an underscore says what is private to a module."""
    listing = {str(one) for one in modules() if one.name != "__init__.py" and "\n__all__" in (HERE / one).read_text()}
    assert listing == set()


def test_each_package_has_a_docstring() -> None:
    """docs/architecture.md §2: in the docstring of its `__init__.py`."""
    silent = {
        str(one.parent) for one in modules() if one.name == "__init__.py" and not (HERE / one).read_text().strip()
    }
    assert silent == set()


def test_file_names_begin_with_the_component_under_test() -> None:
    """docs/developers/develop.md: a component of moxlite, a part of proto, or script."""
    components = {one.parts[0].removesuffix(".py") for one in modules()} - {"__init__", "__main__"}
    components |= {one.parts[1].removesuffix(".py") for one in modules() if one.parts[0] == "proto"} | {"script"}
    names = {path.stem.removeprefix("test_") for path in TESTS.rglob("test_*.py")}
    unknown = {one for one in names if not any(one == name or one.startswith(f"{name}_") for name in components)}
    assert unknown == {*WITHOUT_COMPONENT}


def test_no_file_of_tests_is_too_long_to_look_over() -> None:
    """docs/style.md."""
    lengths = {path.name: len(path.read_text().splitlines()) for path in TESTS.rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > MAX_TEST_LINES} == {}
