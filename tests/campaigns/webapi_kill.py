"""kill -9 while programs send by the web API: each call with its Idempotency-Key leads to one message, whether its
answer came or not (WEB-154, STORE-189a).

After the last kill, each call is repeated with its key. An answer that had come must come again; the queue must have
one row for each recipient of each call, with the ids of the answer.
"""

import base64
import http.client
import json
import random
import sqlite3
import tempfile
import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.campaigns.report import Finding, Report
from tests.running import LocalServer

__all__ = ["run"]

KILLS = 500
FEWEST = 20
"""Kills, however small the share."""

SENDERS = 3
RECIPIENTS = ("a@x.example", "b@x.example")
LIMITS = "".join(
    f"{name} = {value}\n"
    for name, value in (
        ("max_outgoing_messages_per_day", 10**7),
        ("max_first_time_recipients_per_day", 10**7),
        ("max_recipients_per_hour", 0),
    )
)
REPEAT_SECONDS = 120.0
"""Seconds within which a repeated call must succeed after the last start."""

MOST_ANSWERS = 12
"""Answers of a round before its kill, at most."""

ROUND_SECONDS = 20.0
MAX_CALLS = 20
"""Calls of a sender in a round: the queue takes 10,000 rows of an account."""


@dataclass
class Calls:
    """Keys of calls, and the answers that came. `saved`: the call keeps a copy in Sent."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    saved: dict[str, bool] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)


def call(server: LocalServer, key: str, *, saved: bool) -> Any:
    """One call of Send. Raises OSError, HTTPException, Finding."""
    request = {
        "To": [{"Address": one} for one in RECIPIENTS],
        "Subject": key,
        "Text": "x" * 3000,
        "FutureRelease": time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(time.time() // 86400 * 86400 + 20 * 86400)),
        "SaveSent": saved,
    }
    pair = base64.b64encode(f"{server.user}:{server.password}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/json", "Idempotency-Key": key}
    connection = http.client.HTTPConnection("127.0.0.1", server.port(80), timeout=60)
    try:
        connection.request("POST", "/webapi/v0/Send", json.dumps(request), headers)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise Finding(f"call {key}: status {answer.status}: {body.decode()}")
    return json.loads(body)


def run(seed: int, share: float, report: Report) -> None:
    """Raises Finding."""
    chance = random.Random(seed)
    kills = max(FEWEST, round(KILLS * share))
    calls = Calls()
    with tempfile.TemporaryDirectory(prefix="moxlite-webapi-kill-") as folder:
        server = LocalServer(Path(folder) / "local")
        domains = server.folder / "config/domains.toml"
        domains.write_text(domains.read_text().replace("from_id_login", LIMITS + "from_id_login", 1))
        for number in range(kills):
            server.start()
            _round(server, calls, number, chance)
        server.start()
        try:
            found = _repeated(server, calls)
        finally:
            server.stop()
        _check(server, found)
    report.tell(f"{kills} kills: {len(calls.saved)} calls, {len(calls.answers)} of them answered before the kill")


def _round(server: LocalServer, calls: Calls, number: int, chance: random.Random) -> None:
    faults: list[Finding] = []

    def send(sender: int) -> None:
        with suppress(OSError, http.client.HTTPException):
            for one in range(MAX_CALLS):
                key, saved = f"{number}-{sender}-{one}", bool(one % 2)
                with calls.lock:
                    calls.saved[key] = saved
                try:
                    answer = call(server, key, saved=saved)
                except Finding as fault:
                    faults.append(fault)
                    return
                with calls.lock:
                    calls.answers[key] = answer

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(SENDERS)]
    for thread in threads:
        thread.start()
    answered, end = len(calls.answers) + chance.randrange(MOST_ANSWERS), time.monotonic() + ROUND_SECONDS
    while len(calls.answers) < answered and time.monotonic() < end:
        time.sleep(0.002)
    time.sleep(chance.uniform(0, 0.05))
    server.kill()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


def _repeated(server: LocalServer, calls: Calls) -> dict[str, Any]:
    """The answers to the repeated calls. Raises Finding."""
    end = time.monotonic() + REPEAT_SECONDS
    found: dict[str, Any] = {}
    for key, saved in calls.saved.items():
        while key not in found:
            try:
                found[key] = call(server, key, saved=saved)
            except Finding:
                if time.monotonic() > end:
                    raise
        if key in calls.answers and found[key] != calls.answers[key]:
            raise Finding(f"call {key} got {calls.answers[key]}, repeated {found[key]}")
    return found


def _check(server: LocalServer, found: dict[str, Any]) -> None:
    """Compare the answers with the queue of a stopped server. Raises Finding."""
    with closing(sqlite3.connect(server.folder / "data/queue.db")) as db:
        rows = dict(db.execute("SELECT id, rcpt_localpart || '@' || rcpt_domain FROM msg"))
    told = {one["QueueMsgID"]: one["Address"] for answer in found.values() for one in answer["Submissions"]}
    if rows != told:
        lost, twice = sorted(set(told) - set(rows)), sorted(set(rows) - set(told))
        raise Finding(f"rows of answers that are not in the queue: {lost[:10]}; rows without an answer: {twice[:10]}")
