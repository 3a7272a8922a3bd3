"""The default server of `moxlite quickstart`, seen from another machine, played in a net of its own: run by
test_server_outside as root, in new namespaces for network and mounts, with a folder and the part to play.

The other machine is a further network namespace, a host of the internet and of the server's private network. Every URL
that leaves the server (mail, links of commands and calls) is opened from there.
"""

import ctypes
import http.client
import json
import os
import re
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from email import message_from_string
from email.message import EmailMessage, Message
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar
from urllib.parse import urljoin, urlsplit

import msgspec

from moxlite.web.account import app as account_api
from moxlite.web.admin import app as admin_api
from moxlite.web.calls import calls_of
from moxlite.web.webmail import api as webmail_api
from tests.certs import Authority
from tests.dnsworld import DNSWorld
from tests.integration.newcomer import OWN, USER, Served, say
from tests.integration.outsidepages import ACCOUNT, ADMIN, Clicks, browser_in
from tests.ownnet import add_address, set_up_net
from tests.tools import until

P = ParamSpec("P")
T = TypeVar("T")

INNER: Final = "10.9.0.1"
"""Address of the server in its private network."""
FAR: Final = "5.45.100.20"
"""Address of the other machine: mail host of far.example."""
FAR_INNER: Final = "10.9.0.20"

NEWNET: Final = 0x40000000
"""CLONE_NEWNET of setns(2)."""

NAMES: Final = ("mx.example.org", *(f"{label}.example.org" for label in ("mail", "mta-sts", "autoconfig")))
FRIEND, OTHER = "friend@far.example", "other@far.example"


class OtherMachine:
    """A network namespace of its own. `run` calls a function whose sockets are there; all mail to it is kept."""

    def __init__(self) -> None:
        self._alive = subprocess.Popen(["unshare", "--net", "sleep", "900"])
        until(self._is_apart, what="another namespace")
        inside = ["nsenter", f"--net={self.path}"]
        for command in (
            "ip link add near0 type veth peer name far0",
            "ip link set near0 master ext0 up",
            f"ip link set far0 netns {self._alive.pid}",
        ):
            subprocess.run(command.split(), check=True)
        for command in (
            "ip link set lo up",
            f"ip addr add {FAR}/24 dev far0",
            f"ip addr add {FAR_INNER}/24 dev far0",
            "ip link set far0 up",
        ):
            subprocess.run([*inside, *command.split()], check=True)
        self._threads = ThreadPoolExecutor(1, initializer=self._enter)
        self.mails: list[Message] = []
        listening = self.run(socket.create_server, (FAR, 25))
        threading.Thread(target=self._take_mail, args=(listening,), daemon=True).start()

    @property
    def path(self) -> str:
        return f"/proc/{self._alive.pid}/ns/net"

    def _is_apart(self) -> bool:
        return os.readlink(self.path) != os.readlink("/proc/self/ns/net")

    def _enter(self) -> None:
        """Move this thread alone into the namespace."""
        with open(self.path) as file:
            assert ctypes.CDLL(None, use_errno=True).setns(file.fileno(), NEWNET) == 0, os.strerror(ctypes.get_errno())

    def close(self) -> None:
        self._threads.shutdown()
        self._alive.kill()
        self._alive.wait()

    def run(self, function: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        """What a function returns, called there."""
        return self._threads.submit(function, *args, **more).result(120)

    def _take_mail(self, listening: socket.socket) -> None:
        """Take all messages."""
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as stream:
            self._speak(stream)

    def _speak(self, stream: Any) -> None:
        def reply(text: str) -> None:
            stream.write(f"{text}\r\n".encode())
            stream.flush()

        reply("220 mx.far.example ESMTP")
        for line in stream:
            verb = line[:4].upper()
            if verb == b"DATA":
                reply("354 go on")
                lines = list(iter(stream.readline, b".\r\n"))
                self.mails.append(message_from_string(b"".join(lines).decode()))
            reply("221 bye" if verb == b"QUIT" else "250 ok")
            if verb == b"QUIT":
                return

    def mail(self, subject: str, number: int = 1) -> Message:
        """The message number N with this text in its subject, once it has come."""

        def found() -> list[Message]:
            return [one for one in self.mails if subject in str(one["Subject"])]

        until(lambda: len(found()) >= number, what=f"mail about {subject!r}", seconds=120, pause=0.2)
        return found()[number - 1]

    def forward(self, port: int) -> None:
        """Take connections to this port of its own loopback to that of the server, as `ssh -L` does."""
        listening = self.run(socket.create_server, ("127.0.0.1", port))

        def pump(source: socket.socket, to: socket.socket) -> None:
            with suppress(OSError):
                while octets := source.recv(65536):
                    to.sendall(octets)
            with suppress(OSError):
                to.shutdown(socket.SHUT_WR)

        def serve() -> None:
            while True:
                near, _ = listening.accept()
                there = socket.create_connection(("127.0.0.1", port))
                for pair in ((near, there), (there, near)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()

    def is_open(self, ip: str, port: int) -> bool:
        """Whether a port answers there."""

        def connect() -> bool:
            with socket.socket() as one:
                one.settimeout(30)
                return one.connect_ex((ip, port)) == 0

        return self.run(connect)

    def deliver(self, to: str, sender: str, subject: str, text: str) -> None:
        """Bring a message to the server's port 25."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = sender, to, subject
        message["Message-ID"] = f"<{abs(hash((to, subject, text)))}@far.example>"
        message.set_content(text)

        def send() -> None:
            with smtplib.SMTP(OWN, 25, "mx.far.example", timeout=90, source_address=(FAR, 0)) as smtp:
                smtp.send_message(message, sender, [to])

        self.run(send)


class Visitor:
    """A browser of the other machine, as far as requests and cookies go."""

    def __init__(self, machine: "OtherMachine | Tunnel", tls: ssl.SSLContext) -> None:
        self._machine = machine
        self._tls = tls
        self._cookies: dict[str, str] = {}
        self._csrf = ""

    def fetch(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        kind: str = "application/json",
        language: str = "en",
    ) -> tuple[int, str]:
        """Status and text of an answer."""
        return self._machine.run(self._fetch, url, method, body, kind, language)

    def _fetch(self, url: str, method: str, body: bytes | None, kind: str, language: str) -> tuple[int, str]:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        stream = socket.create_connection((OWN if host in NAMES else host, port), timeout=60)
        if parts.scheme == "https":
            stream = self._tls.wrap_socket(stream, server_hostname=host)
        connection = http.client.HTTPConnection(host, port)
        connection.sock = stream
        cookie = "; ".join(f"{key}={value}" for key, value in self._cookies.items())
        headers = {"accept-language": language, "cookie": cookie}
        if body is not None:
            headers |= {"content-type": kind, "x-moxlite-csrf": self._csrf}
        connection.request(method, parts.path or "/", body, headers)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        for field in answer.headers.get_all("set-cookie") or []:
            key, _, value = field.partition(";")[0].partition("=")
            self._cookies[key] = value
        connection.close()
        return answer.status, text

    def call(self, app: str, name: str, /, **parameters: Any) -> Any:
        """The result of a call of the app at a URL, or the text of its refusal."""
        _, text = self.fetch(f"{app}api/{name}", "POST", json.dumps(parameters).encode())
        answer = json.loads(text)
        return answer["result"] if "result" in answer else answer["error"]["message"]

    def log_in(self, app: str, password: str) -> None:
        token = self.call(app, "login_prep")
        name = "" if app.endswith("/admin/") else "you@example.org"
        result = self.call(app, "login", login_token=token, username=name, password=password)
        assert not isinstance(result, str), result
        self._csrf = result["csrf_token"]


class Play:
    """The server, and who looks at it."""

    def __init__(self, folder: Path, world: DNSWorld) -> None:
        self.server = Served(folder / "moxlite", roots=str(folder / "roots.pem"))
        self.world = world
        self.far = OtherMachine()
        self.tls = ssl.create_default_context(cafile=str(folder / "roots.pem"))
        self.visitor = Visitor(self.far, self.tls)
        self.tls_files = folder / "tls"

    @property
    def config(self) -> Path:
        return self.server.folder / "config/moxlite.toml"

    def moxlite(self, *args: str, code: int = 0) -> str:
        done = self.server.cli(*args, check=False)
        assert done.returncode == code, f"moxlite {' '.join(args)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def restart(self) -> None:
        assert self.server.stop() == 0
        self.server.start()

    def quickstart(self) -> None:
        """As it is by default; the certificates are of another CA."""
        self.server.folder.mkdir()
        wanted = ("quickstart", "--skip-dial", "--hostname", "mx.example.org", "you@example.org", USER)
        said = self.moxlite("--config", str(self.config), *wanted)
        self.password = re.search(r"^account password: (\S+)$", said, re.MULTILINE)[1]  # type: ignore[index]
        self.admin_password = re.search(r"^admin password: +(\S+)$", said, re.MULTILINE)[1]  # type: ignore[index]
        self.admin_port = int(re.search(r"http://localhost:(\d+)/admin/", said)[1])  # type: ignore[index]
        text = self.config.read_text()
        pair = f'{{ cert_file = "{self.tls_files}/chain.pem", key_file = "{self.tls_files}/key.pem" }}'
        self.config.write_text(text.replace('tls.acme = "letsencrypt"', f"tls.key_certs = [{pair}]"))
        zone = f"mx A {OWN}\n{self.moxlite('config', 'dnsrecords', 'example.org')}"
        self.world.set("example.org", zone)
        self.server.start()

    def ports(self) -> None:
        """ADMIN-32: what is open for whom."""
        assert [port for port in (25, 80, 443, 465, 993, 4190) if not self.far.is_open(OWN, port)] == []
        inside = (8010, 8011, 8012, 8013, 1080)
        assert [port for port in inside if self.far.is_open(OWN, port)] == []
        assert [port for port in (8012, 8013) if self.far.is_open(INNER, port)] == []
        for path in ("", "webmail/", "admin/", "webapi/v0/"):
            assert self.visitor.fetch(f"https://mx.example.org/{path}")[0] == 404, path
        assert self.visitor.fetch(f"http://{INNER}/admin/")[0] == 404
        for path in ("", "webmail/", "webapi/v0/"):
            assert self.visitor.fetch(f"http://{INNER}/{path}")[0] == 200, path
        assert b"SIEVE" in self.far.run(_greeting)

    def links_of(self, mail: Message) -> list[str]:
        """All URLs in a message."""
        octets = mail.get_payload(decode=True)
        assert isinstance(octets, bytes)
        return re.findall(r"https?://[^\s<>\"]+", octets.decode())

    def settings(self) -> None:
        """WEB-123, WEB-127: settings and policy, and the URLs in them."""
        assert self.visitor.fetch("https://mta-sts.example.org/.well-known/mta-sts.txt")[0] == 200
        status, text = self.visitor.fetch("https://autoconfig.example.org/mail/config-v1.1.xml")
        assert status == 200
        named = set(re.findall(r"https?://[^\s<>\"]+", text))
        for url in named:
            assert self.visitor.fetch(url)[0] == (401 if url.endswith(("/dav/", "/jmap")) else 200), url

    def consent(self) -> None:
        """QUEUE-179, WEB-158c, SMTP-159b: both ways, and then mail is sent on."""
        self.moxlite("account", "forward", "set", "you", FRIEND, OTHER)
        subject = "Confirm forwarding from you@example.org"
        questions = {str(self.far.mail(subject, number)["To"]).strip("<>"): number for number in (1, 2)}
        assert questions.keys() == {FRIEND, OTHER}
        question = self.far.mail(subject, questions[FRIEND])
        links = self.links_of(question)
        assert len(links) == 1
        status, page = self.visitor.fetch(links[0])
        assert (status, FRIEND in page) == (200, True), page
        form = "application/x-www-form-urlencoded"
        assert self.visitor.fetch(links[0], "POST", b"answer=yes", form)[0] == 200
        assert self.visitor.fetch(links[0])[0] == 410
        answers = str(self.far.mail(subject, questions[OTHER])["Reply-To"]).strip("<>")
        self.far.deliver(answers, OTHER, f"Re: {subject}", "Yes\n\n> Shall mail be forwarded?\n")
        states = {one["address"]: one["state"] for one in json.loads(self.moxlite("--json", *LIST))}
        assert states == {FRIEND: "confirmed", OTHER: "confirmed"}
        self.far.deliver("you@example.org", "third@far.example", "News", "to be sent on\n")
        assert {str(self.far.mail("News", number)["Delivered-To"]) for number in (1, 2)} == {"you@example.org"}

    def without_an_address(self) -> None:
        """WEB-167: nothing is made, and the command is told."""
        said = self.moxlite("account", "recovery-link", "you", code=1)
        assert "moxlite config listeners publish-web on" in said
        self.visitor.log_in(f"http://{INNER}/", self.password)
        self.visitor.call(f"http://{INNER}/", "confirm", password=self.password)
        said = self.visitor.call(f"http://{INNER}/", "device_start", name="phone")
        assert "moxlite config listeners publish-web on" in said, said

    def published(self) -> None:
        """ADMIN-34a, WEB-126a, WEB-151a, WEB-167: each link opens, and both apps work over there."""
        said = self.moxlite("config", "listeners", "publish-web", "on")
        self.restart()
        account, webmail = "https://mx.example.org/", "https://mx.example.org/webmail/"
        assert f"{webmail} and {account}" in said
        for url in (account, webmail):
            assert self.visitor.fetch(url)[0] == 200
        for path in ("admin/", "webapi/v0/"):
            assert self.visitor.fetch(f"{account}{path}")[0] == 404
        owner, device = Visitor(self.far, self.tls), Visitor(self.far, self.tls)
        owner.log_in(account, self.password)
        owner.call(account, "confirm", password=self.password)
        link = owner.call(account, "device_start", name="phone")["url"]
        assert device.fetch(link)[0] == 200
        claim = device.call(link.partition("#")[0], "device_open", link=link.rpartition("/")[2])
        assert owner.call(account, "device_state")["state"] == "asking", claim
        owner.call(account, "device_answer", yes=True)
        assert device.call(account, "device_look", claim=claim)["password"]
        assert [one["state"] for one in owner.call(account, "account_forward_list")["targets"]] == ["confirmed"] * 2
        reader = Visitor(self.far, self.tls)
        reader.log_in(webmail, self.password)
        recovery = self.moxlite("account", "recovery-link", "you").splitlines()[0]
        assert recovery.startswith(f"{account}#recover=")
        assert reader.fetch(recovery)[0] == 200
        token = recovery.partition("=")[2]
        assert device.call(account, "recovery_info", token=token)["account"] == "you"

    def used(self) -> None:
        """WEB-55, ADMIN-34a: from there each call of each app answers, with what it needs no word for, and no file of a
        page is missing. The admin app is behind a tunnel, as on the machine itself.
        """
        account, webmail = "https://mx.example.org/", "https://mx.example.org/webmail/"
        admin = f"http://localhost:{self.admin_port}/admin/"
        here = Visitor(Tunnel(), self.tls)
        apps = ((account, account_api, self.visitor), (webmail, webmail_api, self.visitor), (admin, admin_api, here))
        for url, module, visitor in apps:
            dead = [one for one in links_of_page(visitor, url) if visitor.fetch(one)[0] != 200]
            assert dead == [], dead
            secret = self.admin_password if module is admin_api else self.password
            visitor.log_in(url, secret)
            visitor.call(url, "confirm", password=secret)
            refused = {}
            calls = calls_of(*module.API)
            for name, call in calls.items():
                if name in LEAVING:
                    continue
                bare = not any(field.required for field in msgspec.structs.fields(call.parameters))
                status, text = visitor.fetch(f"{url}api/{name}", "POST", b"{}")
                if status != (200 if bare else 400) and name not in WITHOUT_OBJECT:
                    refused[name] = (status, text[:200])
            assert refused == {}, refused
            say(f"{url}: calls {len(calls)}")

    def clicked(self) -> None:
        """WEB-55: each page of the apps is used over there by clicks, in a browser; the admin app through a tunnel."""
        self.far.forward(self.admin_port)
        with browser_in(self.far.path, self.tls_files.parent, OWN) as context:
            clicks = Clicks(context, "you@example.org", self.password, self.admin_password)
            clicks.walk(f"http://localhost:{self.admin_port}/admin/", ADMIN)
            clicks.walk("https://mx.example.org/", ACCOUNT)
            link = clicks.read_mail("https://mx.example.org/webmail/")
            assert clicks.problems == [], "\n".join(clicks.problems)
        status, calendar = self.visitor.fetch(link)
        assert (status, "Dentist" in calendar) == (200, True), (link, calendar)
        assert self.links_of(self.far.mail("Written over there")) == []

    def switched(self) -> None:
        """ADMIN-34b: off, for all."""
        for service in ("managesieve", "webapi"):
            self.moxlite("--yes", "config", "listeners", service, "off")
        self.restart()
        assert not self.far.is_open(OWN, 4190)
        assert self.visitor.fetch(f"http://{INNER}/webapi/v0/")[0] == 404


class Tunnel:
    """The server's own machine, in place of the other one."""

    def run(self, function: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        return function(*args, **more)


def links_of_page(visitor: Visitor, url: str) -> list[str]:
    """Where a page leads on its host: its parts in all languages, icons, the worker, the manifest's files."""
    found = {"", "licenses.txt"}
    for language in ("en", "de", "es", "fr", "nl"):
        page = visitor.fetch(url, language=language)[1]
        found |= {f"part/{name}" for name in re.findall(r"[a-z-]+[.-][0-9a-f]{8}\.js", page)}
        found |= {
            one for one in re.findall(r'(?:href|src)="([^"#]+)"', page) if not re.match(r"(?:data|https?|mailto):", one)
        }
    if "manifest.webmanifest" in found:
        manifest = json.loads(visitor.fetch(urljoin(url, "manifest.webmanifest"))[1])
        found |= {"sw.js", manifest["start_url"], *(icon["src"] for icon in manifest["icons"])}
    return sorted(urljoin(url, one) for one in found)


LEAVING: Final = frozenset(
    {"login", "login_prep", "logout", "not_me", "session_remove_others", "app_password_remove_all", "generate_password"}
)
"""Calls that end the visitor's session, begin one, or change what later steps need."""

WITHOUT_OBJECT: Final = frozenset(
    {
        *("backup_run", "copy_abort", "copy_dismiss", "copy_pause", "recovery_codes_new"),
        *("placement_test", "provider_confirm", "provider_connect", "provider_logout", "standby_handover"),
        *("queue_hold", "queue_unhold", "queue_retry", "queue_fail", "queue_drop", "queue_webhook_cancel"),
        *("move_pause", "move_resume", "move_stop"),
    }
)
"""Calls that are refused because there is nothing to act on, or nothing was chosen."""

LIST: Final = ("account", "forward", "list", "you")


def _greeting() -> bytes:
    """What ManageSieve says first."""
    with socket.create_connection((OWN, 4190), timeout=60) as one, one.makefile("rb") as stream:
        return b"".join(stream.readline() for _ in range(4))


def main() -> None:
    """Play in the folder that is given: ``links`` that leave the server, or then how its ``apps`` are used."""
    signal.alarm(600)  # whatever hangs: the caller has given up by then
    folder = Path(sys.argv[1])
    set_up_net(folder, OWN)
    add_address(INNER)
    os.umask(0o022)
    authority = Authority()
    (folder / "roots.pem").write_bytes(authority.pem)
    (folder / "tls").mkdir()
    pair = authority.issue(*NAMES)
    (folder / "tls/chain.pem").write_bytes(pair.certificate_pem())
    (folder / "tls/key.pem").write_bytes(pair.key_pem())
    (folder / "tls/key.pem").chmod(0o600)
    far = f'@ MX 10 mx\n@ TXT "v=spf1 ip4:{FAR} -all"\nmx A {FAR}\nmx TXT "v=spf1 a -all"\n'
    reverse = "10 PTR mx.example.org.\n20 PTR mx.far.example.\n"
    zones = {"com": "", "example.org": f"mx A {OWN}", "far.example": far, "100.45.5.in-addr.arpa": reverse}
    with DNSWorld(zones, port=53) as world:
        play = Play(folder, world)
        try:
            steps = (play.quickstart, play.ports, play.settings, play.consent, play.without_an_address, play.published)
            for step in (*steps, *((play.used, play.clicked) if sys.argv[2] == "apps" else (play.switched,))):
                step()
                say(step.__name__)
        finally:
            if getattr(play.server, "process", None) is not None:
                play.server.stop()
            play.far.close()
    say("done")


if __name__ == "__main__":
    main()
