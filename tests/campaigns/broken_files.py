"""Each file of data/ × what can become of it: the server starts, all else goes on (STORE-158d, STORE-158e, QUEUE-158).

A file is missing, empty, cut in its middle, has an octet of each page flipped, cannot be read, is a folder, or a link.
Then a real server is started on it. Each time
- mail to an account that was not hit is taken, and read by IMAP; the web answers; the control socket, too;
- mail to the account that was hit is taken or refused for a while (451);
- what is out of service is named by /readyz, or the log; no file is made anew where one was lost;
- nothing unexpected is logged, and the server ends with exit code 0.
A server without its lock must not start, and says so in one line; so it is where a folder is in the way of its socket.
"""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Final

from tests.campaigns.damage_served import UNEXPECTED, send, session
from tests.campaigns.report import Finding, Report
from tests.running import ServedServer
from tests.tools import free_port

__all__ = ["run"]

FILES: Final = (
    "version",
    "receivedid.key",
    "lock",
    "ctl",
    "auth.db",
    "queue.db",
    "reports.db",
    "accounts/eve/account.db",
    "accounts/eve/search.db",
)
KINDS: Final = ("missing", "empty", "cut", "flipped", "unreadable", "a folder", "a link")
LOST: Final = ("missing", "empty")
PAGE: Final = 4096
TIMEOUT: Final = 60

REFUSED: Final = {("lock", "a folder"), ("lock", "a link"), ("ctl", "a folder")}
"""Where the server must not start, or cannot."""

NAMED: Final = ("auth.db", "queue.db", "accounts/eve/account.db")
"""What cannot be used when it is gone; /readyz says so."""

STATIC = """\
webmail_http = {{ enabled = true, port = {web} }}
metrics_http = {{ enabled = true, port = {metrics} }}
"""


def hit(path: Path, kind: str, rng: random.Random) -> None:
    """Do it to a file that nobody uses."""
    data = path.read_bytes() if path.is_file() else b""
    mode = 0o640
    path.unlink(missing_ok=True)
    match kind:
        case "missing":
            return
        case "a folder":
            path.mkdir()
            return
        case "a link":
            elsewhere = path.with_name("elsewhere")
            elsewhere.write_bytes(data)
            path.symlink_to(elsewhere)
            return
        case "empty":
            data = b""
        case "cut":
            data = data[: len(data) // 2]
        case "flipped":
            octets = bytearray(data)
            for start in range(0, len(octets), PAGE):
                octets[rng.randrange(start, min(start + PAGE, len(octets)))] ^= 1 << rng.randrange(8)
            data = bytes(octets)
        case "unreadable":
            mode = 0
    path.write_bytes(data)
    path.chmod(mode)


def page(port: int, path: str) -> tuple[int, str]:
    """Status and text of a page."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=TIMEOUT) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def refused(server: ServedServer, what: str) -> None:
    """The server says why it does not start."""
    done = subprocess.run(
        [sys.executable, "-m", "moxlite", *server.command()],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        env=os.environ,
    )
    if done.returncode != 1 or "Traceback" in done.stderr or "moxlite: " not in done.stderr:
        raise Finding(f"{what}: the start ended with {done.returncode}: {done.stderr}")


def served(server: ServedServer, file: str, kind: str, ports: dict[str, int], number: int) -> str:
    """Start it and use it; how mail to the account that was hit was answered."""
    what = f"{file}, {kind}"
    server.start()
    if send(server, "bob", f"beside {number}") != 250:
        raise Finding(f"{what}: another account takes no mail:\n{server.log()}")
    client = session(server, "bob")
    client.select("INBOX")
    _, [found] = client.uid("SEARCH", "SUBJECT", f'"beside {number}"')
    client.logout()
    if len(found.split()) != 1:
        raise Finding(f"{what}: the mail is not there:\n{server.log()}")
    code = send(server, "eve", f"to eve {number}")
    if code not in (250, 451):
        raise Finding(f"{what}: SMTP answered {code}")
    if page(ports["web"], "/webmail/")[0] != 200:
        raise Finding(f"{what}: the webmail does not answer")
    status, text = page(ports["metrics"], "/readyz")
    # An account that doesn't open is no problem of the server, but one of `healthcheck`: its user gets no mail.
    well = status == 200 and "\naccount " not in text
    if server.cli("healthcheck", check=False).returncode != (0 if well else 1):
        raise Finding(f"{what}: healthcheck and /readyz differ: {text}")
    if file in NAMED and kind in (*LOST, "a folder", "a link"):
        name = "account eve" if "eve" in file else Path(file).name
        if name not in text:
            raise Finding(f"{what}: /readyz does not name it: {text}")
        path = server.folder / "data" / file
        if kind in LOST and path.exists() and path.stat().st_size:
            raise Finding(f"{what}: it was made anew")
    log = server.log()
    ended = server.stop()
    if ended != 0 or any(re.search(word, log) for word in UNEXPECTED):
        raise Finding(f"{what}: the server ended with {ended}:\n{log[-6000:]}")
    return str(code)


def run(seed: int, share: float, report: Report) -> None:
    """All pairs × share."""
    rng = random.Random(seed)
    pairs = [(file, kind) for file in FILES for kind in KINDS]
    root = os.geteuid() == 0
    if root:  # whom no mode keeps out
        pairs = [pair for pair in pairs if pair[1] != "unreadable"]
    rng.shuffle(pairs)
    pairs = pairs[: max(1, round(len(pairs) * share))]
    answers: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="moxlite-broken-files-") as folder:
        ports = {"web": free_port(), "metrics": free_port()}
        server = ServedServer(Path(folder) / "server", static=STATIC.format(**ports))
        with server:
            for number in range(20):
                if send(server, "eve", f"{number:05} {rng.randbytes(3000).hex()}") != 250:
                    raise Finding("the sound account takes no mail")
        data = server.folder / "data"
        original = server.folder / "original"
        shutil.copytree(data, original, ignore=shutil.ignore_patterns("ctl"))
        for number, (file, kind) in enumerate(pairs):
            shutil.rmtree(data)
            shutil.copytree(original, data)
            hit(data / file, kind, rng)
            if (file, kind) in REFUSED:
                refused(server, f"{file}, {kind}")
                answers["refused to start"] += 1
            else:
                answers[served(server, file, kind, ports, number)] += 1
    report.tell(f"{len(pairs)} servers, each with one broken file of {len(FILES)}, broken in one of {len(KINDS)} ways")
    if root:
        report.tell("run as root, whom no mode keeps from reading: files that cannot be read are left to other users")
    told = ", ".join(f"{count} × {what}" for what, count in answers.most_common())
    report.tell(f"mail to the account that was hit, or the start: {told}")
    report.tell("mail to another account, its IMAP, the web and the control socket went on each time; 0 panics")
