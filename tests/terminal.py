"""Programs on a terminal of their own."""

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

__all__ = ["Terminal", "on_terminal"]

#: What a terminal program sends to move the cursor and to set colours.
ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>])")


class Terminal:
    """A program and what it shows. It is killed at the end of the block, if it is still there."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        first: Callable[[], object] | None = None,
    ) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=None if environment is None else {**os.environ, **environment},
            start_new_session=True,
            cwd=folder,
            preexec_fn=first,
        )
        os.close(slave)
        self._octets = b""
        self._since = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    @property
    def shown(self) -> str:
        """All that it has shown, without movements and colours."""
        return plain(self._octets)

    def _read(self, deadline: float) -> bool:
        """Read what it shows next; False if it has closed its end. Fails at the deadline."""
        if not select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))[0]:
            pytest.fail(f"still running, and nothing new is shown:\n{self.shown}")
        try:
            octets = os.read(self._master, 65536)
        except OSError:
            octets = b""
        self._octets += octets
        return octets != b""

    def answer(self, question: str, typed: str, *, seconds: float = 60) -> None:
        """Type, once it has shown a text since the last answer."""
        deadline = time.monotonic() + seconds
        while question not in plain(self._octets[self._since :]):
            if not self._read(deadline):
                pytest.fail(f"never shown: {question!r}\n{self.shown}")
        self._since = len(self._octets)
        self.type(typed)

    def type(self, typed: str) -> None:
        """Press keys."""
        os.write(self._master, typed.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C until it ends: a signal between its prompt and its read is noticed only after a key."""
        for _press in range(12):
            self.type("\x03")
            while select.select([self._master], [], [], 5.0)[0]:
                if not self._read(time.monotonic()):
                    return

    def end(self, *, seconds: float = 60) -> int:
        """Its exit code, once it has ended by itself."""
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            pass
        return self.process.wait(seconds)


def on_terminal(command: list[str], home: Path, steps: Sequence[tuple[str, str]], *, seconds: float = 60) -> str:
    """Run a full-screen program until it ends; what it showed.

    steps: what it must show, since the step before, and the keys to type then.
    """
    environment = {"HOME": str(home), "TERM": "xterm", "LINES": "24", "COLUMNS": "100"}
    with Terminal(command, environment=environment, folder=home) as terminal:
        for question, keys in steps:
            terminal.answer(question, keys, seconds=seconds)
        terminal.end(seconds=seconds)
        return terminal.shown


def plain(octets: bytes) -> str:
    """What was shown, without movements and colours."""
    return ESCAPES.sub("", octets.decode(errors="replace"))
