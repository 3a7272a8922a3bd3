"""kill -9 in the middle of imports, beside deliveries: each import is there as a whole, or not at all (STORE-121).

Each round imports an mbox into a mailbox of its own while messages come in by SMTP, and kills the server, or now and
then the command line alone, at a random moment after the first rows were staged. After the restart:
- the mailbox has all messages, in order and with the octets sent, or it does not exist;
- it has them when the command line had said so;
- every acknowledged delivery is there;
- nothing is left of the import in the database.
At the end `store check --deep` must find nothing.
"""

import contextlib
import hashlib
import imaplib
import random
import re
import signal
import smtplib
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import apsw

from tests.campaigns.kill import CUT, insecure
from tests.campaigns.report import Finding, Report
from tests.running import ServedServer
from tests.tools import until

__all__ = ["run"]

KILLS = 100
MESSAGES = 400
CLIENT_SHARE = 0.2  # of the rounds in which the command line is killed


def make_mbox(path: Path, rng: random.Random, number: int) -> list[str]:
    """Write the round's mbox; the hashes of its messages, as they are in mail."""
    hashes = []
    with path.open("wb") as file:
        for index in range(MESSAGES):
            size = rng.choice((1, 10, 100, 1000, 30_000 if index % 100 == 7 else 20))
            body = "\n".join(f"{rng.getrandbits(128):032x}" for _ in range(size))
            references = f"References: <{number}.{rng.randrange(MESSAGES)}@soak.example>\n" if index % 3 else ""
            message = (
                f"From: ann@example.net\nTo: eve@example.org\nSubject: {'Re: ' if references else ''}round {number}\n"
                f"Message-ID: <{number}.{index}@soak.example>\n{references}\n{body}\n"
            ).encode()
            hashes.append(hashlib.sha256(message.replace(b"\n", b"\r\n")).hexdigest())
            file.write(b"From ann@example.net Thu Oct  1 10:00:00 2026\n" + message + b"\n")
    return hashes


def send(server: ServedServer, acknowledged: set[str], stop: threading.Event) -> None:
    """Messages by SMTP to eve."""
    try:
        with smtplib.SMTP("127.0.0.1", server.ports["smtp"], timeout=10) as client:
            while not stop.is_set():
                mark = f"m{time.time_ns()}"
                text = f"From: bob@example.org\nSubject: {mark}\nMessage-ID: <{mark}@soak.example>\n\nhello\n"
                client.sendmail("", ["eve@example.org"], text)
                acknowledged.add(mark)
                time.sleep(0.01)
    except CUT:
        pass  # the server was killed


def session(server: ServedServer) -> imaplib.IMAP4_SSL:
    """eve's account."""
    client = imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=insecure(), timeout=60)
    client.login("eve@example.org", server.password)
    return client


def imported(client: imaplib.IMAP4_SSL, mailbox: str, *, octets: bool) -> list[str] | int | None:
    """What a mailbox has, None when there is none: its number of messages, or the hash of each."""
    code, _ = client.select(mailbox, readonly=True)
    if code != "OK":
        return None
    _, answer = client.uid("FETCH", "1:*", "(UID BODY.PEEK[])" if octets else "(UID)")
    if not octets:
        return sum(item is not None for item in answer)
    return [hashlib.sha256(item[1]).hexdigest() for item in answer if isinstance(item, tuple)]


def inbox(client: imaplib.IMAP4_SSL) -> Counter[str]:
    """Subjects in the Inbox."""
    client.select("INBOX", readonly=True)
    _, answer = client.uid("FETCH", "1:*", "(UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    subjects = (re.search(rb"Subject: (\S+)", item[1]) for item in answer if isinstance(item, tuple))
    return Counter(found[1].decode() for found in subjects if found)


def leftovers(server: ServedServer) -> int:
    """Rows of imports in the database."""
    path = server.folder / "data/accounts/eve/account.db"
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        counted = "SELECT (SELECT count(*) FROM import_job) + (SELECT count(*) FROM import_message)"
        return int(next(db.execute(counted))[0])
    finally:
        db.close()


def begin(server: ServedServer, mailbox: str, path: Path) -> subprocess.Popen[bytes]:
    """Start an import by the command line; returns when its first rows are there, or when it has ended."""
    command = [sys.executable, "-m", "moxlite", "--config", str(server.folder / "config/moxlite.toml")]
    client = subprocess.Popen(
        [*command, "import", "mbox", "eve", mailbox, str(path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).resolve().parents[2],
    )
    until(lambda: client.poll() is not None or leftovers(server), seconds=120, what="the import begins")
    return client


def run(seed: int, share: float, report: Report) -> None:
    """KILLS × share kills."""
    rng = random.Random(seed)
    kills = max(1, round(KILLS * share))
    acknowledged: set[str] = set()
    complete = aborted = confirmed = clients = 0
    with tempfile.TemporaryDirectory(prefix="moxlite-import-kill-") as name:
        folder = Path(name)
        server = ServedServer(folder / "server")
        with server:
            pass
        server.start()
        path = folder / "mail.mbox"
        make_mbox(path, rng, kills)
        client = begin(server, "Undisturbed", path)
        began = time.monotonic()
        if client.wait(timeout=120) != 0:
            raise Finding(f"an undisturbed import failed:\n{server.log()[-2000:]}")
        seconds = 1.2 * (time.monotonic() - began)
        for number in range(kills):
            hashes = make_mbox(path, rng, number)
            mailbox = f"Round{number}"
            stop = threading.Event()
            sender = threading.Thread(target=send, args=(server, acknowledged, stop), daemon=True)
            before = len(acknowledged)
            sender.start()
            until(lambda before=before: len(acknowledged) > before, seconds=60, what="the first delivery")  # type: ignore[misc]
            client = begin(server, mailbox, path)
            began = time.monotonic()
            with contextlib.suppress(subprocess.TimeoutExpired):
                client.wait(timeout=rng.uniform(0, seconds))
                seconds = 1.2 * (time.monotonic() - began)  # the machine has less to do than it had
            only_client = rng.random() < CLIENT_SHARE
            said = client.poll()
            if only_client:
                clients += 1
                client.send_signal(signal.SIGKILL)
                stop.set()
            else:
                server.kill()
                stop.set()
            client.wait(timeout=60)
            said = 0 if said == 0 else client.returncode if not only_client else said
            sender.join(timeout=60)
            if not only_client:
                server.start()
            imap = session(server)
            if only_client:
                deadline = time.monotonic() + 120
                while leftovers(server) and time.monotonic() < deadline:
                    time.sleep(0.05)  # the server notices, and takes it back
            found = imported(imap, mailbox, octets=True)
            if found is not None and found != hashes:
                count = len(found) if isinstance(found, list) else found
                raise Finding(f"round {number}: {mailbox} has {count} messages, not the {MESSAGES} of the import")
            if said == 0 and found is None:
                raise Finding(f"round {number}: the import was acknowledged and is missing")
            if missing := acknowledged - set(inbox(imap)):
                raise Finding(f"acknowledged but missing: {sorted(missing)[:10]} ({len(missing)})")
            imap.logout()
            if left := leftovers(server):
                raise Finding(f"round {number}: {left} rows are left of the import")
            complete += found is not None
            aborted += found is None
            confirmed += said == 0
        code = server.stop()
        if code != 0:
            raise Finding(f"the server ended with exit code {code}:\n{server.log()[-2000:]}")
        checked = server.cli("store", "check", "--deep", check=False)
        if checked.returncode != 0:
            raise Finding(f"store check --deep: {checked.stdout}{checked.stderr}")
    report.tell(
        f"{kills} imports of {MESSAGES} messages, at most {seconds:.2f} s after the first rows were staged killed the "
        f"server in {kills - clients}, the client in {clients}"
    )
    report.tell(f"{complete} complete ({confirmed} acknowledged), {aborted} not there at all, nothing in between")
    report.tell(f"{len(acknowledged)} deliveries acknowledged meanwhile, all there")
    report.tell("`store check --deep`: clean")
