"""Changing a TOML text: what it means afterwards, and what of it stays as it was."""

import copy
import re
import tomllib
from typing import Any

import pytest
import tomlkit
from hypothesis import assume, given, settings, strategies as st

from moxlite.config.toml.edit import Document
from moxlite.config.toml.scan import dotted_keys, literal

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
            document.put(path, *value)
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
        (("accounts", "me", "destinations", "n@x"), {}, [], ['[accounts.me.destinations."n@x"]']),
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
    """ADMIN-6: with an empty line around it, and a header for each table, so that lines can be added to each."""
    text = '[accounts.me]\ndomain = "a"\n\n[domains."a"]\n'
    after = edited(text, (("accounts", "new"), {"domain": "a", "destinations": {"n@a": {}}}))
    assert after == (
        '[accounts.me]\ndomain = "a"\n\n[accounts.new]\ndomain = "a"\n[accounts.new.destinations."n@a"]\n\n'
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
            below.append(f"[{dotted_keys(inner)}]{comment()}\n{written(draw, value, inner)}")
        elif tables and style == 0:
            below += [f"[[{dotted_keys(inner)}]]{comment()}\n{written(draw, item, inner)}" for item in value]
        elif isinstance(value, dict) and value and style == 1:
            lines += [f"{dotted_keys((key, one))} = {literal(item)}{comment()}\n" for one, item in value.items()]
        else:
            lines.append(f"{dotted_keys((key,))} = {literal(value)}{comment()}\n")
    return "".join(lines + below)


@pytest.mark.parametrize("value", [{}, {"a": [1, "]"]}, {"b": {"c": 1}}, [{"b": 2}], [], 3])
def test_an_array_of_tables_becomes_something_else(value: Any) -> None:
    """ADMIN-6."""
    text = "[[a]]\nx = 1\n[[a]]\n[a.b]\ny = 2\n[c]\nz = 3\n"
    after = edited(text, (("a",), value))
    assert tomllib.loads(after) == {"a": value, "c": {"z": 3}}


OWNER = """\
# Rules of the house, and why.

[accounts.me]
domain = "example.org"

# Bills first.
[accounts.me.destinations."me@example.org"]
mailbox = "Inbox" # as it should be
full_name = ""  # the default, kept on purpose

# the bank
[[accounts.me.destinations."me@example.org".rulesets]]
smtp_mail_from_regexp = "@bank.example$"   # since 2024
mailbox = "Bank"
is_forward = false # the default, kept on purpose

# the list
  [[accounts.me.destinations."me@example.org".rulesets]]
  mailbox = "Lists"
  # a header of the list
  [accounts.me.destinations."me@example.org".rulesets.headers_regexp]
  "list-id" = "x" # of the list

# the rest
[[accounts.me.destinations."me@example.org".rulesets]]
mailbox = "Rest"

# another account
[accounts.you]
domain = "example.org"
aliases = [
  # in the order of their age
  "a@x", # Ada
  "b@x", # Bo

  # newcomers
  "c@x"  # Cleo
]
"""
RULES: Any = ("accounts", "me", "destinations", "me@example.org", "rulesets")


def rules(*names: str) -> list[dict[str, Any]]:
    every: dict[str, dict[str, Any]] = {
        "bank": {"smtp_mail_from_regexp": "@bank.example$", "mailbox": "Bank"},
        "list": {"mailbox": "Lists", "headers_regexp": {"list-id": "x"}},
        "rest": {"mailbox": "Rest"},
        "new": {"mailbox": "New", "headers_regexp": {"x": "y"}},
    }
    return [dict(every[name]) for name in names]


def test_one_value_of_a_block_is_changed_alone() -> None:
    """ADMIN-6: comments, order, empty lines and keys that are set to their default stay to the octet."""
    was = rules("bank", "list", "rest")
    new = rules("bank", "list", "rest")
    new[0]["mailbox"] = "Money"
    new[1]["headers_regexp"] = {"list-id": "z"}
    assert edited(OWNER, (RULES, new, was)) == OWNER.replace('"Bank"', '"Money"').replace('= "x" #', '= "z" #')
    new[0]["list_allow_domain"] = "a.b"
    assert difference(OWNER, edited(OWNER, (RULES, new, was)))[1] == [
        'mailbox = "Money"', 'list_allow_domain = "a.b"', '  "list-id" = "z" # of the list',
    ]  # fmt: skip


def test_blocks_are_added_removed_and_moved_with_their_comments() -> None:
    """ADMIN-6."""
    was = rules("bank", "list", "rest")
    head, bank, of_list, rest, you = re.split(r"(?=# the bank|# the list|# the rest|# another)", OWNER)
    added = (
        '[[accounts.me.destinations."me@example.org".rulesets]]\nmailbox = "New"\n'
        '[accounts.me.destinations."me@example.org".rulesets.headers_regexp]\nx = "y"\n\n'
    )
    for names, expected in {
        ("bank", "list", "rest"): OWNER,
        ("list", "rest"): head + of_list + rest + you,
        ("bank", "rest"): head + bank + rest + you,
        ("list", "rest", "bank"): head + of_list + rest + bank + you,
        ("rest", "bank", "list"): head + rest + bank + of_list + you,
        ("new", "bank", "list", "rest"): head + added + bank + of_list + rest + you,
        ("bank", "new", "list", "rest"): head + bank + added + of_list + rest + you,
        ("bank", "list", "rest", "new"): head + bank + of_list + rest + added + you,
        ("new",): head + added + you,
    }.items():
        assert edited(OWNER, (RULES, rules(*names), was)) == expected, names


def test_elements_over_several_lines_keep_their_comments() -> None:
    """ADMIN-6."""
    path = ("accounts", "you", "aliases")
    for value, old, new in (
        (["a@x", "c@x"], '  "b@x", # Bo\n', ""),
        (["a@x", "b@x", "n@x", "c@x"], '# Bo\n', '# Bo\n  "n@x",\n'),
        (["a@x", "b@x", "c@x", "n@x"], '"c@x"  # Cleo\n', '"c@x",  # Cleo\n  "n@x"\n'),
        (["n@x", "a@x", "b@x", "c@x"], "  # in the order", '  "n@x",\n  # in the order'),
    ):  # fmt: skip
        assert edited(OWNER, (path, value)) == OWNER.replace(old, new), value


ITEM = st.fixed_dictionaries({"name": st.integers(0, 5)}, optional={
    "kind": st.sampled_from(["a", "b"]), "list": st.lists(st.integers(0, 3), max_size=3),
    "sub": st.dictionaries(KEY, st.integers(0, 3), max_size=2),
})  # fmt: skip


def with_comments(draw: Any, items: list[dict[str, Any]]) -> str:
    """An array of tables as its owner may write it, with a comment of its own at each line."""
    lines: list[str] = ["# head", "[a]", "x = 1 # of x", ""]

    def line(text: str) -> None:
        above = draw(st.sampled_from([[], [], [f"# above {len(lines)}"], [""]]))
        lines.extend([*above, f"{text} # at {len(lines)}"])

    for item in items:
        line("[[a.list]]")
        header = "sub" in item and draw(st.booleans())
        for key, value in item.items():
            if key == "list" and draw(st.booleans()):
                line(f"{key} = [")
                for one in value:
                    line(f"  {one},")
                line("]")
            elif key != "sub" or not header:
                line(f"{key} = {literal(value)}")
        if header:
            line("[a.list.sub]")
            for key, value in item["sub"].items():
                line(f"{dotted_keys((key,))} = {value}")
    return "\n".join([*lines, "", "# foot", "[b]", "y = 2", ""])


@pytest.mark.nightly
@given(st.data(), st.lists(ITEM, min_size=1, max_size=4), st.lists(ITEM, max_size=2))
@settings(max_examples=400)
def test_no_comment_of_what_stays_is_lost(
    data: st.DataObject, items: list[dict[str, Any]], more: list[dict[str, Any]]
) -> None:
    """ADMIN-6: tomlkit reads the same from the result as the standard library."""
    text = with_comments(data.draw, items)
    assume(tomllib.loads(text)["a"]["list"] == items)
    new = copy.deepcopy(items)
    for item in more:
        new.insert(data.draw(st.integers(0, len(new))), item)
    after = edited(text, (("a", "list"), new))
    assert tomllib.loads(after) == {"a": {"x": 1, "list": new}, "b": {"y": 2}} == tomlkit.parse(after).unwrap()
    kept = iter(after.splitlines())
    assert all(any(line == other for other in kept) for line in text.splitlines() if line), (text, after)
    # one value of one table
    at = data.draw(st.integers(0, len(items) - 1))
    new = copy.deepcopy(items)
    new[at]["kind"] = "c"
    after = edited(text, (("a", "list"), new))
    assert tomllib.loads(after)["a"]["list"] == new == tomlkit.parse(after).unwrap()["a"]["list"]
    gone, added = difference(text, after)
    assert len(gone) <= 1 == len(added)
    assert sum(one.count("#") for one in gone) == sum(one.count("#") for one in added)
    # fewer, and in another order
    new = data.draw(st.permutations(items))[: data.draw(st.integers(1, len(items)))]
    after = edited(text, (("a", "list"), new))
    assert tomllib.loads(after) == {"a": {"x": 1, "list": new}, "b": {"y": 2}} == tomlkit.parse(after).unwrap()
    assert not difference(text, after)[1]
    if len(new) == len(items):
        assert sorted(filter(None, after.splitlines())) == sorted(filter(None, text.splitlines()))


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
