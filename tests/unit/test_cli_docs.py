"""What the documentation names exists: links, paths, commands with their options, keys (docs/README.md)."""

import itertools
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

from moxlite.cli import main
from moxlite.config.domains import Domains
from moxlite.config.fields import ArrayShape, TableShape, TablesShape, fields_of
from moxlite.config.static import Static
from moxlite.config.toml.decode import decode
from moxlite.config.values import Section
from tests.tools import top

TOP = top()
DOCS = TOP / "docs"

PAGES = sorted(
    [
        *(*TOP.glob("*.md"), *TOP.glob("docs/*.md"), *TOP.glob("docs/developers/*.md")),
        *(*TOP.glob("docs/decisions/*.md"), TOP / "docs/spec/README.md"),
    ],
    key=str,
)
"""Pages whose links and paths are looked at. The changelog tells of the past."""

FOR_DEVELOPERS = {"architecture", "campaigns", "clicks", "performance", "style"}
"""Pages of docs/ that are not for owners: they name what was, or examples."""

FOR_OWNERS = [
    TOP / "README.md",
    *sorted(path for path in TOP.glob("docs/*.md") if path.stem not in FOR_DEVELOPERS),
]
"""Pages whose commands and keys are looked at, too."""

LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ +(.+?)\s*$", re.MULTILINE)
PATH = re.compile(r"(?:docs|moxlite|tests|script|packaging|frontend|fixtures|bench|changes|schema)/[\w./-]+")
PLACEHOLDER = re.compile(r"KIND|NNN|imap-support-url")
"""Parts of paths that stand for others; the last one is a file that a reader of docs/developers/develop.md makes."""
KEY = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+")
CUT = re.compile(r"\s(?:[|<>#;&]|[0-9]?>).*|;.*")
"""What follows a command in a shell, and comments."""


def name_of(path: Path) -> str:
    return str(path.relative_to(TOP))


def anchors(text: str) -> set[str]:
    """Of the headings, as web pages for Markdown make them."""
    plain = (re.sub(r"[`*]|\[|\]\([^)]*\)", "", heading) for heading in HEADING.findall(FENCE.sub("", text)))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_link_leads_somewhere(page: Path) -> None:
    """docs/README.md: to a file or folder, and a heading in it."""
    text = page.read_text()
    for target in LINK.findall(CODE.sub("", FENCE.sub("", text))):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        path = page.parent / file if file else page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path.read_text()), target


@pytest.mark.parametrize("page", [one for one in PAGES if one.name != "CHANGELOG.md"], ids=name_of)
def test_each_path_exists(page: Path) -> None:
    """docs/README.md: files of this project that are named."""
    for code in CODE.findall(FENCE.sub("", page.read_text())):
        for path in PATH.findall(code):
            if code == path and "." in path.rpartition("/")[2].rstrip(".") and not PLACEHOLDER.search(path):
                assert (TOP / path.rstrip(".")).exists(), path


def commands(text: str) -> Iterator[str]:
    """Command lines of moxlite, in code and in blocks; lines that go on behind a backslash are joined."""
    for _, kind, block in FENCE.findall(text):
        if kind in ("", "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                yield from re.findall(r"(?:^|&& |\"|bin/|script/)(moxlite\s.+)$", line.strip().removeprefix("$ "))
    for code in CODE.findall(FENCE.sub("", text)):
        if code.startswith("moxlite "):
            yield code


def alternatives(line: str) -> Iterator[list[str]]:
    """The words of a command line, once for each of ``add|rm``. What is in brackets may be left out."""
    line = re.sub(r"\[([^\]]*)\]", r" \1 ", CUT.sub("", line)).replace("…", " … ")
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        words = line.split()
    return map(
        list, itertools.product(*(word.split("|") if re.fullmatch(r"[a-z|-]+", word) else [word] for word in words))
    )


def walk(words: list[str]) -> None:
    """Follow a command line through the groups; its options must be there. Raises AssertionError."""
    command: click.Command = main
    context = click.Context(main, info_name="moxlite")
    known = {name for option in main.params for name in option.opts}
    at = 1
    while isinstance(command, click.Group) and at < len(words):
        word = words[at]
        default = None if command is main else command.get_command(context, "run")
        if default is not None and (word.startswith("-") or "/" in word):
            command = default  # `moxlite backup DIR`, short for `backup run DIR`
            break
        if word.startswith("-"):
            assert word.partition("=")[0] in known, words
            takes = next(one for one in main.params if word.partition("=")[0] in one.opts)
            at += 1 if "=" in word or getattr(takes, "is_flag", False) else 2
            continue
        if word == "…" or word.isupper():
            return
        found = command.get_command(context, word)
        assert found is not None, f"{word!r} of {words}"
        command, at = found, at + 1
    own = {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | {"--help", "-h"}
    if not command.context_settings.get("ignore_unknown_options") and command.name != "sendmail":
        for word in words[at:]:
            if re.fullmatch(r"--[a-z][a-z0-9-]*(?:=.*)?", word):
                assert word.partition("=")[0] in own | known, f"{word} of {words}"


@pytest.mark.parametrize("page", FOR_OWNERS, ids=name_of)
def test_each_command_exists(page: Path) -> None:
    """docs/README.md, ADMIN-19: with its options."""
    for line in commands(page.read_text()):
        for words in alternatives(line):
            if words:
                walk(words)


def keys_of(section: type[Section]) -> Iterator[tuple[str, ...]]:
    """Paths of all keys, without the names that the user chooses."""
    for field in fields_of(section):
        yield (field.name,)
        shape: Any = field.shape
        while isinstance(shape, ArrayShape | TablesShape):
            shape = shape.item
        if isinstance(shape, TableShape):
            yield from ((field.name, *path) for path in keys_of(shape.section))


KEYS = {*keys_of(Static), *keys_of(Domains)}
ENDS = {path[at:] for path in KEYS for at in range(len(path))}
FIRST = {path[0] for path in ENDS if len(path) > 1}


SUFFIXES = ("toml", "db", "pem", "conf")
"""Ends of names of files, which look like keys."""


@pytest.mark.parametrize("page", FOR_OWNERS, ids=name_of)
def test_each_key_exists(page: Path) -> None:
    """docs/README.md, ADMIN-7: ``table.key`` in code."""
    for code in CODE.findall(FENCE.sub("", page.read_text())):
        if KEY.fullmatch(code) and code.split(".")[0] in FIRST and code.rpartition(".")[2] not in SUFFIXES:
            assert tuple(code.split(".")) in ENDS, code


SECTIONS: dict[str, type[Static | Domains]] = {"# moxlite.toml": Static, "# domains.toml": Domains}


def test_each_piece_of_configuration_is_one() -> None:
    """docs/README.md: blocks that say of which file they are decode, but for what they leave out."""
    found = 0
    for page in FOR_OWNERS:
        for _, kind, block in FENCE.findall(page.read_text()):
            first = block.lstrip().partition("\n")[0]
            if kind != "toml" or first not in SECTIONS:
                continue
            found += 1
            table: Mapping[str, object] = tomllib.loads(re.sub(r"^ +", "", block, flags=re.MULTILINE))
            _, problems = decode(SECTIONS[first], table, TOP)
            wrong = [one for one in problems if "missing" not in one.text]
            assert wrong == [], (page.name, msgspec.to_builtins([str(one) for one in wrong]))
    assert found >= 5


def test_each_page_is_in_the_index() -> None:
    """docs/README.md: nobody finds a page that no page names."""
    index = (TOP / "docs/README.md").read_text()
    pages = [str(page.relative_to(DOCS)) for page in PAGES if DOCS in page.parents]
    folders = ("decisions", "spec")
    missing = [
        page for page in pages if page != "README.md" and page.split("/")[0] not in folders and f"({page})" not in index
    ]
    assert missing == []


TYPED = re.compile(r'"([\w-]+\.md)", "((?:[0-9]\. )?[A-Z][^"]+)"')
"""A page and a heading of it, as tests name them to type the commands there."""


def test_each_heading_whose_commands_are_typed_exists() -> None:
    """docs/README.md: tests that type commands of the documentation run seldom."""
    named = {
        found
        for folder in ("integration", "campaigns")
        for path in (TOP / "tests" / folder).glob("*.py")
        for found in TYPED.findall(path.read_text())
    }
    assert len(named) >= 10
    for page, heading in named:
        assert f" {heading}\n" in (DOCS / page).read_text(), (page, heading)
