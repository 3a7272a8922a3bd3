"""script/measure mutants: the mutants that may live are of the code as it is (docs/developers/develop.md)."""

import sys
import tomllib
from pathlib import Path

import pytest

from tests.tools import top

sys.path.insert(0, str(top() / "script"))
from measuring import mutants
from measuring.functions import functions

DIFFERENCE = """\
# moxlite.store.box.{name}__mutmut_12: survived
--- moxlite/store/box.py
+++ moxlite/store/box.py
@@ -1,5 +1,5 @@
 def open(key):
     if key:
-        return first(
-            1)
+        return first(2)
     return None
"""


@pytest.mark.parametrize(
    ("name", "function"), [("x_open", "open"), ("x__open", "_open"), ("xǁBoxǁopen", "Box.open"), ("x_x_y", "x_y")]
)
def test_a_mutant_is_known_by_its_function_and_lines(name: str, function: str) -> None:
    mutant = mutants.Mutant.shown(Path("moxlite/store/box.py"), DIFFERENCE.format(name=name))
    assert mutant == ("moxlite/store/box.py", function, "return first(\n1)", "return first(2)")


def test_a_mutant_that_may_live_is_one_of_the_code_and_has_a_reason() -> None:
    """A change of the line, or of its function's name, ends the permission."""
    entries = tomllib.loads((top() / "tests/mutants.toml").read_text())["mutant"]
    stale = []
    for entry in entries:
        source = (top() / entry["module"]).read_text()
        lines = {line.strip() for line in source.splitlines()}
        if entry["function"] not in functions(source) or not lines.issuperset(entry["line"].splitlines()):
            stale.append((entry["module"], entry["line"]))
        assert entry["why"]
    assert stale == []
