"""Damaged accounts in a running server: it never crashes, refuses for a while what it cannot do, the others work.

Each round starts a server with 25 accounts whose files are damaged as in `damage`, all in different ways, and one that
is sound. By IMAP each is listed, fetched, searched, flagged, copied, expunged and added to, and mail comes in by SMTP.
- IMAP says OK or NO, or ends the session with BYE; SMTP takes the mail or refuses it for a while (451, STORE-158);
- nothing unexpected is logged, and each account that IMAP had to refuse something is named as degraded in the log, or
  the message as damaged;
- the sound account takes mail all the time, and in the end it has all of it; the server ends with exit code 0.
"""

import imaplib
import random
import re
import shutil
import smtplib
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.campaigns.damage import damage
from tests.campaigns.kill import insecure
from tests.campaigns.report import Finding, Report
from tests.running import ServedServer

__all__ = ["run"]

FILES = 500
HIT = 25
"""Damaged accounts in one server."""
MESSAGES = 50
CLIENTS = 4
TIMEOUT = 60
"""Seconds for one answer: nobody waits for ever, whatever is damaged."""

ACCOUNT = """
[accounts.{name}]
domain = "example.org"
[accounts.{name}.destinations."{name}@example.org"]
"""
UNEXPECTED = ("unexpected error", "Traceback", "writer crashed")


def names() -> list[str]:
    """The accounts that will be damaged."""
    return [f"hit{number}" for number in range(HIT)]


def session(server: ServedServer, name: str) -> imaplib.IMAP4_SSL:
    """An account, logged in."""
    client = imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=insecure(), timeout=TIMEOUT)
    client.login(f"{name}@example.org", server.password)
    return client


def send(server: ServedServer, name: str, text: str) -> int:
    """A message by SMTP; 250, or the code that refused it."""
    with smtplib.SMTP("127.0.0.1", server.ports["smtp"], timeout=TIMEOUT) as client:
        content = f"From: bob@example.org\nSubject: {text[:20]}\nMessage-ID: <{text[:20]}@soak.example>\n\n{text}\n"
        try:
            client.sendmail("", [f"{name}@example.org"], content)
        except smtplib.SMTPRecipientsRefused as refused:
            [(code, _)] = refused.recipients.values()
            return code
        except smtplib.SMTPResponseException as refused:
            return refused.smtp_code
    return 250


def make(server: ServedServer, rng: random.Random) -> Path:
    """The files of a sound account, with some of it in the log only."""
    with server:
        for number in range(MESSAGES):
            size = rng.choice((1000, 10_000, 150_000)) if number % 9 == 0 else 150
            if send(server, "eve", f"{number:05} {rng.randbytes(size).hex()}") != 250:
                raise Finding("the sound account takes no mail")
        client = session(server, "eve")
        client.select("INBOX")
        client.uid("STORE", "1:20", "+FLAGS", "(\\Seen work)")
        client.uid("COPY", "10:30", "Archive")
        client.logout()
    server.start()
    for number in range(10):
        send(server, "eve", f"late {number}")
    server.kill()
    files = server.folder / "data/accounts/eve"
    shutil.copytree(files, server.folder / "original")
    return server.folder / "original"


def use(server: ServedServer, name: str, outcomes: Counter[str], lock: threading.Lock) -> list[str]:
    """All that a client does with an account; what was refused."""
    told: Counter[str] = Counter()

    def note(what: str, code: str, text: object) -> None:
        if code not in ("OK", "NO") or (code == "NO" and b"[" not in str(text).encode()):
            raise Finding(f"{name}: {what} was answered with {code} {text}")
        told[code] += 1

    steps: tuple[Callable[[imaplib.IMAP4_SSL], tuple[str, object]], ...] = (
        lambda client: client.list(),
        lambda client: client.status("Archive", "(MESSAGES UNSEEN UIDNEXT)"),
        lambda client: client.select("INBOX"),
        lambda client: client.uid("FETCH", "1:*", "(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"),
        lambda client: client.uid("FETCH", "1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT MESSAGE-ID)])"),
        lambda client: client.uid("FETCH", "1:*", "(BODY.PEEK[])"),
        lambda client: client.uid("SEARCH", "OR TEXT late KEYWORD work"),
        lambda client: client.uid("THREAD", "REFERENCES", "UTF-8", "ALL"),
        lambda client: client.uid("STORE", "5:40", "+FLAGS", "(\\Flagged again)"),
        lambda client: client.uid("COPY", "1:20", "Sent"),
        lambda client: client.append("Drafts", "", "", b"Subject: draft\r\n\r\ntext\r\n"),
        lambda client: client.uid("STORE", "30:50", "+FLAGS", "(\\Deleted)"),
        lambda client: client.expunge(),
    )
    client = None
    for step in steps:
        try:
            if client is None:
                client = session(server, name)
            note("a command", *step(client))
        except TimeoutError as error:
            raise Finding(f"{name}: no answer:\n{server.log()}") from error
        except imaplib.IMAP4.abort:  # BYE
            told["BYE"] += 1
            client = None
        except imaplib.IMAP4.error as error:  # a log-in that is refused, or a command in a state that the last NO left
            told["NO"] += 1
            if "BAD" in str(error):
                raise Finding(f"{name}: {error}") from error
    code = send(server, name, "after the damage")
    if code not in (250, 451):
        raise Finding(f"{name}: SMTP answered {code}")
    told[str(code)] += 1
    if send(server, "eve", f"beside {name}") != 250:
        raise Finding(f"beside {name} the sound account takes no mail")
    with lock:
        outcomes += told
    return [f"{count} × {what}" for what, count in told.items() if what not in ("OK", "250")]


def run(seed: int, share: float, report: Report) -> None:
    """FILES × share files."""
    rng = random.Random(seed)
    rounds = max(1, round(FILES * share / HIT))
    outcomes: Counter[str] = Counter()
    lock = threading.Lock()
    degraded = 0
    with tempfile.TemporaryDirectory(prefix="moxlite-damage-served-") as folder:
        domains = "".join(ACCOUNT.format(name=name) for name in names())
        server = ServedServer(Path(folder) / "server", domains=domains)
        original = make(server, rng)
        accounts = server.folder / "data/accounts"
        for _ in range(rounds):
            kinds = {}
            for name in ("eve", *names()):
                shutil.rmtree(accounts / name, ignore_errors=True)
                shutil.copytree(original, accounts / name)
                if name != "eve":
                    kinds[name], _ = damage(accounts / name / "account.db", rng)
            server.start()
            with ThreadPoolExecutor(CLIENTS) as pool:
                refused = dict(
                    zip(names(), pool.map(lambda name: use(server, name, outcomes, lock), names()), strict=True)
                )
            client = session(server, "eve")
            client.select("INBOX")
            _, [found] = client.uid("SEARCH", "SUBJECT beside")
            client.logout()
            if len(found.split()) != HIT:
                raise Finding(f"{len(found.split())} of {HIT} messages to the sound account are there")
            log = server.log()
            code = server.stop()
            if code != 0 or any(word in log for word in UNEXPECTED):
                place = next((match.start() for word in UNEXPECTED if (match := re.search(word, log))), 0)
                raise Finding(f"the server ended with {code}, {kinds}:\n{log[max(0, place - 1000) : place + 4000]}")
            for name, was in refused.items():
                if was and not re.search(rf"l=(error|warn) .*\b{name}\b", log):
                    lines = "\n".join(line for line in log.splitlines() if "l=info" not in line)
                    raise Finding(f"{name} ({kinds[name]}): {was} were refused, and the log does not say why:\n{lines}")
            degraded += sum(map(bool, refused.values()))
    report.tell(f"{rounds} servers with {HIT} damaged accounts each; {degraded} of {rounds * HIT} met their damage")
    report.tell(f"IMAP and SMTP answered {', '.join(f'{count} × {what}' for what, count in outcomes.most_common())}")
    report.tell("nothing unexpected in the log, which names each account that something was refused to")
    report.tell("the sound account took mail beside each of them, and has all of it")
