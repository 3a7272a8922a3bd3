"""`moxlite` that writes each call of its pages to a file: ``python -m tests.campaigns._countingserver ARGS``.

``MOXLITE_TEST_CALLS`` names the file. `Work` is one line: a call that was really made, not one that was answered from
an earlier one with its id. ``MOXLITE_TEST_VERSION`` makes the server another version of itself for open pages.
"""

import os
from pathlib import Path
from typing import Any, Final

import msgspec

from moxlite.encoding import from_json, to_json
from moxlite.web import callserver, document
from moxlite.web.calls import Call
from moxlite.web.cookies import Caller
from moxlite.web.errors import APIError

__all__ = ["CALLS", "VERSION", "Work", "works"]

CALLS: Final = "MOXLITE_TEST_CALLS"
VERSION: Final = "MOXLITE_TEST_VERSION"


class Work(msgspec.Struct, frozen=True):
    """A call that was made. `code` is "" for one that was done, else that of its refusal. `secret`: its repetition is
    made, too, with another secret in place of the first.
    """

    app: str
    name: str
    parameters: Any
    code: str
    secret: bool


def works(file: Path, after: int = 0) -> list[Work]:
    """The calls in a file, but the first `after`. A line that is being written is left out."""
    lines = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
    return [from_json(line, Work) for line in lines[after:]]


def count(file: Path) -> None:
    """Write the calls of this process to the file."""
    made = callserver.CallServer._made

    async def counted(
        self: callserver.CallServer, entry: Call, caller: Caller, actor: str, request: msgspec.Struct
    ) -> Any:
        code = "cut off"
        try:
            result = await made(self, entry, caller, actor, request)
            code = ""
            return result
        except APIError as refusal:
            code = refusal.code
            raise
        finally:
            work = Work(self._door.app, entry.name, msgspec.to_builtins(request), code, entry.secret)
            with file.open("ab") as calls:
                calls.write(to_json(work) + b"\n")

    setattr(callserver.CallServer, "_made", counted)  # noqa: B010  a method of the program's own


def become(version: str) -> None:
    """Give the documents of this process another tag, as another version has."""
    ours = document._ours

    def others(name: str) -> tuple[str, tuple[bytes, ...]]:
        tag, packed = ours(name)
        return f"{tag[: -len(version)]}{version}", packed

    setattr(document, "_ours", others)  # noqa: B010  a function of the program's own


if __name__ == "__main__":
    import moxlite.__main__

    count(Path(os.environ[CALLS]))
    if version := os.environ.get(VERSION):
        become(version)
    moxlite.__main__.main()
