"""Calls of all apps, made from their schemas: with and without a session, with values that fit, strange ones, and
octets that are no JSON. No answer has a status 500, and no unexpected error is counted (WEB-134, WEB-55, WEBMAIL-23).
"""

import http.client
import json
import random
import re
import smtplib
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from urllib.request import urlopen

from moxlite.process.localserve import ADMIN_PASSWORD
from tests.campaigns._schemas import Maker
from tests.campaigns.report import Finding, Report
from tests.running import LocalServer

__all__ = ["run"]

REQUESTS = 67_000
FEWEST = 300

ROUND = 4000
"""Requests of one server: calls remove accounts, change passwords and forbid things, so it is replaced."""

SECONDS = 5.0
"""Seconds for an answer. Calls that ask the network have none for so long; after `PATIENCE` they are made no more."""

PATIENCE: Final = 1
SLOW: Final = 1.0
MAILS: Final = 20
WITHOUT: Final = 0.15
"""Share of requests without a session."""

ENDING: Final = frozenset(
    ("logout", "generate_password", "set_password", "password_change", "account_password", "account_remove", "not_me")
    + (
        "session_remove",
        "session_remove_others",
        "session_end",
        "account_factors_reset",
        "key_finish",
        "domain_disable",
    )
)
"""Calls after which no log-in may be possible: with a session they get octets that are no JSON."""

APPS: Final = {"webmail": "/webmail/", "account": "/", "admin": "/admin/"}
PANIC: Final = re.compile(r"^moxlite_panic_total\{.*\} (\S+)$", re.MULTILINE)


class App:
    """An app's calls, and a browser that makes them."""

    def __init__(self, server: LocalServer, name: str, chance: random.Random) -> None:
        self.name = name
        self.path = APPS[name]
        self.schema: Any = json.loads((Path(__file__).parents[2] / f"schema/{name}.schema.json").read_bytes())
        self.maker = Maker(chance, self.schema["$defs"])
        self._server = server
        self._cookies: dict[str, str] = {}
        self._csrf = ""
        self._connection: http.client.HTTPConnection | None = None

    def log_in(self) -> bool:
        """Begin a session; whether that is still possible."""
        self._cookies.clear()
        self._csrf = ""
        user, password = self._server.user, self._server.password
        if self.name == "admin":
            user, password = "", ADMIN_PASSWORD
        status, body = self.post("login_prep", b"{}")
        if status != 200:
            return False
        form = {"login_token": json.loads(body)["result"], "username": user, "password": password}
        status, body = self.post("login", json.dumps(form).encode())
        self._csrf = json.loads(body)["result"]["csrf_token"] if status == 200 else ""
        return bool(self._csrf)

    def post(self, name: str, body: bytes, *, session: bool = True) -> tuple[int, bytes]:
        """Make a call; status and body."""
        fields = {"content-type": "application/json"}
        if session:
            cookies = "; ".join(f"{key}={value}" for key, value in self._cookies.items())
            fields |= {"x-moxlite-csrf": self._csrf, "cookie": cookies}
        return self.ask("POST", f"{self.path}api/{name}", body, fields, keep=session)

    def get(self, target: str) -> int:
        """Fetch something with the session; its status. The body is not awaited: it may be a stream."""
        self.close()
        cookies = "; ".join(f"{key}={value}" for key, value in self._cookies.items())
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port(80), timeout=SECONDS)
        try:
            connection.request("GET", target, headers={"cookie": cookies})
            return connection.getresponse().status
        finally:
            connection.close()

    def ask(self, method: str, target: str, body: bytes, fields: dict[str, str], *, keep: bool) -> tuple[int, bytes]:
        """Send a request. Raises OSError, HTTPException."""
        for _ in range(2):
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._server.port(80), timeout=SECONDS)
                fresh = True
            else:
                fresh = False
            try:
                self._connection.request(method, target, body, fields)
                response = self._connection.getresponse()
                content = response.read()
            except TimeoutError:
                self.close()
                raise
            except (OSError, http.client.HTTPException):
                self.close()
                if fresh:
                    raise
                continue
            for field in response.headers.get_all("set-cookie") or [] if keep else []:
                key, _, value = field.partition(";")[0].partition("=")
                self._cookies[key] = value
            return response.status, content
        raise OSError("no connection")

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Round:
    """Requests to one server."""

    def __init__(self, server: LocalServer, chance: random.Random, statuses: Counter[str]) -> None:
        self.server = server
        self.chance = chance
        self.statuses = statuses
        self.found: dict[str, str] = {}
        self.slow: Counter[str] = Counter()
        self.apps = [App(server, name, chance) for name in APPS]

    def play(self, requests: int) -> int:
        """Make requests; returns how many, fewer if no log-in is possible any more."""
        names = [(app, name) for app in self.apps for name in app.schema["x-calls"]]
        for app in self.apps:
            if not app.log_in():
                raise Finding(f"{app.name}: no log-in at a fresh server")
        for number in range(requests):
            app, name = self.chance.choice(names)
            if self.chance.random() < 0.03:
                self._page(self.apps[0])
            elif not self._call(app, name):
                return number + 1
        return requests

    def _call(self, app: App, name: str) -> bool:
        """Make a call; False if the session has ended and no other can begin."""
        key = f"{app.name} {name}"
        entry = app.schema["x-calls"][name]
        body = app.maker.body(entry["parameters"])
        session = self.chance.random() >= WITHOUT
        if session and (name in ENDING or self.slow[key] >= PATIENCE):
            body = b'{"\xff": 1}'
        began = time.monotonic()
        try:
            status, answer = app.post(name, body, session=session)
        except TimeoutError:
            self.slow[key] += PATIENCE
            return True
        if time.monotonic() - began > SLOW:
            self.slow[key] += 1
        self.statuses[str(status)] += 1
        if status == 500:
            self.found.setdefault(key, f"{body[:2000]!r} → {answer[:500]!r}")
        if status == 200:
            app.maker.note(json.loads(answer).get("result"), name)
        return not (session and status == 401 and name not in ("login", "login_factor", "confirm")) or app.log_in()

    def _page(self, app: App) -> None:
        """Fetch a stream of events, or something of a message."""
        chance = self.chance
        if chance.random() < 0.5:
            status, answer = app.post("token", b"{}")
            token = json.loads(answer)["result"] if status == 200 else ""
            request = app.maker.body(app.schema["x-request"])[:6000]
            target = f"events?token={token}&request={quote(request)}&since={chance.choice(('0', '-1', 'x', '9' * 20))}"
        else:
            number = chance.choice(("1", "5", "0", "x", "9" * 17, "%ff"))
            part = chance.choice(("text", "html", "htmlexternal", "raw", "attachments.zip", "part/1.2", "view/0"))
            target = f"msg/{number}/{part}?others={chance.choice(('', '1,2', 'x' * 100))}&scheme=dark"
        try:
            status = app.get(app.path + target)
        except TimeoutError:
            return
        self.statuses[str(status)] += 1
        if status == 500:
            self.found.setdefault(f"page {target.partition('?')[0]}", target)


def fill(server: LocalServer) -> None:
    """Bring some mail to the account."""
    with smtplib.SMTP("127.0.0.1", server.port(25)) as client:
        for number in range(MAILS):
            text = f"From: ada@a.example\r\nTo: {server.user}\r\nSubject: Plan {number}\r\n\r\nHello {number}.\r\n"
            client.sendmail("ada@a.example", [server.user], text)


def panics(server: LocalServer) -> float:
    """Unexpected errors that the server has counted."""
    with urlopen(f"http://127.0.0.1:{server.port(81)}/metrics") as answer:
        return sum(map(float, PANIC.findall(answer.read().decode())))


def tracebacks(log: str) -> str:
    """The unexpected errors of a log."""
    lines = log.splitlines()
    places = [at for at, line in enumerate(lines) if "unexpected error" in line or "l=panic" in line]
    return "\n".join("\n".join(lines[at : at + 40])[-3000:] for at in places[:10])


def run(seed: int, share: float, report: Report) -> None:
    """Raises Finding."""
    total, made, servers = max(FEWEST, round(REQUESTS * share)), 0, 0
    chance = random.Random(seed)
    statuses: Counter[str] = Counter()
    found: dict[str, str] = {}
    logs: list[str] = []
    while made < total:
        servers += 1
        with tempfile.TemporaryDirectory(prefix="moxlite-calls-") as folder:
            server = LocalServer(Path(folder) / "local")
            with server:
                fill(server)
                play = Round(server, chance, statuses)
                made += play.play(min(ROUND, total - made))
                found |= play.found
                if counted := panics(server):
                    logs.append(f"{counted:.0f} unexpected errors:\n{tracebacks(server.log())}")
    if found or logs:
        calls = "\n".join(f"{key}: {value}" for key, value in found.items())
        raise Finding(f"{len(found)} calls answered 500:\n{calls}\n" + "\n".join(logs))
    told = ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items()))
    report.tell(f"{made} requests to {servers} servers, one after the other")
    report.tell(f"statuses: {told}; none was 500, and no unexpected error was counted")
