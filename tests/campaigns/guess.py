"""Guessing a password from many networks over IMAP (SCRAM), submission (PLAIN) and webmail at once (SMTP-136, 138).

Over all protocols and networks no more guesses may be looked at than the limits of an account and of an address allow;
the owner, from a place where a log-in succeeded before, logs in all the time.
"""

import base64
import http.client
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from moxlite.proto.sasl.scram import ScramClient
from tests.campaigns._addresses import HOST, Line, raise_own_limit, served
from tests.campaigns.report import Finding, Report
from tests.running import ServedServer
from tests.tools import free_port

__all__ = ["run"]

USER: Final = "bob@example.org"
ADDRESSES: Final = 12
TRIES: Final = 20
FEWEST: Final = 5
"""Of each address by each protocol: together more than an account may have in a minute."""

PER_ACCOUNT: Final = 30
PER_ADDRESS: Final = 10
"""Failures in a minute (SMTP-136, SMTP-138)."""

OWNER: Final = "127.200.0.1"
CLIENTS: Final = 24


def imap(server: ServedServer, source: str, guess: str) -> bool:
    """A guess by SCRAM; whether it was looked at."""
    client = Line(server, "imaps", source, 60)
    try:
        if not client.line().startswith("* OK"):
            return False
        scram = ScramClient("SCRAM-SHA-256", USER, guess)
        client.socket.sendall(b"t AUTHENTICATE SCRAM-SHA-256\r\n")
        message = scram.initial()
        while (line := client.line()).startswith("+"):
            challenge = base64.b64decode(line[1:].strip())
            if challenge.startswith(b"e="):  # the server's error (RFC 5802 §7), which is acknowledged
                answer = b""
            else:
                answer = scram.step(challenge) if challenge else message
            client.socket.sendall(base64.b64encode(answer) + b"\r\n")
        return looked_at(line, "t OK")
    finally:
        client.close()


def submission(server: ServedServer, source: str, guess: str) -> bool:
    """A guess by PLAIN; whether it was looked at."""
    client = Line(server, "submissions", source, 60)
    try:
        if not client.reply().startswith("220"):
            return False
        client.smtp("EHLO a.example", "250")
        plain = base64.b64encode(f"\0{USER}\0{guess}".encode()).decode()
        client.socket.sendall(f"AUTH PLAIN {plain}\r\n".encode())
        return looked_at(client.reply(), "235")
    finally:
        client.close()


def webmail(server: ServedServer, source: str, guess: str) -> bool:
    """A guess in the webmail's form; whether it was looked at."""
    connection = http.client.HTTPConnection(HOST, server.ports["webmail"], 60, source_address=(source, 0))
    headers = {"Content-Type": "application/json"}
    try:
        connection.request("POST", "/webmail/api/login_prep", b"{}", headers)
        response = connection.getresponse()
        answer = response.read().decode()
        if response.status != 200:
            return looked_at(answer, "never")
        cookies = [value.partition(";")[0] for value in response.headers.get_all("set-cookie", [])]
        form = {"login_token": json.loads(answer)["result"], "username": USER, "password": guess}
        headers["Cookie"] = "; ".join(cookies)
        connection.request("POST", "/webmail/api/login", json.dumps(form).encode(), headers)
        return looked_at(connection.getresponse().read().decode(), '{"result"')
    finally:
        connection.close()


def looked_at(answer: str, good: str) -> bool:
    """Whether an answer is about the password, not about too many guesses. Raises Finding: it lets the guess in."""
    if answer.startswith(good):
        raise Finding(f"a wrong password is taken: {answer!r}")
    if not answer:
        raise Finding("a guess was not answered")
    return "too many" not in answer.lower() and "ratelimited" not in answer.lower()


def log_in(server: ServedServer) -> float:
    """The owner's own log-in; its seconds."""
    began = time.monotonic()
    client = Line(server, "imaps", OWNER, 60)
    client.line()
    if not (reply := client.imap(f"LOGIN {USER} {server.password}")).startswith("t OK"):
        raise Finding(f"the owner is told {reply!r}")
    client.close()
    return time.monotonic() - began


PROTOCOLS: Final[dict[str, Callable[[ServedServer, str, str], bool]]] = {
    "IMAP": imap,
    "submission": submission,
    "webmail": webmail,
}


def campaign(server: ServedServer, tries: int, report: Report) -> None:
    """The whole play."""
    log_in(server)
    began = time.time()
    counts: Counter[str] = Counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [
            (protocol, source, pool.submit(guess, server, source, f"wrong {protocol} {number}"))
            for number in range(tries)
            for source in (f"127.{1 + address}.0.1" for address in range(ADDRESSES))
            for protocol, guess in PROTOCOLS.items()
        ]
        slowest, logins = 0.0, 0
        while not all(future.done() for _, _, future in running):
            slowest = max(slowest, log_in(server))
            logins += 1
        for protocol, source, future in running:
            if future.result():
                counts[protocol] += 1
                counts[source] += 1
                counts["all"] += 1
    minutes = int(time.time() // 60) - int(began // 60) + 1
    if counts["all"] > PER_ACCOUNT * minutes:
        raise Finding(f"{counts['all']} guesses were looked at within {minutes} minutes of the clock")
    if most := [source for source in counts if source.startswith("127.") and counts[source] > PER_ADDRESS * minutes]:
        raise Finding(f"{counts[most[0]]} guesses from {most[0]} within {minutes} minutes of the clock")
    by_protocol = ", ".join(f"{counts[protocol]} by {protocol}" for protocol in PROTOCOLS)
    report.tell(f"{len(running)} guesses from {ADDRESSES} networks over {minutes} minutes of the clock")
    report.tell(f"{counts['all']} were looked at ({by_protocol}), {PER_ACCOUNT * minutes} may be")
    report.tell(f"the owner logged in {logins} times meanwhile, within {slowest:.2f} s each")


def run(seed: int, share: float, report: Report) -> None:
    """TRIES × share guesses of each address by each protocol; nothing is random."""
    raise_own_limit()
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="moxlite-guess-") as folder:
        server = served(Path(folder) / "server", static=f"webmail_http = {{ enabled = true, port = {port} }}")
        server.ports["webmail"] = port
        with server:
            campaign(server, max(FEWEST, round(TRIES * share)), report)
