"""Examples in comments of the files that quickstart writes: each can be switched on as it stands (ADMIN-31)."""

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from moxlite.admin.accounts import add_address
from moxlite.admin.quickstart.files import domains_file, static_file
from moxlite.admin.quickstart.listeners import Places
from moxlite.admin.quickstart.webserver import Webserver
from moxlite.config.load import load
from moxlite.config.toml.edit import Document
from moxlite.proto.address import Address, Domain

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
