"""Examples in comments of the files that quickstart writes: each can be switched on as it stands (ADMIN-31)."""

import ast
import base64
import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from moxlite.admin.accounts import add_address
from moxlite.admin.quickstart.files import domains_file, static_file
from moxlite.admin.quickstart.listeners import Places
from moxlite.admin.quickstart.webserver import Webserver
from moxlite.config import load as loading
from moxlite.config.load import load
from moxlite.config.toml.edit import Document
from moxlite.proto.address import Address, Domain
from tests.tools import top

ADDRESS = Address.parse("you@example.org")
EXAMPLE = re.compile(r"^# (\[.*\]|[\w.\"]+ = .*)$")


def switched_on(text: str) -> Iterator[str]:
    """The text once for each example, without its comment signs: a table with its keys, or a single key."""
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        end = at
        while end < len(lines) and EXAMPLE.match(lines[end]) and (end == at or lines[at].startswith("# [")):
            end += 1
        if end > at:
            block = [line.removeprefix("# ") for line in lines[at:end]]
            keys = {line.partition(" = ")[0] for line in block if not line.startswith("[")}
            following = lines[end : end + 1] if block[0].startswith("nat_ips") else []  # takes the place of this line
            rest = [
                line
                for line in lines[end + len(following) :]
                if line.partition(" = ")[0] not in keys or block[0][0] == "["
            ]
            yield "\n".join([*lines[:at], *block, *rest]) + "\n"
        at = max(end, at + 1)


def texts(places: Places, webserver: Webserver | None) -> tuple[str, str]:
    static = static_file(
        data="../data",
        hostname=Domain.parse("mx.example.org"),
        domain=ADDRESS.domain,
        user="moxlite",
        account="you",
        contact=str(ADDRESS),
        places=places,
        hostkeys=[],
        webserver=webserver,
        publish=False,
        admin_inside=False,
    )
    return static, domains_file(ADDRESS, "you", [], dt.datetime.now(dt.UTC))


def loads(folder: Path, static: str, domains: str) -> None:
    (folder / "moxlite.toml").write_text(static)
    (folder / "domains.toml").write_text(domains)
    load(folder / "moxlite.toml")


@pytest.mark.parametrize("natted", [False, True])
def test_each_commented_example_can_be_switched_on(tmp_path: Path, natted: bool) -> None:
    """ADMIN-31: in moxlite.toml and in domains.toml, also after an address was added."""
    places = Places(public=("192.0.2.1",), internal=("127.0.0.1",), natted=natted)
    static, domains = texts(places, None)
    loads(tmp_path, static, domains)
    found = list(switched_on(static))
    assert len(found) == 3 + natted
    for text in found:
        loads(tmp_path, text, domains)
    [rule] = switched_on(domains)
    loads(tmp_path, static, rule)
    document = Document(domains)
    loads(tmp_path, static, domains)
    add_address(document, load(tmp_path / "moxlite.toml")[0], "more@example.org", "you")
    [rule] = switched_on(str(document).replace('you@example.org".rulesets', 'more@example.org".rulesets'))
    loads(tmp_path, static, rule)


def test_builds_with_a_channel_look_for_new_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-60, ADMIN-31: quickstart turns this on if the build knows where to look."""
    channel = tmp_path / "channel.toml"
    channel.write_text(
        'domain = "publisher.example"\nchangelog_url = "https://publisher.example/changelog.json"\n'
        f'public_key = "{base64.b64encode(bytes(32)).decode()}"\n'
    )
    for built in (False, True):
        if built:
            monkeypatch.setattr(loading, "CHANNEL", channel)
        loads(tmp_path, *texts(Places(public=("192.0.2.1",), internal=("127.0.0.1",)), None))
        assert loading.load(tmp_path / "moxlite.toml")[0].static.check_updates == built


PAGE: Final = "docs/first-hour.md"
VALUES: Final = re.compile(r"…|\d+|mx\.example\.org|'moxlite'|moxlite\.toml|/python")
"""Values in what the page quotes."""


def said() -> Iterator[str]:
    """Texts of the program, without the values in them."""
    for path in (top() / "moxlite").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(one.value) if isinstance(one, ast.Constant) else "…" for one in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_the_first_hour_s_page_quotes_what_the_program_says() -> None:
    """ADMIN-31: each phrase of its tables "It says"."""
    quoted = set(re.findall(r"(?m)^\| ([^|]+) \| [^|]+ \|$", (top() / PAGE).read_text())) - {"It says", "---"}
    assert len(quoted) > 10
    texts = list(said())
    for phrase in quoted:
        pieces = [re.escape(piece.strip()) for piece in VALUES.split(phrase) if piece.strip()]
        words = re.compile(".*".join(pieces), re.DOTALL)
        assert any(map(words.search, texts)), phrase
