"""kill -9 while programs write, mark and send mail by JMAP.

What was answered is there after the kill: each new email, with the keyword that was set. Each message whose
EmailSubmission/set was answered arrives; the queue gets it once. One whose answer did not come is in the queue once or
not at all (JMAP-31). Copies in the Inbox are not counted: localserve delivers through its own port, as to another
server, which may have stored a message whose reply the killed one never read.
"""

import base64
import http.client
import json
import random
import sqlite3
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.campaigns.report import Finding, Report
from tests.running import LocalServer

__all__ = ["run"]

KILLS = 400
FEWEST = 4
"""Kills, however small the share."""

WRITERS = 2
SENDERS = 2
MOST_ANSWERS = 30
"""Answers of a round before its kill, at most."""

ROUND_SECONDS = 20.0
ARRIVE_SECONDS = 120.0
"""Seconds within which all that was sent must arrive after the last start."""

USING = [f"urn:ietf:params:jmap:{name}" for name in ("core", "mail", "submission")]
LIMITS = "max_outgoing_messages_per_day = 10000000\nmax_first_time_recipients_per_day = 10000000\n"


@dataclass
class Known:
    """What programs asked for, and what was answered: emails by id with whether they are marked, subjects sent."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    written: dict[str, bool] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    answers: int = 0


class Client:
    """One connection."""

    def __init__(self, server: LocalServer) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port(80), timeout=60)
        pair = base64.b64encode(f"{server.user}:{server.password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/json"}
        self.account, self.user = "umoxlite", server.user

    def request(self, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
        """The arguments of the responses. Raises OSError, HTTPException, Finding."""
        wired = [[name, {"accountId": self.account, **more}, str(n)] for n, (name, more) in enumerate(calls)]
        self._connection.request("POST", "/jmap/api", json.dumps({"using": USING, "methodCalls": wired}), self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise Finding(f"{calls[0][0]}: status {answer.status}: {body[:300]!r}")
        found = json.loads(body)["methodResponses"]
        if any(name == "error" for name, _, _ in found):
            raise Finding(f"{calls[0][0]}: {body[:500]!r}")
        return [arguments for _, arguments, _ in found]

    def draft(self, box: str, subject: str) -> dict[str, Any]:
        """A new email to the own address."""
        party = [{"email": self.user}]
        text = {"bodyStructure": {"type": "text/plain", "partId": "1"}, "bodyValues": {"1": {"value": "x" * 2000}}}
        return {"mailboxIds": {box: True}, "from": party, "to": party, "subject": subject, **text}

    def box(self, role: str) -> str:
        """The mailbox with a role."""
        [found] = self.request(("Mailbox/query", {"filter": {"role": role}}))
        number: str = found["ids"][0]
        return number


def run(seed: int, share: float, report: Report) -> None:
    """Raises Finding."""
    chance = random.Random(seed)
    kills = max(FEWEST, round(KILLS * share))
    known = Known()
    with tempfile.TemporaryDirectory(prefix="moxlite-jmap-kill-") as folder:
        server = LocalServer(Path(folder) / "local")
        domains = server.folder / "config/domains.toml"
        domains.write_text(domains.read_text().replace("from_id_login", LIMITS + "from_id_login", 1))
        for number in range(kills):
            server.start()
            _round(server, known, number, chance)
        server.start()
        try:
            server.cli("queue", "retry", "--all")  # an attempt that was interrupted twice would wait for a quarter hour
            _check(Client(server), known)
        finally:
            server.stop()
        _check_queue(server, known)
    report.tell(f"{kills} kills: {len(known.written)} emails written, {len(known.sent)} of {len(known.asked)} sent")


def _round(server: LocalServer, known: Known, number: int, chance: random.Random) -> None:
    faults: list[Finding] = []

    def write() -> None:
        client = Client(server)
        box = client.box("archive")
        while True:
            [made] = client.request(("Email/set", {"create": {"a": client.draft(box, "written")}}))
            name = made["created"]["a"]["id"]
            _note(known, known.written.setdefault, name, False)
            client.request(("Email/set", {"update": {name: {"keywords/$flagged": True}}}))
            _note(known, known.written.update, {name: True})

    def send(sender: int) -> None:
        client = Client(server)
        box = client.box("drafts")
        [identities] = client.request(("Identity/get", {}))
        identity = identities["list"][0]["id"]
        one = 0
        while True:
            one += 1
            subject = f"sent {number}-{sender}-{one}."
            _note(known, known.asked.add, subject)
            made, done, *_ = client.request(
                ("Email/set", {"create": {"a": client.draft(box, subject)}}),
                ("EmailSubmission/set", {"create": {"b": {"identityId": identity, "emailId": "#a"}}}),
            )
            if not made["created"] or not done["created"]:
                raise Finding(f"{subject}: {made} {done}")
            _note(known, known.sent.add, subject)

    def guarded(work: Callable[[], None]) -> None:
        with suppress(OSError, http.client.HTTPException):
            try:
                work()
            except Finding as fault:
                faults.append(fault)

    works = [*[write] * WRITERS, *(lambda sender=sender: send(sender) for sender in range(SENDERS))]
    threads = [threading.Thread(target=guarded, args=(one,)) for one in works]
    for thread in threads:
        thread.start()
    until, end = known.answers + chance.randrange(MOST_ANSWERS), time.monotonic() + ROUND_SECONDS
    while known.answers < until and time.monotonic() < end and not faults:
        time.sleep(0.002)
    time.sleep(chance.uniform(0, 0.05))
    server.kill()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


def _note(known: Known, note: Callable[..., object], *what: object) -> None:
    with known.lock:
        note(*what)
        known.answers += 1


def _check(client: Client, known: Known) -> None:
    """Compare with what is there now. Raises Finding."""
    ids = [*known.written]
    for at in range(0, len(ids), 500):
        [found] = client.request(("Email/get", {"ids": ids[at : at + 500], "properties": ["keywords"]}))
        if found["notFound"]:
            raise Finding(f"emails that were answered are not there: {found['notFound'][:10]}")
        lost = [one["id"] for one in found["list"] if known.written[one["id"]] and "$flagged" not in one["keywords"]]
        if lost:
            raise Finding(f"keywords that were answered are not there: {lost[:10]}")
    inbox, end = client.box("inbox"), time.monotonic() + ARRIVE_SECONDS
    while known.sent - {*(there := _subjects(client, inbox))}:
        if time.monotonic() > end:
            raise Finding(f"sent, but never arrived: {sorted(known.sent - {*there})[:10]}")
        time.sleep(0.5)


def _check_queue(server: LocalServer, known: Known) -> None:
    """Compare with the queue of a stopped server. Raises Finding."""
    with closing(sqlite3.connect(server.folder / "data/queue.db")) as db:
        rows = db.execute("SELECT subject FROM msg UNION ALL SELECT subject FROM msg_retired").fetchall()
    found = Counter(subject for (subject,) in rows)
    twice = [one for one in known.asked if found[one] > 1]
    if twice:
        raise Finding(f"in the queue more than once: {sorted(twice)[:10]}")
    lost = [one for one in known.sent if not found[one]]
    if lost:
        raise Finding(f"answered, but not in the queue: {sorted(lost)[:10]}")


def _subjects(client: Client, box: str) -> list[str]:
    """The subjects of all emails in a mailbox; mail that comes meanwhile moves the pages."""
    found: dict[str, str] = {}
    position = 0
    while True:
        [ids] = client.request(("Email/query", {"filter": {"inMailbox": box}, "position": position, "limit": 500}))
        if not ids["ids"]:
            return [*found.values()]
        [got] = client.request(("Email/get", {"ids": ids["ids"], "properties": ["subject"]}))
        found |= {one["id"]: one["subject"] for one in got["list"]}
        position += len(ids["ids"])
