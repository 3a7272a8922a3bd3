"""The price of a second machine (STORE-186): ``python -m bench.standby``, a table on standard output.

A server of its own in a folder that goes away takes mail by SMTP over loopback: alone, and with a second machine
whose target is a folder, ssh (OpenSSH on loopback), or object storage behind a proxy that holds each
piece for 10 ms in each direction. In mode sync an answer waits for the copy. One client tells how long a message takes,
eight tell how many go through. Processor time is the server's and Litestream's.

``python -m bench.standby --idle [ACCOUNTS]``: what all processes of both machines take while nothing happens.
"""

from __future__ import annotations

import contextlib
import getpass
import signal
import smtplib
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import pyrage
import trio

from moxlite.admin.standby import control
from moxlite.admin.standby.layout import FOLLOWED, SOCKET, StandbyState, read_document
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.options import Options
from tests.campaigns.standby import Proxy
from tests.objectstorage import serving
from tests.realservers import tree
from tests.running import ServedServer
from tests.sshserver import ssh_server
from tests.tools import until

__all__ = ["main"]

ONE: Final = 200
MANY: Final = 400
SENDERS: Final = 8
KINDS: Final = (
    "none",
    "folder, async",
    "folder, sync",
    "ssh, sync",
    "object storage 20 ms, async",
    "object storage 20 ms, sync",
)
TEXT: Final = "All work and no play makes a dull mailbox.\n" * 120
"""5 KiB."""


class Price(msgspec.Struct, frozen=True):
    """Milliseconds of a message of one client, in the median and for one of a hundred; messages of eight clients in a
    second; processor time of a message, ms.
    """

    median: float
    worst: float
    rate: float
    processor: float


@contextlib.contextmanager
def target(kind: str, folder: Path) -> Iterator[str]:
    """The settings of a kind."""
    public = pyrage.x25519.Identity.generate().to_public()
    end = f'encrypt_to = ["{public}"]\nmode = "{kind.rpartition(" ")[2]}"\n'
    if kind == "none":
        yield ""
    elif kind.startswith("folder"):
        yield f'[standby]\ntarget = "{folder / "target"}"\n{end}'
    elif kind.startswith("ssh"):
        with ssh_server(folder / "ssh") as server:
            url = f"ssh://{getpass.getuser()}@127.0.0.1:{server.port}{folder / 'far'}"
            keys = f'ssh_key_file = "{server.key}"\nssh_host_keys = ["{server.host_key}"]\n'
            yield f'[standby]\ntarget = "{url}"\n{keys}{end}'
    else:
        with serving() as bucket:
            proxy = Proxy(bucket.address[1])
            file = folder / "keys"
            keys_of = bucket.keys | {"endpoint": f"http://127.0.0.1:{proxy.port}"}
            file.write_text("".join(f"{name} = {text}\n" for name, text in keys_of.items()))
            yield f'[standby]\ntarget = "s3://bucket/price"\nstorage_keys_file = "{file}"\n{end}'
            proxy.close()


def processor(pids: list[int]) -> float:
    """Seconds of processor time."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / 100


def send(server: ServedServer, count: int, name: str) -> list[float]:
    """Seconds of each message."""
    taken: list[float] = []
    with smtplib.SMTP("127.0.0.1", server.ports["smtp"], timeout=120) as client:
        for number in range(count):
            text = f"From: a@elsewhere.example\r\nMessage-ID: <{name}{number}@x.example>\r\n\r\n{TEXT}"
            began = time.perf_counter()
            client.sendmail("", ["bob@example.org"], text)
            taken.append(time.perf_counter() - began)
    return taken


def price(kind: str) -> Price:
    """Measure one kind."""
    with tempfile.TemporaryDirectory(prefix="moxlite-price-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with target(kind, folder) as static, ServedServer(folder / "server", static=static) as server:
            pids = [server.process.pid]
            if static:
                socket = server.folder / "data" / SOCKET
                until(socket.exists, what="Litestream")
                until(lambda: control.databases(socket), what="copies", pause=0.5)
                pids.append(control.info(socket).pid)
            send(server, 20, "warm")
            time.sleep(3)
            before = processor(pids)
            taken = sorted(send(server, ONE, "one"))
            began = time.perf_counter()
            threads = [
                threading.Thread(target=send, args=(server, MANY // SENDERS, f"many{n}-")) for n in range(SENDERS)
            ]
            for one in threads:
                one.start()
            for one in threads:
                one.join()
            seconds = time.perf_counter() - began
            time.sleep(3)  # what is left to be copied
            used = processor(pids) - before
    return Price(
        1000 * statistics.median(taken), 1000 * taken[int(0.99 * ONE)], MANY / seconds, 1000 * used / (ONE + MANY)
    )


SETTLE: Final = 150.0
"""Seconds until a set-up is at rest: a minute after its last work the program folds logs."""

REST: Final = 120.0
"""Seconds of rest that are measured."""

ACCOUNTS: Final = 200


class Use(msgspec.Struct, frozen=True):
    """What processes take: their share of memory and what is theirs alone, MB; processor, percent; descriptors."""

    memory: float
    own: float
    processor: float
    descriptors: int

    def __str__(self) -> str:
        """Columns of the table."""
        return f"{self.memory:.0f} | {self.own:.0f} | {self.processor:.1f} | {self.descriptors}"


def at_rest(groups: list[list[int]]) -> list[Use]:
    """What groups of processes take while nothing happens."""
    before, began = [processor(pids) for pids in groups], time.monotonic()
    time.sleep(REST)
    seconds = time.monotonic() - began
    found = []
    for pids, used in zip(groups, before, strict=True):
        memory = own = 0
        for pid in pids:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            fields = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines[1:])}
            memory, own = memory + fields["Pss"], own + fields["Anonymous"]
        count = sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)
        found.append(Use(memory / 1000, own / 1000, 100 * (processor(pids) - used) / seconds, count))
    return found


async def make_accounts(data: Path, names: list[str]) -> None:
    """Make the databases of accounts."""
    accounts = Accounts(data, Options())
    for name in names:
        async with accounts.use(name):
            pass
    await accounts.aclose()


def idle(kind: str, count: int) -> Iterator[tuple[str, Use]]:
    """What each part of a set-up takes at rest."""
    names = [f"idle{number}" for number in range(count)]
    domains = "".join(
        f'[accounts.{name}]\ndomain = "example.org"\n[accounts.{name}.destinations."{name}@example.org"]\n'
        for name in names
    )
    with tempfile.TemporaryDirectory(prefix="moxlite-idle-") as place, contextlib.ExitStack() as stack:
        folder = Path(place)
        folder.chmod(0o755)
        static = stack.enter_context(target(kind, folder))
        server = ServedServer(folder / "server", static=static, domains=domains)
        (server.folder / "data").mkdir(mode=0o700)
        trio.run(make_accounts, server.folder / "data", names)
        stack.enter_context(server)
        groups = {"server": [server.process.pid]}
        if static:
            socket, copy = server.folder / "data" / SOCKET, folder / "copy"
            words = ["standby", "follow", str(folder / "target"), "--into", str(copy)]
            follower = subprocess.Popen([sys.executable, "-m", "moxlite", *words], stderr=subprocess.DEVNULL)
            stack.callback(follower.wait)
            stack.callback(follower.send_signal, signal.SIGTERM)
            began = time.monotonic()

            def current() -> bool:
                found = read_document(copy / FOLLOWED, StandbyState)
                return found is not None and found.current > 0 and not found.behind

            until(current, seconds=1200, what="a complete copy", pause=0.5)
            print(f"(complete after {time.monotonic() - began:.0f} s)", file=sys.stderr)
            time.sleep(SETTLE)
            pid = control.info(socket).pid
            groups |= {"its Litestream": [pid], "follower, all its processes": tree(follower.pid)}
            groups["server"] = [one for one in tree(server.process.pid) if one != pid]
        else:
            time.sleep(SETTLE)
        yield from zip(groups, at_rest(list(groups.values())), strict=True)


def main() -> None:
    """Measure all kinds, and print a table."""
    if "--idle" in sys.argv:
        count = int(sys.argv[2]) if len(sys.argv) > 2 else ACCOUNTS
        print("| Second machine | process | memory, MB | of its own, MB | processor, % | descriptors |")
        print("|---|---|---|---|---|---|")
        for kind in ("none", "folder, async", "folder, sync"):
            for part, use in idle(kind, count):
                print(f"| {kind} | {part} | {use} |", flush=True)
        return
    print("| Second machine | one message, ms | one of a hundred, ms | of eight clients, /s | processor, ms |")
    print("|---|---|---|---|---|")
    for kind in KINDS:
        found = price(kind)
        figures = f"{found.median:.1f} | {found.worst:.1f} | {found.rate:.0f} | {found.processor:.1f}"
        print(f"| {kind} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
