"""A net of a test's own: new namespaces for network and mounts, in which a module of tests/integration plays as root.

What plays has public addresses on a bridge that leads nowhere, every port of them, and a resolver in /etc/resolv.conf.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.machine import hindrance_to_nets
from tests.rootserver import hindrance
from tests.tools import need, top

__all__ = ["add_address", "own_net", "play", "set_up_net"]


@contextmanager
def own_net(*programs: str) -> Iterator[Path]:
    """A folder for `play` where no other user may write; the test is skipped where this machine allows no such net."""
    if hindrance():
        pytest.skip(hindrance())
    for program in ("unshare", "ip", "mount", "knotd", "unbound", *programs):
        need(program)
    if why := hindrance_to_nets():
        pytest.skip(f"this machine allows no net of one's own: {why}")
    folder = Path(tempfile.mkdtemp(prefix="moxlite-net-", dir="/opt"))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def play(
    module: str, folder: Path, *words: str, seconds: float, log: Path, namespaces: tuple[str, ...] = ("net", "mount")
) -> str:
    """Run `python -m MODULE FOLDER WORD …` in a net of its own; its output, which must end with ``done``.

    namespaces: options of unshare(1) without their dashes.
    """
    own = [f"--{name}" for name in namespaces]
    command = ["unshare", *own, sys.executable, "-m", module, str(folder), *words]
    environment = os.environ | {"PYTHONPATH": str(top())}
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=seconds, cwd=top(), env=environment
    )
    log.write_text(done.stdout + done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr[-8000:]
    assert done.stdout.rstrip().endswith("done")
    return done.stdout


def set_up_net(folder: Path, *addresses: str) -> None:
    """Loopback, addresses, and a resolver in /etc/resolv.conf, in the namespaces of this process."""
    for command in ("ip link set lo up", "ip link add ext0 type bridge", "ip link set ext0 up"):
        subprocess.run(command.split(), check=True)
    for address in addresses:
        add_address(address)
    resolv = folder / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\noptions trust-ad\n")
    resolv.chmod(0o644)
    subprocess.run(["mount", "--bind", str(resolv), "/etc/resolv.conf"], check=True)


def add_address(address: str) -> None:
    """One more address of this machine."""
    subprocess.run(["ip", "addr", "add", f"{address}/24", "dev", "ext0"], check=True)
