"""A wall clock that the test moves, for Python programs that it starts: `time.time` and `time.time_ns` tell it.

Clocks that only count (`time.monotonic`) go on as they are, and so do `datetime.now` and what C libraries ask.
libfaketime would change those, too, but with it `time.sleep` fails (EINVAL), and threads that wait for each other take
a second.
"""

from pathlib import Path

from tests.tools import top

__all__ = ["FakeClock"]

PROGRAM = """\
import time
from pathlib import Path

_file, _real = Path(__file__).with_name("ahead"), time.time_ns


def time_ns():
    return _real() + int(_file.read_text()) * 1_000_000_000


time.time_ns = time_ns
time.time = lambda: time_ns() / 1e9
"""
"""sitecustomize.py, which each Python runs first where it finds it (docs of the module `site`)."""


class FakeClock:
    """The clock of all programs that are started with `environment`, and of their children.

    Args:
      folder: where they find it; all users can read it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)
        self._folder = folder
        self._write("sitecustomize.py", PROGRAM)
        self.ahead = 0
        self.move(0)

    def environment(self, path: str = str(top())) -> dict[str, str]:
        """For programs whose PYTHONPATH is `path`."""
        return {"PYTHONPATH": f"{self._folder}:{path}", "PYTHONDONTWRITEBYTECODE": "1"}

    def move(self, seconds: float) -> None:
        """Set it forward."""
        self.ahead += round(seconds)
        self._write("ahead", f"{self.ahead}\n")

    def _write(self, name: str, text: str) -> None:
        new = self._folder / f".{name}"
        new.write_text(text)
        new.chmod(0o644)
        new.replace(self._folder / name)
