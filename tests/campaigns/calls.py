"""Calls of all apps and of the web API, made from their schemas, files that are uploaded, and requests of programs by
JMAP, DAV and the admin API: with and without a session, with values that fit, strange ones, and octets that are no
JSON. No answer has a status 500, and no unexpected error is counted (WEB-134, WEB-55, WEB-93, WEBMAIL-23, JMAP-5,
DAV-20, WEB-168).
"""

import base64
import http.client
import json
import random
import re
import smtplib
import ssl
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from urllib.request import urlopen

from moxlite.process.localserve import ADMIN_PASSWORD
from tests.campaigns._programcalls import AdminAPI, Aliases, Dav, Jmap, Program
from tests.campaigns._schemas import Maker
from tests.campaigns.report import Finding, Report
from tests.running import LocalServer

__all__ = ["run"]

REQUESTS = 320_000
"""An hour of a processor: a request costs client and server 11 ms together."""

FEWEST = 300

ROUND = 4000
"""Requests of one server: calls remove accounts, change passwords and forbid things, so it is replaced."""

SECONDS = 5.0
"""Seconds for an answer. Calls that ask the network have none for so long; after `PATIENCE` they are made no more."""

LOG_IN_SECONDS: Final = 60.0
"""Seconds for an answer on which a round depends: a log-in computes a hash, and a fresh server loads modules."""

PATIENCE: Final = 1
SLOW: Final = 1.0
MAILS: Final = 20
WITHOUT: Final = 0.15
"""Share of requests without a session."""

PAGES: Final = 0.05
"""Share of requests that are no calls: streams, parts of messages, uploads."""

ENDED: Final = 0.05
"""Share of the calls of `ENDING` that have a session and octets that fit."""

ENDING: Final = frozenset(
    (
        "logout",
        "generate_password",
        "set_password",
        "password_change",
        "account_password",
        "config_account_rm",
        "not_me",
    )
    + (
        "config_account_rm",
        "session_remove",
        "session_remove_others",
        "session_end",
        "account_factors_reset",
        "key_finish",
        "config_domain_disable",
    )
)
"""Calls after which no log-in may be possible, and another server is needed. With a session most of them get octets
that are no JSON.
"""

APPS: Final = {"webmail": "/webmail/", "account": "/", "admin": "/admin/"}
WEB_API: Final = "/webapi/v0/"
MORE: Final = 3
"""How often a method of the web API is chosen where a call of an app is chosen once."""

PROGRAMS: Final = 0.3
"""Share of requests that programs make."""

UPLOADS: Final = (("webmail", "upload"), ("webmail", "import"), ("account", "import"))
TYPES: Final = ("text/plain", "image/png", "message/rfc822", "multipart/mixed", "", "a/b; c", "\xff/x", "x" * 300)
FILES: Final = (
    b"",
    b"From: ada@a.example\r\n\r\nHello\r\n",
    b"From ada@a.example Thu Jan  1 00:00:00 2026\nSubject: a\n\nHello\n",
    b"PK\x03\x04" + bytes(60),
    b"\x1f\x8b\x08" + bytes(60),
    b"\xff" * 5000,
)
"""Files: nothing, a message, an mbox, the begin of archives, octets that are nothing."""
PANIC: Final = re.compile(r"^moxlite_panic_total\{.*\} (\S+)$", re.MULTILINE)


class Client:
    """A client of HTTP with one connection."""

    def __init__(self, server: LocalServer, *, secure: bool = False) -> None:
        self._server = server
        self._secure = secure
        self.seconds = SECONDS
        self._cookies: dict[str, str] = {}
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, target: str, body: bytes, fields: dict[str, str], *, keep: bool) -> tuple[int, bytes]:
        """Send a request. Raises OSError, HTTPException."""
        for _ in range(2):
            if self._connection is None:
                self._connection = self._connected()
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

    def _connected(self) -> http.client.HTTPConnection:
        if not self._secure:
            return http.client.HTTPConnection("127.0.0.1", self._server.port(80), timeout=self.seconds)
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection("localhost", self._server.port(443), context=trusting, timeout=self.seconds)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def patient(self) -> Iterator[None]:
        """Context with a connection of its own, which waits for what a round depends on."""
        self.close()
        self.seconds = LOG_IN_SECONDS
        try:
            yield
        finally:
            self.close()
            self.seconds = SECONDS


class App(Client):
    """An app's calls, and a browser that makes them."""

    def __init__(self, server: LocalServer, name: str, chance: random.Random) -> None:
        super().__init__(server)
        self.name = name
        self.path = APPS[name]
        self.schema: Any = json.loads((Path(__file__).parents[2] / f"schema/{name}.schema.json").read_bytes())
        self.maker = Maker(chance, self.schema["$defs"])
        self._csrf = ""

    def log_in(self) -> bool:
        """Begin a session; whether that is still possible."""
        self._cookies.clear()
        self._csrf = ""
        with self.patient():
            return self._logged_in()

    def _logged_in(self) -> bool:
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
        return self.send(f"api/{name}", body, "application/json", session=session)

    def send(self, target: str, body: bytes, content: str, *, session: bool) -> tuple[int, bytes]:
        """Post octets of a media type below the app's path; status and body of the answer."""
        fields = {"content-type": content}
        if session:
            cookies = "; ".join(f"{key}={value}" for key, value in self._cookies.items())
            fields |= {"x-moxlite-csrf": self._csrf, "cookie": cookies}
        return self.ask("POST", self.path + target, body, fields, keep=session)

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


class Methods(Client):
    """The web API's methods."""

    name = "webapi"

    def __init__(self, server: LocalServer, chance: random.Random) -> None:
        super().__init__(server)
        self._chance = chance
        with self.patient():
            status, octets = self.ask("GET", f"{WEB_API}openapi.json", b"", {}, keep=False)
        if status != 200:
            raise Finding(f"the document of the web API is answered with {status}")
        document: Any = json.loads(octets)
        components = document["components"]["schemas"]
        self.maker = Maker(chance, components)
        self.methods = {
            path.strip("/"): entry["post"]["requestBody"]["content"]["application/json"]["schema"]
            for path, entry in document["paths"].items()
        }

    def log_in(self) -> bool:
        """Whether the password is still the account's."""
        return self._post("SuppressionList", b"{}", "application/json", session=True)[0] == 200

    def call(self, name: str, *, session: bool) -> tuple[int, bytes]:
        """Call a method: as JSON, or in one of the forms."""
        body = self.maker.body(self.methods[name])
        kind = self._chance.random()
        if kind < 0.7:
            return self._post(name, body, "application/json", session=session)
        if kind < 0.85:
            text = b"request=" + quote(body[:100_000]).encode()
            return self._post(name, text, "application/x-www-form-urlencoded", session=session)
        files = [("attachedfile", self._chance.choice(FILES)) for _ in range(self._chance.randrange(3))]
        form, content = _form(self._chance, [("request", body), *files])
        return self._post(name, form, content, session=session)

    def _post(self, name: str, body: bytes, content: str, *, session: bool) -> tuple[int, bytes]:
        fields = {"content-type": content}
        if session:
            user = f"{self._server.user}:{self._server.password}"
            fields["authorization"] = f"Basic {base64.b64encode(user.encode()).decode()}"
        return self.ask("POST", WEB_API + name, body, fields, keep=False)


def _form(chance: random.Random, parts: list[tuple[str, bytes]]) -> tuple[bytes, str]:
    """A form with these fields, now and then cut off, and its media type."""
    pieces: list[bytes] = []
    for name, octets in parts:
        file = f'; filename="{chance.choice(("a.txt", "../a", "ä", ""))}"' if name.endswith("file") else ""
        head = f'--bound\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        pieces += [head.encode(), octets, b"\r\n"]
    body = b"".join(pieces) + b"--bound--\r\n"
    return body[: chance.randrange(len(body))] if chance.random() < 0.1 else body, "multipart/form-data; boundary=bound"


class Round:
    """Requests to one server."""

    def __init__(self, server: LocalServer, chance: random.Random, statuses: Counter[str], kinds: Counter[str]) -> None:
        self.server = server
        self.chance = chance
        self.statuses = statuses
        self.kinds = kinds
        self.found: dict[str, str] = {}
        self.slow: Counter[str] = Counter()
        self.apps = [App(server, name, chance) for name in APPS]
        self.methods = Methods(server, chance)
        self._secure = Client(server, secure=True)  # DAV is served by https only
        with self._secure.patient(), self.methods.patient():
            self.programs: list[Program] = [
                *(kind(server, chance, self._ask) for kind in (Jmap, Dav, AdminAPI)),
                Aliases(server, chance, partial(self.methods.ask, keep=False)),
            ]

    def play(self, requests: int) -> int:
        """Make requests; returns how many, fewer if a log-in is possible no more: the rest goes to a fresh server."""
        names = [(app, name) for app in self.apps for name in app.schema["x-calls"]]
        calls: list[tuple[App | None, str]] = [*names, *MORE * [(None, name) for name in self.methods.methods]]
        for app in self.apps:
            if not app.log_in():
                raise Finding(f"{app.name}: no log-in at a fresh server")
        for number in range(requests):
            chosen, name = self.chance.choice(calls)
            if self.chance.random() < PROGRAMS:
                goes_on = self._program(self.chance.choice(self.programs))
            elif self.chance.random() < PAGES:
                goes_on = self._page(self.apps[0]) if self.chance.random() < 0.5 else self._upload()
            else:
                goes_on = self._method(name) if chosen is None else self._call(chosen, name)
            if not goes_on:
                return number + 1
        return requests

    def _call(self, app: App, name: str) -> bool:
        """Make a call; False if the session has ended and no other can begin."""
        key = f"{app.name} {name}"
        entry = app.schema["x-calls"][name]
        body = app.maker.body(entry["parameters"])
        session = self.chance.random() >= WITHOUT
        ends = name in ENDING and self.chance.random() >= ENDED
        if session and (ends or self.slow[key] >= PATIENCE):
            body = b'{"\xff": 1}'
        answer = self._timed(key, lambda: app.post(name, body, session=session), body)
        if answer is None:
            return True
        status, octets = answer
        if status == 200:
            app.maker.note(json.loads(octets).get("result"), name)
        return not (session and status == 401 and name not in ("login", "login_factor", "confirm")) or app.log_in()

    def _method(self, name: str) -> bool:
        """Call a method of the web API; False if the password is the account's no more."""
        session = self.chance.random() >= WITHOUT
        answer = self._timed(f"webapi {name}", lambda: self.methods.call(name, session=session))
        if answer is None:
            return True
        status, octets = answer
        if status == 200 and octets.startswith(b"{"):
            self.methods.maker.note(json.loads(octets), name)
        return not (session and status == 401) or self.methods.log_in()

    def _ask(self, method: str, target: str, body: bytes, fields: dict[str, str]) -> tuple[int, bytes]:
        return self._secure.ask(method, target, body, fields, keep=False)

    def _program(self, program: Program) -> bool:
        """One request of a program; False if its password or token is taken no more, so that all further ones would be
        refused at the door.
        """
        sent: list[str | bytes] = [f"{program.name} slow", b""]
        session = self.chance.random() >= WITHOUT

        def ask() -> tuple[int, bytes]:
            key, answer, body = program.call(session=session)
            sent[:] = [key, body]
            return answer

        answer = self._timed(program.name, ask)
        if answer is not None and answer[0] == 500:
            self.found.setdefault(str(sent[0]), f"{sent[1]!r:.2000} → {answer[1][:500]!r}")
        return not session or answer is None or answer[0] != 401

    def _upload(self) -> bool:
        """Send a file; False if the session has ended and no other can begin."""
        chance = self.chance
        name, target = chance.choice(UPLOADS)
        app = next(app for app in self.apps if app.name == name)
        session = chance.random() >= WITHOUT
        octets = chance.choice(FILES)
        if target == "upload":
            file = quote(chance.choice(("a.txt", "../a", "\u00e4" * 200, "", "\0", "a\r\nb")))
            target, content = f"upload?filename={file}", chance.choice(TYPES)
        else:
            others = ("mailbox", "skip_mailbox_prefix", "skip_duplicates", "dry_run", "unknown")
            values = (b"true", b"true", b"", b"Archive", b"\xff", b"x" * 5000, b"on")
            fields = [(one, chance.choice(values)) for one in chance.sample(others, chance.choice((0, 0, 1, 2, 3)))]
            files = [("file", one) for one in chance.sample(FILES, chance.choice((0, 1, 1, 1, 2, 3)))]
            target += f"?mailbox_id={chance.choice(('1', '2', '3', '0', 'x', '9' * 17))}" if name == "webmail" else ""
            octets, content = _form(chance, [*fields, *files])
        answer = self._timed(
            f"{name} {target.partition('?')[0]}", lambda: app.send(target, octets, content, session=session), octets
        )
        if answer is not None and answer[0] == 200 and answer[1].startswith(b"{"):
            found = json.loads(answer[1])
            app.maker.note(found.get("result", found), "upload")
        return answer is None or not (session and answer[0] == 401) or app.log_in()

    def _timed(self, key: str, ask: Callable[[], tuple[int, bytes]], body: bytes = b"") -> tuple[int, bytes] | None:
        """Send a request and count its answer; None if it takes too long."""
        began = time.monotonic()
        try:
            status, answer = ask()
        except TimeoutError:
            self.slow[key] += PATIENCE
            return None
        if time.monotonic() - began > SLOW:
            self.slow[key] += 1
        self.statuses[str(status)] += 1
        self.kinds[key.partition(" ")[0]] += 1
        if status == 500:
            self.found.setdefault(key, f"{body[:2000]!r} → {answer[:500]!r}")
        return status, answer

    def _page(self, app: App) -> bool:
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
            return True
        self.statuses[str(status)] += 1
        if status == 500:
            self.found.setdefault(f"page {target.partition('?')[0]}", target)
        return True


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
    kinds: Counter[str] = Counter()
    found: dict[str, str] = {}
    logs: list[str] = []
    while made < total:
        servers += 1
        with tempfile.TemporaryDirectory(prefix="moxlite-calls-") as folder:
            server = LocalServer(Path(folder) / "local")
            with server:
                fill(server)
                play = Round(server, chance, statuses, kinds)
                made += play.play(min(ROUND, total - made))
                found |= play.found
                for key, value in play.found.items():  # at once: what comes later may end the campaign
                    report.tell(f"{key}: {value}")
                if counted := panics(server):
                    logs.append(f"{counted:.0f} unexpected errors:\n{tracebacks(server.log())}")
                    report.tell(logs[-1])
    if found or logs:
        calls = "\n".join(f"{key}: {value}" for key, value in found.items())
        raise Finding(f"{len(found)} calls answered 500:\n{calls}\n" + "\n".join(logs))
    asked = ", ".join(f"{count} of {name}" for name, count in sorted(kinds.items()))
    told = ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items()))
    report.tell(f"{made} requests to {servers} servers, one after the other: {asked}")
    report.tell(f"statuses: {told}; none was 500, and no unexpected error was counted")
