"""What a server weighs that has just started (ADMIN-82)."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import LocalServer
from tests.tools import until

pytestmark = [
    pytest.mark.starts,
    pytest.mark.served,
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
]

OWN = 48_000
"""kB of memory that belong to no file (see docs/performance.md), with Debian's Python: 47,300 measured, of which 1,300
are for the trials of child processes and the ledger; code of libraries is another 8 to 16 MB."""

LATER = ("nh3", "_regex", "_re2")
"""Compiled libraries that no server needs before its first mail or browser."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    with LocalServer(tmp_path / "server") as running:
        yield running


def own_memory(pid: int) -> int:
    """kB of anonymous memory of a process."""
    match = re.search(r"(?m)^Pss_Anon:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text())
    assert match
    return int(match[1])


def test_a_server_at_rest_takes_little_memory(server: LocalServer) -> None:
    """ADMIN-82: at most 60 MB, of which code that other programs share is a fifth; what only some mail or browsers need
    is not loaded.
    """
    until(lambda: own_memory(server.process.pid) <= OWN, what=f"at most {OWN} kB of its own")
    mapped = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert not [name for name in LATER if f"/{name}" in mapped]
