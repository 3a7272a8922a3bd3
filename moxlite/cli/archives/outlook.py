"""Outlook's data files (.pst), which readpst of the package pst-utils unpacks to a folder of messages (STORE-126)."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from moxlite.cli.archives.transfer import folder_size, open_file
from moxlite.cli.common import Failure
from moxlite.escapes import printable

FREE_OCTETS: Final = 1 << 30
MAX_RATIO: Final = 4
"""Octets that a file may unpack to: so many, and this times its own. Texts are compressed with ratios of 2 to 3, and
attachments grow by base64."""

CPU_SECONDS: Final = 4 * 3600
"""Processor time of readpst: 50 GB take about one hour."""

MEMORY: Final = 2 << 30
"""Octets of readpst's memory: it holds one attachment at a time, and an index."""

PAUSE: Final = 1.0
"""Seconds between two looks at what was unpacked."""


def is_outlook_file(path: Path) -> bool:
    """Whether a file begins as one of Outlook's. Raises Failure: it can't be read."""
    from moxlite.store.imports.sources import PST_MARK

    if not path.is_file():
        return False
    with open_file(path) as file:
        return file.read(len(PST_MARK)) == PST_MARK


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """A temporary folder with the messages, contacts and appointments of a file. Raises Failure: readpst isn't
    installed, failed, or wrote too much.
    """
    program = shutil.which("readpst")
    if program is None:
        raise Failure(f"{path} is an Outlook data file: install readpst (package pst-utils), then run this again")
    most = FREE_OCTETS + MAX_RATIO * path.stat().st_size
    with tempfile.TemporaryDirectory(prefix="moxlite-outlook-") as name:
        folder = Path(name)
        command = [program, "-e", "-q", "-o", name, str(path.absolute())]
        with tempfile.TemporaryFile() as errors:
            with subprocess.Popen(  # noqa: S603 - words of ours, no shell
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, preexec_fn=_limits()
            ) as process:
                _watch(process, folder, most)
            errors.seek(0)
            said = errors.read(500).decode("utf-8", "replace").strip()
        if process.returncode:
            raise Failure(f"{path}: readpst failed: {printable(said) or f'exit code {process.returncode}'}")
        yield folder


def _watch(process: "subprocess.Popen[bytes]", folder: Path, most: int) -> None:
    """Wait for the end. Raises Failure: more than `most` octets were written; it's killed then, as at any exception."""
    try:
        while True:
            try:
                process.wait(PAUSE)
            except subprocess.TimeoutExpired:
                if folder_size(folder) > most:
                    raise Failure(f"readpst unpacked more than {most} bytes, which isn't plausible") from None
            else:
                return
    finally:
        process.kill()


def _limits() -> Callable[[], None] | None:
    """Call for the child before readpst begins; None on Windows, where such limits don't exist."""
    if sys.platform == "win32":
        return None
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    return limit
