"""This machine's own Debian as a place to install packages into, and to forget: its files under an overlay in memory,
with a network of its own in which only loopback is there (mount_namespaces(7), overlayfs).
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.tools import until

__all__ = ["InstallRoot", "hindrance", "install_root"]

MAKE = """\
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
for one in proc dev; do mount --rbind "/$one" "$1/root/$one"; done
mount -t tmpfs tmpfs "$1/root/run"
ip link set lo up
touch "$1/root/run/made"
exec sleep infinity
"""


def hindrance() -> str:
    """Why this machine has no such place; empty where it has."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root on Linux makes an overlay"
    if any(shutil.which(name) is None for name in ("dpkg", "unshare", "nsenter", "ip", "adduser")):
        return "this is no Debian with dpkg, adduser, ip, unshare and nsenter"
    done = subprocess.run(
        ["unshare", "--mount", "--net", "sh", "-c", "mount -t tmpfs tmpfs /mnt && ip link set lo up"],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"no namespaces: {done.stderr.strip()}" if done.returncode else ""


class InstallRoot:
    """The place; `top` is its root folder, seen from inside of the namespaces alone."""

    def __init__(self, holder: int, top: Path) -> None:
        self._command = ["nsenter", "--target", str(holder), "--mount", "--net"]
        self._top = top

    def put(self, file: Path, to: str) -> None:
        """Copy a file of ours there."""
        data = file.read_bytes()
        subprocess.run([*self._command, "tee", str(self._top) + to], input=data, stdout=subprocess.DEVNULL, check=True)

    def run(self, *command: str, check: bool = True, seconds: float = 240) -> subprocess.CompletedProcess[str]:
        """Run a program there, as root."""
        done = subprocess.run(
            self.inside(command), capture_output=True, text=True, timeout=seconds, env=self.environment, check=False
        )
        if check:
            assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done

    def inside(self, command: tuple[str, ...]) -> list[str]:
        """The arguments that run it there."""
        return [*self._command, "chroot", str(self._top), *command]

    def has(self, path: str) -> bool:
        """Whether there is such a file or folder."""
        return self.run("test", "-e", path, check=False).returncode == 0

    @property
    def environment(self) -> Mapping[str, str]:
        """Of a login of root."""
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {"PATH": path, "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


@contextmanager
def install_root(folder: Path) -> Iterator[InstallRoot]:
    """One, below an empty folder; nothing is left of it."""
    command = ["unshare", "--mount", "--net", "sh", "-c", MAKE, "sh", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as holder:
        try:
            made = Path(f"/proc/{holder.pid}/root{folder}/root/run/made")
            until(lambda: holder.poll() is not None or made.exists(), what="the overlay")
            assert holder.poll() is None, holder.stderr and holder.stderr.read()
            yield InstallRoot(holder.pid, folder / "root")
        finally:
            holder.kill()
