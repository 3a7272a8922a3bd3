"""Files of owners, with comments everywhere: one value of each is saved as a page does it, and no comment is lost
(ADMIN-6).

A file has rules of an account, handlers and routes as blocks, keys set to their default, blank lines and a comment of
its own at nearly each line. A save changes one key of one block. Every other line must be there still, to the octet and
in order, and tomlkit must read from the result what the standard library reads.
"""

from __future__ import annotations

import copy
import random
import tempfile
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any, Final

import tomlkit
import trio

from moxlite.admin.formedits import change_keys
from moxlite.config.domains import Destination, Domains
from moxlite.config.holder import ConfigHolder
from moxlite.config.toml.scan import literal
from tests.campaigns.report import Finding, Report

__all__ = ["run"]

FILES: Final = 1_000

STATIC: Final = """\
hostname = "mx.example.org"
[postmaster]
account = "me"
mailbox = "Postmaster"
[listeners.local]
ips = ["127.0.0.1"]
webserver_http.enabled = true
[transports.relay.submissions]
host = "relay.example.org"
"""

ADDRESS: Final = "me@example.org"

PLACES: Final[dict[str, tuple[type[Any], tuple[str, ...], str]]] = {
    "rulesets": (Destination, ("accounts", "me", "destinations", ADDRESS), "mailbox"),
    "web_handlers": (Domains, (), "path_regexp"),
    "routes": (Domains, (), "minimum_attempts"),
}
"""Struct and table of each array, and the key of its blocks that a save changes."""


class Owner:
    """Writes a file, line by line, with comments where TOML takes them."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        """Write a line; above it perhaps words or a blank line, behind it mostly a comment."""
        number = len(self.lines)
        indent = self.rng.choice(("", "", "  "))
        self.lines += self.rng.choice(([], [], [""], [f"{indent}# above {number}: [x] = 'y'"], [f"#{number}", "", "#"]))
        self.lines.append(indent + text + self.rng.choice(("", f" # at {number}", f'\t#at {number} "q"')))

    def table(self, header: str, **values: object) -> None:
        """Write a table's header and its keys, in any order."""
        self.line(header)
        for key, value in self.rng.sample(list(values.items()), len(values)):
            self.line(f"{key}{self.rng.choice((' = ', '=', '   = '))}{literal(value)}")

    def some(self, **values: object) -> dict[str, object]:
        """Some of the keys: those that an owner cared to write."""
        return {key: value for key, value in values.items() if self.rng.random() < 0.5}

    def rulesets(self) -> None:
        """Rules of the account's address."""
        array = f'accounts.me.destinations."{ADDRESS}".rulesets'
        for number in range(self.rng.randrange(1, 4)):
            more = self.some(is_forward=False, verified_domain="a.example", comment="# none")
            self.table(f"[[{array}]]", mailbox=f"M{number}", smtp_mail_from_regexp=f"@{number}", **more)
            if self.rng.random() < 0.5:
                self.table(f"[{array}.headers_regexp]", **{"list-id": f"<{number}>"})

    def web_handlers(self) -> None:
        """Web server rules."""
        for number in range(self.rng.randrange(1, 4)):
            more = self.some(dont_redirect_plain_http=False, compress=False)
            self.table("[[web_handlers]]", domain="example.org", path_regexp=f"^/{number}/", **more)
            self.table("[web_handlers.redirect]", base_url="https://www.example.org")

    def routes(self) -> None:
        """Routes of all mail."""
        for number in range(self.rng.randrange(1, 4)):
            more = self.some(from_domain=[".example.org"], after="")
            self.table("[[routes]]", transport="relay", minimum_attempts=number, **more)

    def write(self) -> str:
        """The whole file."""
        self.table('[domains."example.org"]', **self.some(description="", localpart_case_sensitive=False))
        self.table("[accounts.me]", domain="example.org", **self.some(full_name="", keep_copy=True))
        self.table(f'[accounts.me.destinations."{ADDRESS}"]', **self.some(mailbox="Inbox", full_name=""))
        for part in self.rng.sample((self.rulesets, self.web_handlers, self.routes), 3):
            part()
        return "\n".join([*self.lines, *self.rng.choice(([], ["", "# foot"]))]) + self.rng.choice(("", "\n"))


def _table(document: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    for key in path:
        document = document[key]
    return document


async def play(rng: random.Random, number: int, counts: Counter[str]) -> None:
    """Write so many files, and save one value of each."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "moxlite.toml").write_text(STATIC)
        file = Path(name) / "domains.toml"
        for index in range(number):
            text = Owner(rng).write()
            file.write_text(text)
            array = list(PLACES)[index % len(PLACES)]
            section, path, key = PLACES[array]
            wanted = tomllib.loads(text)
            old = _table(wanted, path)
            before = {array: copy.deepcopy(old[array])}
            block = rng.choice(old[array])
            block[key] = 77 if isinstance(block[key], int) else f"{block[key]}x"
            holder, _ = ConfigHolder.open(Path(name) / "moxlite.toml")
            await change_keys(holder.edit, section, path, before, {array: old[array]}, [array])
            require_kept(text, file.read_text(), wanted)
            counts[array] += 1
            counts["comments"] += text.count("#")


def require_kept(text: str, after: str, wanted: dict[str, Any]) -> None:
    """Raise `Finding` where more than the value of one line is another, or a reader takes it otherwise."""
    lines, new = text.split("\n"), after.split("\n")
    differ = [(one, two) for one, two in zip(lines, new, strict=False) if one != two]
    kept = len(lines) == len(new) and len(differ) == 1
    if not kept or differ[0][0].partition("#")[1:] != differ[0][1].partition("#")[1:]:
        raise Finding(f"more than one value changed:\n{text}\n---\n{after}")
    if not tomllib.loads(after) == wanted == tomlkit.parse(after).unwrap():
        raise Finding(f"means something else:\n{text}\n---\n{after}")


def run(seed: int, share: float, report: Report) -> None:
    """Write files, save, and compare."""
    counts: Counter[str] = Counter()
    trio.run(play, random.Random(f"owner files {seed}"), max(len(PLACES), round(FILES * share)), counts)
    comments = counts.pop("comments")
    report.tell(f"{counts.total():,} files of owners with {comments:,} comments, of which each was kept")
    for array, count in sorted(counts.items()):
        report.tell(f"one value of `{array}` saved: {count}")
