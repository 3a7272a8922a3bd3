"""Changing a TOML text: what it means afterwards, and what of it stays as it was."""

import copy
import tomllib
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from moxlite.config.toml.edit import Document, _dotted, _literal

TEXT = """\
# the head of the file

[accounts.me]   # myself
domain = "example.org"  # ours

# about addresses
[accounts.me.destinations]
"me@example.org" = { mailbox = "Inbox" }
'x"y@example.org' = {}

# set up in spring
[accounts.you]
domain = "example.org"
destinations."you@example.org".mailbox = "Work"
description = \"\"\"
[not.a.header]
# no comment\"\"\"
[[accounts.you.routes]]
transport = "a"
[[accounts.you.routes]]
transport = "b" # second

# a note at the end
"""


def edited(text: str, *changes: tuple[Any, ...]) -> str:
    document = Document(text)
    for path, *value in changes:
        if value:
            document.put(path, value[0])
        else:
            document.drop(path)
    return str(document)


def difference(before: str, after: str) -> tuple[list[str], list[str]]:
    old, new = before.splitlines(), after.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


@pytest.mark.parametrize(
    ("path", "value", "gone", "new"),
    [
        (("accounts", "me", "domain"), "b", ['domain = "example.org"  # ours'], ['domain = "b"  # ours']),
        (("accounts", "me", "login_disabled"), "no", [], ['login_disabled = "no"']),
        (("accounts", "me", "destinations", "n@x"), {}, [], ['"n@x" = {}']),
        (
            ("accounts", "me", "destinations", "me@example.org", "full_name"),
            "I",
            ['"me@example.org" = { mailbox = "Inbox" }'],
            ['"me@example.org" = { mailbox = "Inbox", full_name = "I" }'],
        ),
        (("accounts", "you", "destinations", "n@x"), {}, [], ['destinations."n@x" = {}']),
        (("accounts", "me", "subject_pass"), {"period": "1h"}, [], ["[accounts.me.subject_pass]", 'period = "1h"']),
        (("accounts", "me", "subject_pass", "period"), "1h", [], ["[accounts.me.subject_pass]", 'period = "1h"']),
        (("domains", "a.b", "x"), [1, True, 0.5], [], ['[domains."a.b"]', "x = [1, true, 0.5]"]),
        (("top",), "a\tb\x7f", [], ['top = "a\\tb\\u007f"']),
        (
            ("accounts", "you", "routes"),
            [],
            ["[[accounts.you.routes]]", 'transport = "a"', 'transport = "b" # second'],
            ["routes = []"],
        ),
    ],
)
def test_only_the_lines_of_a_value_change(
    path: tuple[str, ...], value: object, gone: list[str], new: list[str]
) -> None:
    """ADMIN-6."""
    after = edited(TEXT, (path, value))
    at: Any = tomllib.loads(after)
    for key in path:
        at = at[key]
    assert at == value
    removed, added = difference(TEXT, after)
    assert set(removed) == set(gone)
    assert added == new


def test_a_new_account_stands_behind_the_last_one() -> None:
    """ADMIN-6: with an empty line around it, and a header for each table that isn't empty."""
    text = '[accounts.me]\ndomain = "a"\n\n[domains."a"]\n'
    after = edited(text, (("accounts", "new"), {"domain": "a", "destinations": {"n@a": {}}}))
    assert after == (
        '[accounts.me]\ndomain = "a"\n\n[accounts.new]\ndomain = "a"\n[accounts.new.destinations]\n"n@a" = {}\n\n'
        '[domains."a"]\n'
    )


def test_comments_go_with_what_they_belong_to() -> None:
    """ADMIN-6: those above a table and behind a line; all others stay."""
    after = edited(TEXT, (("accounts", "you"),))
    assert after == TEXT[: TEXT.index("# set up")] + "\n# a note at the end\n"
    after = edited(TEXT, (("accounts", "me"),))
    assert after == "# the head of the file\n\n" + TEXT[TEXT.index("# set up") :]


def test_an_array_over_several_lines_stays_one() -> None:
    """ADMIN-6."""
    text = 'a = [\n  "x",  # one\n  "y",\n]\n'
    assert edited(text, (("a",), ["y", "z"])) == 'a = [\n  "y",\n  "z",\n]\n'
    assert edited(text, (("a",), ["x", "y"])) == text


def test_a_table_keeps_the_lines_that_hold_already() -> None:
    """ADMIN-6: saving a whole object changes what differs."""
    value = tomllib.loads(TEXT)["accounts"]["me"]
    assert edited(TEXT, (("accounts", "me"), value)) == TEXT
    after = edited(TEXT, (("accounts", "me"), {**value, "domain": "b", "destinations": {"me@example.org": {}}}))
    assert difference(TEXT, after)[1] == ['domain = "b"  # ours', '"me@example.org" = {}']
    assert tomllib.loads(after)["accounts"]["me"] == {"domain": "b", "destinations": {"me@example.org": {}}}


@pytest.mark.parametrize("end", ["", "\r\n"])
def test_line_ends_of_the_file_are_kept(end: str) -> None:
    """ADMIN-6: also of a last line without one."""
    text = f'[a.b]\r\nx = "1"\r\n[a.c]\r\ny = 2{end}'
    after = edited(text, (("a", "c", "z"), 3), (("a", "b", "w"), 4), (("a", "d", "v"), 5))
    assert after == '[a.b]\r\nx = "1"\r\nw = 4\r\n[a.c]\r\ny = 2\r\nz = 3\r\n\r\n[a.d]\r\nv = 5\r\n'


KEY = st.sampled_from(["a", "b", "c", "é.x", "#[", '"'])
SCALAR = st.one_of(
    st.integers(-5, 5), st.booleans(), st.text("ab\"'\\\n#=[]{},é", max_size=6), st.floats(0, 1), st.just([1, "]"])
)
TABLE = st.recursive(
    st.dictionaries(KEY, SCALAR, max_size=3),
    lambda inner: st.dictionaries(KEY, SCALAR | inner | st.lists(inner, min_size=1, max_size=2), max_size=3),
    max_leaves=8,
)


def written(draw: Any, table: dict[str, Any], path: tuple[str, ...] = ()) -> str:
    """A table as a person may write it: inline, with dotted keys, with headers, as array of tables; with comments."""
    lines: list[str] = []
    below: list[str] = []

    def comment() -> str:
        return str(draw(st.sampled_from(["", "", "  # [c]", "\n# d", "\n"])))

    for key, value in table.items():
        inner = (*path, key)
        tables = isinstance(value, list) and value and all(isinstance(item, dict) for item in value)
        style = draw(st.integers(0, 2))
        if isinstance(value, dict) and style == 0:
            below.append(f"[{_dotted(inner)}]{comment()}\n{written(draw, value, inner)}")
        elif tables and style == 0:
            below += [f"[[{_dotted(inner)}]]{comment()}\n{written(draw, item, inner)}" for item in value]
        elif isinstance(value, dict) and value and style == 1:
            lines += [f"{_dotted((key, one))} = {_literal(item)}{comment()}\n" for one, item in value.items()]
        else:
            lines.append(f"{_dotted((key,))} = {_literal(value)}{comment()}\n")
    return "".join(lines + below)


@pytest.mark.parametrize("value", [{}, {"a": [1, "]"]}, {"b": {"c": 1}}, [{"b": 2}], [], 3])
def test_an_array_of_tables_becomes_something_else(value: Any) -> None:
    """ADMIN-6."""
    text = "[[a]]\nx = 1\n[[a]]\n[a.b]\ny = 2\n[c]\nz = 3\n"
    after = edited(text, (("a",), value))
    assert tomllib.loads(after) == {"a": value, "c": {"z": 3}}


@given(st.data(), TABLE)
@settings(max_examples=400)
def test_a_change_means_what_it_says(data: st.DataObject, table: dict[str, Any]) -> None:
    """ADMIN-6: in any text, whatever way its tables are written."""
    text = written(data.draw, table)
    assert tomllib.loads(text) == table
    path = tuple(data.draw(st.lists(KEY, min_size=1, max_size=3)))
    wanted = copy.deepcopy(table)
    at: Any = wanted
    for key in path[:-1]:
        at = at.setdefault(key, {})
        assume(isinstance(at, dict))
    document = Document(text)
    if data.draw(st.booleans()):
        at[path[-1]] = value = data.draw(SCALAR | TABLE)
        document.put(path, value)
        assert tomllib.loads(str(document)) == wanted
    else:
        assert document.drop(path) == (path[-1] in at)
        at.pop(path[-1], None)
        assert filled(tomllib.loads(str(document))) == filled(wanted)


def filled(value: Any) -> Any:
    """Without empty tables: one that has no header goes with its last key."""
    if not isinstance(value, dict):
        return value
    found = {key: filled(item) for key, item in value.items()}
    return {key: item for key, item in found.items() if item != {}}
