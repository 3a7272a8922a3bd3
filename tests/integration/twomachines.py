"""Two machines for tests, each with its own mounts, processes and users, and a disk that is carried from one to the
other. The service user of the first one is an enemy; root of the second one has secrets.
"""

import os
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.rootserver import interpreter, readable_path
from tests.tools import moxlite_command, top, until

__all__ = ["CONFIG", "DATA", "DISK", "SECRET", "Computer", "computer"]

CONFIG: Final = "/srv/moxlite/config"
DATA: Final = "/srv/moxlite/data"
DISK: Final = "/mnt"

SECRET: Final = "only-root-may-read-this"
USER: Final = "moxlite"

SETUP: Final = """\
mount --make-rprivate / && mount --bind {folder}/root /root && mount --bind {folder}/srv /srv
mount --bind {disk} /mnt && mount -o remount,bind,nosuid,nodev /mnt
for name in passwd group; do mount --bind {folder}/$name /etc/$name; done
mount -t proc proc /proc && touch {folder}/ready && exec sleep infinity
"""


class Computer:
    """A machine that is on.

    Args:
      folder: what it has for itself: ``/root``, ``/srv``, its users.
      disk: the folder that all have as `DISK`.
      uid: user and group of the service user here.
    """

    def __init__(self, folder: Path, disk: Path, uid: int) -> None:
        self.folder, self.uid = folder, uid
        self.root, self.config, self.data = folder / "root", folder / "srv/moxlite/config", folder / "srv/moxlite/data"
        self.root.mkdir(parents=True, mode=0o700)
        self.data.mkdir(mode=0o750, parents=True)
        self.give(self.data)
        for name, line in (("passwd", f"{USER}:x:{uid}:{uid}::/nonexistent:/bin/false"), ("group", f"{USER}:x:{uid}:")):
            (folder / name).write_text(Path(f"/etc/{name}").read_text() + line + "\n")
        script = SETUP.format(folder=folder, disk=disk)
        self._process = subprocess.Popen(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", script])
        until((folder / "ready").exists, what="a machine")
        pid = self._process.pid
        self._leader = int(Path(f"/proc/{pid}/task/{pid}/children").read_text())
        python = interpreter()
        assert python is not None
        self._python = python

    def give(self, *paths: Path) -> None:
        """Give files to its service user."""
        for path in paths:
            os.chown(path, self.uid, self.uid, follow_symlinks=False)

    def _words(self, words: tuple[str, ...], uid: int) -> list[str]:
        user = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"] if uid else []
        return ["nsenter", f"--target={self._leader}", "--mount", "--pid", *user, *words]

    def _environment(self) -> dict[str, str]:
        return os.environ | readable_path() | {"MOXLITE_CONF": f"{CONFIG}/moxlite.toml", "TMPDIR": "/srv"}

    def run(
        self, *words: str, uid: int = 0, stdin: str = "", seconds: float = 120.0
    ) -> subprocess.CompletedProcess[str]:
        """The result of a program here, as root or another user. Raises TimeoutExpired."""
        return subprocess.run(
            self._words(words, uid),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            cwd=top(),
            env=self._environment(),
        )

    def cli(self, *words: str, uid: int = 0, config: str = CONFIG, seconds: float = 120.0) -> tuple[int, str]:
        """The exit code of `moxlite WORDS`, and all that it prints."""
        command = (*moxlite_command(self._python), "--config", f"{config}/moxlite.toml", *words)
        done = self.run(*command, uid=uid, seconds=seconds)
        return done.returncode, done.stdout + done.stderr

    def start(self, *words: str, module: str = "moxlite", uid: int = 0, config: str = CONFIG) -> None:
        """Start `moxlite WORDS`, and go on at once."""
        command = (*moxlite_command(self._python, module), "--config", f"{config}/moxlite.toml", *words)
        with (self.folder / "log").open("ab") as log:
            self._started = subprocess.Popen(
                self._words(command, uid), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=top(),
                env=self._environment(),
            )  # fmt: skip

    def serve(self, **options: object) -> None:
        """Start the server, and wait until it serves."""
        before = self.log().count("ready to serve")
        self.start("serve", **options)  # type: ignore[arg-type] # as `start`
        self.until_served(before)

    def until_served(self, before: int = 0) -> None:
        """Wait until a server here is ready, after so many others."""

        def served() -> bool:
            assert self._started.poll() is None, self.log()
            return self.log().count("ready to serve") > before

        until(served, seconds=300, what="the server")

    def log(self) -> str:
        """What the commands of `start` have printed."""
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def processes(self) -> dict[int, int]:
        """The user of each process here, but the first one, by the numbers here."""
        lines = self.run("ps", "-eo", "pid=,uid=,comm=").stdout.splitlines()
        found = {int(pid): int(uid) for pid, uid, name in (line.split(maxsplit=2) for line in lines) if name != "ps"}
        return {pid: uid for pid, uid in found.items() if pid != 1}

    def stop(self) -> None:
        """End all programs here."""
        self.run("kill", "-TERM", *map(str, self.processes()))
        until(lambda: not self.processes(), seconds=120, what="the end of all programs", pause=0.2)

    def switch_off(self) -> None:
        """Cut its power."""
        self._process.kill()
        self._process.wait()

    def told(self) -> list[Path]:
        """Files here that another user than root can read, and that have what only root may read."""
        texts = (SECRET.encode(), SECRET.encode().hex().encode())
        return [path for path in self._files() if any(text in path.read_bytes() for text in texts)]

    def odd(self) -> list[Path]:
        """What the server's folders have but files and folders that the service user or root may use."""
        return [
            path
            for path in (self.folder / "srv/moxlite").rglob("*")
            if not stat.S_ISSOCK(path.lstat().st_mode)
            and (not (stat.S_ISREG(path.lstat().st_mode) or path.is_dir()) or path.lstat().st_mode & 0o4007)
        ]

    def _files(self) -> Iterator[Path]:
        for top_, _, names in os.walk(self.folder / "srv"):
            yield from (Path(top_) / name for name in names if stat.S_ISREG((Path(top_) / name).lstat().st_mode))


@contextmanager
def computer(folder: Path, disk: Path, uid: int) -> Iterator[Computer]:
    """A machine, until the block ends."""
    machine = Computer(folder, disk, uid)
    try:
        yield machine
    finally:
        machine.switch_off()
