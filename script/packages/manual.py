"""What shells and man(1) know of the program, from its own description of the commands."""

import gzip
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from click.shell_completion import BashComplete, FishComplete, ZshComplete
from generators.cli_reference import outputs

from moxlite.cli import main
from packages.sources import commit_time

__all__ = ["write_manual"]

COMPLETIONS: Final = {
    "usr/share/bash-completion/completions/moxlite": BashComplete,
    "usr/share/zsh/vendor-completions/_moxlite": ZshComplete,
    "usr/share/fish/vendor_completions.d/moxlite.fish": FishComplete,
}
"""Where Debian's shells look for them (bash-completion, zsh, fish)."""

MANUAL: Final = "usr/share/man/man1/moxlite.1.gz"

OPTION: Final = re.compile(r"- `([^`]+)`: (.*)")


def write_manual(tree: Path, version: str) -> None:
    """Write manual page and completions into the root `tree` of a package."""
    for name, shell in COMPLETIONS.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(shell(main, {}, "moxlite", "_MOXLITE_COMPLETE").source())
    path = tree / MANUAL
    path.parent.mkdir(parents=True, exist_ok=True)
    (reference,) = outputs().values()
    path.write_bytes(gzip.compress("\n".join((*_page(reference.decode(), version), "")).encode(), 9, mtime=0))


def _page(reference: str, version: str) -> Iterator[str]:
    """Lines of man(7), from docs/cli.md."""
    day = datetime.fromtimestamp(int(commit_time()), UTC).date()
    yield f'.TH MOXLITE 1 {day} "moxlite {version}" "User Commands"'
    yield from (".SH NAME", "moxlite \\- all\\-in\\-one mail server")
    yield from (".SH SYNOPSIS", ".B moxlite", "[OPTIONS] COMMAND [ARGUMENTS]", ".SH DESCRIPTION")
    _title, _generated, text = reference.split("\n\n", 2)
    about, *commands = re.split(r"(?m)^## ", text)
    yield from _lines(about)
    yield ".SH COMMANDS"
    for command in commands:
        title, _, help_ = command.partition("\n")
        yield f".SS {_text(title)}"
        yield from _lines(help_)


def _lines(text: str) -> Iterator[str]:
    """Paragraphs and options."""
    for line in text.strip().splitlines():
        option = OPTION.fullmatch(line)
        if option:
            yield from (".TP", f".B {_text(option[1])}", _text(option[2]))
        else:
            yield _text(line) if line else ".PP"


def _text(line: str) -> str:
    """A line of text: hyphens that can be copied, nothing that begins a request, commands in bold."""
    line = line.replace("\\", "\\e").replace("-", "\\-")
    line = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", line)
    return f"\\&{line}" if line.startswith((".", "'")) else line
