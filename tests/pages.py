"""Commands of the documentation, as a reader types them: blocks of pages in ``docs/`` that are marked ``sh``. Blocks
without that mark are examples with words of the reader's own.
"""

import shlex
import textwrap

from tests.tools import top

__all__ = ["commands", "example", "follow_options"]


def commands(page: str, heading: str) -> list[str]:
    """The commands below a heading of any level, up to the next heading, line by line: comments are the shell's to
    read.
    """
    found = [line for block in _blocks(page, heading, "sh") for line in block.replace("\\\n", " ").splitlines()]
    assert found, f"{page} has no commands below {heading!r}"
    return found


def follow_options(page: str, heading: str) -> list[str]:
    """Source and options that a page has written to the file of the unit moxlite-follow."""
    (line,) = [one for one in commands(page, heading) if one.endswith(">/etc/default/moxlite-follow")]
    name, _, words = shlex.split(line)[1].partition("=")
    assert name == "FOLLOW"
    return shlex.split(words.strip('"'))


def example(page: str, heading: str, mark: str) -> str:
    """The first block with a mark below a heading."""
    return _blocks(page, heading, mark)[0]


def _blocks(page: str, heading: str, mark: str) -> list[str]:
    text = (top() / "docs" / page).read_text(encoding="utf-8")
    _, _, rest = text.partition(f" {heading}\n")
    assert rest, f"{page} has no heading {heading!r}"
    found: list[str] = []
    block: list[str] | None = None
    marked = ""
    for line in rest.splitlines():
        if block is None and line.startswith("#"):
            break
        if block is None and line.strip().startswith("```"):
            block, marked = [], line.strip().removeprefix("```")
        elif block is not None and line.strip() == "```":
            if marked == mark:
                found.append(textwrap.dedent("\n".join(block)))
            block = None
        elif block is not None:
            block.append(line)
    return found
