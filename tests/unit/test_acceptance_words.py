"""The page of reasons has each word that the code can say, and no other (SMTP-81..98, SMTP-139)."""

import ast
import re
import typing
from collections.abc import Iterator

from moxlite.acceptance.history import Named
from moxlite.store.delivery.reasons import JUNK_UNSURE
from tests.tools import top

SILENT = {"introbox", "ruleset"}
"""Of producers that never decide: theirs is not the word of a message."""

KNOWN = {
    "producers/judgement.py": {
        *("dmarc-quarantine", "dmarc-indirect", "junk-content", "junk-content-strict", JUNK_UNSURE),
        *(set(typing.get_args(Named)) - {"none"}),
    },
    "producers/wishes.py": {"sieve", "vacation"},
}
"""What is chosen among several, by the file in which a variable has it."""


def test_each_word_of_the_code_is_on_the_page() -> None:
    """SMTP-81..98: every `Reason`, and the word for an unknown address."""
    assert page() == {*words(), "no-bad-signals", "unknown-user"} - SILENT


def page() -> set[str]:
    """The words of the table in docs/reasons.md."""
    rows = re.findall(r"^\| (`[^|]*`) \|", (top() / "docs/reasons.md").read_text(), re.MULTILINE)
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row)}


def words() -> Iterator[str]:
    """The words that producers give to `Reason`."""
    room = top() / "moxlite/acceptance"
    for path in sorted(room.rglob("*.py")):
        tree = ast.parse(path.read_text())
        variables = [word for word in _first_words(tree) if word is None]
        name = str(path.relative_to(room))
        if variables and name != "plan.py":
            assert name in KNOWN, f"{name} says words that this test does not know"
            yield from KNOWN[name]
        yield from (word for word in _first_words(tree) if word is not None)


def _first_words(tree: ast.Module) -> Iterator[str | None]:
    """First arguments of `Reason`; None for one that is not written there."""
    constants = {
        target.id: _text(node.value)
        for node in tree.body
        if isinstance(node, ast.AnnAssign)
        for target in [node.target]
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Reason":
            word = node.args[0]
            if isinstance(word, ast.Name):
                yield constants.get(word.id)
            else:
                yield _text(word)


def _text(value: ast.expr | None) -> str | None:
    """The text of a constant."""
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
