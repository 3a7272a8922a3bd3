"""script/measure coverage: floors of packages, and the tests that ran a changed function."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import top

sys.path.insert(0, str(top() / "script"))
from measuring import changed, floors, history, index
from measuring.functions import REST, functions

MODULE = '''"""A module."""

LIMIT = 3


class Box:
    """A box."""

    size = 1

    def open(self, key: int) -> int:
        """Open it."""
        if key > LIMIT:
            return 1
        return 2


def shut() -> None:
    """Shut it."""
    print("shut")
'''

TESTS = """
import pytest
from moxlite.box.box import Box, shut

@pytest.mark.parametrize("key", [1, 9])
def test_open(key):
    Box().open(key)

def test_shut():
    shut()
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose two tests were recorded once."""
    folder = tmp_path_factory.mktemp("project")
    package = folder / "moxlite/box"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "box.py").write_text(MODULE)
    (folder / "tests").mkdir()
    (folder / "tests/test_box.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    options = ["--cov=moxlite", "--cov-report=", "--cov-context=test", "--junitxml=junit.xml", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:schemathesis", *options, "tests"]
    environment = {"COVERAGE_FILE": str(folder / "contexts"), "PATH": "/usr/bin:/bin"} | index.CORE
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert index.write(folder, folder / "contexts", folder / "junit.xml") == (4, 2)
    return folder


def test_comments_and_docstrings_change_no_function() -> None:
    """A digest is that of the code: methods and functions have their own, the rest of the module another."""
    before = functions(MODULE)
    assert set(before) == {REST, "Box.open", "shut"}
    after = functions(MODULE.replace('"""Open it."""', "# opens").replace('"""A box."""', '"""A large box."""'))
    assert {name: one.digest for name, one in after.items()} == {name: one.digest for name, one in before.items()}
    after = functions(MODULE.replace("return 2", "return 3"))
    assert [name for name in after if after[name].digest != before[name].digest] == ["Box.open"]
    after = functions(MODULE.replace("LIMIT = 3", "LIMIT = 4"))
    assert [name for name in after if after[name].digest != before[name].digest] == [REST]


@pytest.mark.parametrize(
    ("old", "new", "tests"),
    [
        ("return 2", "return 3", {"tests/test_box.py::test_open"}),
        ('print("shut")', "return", {"tests/test_box.py::test_shut"}),
        ("LIMIT = 3", "LIMIT = 4", {"found by import"}),
        ("def shut", "def burn() -> None:\n    pass\n\n\ndef shut", {"found by import"}),
        ("return 2", "return 2  # as ever", set()),
    ],
)
def test_a_change_leads_to_the_tests_that_ran_it(recorded: Path, old: str, new: str, tests: set[str]) -> None:
    """Imports lead to the tests of code that no test ran in the recorded run."""
    path = Path("moxlite/box/box.py")
    (recorded / path).write_text(MODULE.replace(old, new))
    try:
        records = index.Index(recorded / index.PLACE)
        found = changed.tests_of_changes(recorded, [path], records, lambda _: ["found by import"])
    finally:
        (recorded / path).write_text(MODULE)
    assert {test for each in found.values() for test in each} == tests


def test_a_commit_takes_the_time_of_the_tests_that_ran_what_it_changed(recorded: Path, tmp_path: Path) -> None:
    """A commit of a function, of a comment, and of tests, which run whole; the last commits come first."""
    path = tmp_path / "moxlite/box/box.py"
    path.parent.mkdir(parents=True)
    (tmp_path / "tests").mkdir()

    def commit(name: str, text: str) -> None:
        (tmp_path / name).write_text(text)
        subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
        who = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *who, "commit", "-qm", name], cwd=tmp_path, check=True)

    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    commit("moxlite/box/box.py", MODULE)
    commit("README.md", "A page.")
    commit("moxlite/box/box.py", MODULE.replace("return 2", "return 2  # as ever"))
    commit("moxlite/box/box.py", MODULE.replace("return 2", "return 3"))
    commit("tests/test_box.py", TESTS)
    records = index.Index(recorded / index.PLACE)
    seconds = records.seconds()
    taken = [history.wall(tmp_path, one, records, lambda path: [str(path)]) for one in history.commits(tmp_path, 3)]
    opening = seconds["tests/test_box.py::test_open"]
    assert taken[0][0] == history.START + seconds["tests/test_box.py"] / 2
    assert taken[1] == (history.START + opening, history.START + opening)  # one test is not divided
    assert taken[2] == (0, 0)


def test_a_change_of_what_all_tests_run_takes_the_quickest() -> None:
    """Each changed function has its turn until the time is over; a file of tests stands for its tests."""
    wanted = {"a": frozenset({f"t.py::{n}" for n in range(9)}), "b": frozenset({"u.py::slow"})}
    seconds = {f"t.py::{n}": float(n) for n in range(9)} | {"u.py::slow": 5.0}
    assert changed.chosen(wanted, seconds, 8.0) == (["t.py::0", "u.py::slow", "t.py::1", "t.py::2"], 6)
    assert changed.chosen({"a": frozenset({"t.py", "t.py::1"})}, {"t.py": 9.0, "t.py::1": 1.0}) == (["t.py"], 0)


def test_a_package_below_its_floor_is_named(recorded: Path, tmp_path: Path) -> None:
    """Floors rise by --write, and never fall."""
    (tmp_path / "tests").mkdir()
    floors.write(tmp_path, {"moxlite.box": 90.0, "moxlite.lid": 80.0})
    floors.write(tmp_path, {"moxlite.box": 85.0, "moxlite.lid": 81.5})
    assert floors.read(tmp_path) == {"moxlite.box": 90.0, "moxlite.lid": 81.5}
    [lost] = floors.below(floors.read(tmp_path), {"moxlite.box": 89.5, "moxlite.lid": 81.4, "moxlite.new": 1.0})
    assert lost == "moxlite.box: 89.5 % of lines and branches run, 90.0 % is the floor"
    [gone] = floors.below({"moxlite.lid": 80.0}, {})
    assert gone == "moxlite.lid has a floor, and is no package"
    assert set(floors.read(top())) <= {
        floors.package_of(path.relative_to(top())) for path in top().glob("moxlite/**/*.py")
    }
