"""kill -9 while programs send by the web API, mail comes in, and webhooks are called.

Each call of Send with its Idempotency-Key leads to one message, whether its answer came or not (WEB-154, STORE-189a).
After the last kill, each call is repeated with its key. An answer that had come must come again. The queue must have
one row for each recipient of each call, with the ids of the answer.

Each acknowledged message, and each delivery of a sent one, is told to a receiver at least once; calls that come again
have the same id and the same body (QUEUE-91, WEB-106, WEB-107, WEB-109).
"""

import base64
import http.client
import json
import random
import smtplib
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

from tests.campaigns.report import Finding, Report
from tests.running import LocalServer

__all__ = ["run"]

KILLS = 500
FEWEST = 20
"""Kills, however small the share."""

Kind = Literal["kept", "saved", "own"]
"""Of a call: "kept" waiting in the queue, "saved" too, with a copy in Sent; "own" goes to the sender at once."""

SENDERS: tuple[tuple[Kind, ...], ...] = (("kept", "saved"), ("saved", "own"), ("own",))
"""Senders of each round, with the kinds of their calls, in turn."""

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

TOLD_SECONDS = 300.0
"""Seconds within which all events must reach the receiver after the last start."""

MOST_ANSWERS = 12
"""Answers of a round before its kill, at most."""

ROUND_SECONDS = 20.0
MAX_CALLS = 20
"""Calls of a sender in a round: the queue takes 10,000 rows of an account."""

REFUSED = 8
"""The receiver answers one call of so many with 500."""

SLOWEST = 0.05
"""Seconds that the receiver takes for a call, at most: kills then come in the middle of calls."""


@dataclass
class Calls:
    """Keys of calls, the answers that came, and the ids of messages that the server acknowledged by SMTP."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    asked: dict[str, Kind] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    accepted: list[str] = field(default_factory=list)


class Receiver:
    """A web server that is called. `bodies`: the body of each call, by its id."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        lock = threading.Lock()
        self.faults: list[str] = []
        self.bodies: dict[str, bytes] = {}
        self.calls = 0

        class Handler(BaseHTTPRequestHandler):
            def log_message(handler, *_: object) -> None:  # noqa: N805 self is the receiver
                """To no one."""

            def do_POST(handler) -> None:  # noqa: N805
                size = int(handler.headers["Content-Length"])
                body = handler.rfile.read(size)
                if len(body) < size:  # a kill came in the middle of the call
                    return
                time.sleep(chance.uniform(0, SLOWEST))
                status = 500 if chance.randrange(REFUSED) == 0 else 200
                with lock:
                    self.calls += 1
                    name = handler.headers["webhook-id"]
                    if status == 200 and self.bodies.setdefault(name, body) != body:
                        self.faults.append(f"call {name} came with {self.bodies[name]!r}, then with {body!r}")
                with suppress(OSError):
                    handler.send_response(status)
                    handler.send_header("Content-Length", "0")
                    handler.end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]

    @contextmanager
    def serve(self) -> Iterator[None]:
        """Answer calls within the block."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def told(self) -> tuple[set[int], set[str]]:
        """Rows of the queue whose delivery was told, and ids of messages that came in. Raises Finding."""
        if self.faults:
            raise Finding(self.faults[0])
        rows: dict[int, str] = {}
        messages: set[str] = set()
        for name, body in list(self.bodies.items()):
            event = json.loads(body)
            if event.get("Event") == "delivered":
                if rows.setdefault(event["QueueMsgID"], name) != name:
                    raise Finding(
                        f"the delivery of {event['QueueMsgID']} was told as {rows[event['QueueMsgID']]}, {name}"
                    )
            elif "Event" not in event:
                messages.add(event["MessageID"])
        return set(rows), messages


def call(server: LocalServer, key: str, kind: Kind) -> Any:
    """One call of Send. Raises OSError, HTTPException, Finding."""
    request: dict[str, Any] = {"To": [{"Address": server.user}], "Subject": key, "Text": "x" * 3000}
    if kind != "own":
        later = time.gmtime(time.time() // 86400 * 86400 + 20 * 86400)
        request["To"] = [{"Address": one} for one in RECIPIENTS]
        request["FutureRelease"] = time.strftime("%Y-%m-%dT00:00:00Z", later)
        request["SaveSent"] = kind == "saved"
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
    receiver = Receiver(seed)
    with tempfile.TemporaryDirectory(prefix="moxlite-webapi-kill-") as folder, receiver.serve():
        server = LocalServer(Path(folder) / "local")
        domains = server.folder / "config/domains.toml"
        hooks = "".join(
            f'[accounts.moxlite.{kind}_webhook]\nurl = "http://127.0.0.1:{receiver.port}/{kind}"\n'
            for kind in ("outgoing", "incoming")
        )
        domains.write_text(domains.read_text().replace("from_id_login", LIMITS + "from_id_login", 1) + hooks)
        for number in range(kills):
            server.start()
            _round(server, calls, number, chance)
        server.start()
        try:
            found = _repeated(server, calls)
            _all_told(server, calls, found, receiver)
        finally:
            server.stop()
        _check(server, calls, found)
    report.tell(f"{kills} kills: {len(calls.asked)} calls, {len(calls.answers)} of them answered before the kill")
    report.tell(
        f"{len(calls.accepted)} messages acknowledged by SMTP; {len(receiver.bodies)} events told,"
        f" in {receiver.calls} calls"
    )


def _round(server: LocalServer, calls: Calls, number: int, chance: random.Random) -> None:
    faults: list[Finding] = []

    def send(sender: int) -> None:
        kinds = SENDERS[sender]
        with suppress(OSError, http.client.HTTPException):
            for one in range(MAX_CALLS):
                key, kind = f"{number}-{sender}-{one}", kinds[one % len(kinds)]
                with calls.lock:
                    calls.asked[key] = kind
                try:
                    answer = call(server, key, kind)
                except Finding as fault:
                    faults.append(fault)
                    return
                with calls.lock:
                    calls.answers[key] = answer

    def bring() -> None:
        with suppress(OSError, smtplib.SMTPException), smtplib.SMTP("127.0.0.1", server.port(25), timeout=60) as smtp:
            for one in range(MAX_CALLS):
                name = f"<{number}-{one}@elsewhere.example>"
                header = f"From: <a@elsewhere.example>\r\nMessage-ID: {name}\r\nSubject: in\r\n"
                smtp.sendmail("a@elsewhere.example", [server.user], f"{header}\r\nhello\r\n")
                calls.accepted.append(name)

    work: list[Callable[[], None]] = [bring, *(lambda sender=sender: send(sender) for sender in range(len(SENDERS)))]
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    answered, end = len(calls.answers) + chance.randrange(MOST_ANSWERS), time.monotonic() + ROUND_SECONDS
    while len(calls.answers) < answered and time.monotonic() < end:
        time.sleep(0.002)
    time.sleep(chance.uniform(0, SLOWEST))
    server.kill()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


def _repeated(server: LocalServer, calls: Calls) -> dict[str, Any]:
    """The answers to the repeated calls. Raises Finding."""
    end = time.monotonic() + REPEAT_SECONDS
    found: dict[str, Any] = {}
    for key, kind in calls.asked.items():
        while key not in found:
            try:
                found[key] = call(server, key, kind)
            except Finding:
                if time.monotonic() > end:
                    raise
        if key in calls.answers and found[key] != calls.answers[key]:
            raise Finding(f"call {key} got {calls.answers[key]}, repeated {found[key]}")
    return found


def _all_told(server: LocalServer, calls: Calls, found: dict[str, Any], receiver: Receiver) -> None:
    """Wait until the receiver knows of each delivery and each message that came in. Raises Finding."""
    sent = [answer for key, answer in found.items() if calls.asked[key] == "own"]
    rows = {answer["Submissions"][0]["QueueMsgID"] for answer in sent}
    messages = {*calls.accepted, *(answer["MessageID"] for answer in sent)}
    end = time.monotonic() + TOLD_SECONDS
    while True:
        told_rows, told_messages = receiver.told()
        if rows <= told_rows and messages <= told_messages:
            return
        if time.monotonic() > end:
            lost = sorted(rows - told_rows)[:10], sorted(messages - told_messages)[:10]
            raise Finding(f"deliveries that were not told: {lost[0]}; messages: {lost[1]}")
        server.cli("queue", "retry", "--to", server.user, check=False)
        server.cli("queue", "webhook", "schedule", "--now", "0s", "--all", check=False)
        time.sleep(1)


def _check(server: LocalServer, calls: Calls, found: dict[str, Any]) -> None:
    """Compare the answers with the queue of a stopped server. Raises Finding."""
    with closing(sqlite3.connect(server.folder / "data/queue.db")) as db:
        rows = dict(db.execute("SELECT id, rcpt_localpart || '@' || rcpt_domain FROM msg"))
        retired = dict(db.execute("SELECT id, rcpt_localpart || '@' || rcpt_domain FROM msg_retired"))
    told: dict[str, dict[int, str]] = {"waits": {}, "own": {}}
    for key, answer in found.items():
        of = told["own" if calls.asked[key] == "own" else "waits"]
        of.update((one["QueueMsgID"], one["Address"]) for one in answer["Submissions"])
    for kind, kept in (("waits", rows), ("own", retired)):
        if kept != told[kind]:
            lost, twice = sorted(set(told[kind]) - set(kept)), sorted(set(kept) - set(told[kind]))
            raise Finding(
                f"{kind}: rows of answers that are not there: {lost[:10]}; rows without an answer: {twice[:10]}"
            )
