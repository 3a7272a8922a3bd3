"""A server that is told by lines what to do: `python -m bench.pi.serve KIND FOLDER [BINARY]`, run where it is measured.

Each line of standard input, "start", "stop" or "pids", is answered by one of JSON; the first line tells the ports. The
server stops at the end of the input.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import IO, Final

from bench.servers import Mox, Moxlite, Reference, Server
from tests.tools import top as source

__all__ = ["KINDS", "There"]

KINDS: Final = ("moxlite", "reference", "mox")
FACTS: Final = ("name", "smtp_port", "imap_port", "imaps_port", "http_port", "user", "address")


def make(kind: str, folder: Path, binary: str) -> Server:
    """The server, not started."""
    match kind:
        case "moxlite":
            return Moxlite(folder)
        case "reference":
            return Reference(folder)
        case _:
            return Mox(folder, binary)


class There(Server):
    """A server in another process, which `command` starts: on another machine, as it were."""

    def __init__(self, command: list[str], kind: str, folder: Path, binary: str = "") -> None:
        """Start the process; the server does not run yet."""
        self._process = subprocess.Popen(
            [*command, sys.executable, "-m", "bench.pi.serve", kind, str(folder), binary],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=source(),
        )
        for name, value in self._answer().items():
            setattr(self, name, value)

    def _answer(self) -> dict[str, object]:
        line = self._pipe(self._process.stdout).readline()
        if not line:
            raise RuntimeError(f"the server's process ended with {self._process.wait()}")
        found: dict[str, object] = json.loads(line)
        return found

    def _ask(self, line: str) -> object:
        pipe = self._pipe(self._process.stdin)
        pipe.write(line + "\n")
        pipe.flush()
        return self._answer()["answer"]

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe

    def start(self) -> float:
        """Start it; seconds, by a clock there."""
        seconds = self._ask("start")
        assert isinstance(seconds, float)
        return seconds

    def stop(self) -> None:
        """Stop it and wait until it is gone."""
        self._ask("stop")

    def pids(self) -> list[int]:
        """All its processes."""
        found = self._ask("pids")
        assert isinstance(found, list)
        return found

    def close(self) -> None:
        """Stop the server, and end the process."""
        self._pipe(self._process.stdin).close()
        self._process.wait(timeout=120)


def main() -> None:
    """Do what the lines say."""
    kind, folder, binary = sys.argv[1:]
    server = make(kind, Path(folder), binary)
    print(json.dumps({name: getattr(server, name) for name in FACTS}), flush=True)
    runs = False
    try:
        for line in sys.stdin:
            answer: object = None
            match line.strip():
                case "start":
                    answer, runs = server.start(), True
                case "stop":
                    runs = False
                    server.stop()
                case "pids":
                    answer = server.pids()
            print(json.dumps({"answer": answer}), flush=True)
    finally:
        if runs:
            server.stop()


if __name__ == "__main__":
    main()
