"""docs/webserver.md, played: its settings as they are written, but for ports, folders and certificates of the test, and
nginx, haproxy and Caddy in front as the page configures them.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest

from tests.campaigns._echoservers import running
from tests.pages import example
from tests.running import ServedServer, make_certificate
from tests.tools import free_port, need

pytestmark = [
    pytest.mark.integration,
    pytest.mark.served,
    pytest.mark.nightly(smoke="tests/session/test_web_forward.py::test_a_trusted_front_is_extended"),
]

PAGE: Final = "webserver.md"
HASH: Final = "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$"
CLIENT: Final = "127.0.0.77"
"""The address of clients of a front: it must come through."""


def written(heading: str, mark: str, **replaced: object) -> str:
    """An example of the page; `replaced`: by names in NAMES."""
    text = example(PAGE, heading, mark)
    for name, value in replaced.items():
        assert NAMES[name] in text, f"{heading!r} has no {NAMES[name]!r}"
        text = text.replace(NAMES[name], str(value))
    return text


NAMES: Final = {
    "root": "/srv/www",
    "program": "127.0.0.1:8080",
    "socket": "/run/notes/http.sock",
    "hashed": "$argon2id$…",
    "behind": "8090",
    "unopened": "8443",
    "acme": '{ acme = "letsencrypt" }',
    "bind": "bind :443",
    "listen": "listen 443",
    "pem": "/etc/ssl/example.org.pem",
    "key": "/etc/ssl/example.org.key",
    "both": "/etc/haproxy/example.org.pem",
    "sites": "www.example.org, mail.example.org",
}


class Program(BaseHTTPRequestHandler):
    """A program behind: says which fields it got, and speaks as the opening of a websocket asks."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with path and fields, or switch and send one octet back for each."""
        if self.headers.get("Upgrade") == "websocket":
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.send_header("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            self.end_headers()
            while octets := self.connection.recv(1000):
                self.connection.sendall(octets.upper())
            self.close_connection = True
            return
        lines = [self.path, *(f"{name.lower()}: {value}" for name, value in self.headers.items())]
        body = "\n".join(lines).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""


class Place:
    """The server, with the page's rules, and the program behind it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.http, self.https, self.behind, self.unopened = (free_port() for _ in range(4))
        self.program = ThreadingHTTPServer(("127.0.0.1", 0), Program)
        self.www = folder / "www"
        self.www.mkdir()
        (self.www / "index.html").write_text("<h1>a site</h1>" + " " * 3000)
        (self.www / "app.0123abcd.css").write_text("a {}")
        (self.www / "page.html").write_text("plain")
        (self.www / "page.html.gz").write_bytes(b"packed")
        self.certificate, self.key = make_certificate(folder / "tls")
        (folder / "tls/both.pem").write_bytes(self.certificate.read_bytes() + self.key.read_bytes())

    def static(self) -> str:
        """The listeners, of the page's three blocks."""
        first = written("Switch it on", "toml").replace("443", str(self.https))
        first = first.replace(
            "webserver_http = { enabled = true }", f"webserver_http = {{ enabled = true, port = {self.http} }}"
        )
        pair = f'{{ key_certs = [{{ cert_file = "{self.certificate}", key_file = "{self.key}" }}] }}'
        behind = written("Behind nginx, haproxy or Caddy", "toml", behind=self.behind)
        unopened = written("With certificates of moxlite's own", "toml", unopened=self.unopened, acme=pair)
        return first + "\n" + behind + "\n" + unopened

    def domains(self, hashed: str) -> str:
        """All rules of the page, those for fewer paths first."""
        program = f"127.0.0.1:{self.program.server_port}"
        rules = written("A program behind it", "toml", program=program, socket=self.folder / "sock")
        only = written("Only for some", "toml", program=program, hashed=hashed)
        only = only.replace('"192.168.0.0/16"', f'"192.168.0.0/16", "{CLIENT}/32"')
        cached = written("Caches and compressed files", "toml", root=self.www)
        site = written("A site of files", "toml", root=self.www)
        apps = written("Our own apps at other hosts", "toml")
        return "\n".join([only, rules, cached, site, apps])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("docs")
    folder.chmod(0o755)
    found = Place(folder)
    server = ServedServer(folder / "server", static=found.static())
    hashed = server.cli("config", "hash-password", stdin="secret words\n").stdout.strip()
    path = server.folder / "config/domains.toml"
    path.write_text(path.read_text() + found.domains(hashed))
    server.cli("config", "test")
    threading.Thread(target=found.program.serve_forever, daemon=True).start()
    with server:
        yield found
    found.program.shutdown()
    found.program.server_close()


def get(port: int, host: str, path: str, *, tls: bool = True, **fields: str) -> http.client.HTTPResponse:
    """An answer, read whole: `body` has its octets."""
    source = (CLIENT, 0)
    connection: http.client.HTTPConnection
    if tls:
        sock = secure(port, host)
        connection = http.client.HTTPConnection(host, port, timeout=60)
        connection.sock = sock
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=source)
    with closing(connection):
        connection.request(
            "GET", path, headers={"Host": host, **{key.replace("_", "-"): value for key, value in fields.items()}}
        )
        answer = connection.getresponse()
        answer.body = answer.read()  # type: ignore[attr-defined]  # kept beside the head
        return answer


def secure(port: int, host: str) -> ssl.SSLSocket:
    """A TLS connection of a client that takes any certificate."""
    context = ssl._create_unverified_context()
    plain = socket.create_connection(("127.0.0.1", port), timeout=60, source_address=(CLIENT, 0))
    return context.wrap_socket(plain, server_hostname=host)


def body(answer: http.client.HTTPResponse) -> bytes:
    """Its octets."""
    found = answer.body  # type: ignore[attr-defined]  # see `get`
    assert isinstance(found, bytes)
    return found


def test_the_rules_of_the_page(place: Place) -> None:
    """WEB-33..35, WEB-37, WEB-44, WEB-45, WEB-49, WEB-162: a site, programs behind, passwords, caches, the webmail."""
    plain = get(place.http, "www.example.org", "/", tls=False)
    assert (plain.status, plain.headers["location"]) == (308, f"https://www.example.org:{place.https}/")
    assert body(get(place.https, "www.example.org", "/")).startswith(b"<h1>a site</h1>")
    assert get(place.https, "example.org", "/x").headers["location"] == "https://www.example.org/x"
    assert "immutable" in (get(place.https, "www.example.org", "/app.0123abcd.css").headers["cache-control"] or "")
    packed = get(place.https, "www.example.org", "/page.html", accept_encoding="gzip")
    assert (body(packed), packed.headers["cache-control"]) == (b"packed", "max-age=300")
    behind = body(get(place.https, "push.example.org", "/message?x", x_real_ip="1.2.3.4")).decode().splitlines()
    assert behind[0] == "/message?x"
    assert {f"x-real-ip: {CLIENT}", f"x-forwarded-for: {CLIENT}", "host: push.example.org"} <= set(behind)
    assert get(place.https, "push.example.org", "/admin/").status == 401
    login = "Basic amFuZTpzZWNyZXQgd29yZHM="  # jane:secret words
    assert body(get(place.https, "push.example.org", "/admin/x", authorization=login)).startswith(b"/admin/x\n")
    assert get(place.https, "www.example.org", "/notes/").status == 502  # no program is at that socket
    assert b"<html" in body(get(place.https, "mail.example.org", "/"))


@contextmanager
def nginx(place: Place, folder: Path) -> Iterator[int]:
    """nginx as the page has it; its port."""
    port = free_port()
    text = written(
        "Behind nginx, haproxy or Caddy",
        "nginx",
        behind=place.behind,
        listen=f"listen 127.0.0.1:{port}",
        pem=place.certificate,
        key=place.key,
    )
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {folder}/log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{text}}}\n"
    )
    args = ("-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "log"))
    with running("nginx", [need("nginx"), *args], folder / "out", port):
        yield port


@contextmanager
def haproxy(place: Place, folder: Path, heading: str = "Behind nginx, haproxy or Caddy") -> Iterator[int]:
    """haproxy as the page has it; its port."""
    port = free_port()
    names = {"behind": place.behind, "both": place.folder / "tls/both.pem"}
    if heading.startswith("With"):
        names = {"unopened": place.unopened}
    (folder / "haproxy.cfg").write_text(written(heading, "haproxy", bind=f"bind 127.0.0.1:{port}", **names) + "\n")
    with running("haproxy", [need("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")], folder / "out", port):
        yield port


@contextmanager
def caddy(place: Place, folder: Path) -> Iterator[int]:
    """Caddy as the page has it, with a certificate of the test's; its port."""
    port = free_port()
    names = f"https://www.example.org:{port}, https://mail.example.org:{port}, https://push.example.org:{port}"
    text = written("Behind nginx, haproxy or Caddy", "caddy", behind=place.behind, sites=names)
    text = text.replace("{\n", f"{{\ntls {place.certificate} {place.key}\n", 1)
    (folder / "Caddyfile").write_text(f"{{\nadmin off\nauto_https off\n}}\n{text}")
    command = [need("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    with running("caddy", command, folder / "out", port):
        yield port


def look_through(port: int) -> None:
    """The site, the webmail, a program behind that gets the whole chain, and a websocket of it, through a front."""
    site = get(port, "www.example.org", "/")
    assert (site.status, body(site)[:15]) == (200, b"<h1>a site</h1>"), site.headers.as_string()
    assert b"<html" in body(get(port, "mail.example.org", "/"))
    forged = get(port, "push.example.org", "/message?x", x_real_ip="1.2.3.4", forwarded="for=1.2.3.4")
    for answer in (get(port, "push.example.org", "/message?x"), forged):
        lines = body(answer).decode().splitlines()
        fields = dict(line.split(": ", 1) for line in lines[1:])
        assert fields["x-real-ip"] == CLIENT
        assert fields["x-forwarded-for"].split(", ")[0] == CLIENT
        assert fields["x-forwarded-proto"] == "https"
        assert fields["host"].partition(":")[0] == "push.example.org"
    with secure(port, "push.example.org") as stream:
        stream.sendall(
            b"GET /stream HTTP/1.1\r\nHost: push.example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        head = b""
        while b"\r\n\r\n" not in head:
            octets = stream.recv(4096)
            assert octets, head
            head += octets
        assert head.startswith(b"HTTP/1.1 101 "), head
        stream.sendall(b"hello")
        assert stream.recv(5) == b"HELLO"


@pytest.mark.parametrize("front", [nginx, haproxy, caddy])
def test_behind_a_front(place: Place, tmp_path: Path, front: object) -> None:
    """WEB-28, WEB-45, WEB-48: `forwarded` as the page has it; https at the front is no reason for a redirect."""
    assert callable(front)
    with front(place, tmp_path) as port:
        look_through(port)


def test_unopened_through_haproxy(place: Place, tmp_path: Path) -> None:
    """SMTP-18, WEB-28: TLS to our certificate, the client's address by the PROXY protocol; without that header
    nothing is answered.
    """
    with haproxy(place, tmp_path, "With certificates of moxlite's own") as port:
        assert body(get(port, "www.example.org", "/")).startswith(b"<h1>a site</h1>")
        assert b"<html" in body(get(port, "mail.example.org", "/"))
    with pytest.raises((ConnectionError, ssl.SSLError, http.client.HTTPException)):
        get(place.unopened, "www.example.org", "/")
