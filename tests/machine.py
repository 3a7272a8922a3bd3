"""What this machine allows to tests: the rights of root, namespaces, containers by systemd-nspawn.

A program that is missing is a fault of the set-up, and under ``CI=true`` a failure (`tests.tools.need`). A right that
is missing belongs to the machine: the tests that want it are skipped and say so.
"""

import os
import shutil
import subprocess
import sys
from typing import Final

__all__ = ["hindrance_to_containers", "hindrance_to_nets", "hindrance_to_root", "rights"]

OWN_NET: Final = ("unshare", "--net", "--mount", "sh", "-c")
PROBE: Final = "ip link add probe type bridge && mount --bind /etc/hostname /etc/resolv.conf"
"""What `tests.ownnet` does in the namespaces."""

CONTAINER: Final = ("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network")
PASSING: Final = ("--volatile=yes", "--directory=/", "/usr/bin/true")
"""This system's /usr, read-only, below an empty root in memory: no other image is needed."""


def hindrance_to_root() -> str:
    """Why tests that give files away or become other users are skipped; empty where they run."""
    return "" if sys.platform == "linux" and os.geteuid() == 0 else "tests do not run as root on Linux"


def hindrance_to_nets() -> str:
    """The same for tests in a net of their own, with addresses, ports and a resolver that others do not see."""
    return hindrance_to_root() or _hindrance(*OWN_NET, PROBE)


def hindrance_to_containers() -> str:
    """The same for `script/soak install`, which boots a Debian of its own."""
    return hindrance_to_root() or _hindrance(*CONTAINER, *PASSING)


def rights() -> dict[str, str]:
    """By right, why this machine does not allow it; empty where it does."""
    return {
        "root": hindrance_to_root(),
        "namespaces": hindrance_to_nets(),
        "nspawn": hindrance_to_containers(),
    }


def _hindrance(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return f"{command[0]} is not installed"
    try:
        done = subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
    except subprocess.TimeoutExpired:
        return f"{command[0]} does not come to an end"
    said = done.stderr.decode(errors="replace").strip() or f"{command[0]} ends with {done.returncode}"
    return said.splitlines()[-1] if done.returncode else ""
