"""A CA for tests: Debian's pebble on loopback ports, a resolver that finds every name at 127.0.0.1, and in front
of it a proxy that adds what pebble does not know (renewal information, RFC 9773; a clock that the test moves), checks
and notes orders, and errs when told to.
"""

import datetime as dt
import json
import os
import random
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from moxlite.autotls.files import certificate_id
from moxlite.net.tls.certificates import certificate_names
from tests.realservers import listening
from tests.running import make_certificate
from tests.tools import free_port, need, until

__all__ = ["Pebble"]

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Pebble:
    """A running CA; `with` stops it.

    http, tls: ports where it looks for proofs. validity: seconds that its certificates hold. nonces: percentage of
    nonces that it refuses. eab: key id and key that accounts must name. window: renewal information for all
    certificates, seconds from now; parts: the same as parts of each one's lifetime; both None for a CA that has none.
    ahead: seconds by which its clock is ahead of the machine's. err: asked before each request by path; what it returns
    is the answer instead of pebble's. lost: a path whose requests are done, and answered with an error. alter: changes
    what pebble answers. resolver: asked instead of the own one, ``IP:PORT``. wrong: what clients did that they must
    not.
    """

    folder: Path
    http: int
    tls: int
    validity: int = 90 * 86400
    nonces: int = 0
    eab: tuple[str, str] | None = None
    window: tuple[float, float] | None = None
    parts: tuple[float, float] | None = None
    err: Callable[[str], Answer | None] = lambda _: None
    lost: str = ""
    alter: Callable[[bytes], bytes] = lambda text: text
    resolver: str = ""
    ahead: float = 0.0
    wrong: list[str] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Choose ports and an address for DNS: resolvers are asked at port 53."""
        self.dns = f"127.{random.randrange(64, 250)}.{random.randrange(256)}.{random.randrange(1, 255)}"
        self._issued: dict[str, frozenset[str]] = {}
        self._begun: dict[str, float] = {}
        self._replaced: set[str] = set()
        self.ca_file, key = make_certificate(self.folder, days=3650)
        self._pebble, self._proxy, self._management, self._names = (free_port() for _ in range(4))
        self.directory = f"https://localhost:{self._proxy}/dir"
        settings = {
            "listenAddress": f"127.0.0.1:{self._pebble}",
            "managementListenAddress": f"127.0.0.1:{self._management}",
            "certificate": str(self.ca_file),
            "privateKey": str(key),
            "httpPort": self.http,
            "tlsPort": self.tls,
            "ocspResponderURL": "",
            "certificateValidityPeriod": self.validity,
            "externalAccountBindingRequired": self.eab is not None,
            "externalAccountMACKeys": dict([self.eab] if self.eab else []),
        }
        (self.folder / "pebble.json").write_text(json.dumps({"pebble": settings}))

    def __enter__(self) -> "Pebble":
        log = (self.folder / "pebble.log").open("wb")
        names = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", ""]
        self._dns = subprocess.Popen(
            [
                need("pebble-challtestsrv"),
                *names,
                "-dns01",
                f"{self.dns}:53",
                "-management",
                f"127.0.0.1:{self._names}",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        self._ca = subprocess.Popen(
            [
                need("pebble"),
                "-config",
                str(self.folder / "pebble.json"),
                "-dnsserver",
                self.resolver or f"{self.dns}:53",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": str(self.nonces)},
        )
        log.close()
        until(lambda: listening(self._pebble), what="pebble")
        self._server = ThreadingHTTPServer(("127.0.0.1", self._proxy), self._handler())
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.ca_file, self.folder / "key.pem")
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        for process in (self._ca, self._dns):
            process.terminate()
            process.wait(timeout=30)

    @property
    def log(self) -> str:
        """What pebble says."""
        return (self.folder / "pebble.log").read_text(errors="replace")

    def place(self, name: str, ip: str) -> None:
        """Give a name another address than 127.0.0.1."""
        body = json.dumps({"host": f"{name}.", "addresses": [ip]}).encode()
        urllib.request.urlopen(f"http://127.0.0.1:{self._names}/add-a", data=body, timeout=30).close()

    def now(self) -> float:
        """Seconds UTC by its clock."""
        return time.time() + self.ahead

    def roots(self) -> str:
        """The configuration of an authority, for moxlite.toml."""
        return f'directory_url = "{self.directory}"\nca_cert_file = "{self.ca_file}"\n'

    def root(self) -> str:
        """The certificate that those which it issues end at, as PEM."""
        return self._managed("roots").decode()

    def _managed(self, kind: str) -> bytes:
        """Of pebble's own keys and certificates, one as PEM."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        url = f"https://localhost:{self._management}/{kind}/0"
        with urllib.request.urlopen(url, context=context, timeout=30) as answer:
            text: bytes = answer.read()
        return text

    def _signed(self, leaf: x509.Certificate) -> x509.Certificate:
        """The same certificate by pebble's key, which begins now."""
        issuer = x509.load_pem_x509_certificate(self._managed("intermediates"))
        key = load_pem_private_key(self._managed("intermediate-keys"), None)
        assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
        begin = dt.datetime.fromtimestamp(self.now() - 60, dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(leaf.subject)
            .issuer_name(issuer.subject)
            .public_key(leaf.public_key())
            .serial_number(leaf.serial_number)
            .not_valid_before(begin)
            .not_valid_after(begin + dt.timedelta(seconds=self.validity))
        )
        for extension in leaf.extensions:
            builder = builder.add_extension(extension.value, extension.critical)
        return builder.sign(key, hashes.SHA256())

    def _check_order(self, order: dict[str, Any]) -> None:
        """RFC 9773 §5: a certificate is replaced once, by one that has a name of it."""
        self.orders.append(order)
        replaced = order.get("replaces")
        if replaced is None:
            return
        names = {one["value"] for one in order["identifiers"]}
        if replaced in self._replaced:
            self.wrong.append(f"{replaced} was replaced before")
        if not names & self._issued.get(replaced, frozenset()):
            self.wrong.append(f"{replaced} is not for {names}")

    def _note_issued(self, chain: bytes) -> bytes:
        """The chain of a new certificate, by its clock."""
        leaf = x509.load_pem_x509_certificate(chain)
        names = frozenset(certificate_names(leaf))
        order = next(one for one in reversed(self.orders) if names == {name["value"] for name in one["identifiers"]})
        self._replaced.add(order.get("replaces", ""))
        self._issued[certificate_id(leaf)] = names
        self._begun[certificate_id(leaf)] = self.now()
        if not self.ahead:
            return chain
        end = b"-----END CERTIFICATE-----\n"
        return self._signed(leaf).public_bytes(Encoding.PEM) + chain.partition(end)[2]

    def _window(self, certificate: str) -> tuple[float, float]:
        """When a certificate is to be renewed, seconds UTC."""
        if self.parts is not None:
            begin = self._begun[certificate]
            return begin + self.parts[0] * self.validity, begin + self.parts[1] * self.validity
        assert self.window is not None
        return self.now() + self.window[0], self.now() + self.window[1]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        ca = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """To no one."""

            def do_GET(self) -> None:
                self._answer(b"")

            def do_HEAD(self) -> None:
                self._answer(b"")

            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers["Content-Length"])))

            def _answer(self, body: bytes) -> None:
                status, headers, text = ca._respond(self.command, self.path, dict(self.headers), body)
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

        return Handler

    def _respond(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        self.asked.append(path)
        if (wrong := self.err(path)) is not None:
            return wrong
        if path.startswith("/renewal-info/"):
            start, end = (
                time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one)) for one in self._window(path.rpartition("/")[2])
            )
            text = json.dumps({"suggestedWindow": {"start": start, "end": end}}).encode()
            return 200, {"Content-Type": "application/json", "Retry-After": "21600"}, text
        if path == "/order-plz":
            self._check_order(json.loads(_base64url(json.loads(body)["payload"])))
        request = urllib.request.Request(
            f"https://localhost:{self._pebble}{path}", data=body if method == "POST" else None, method=method
        )
        # pebble writes URLs with the host that it was asked for, and wants the request's signature to name the same
        request.add_header("Host", headers["Host"])
        if "Content-Type" in headers:
            request.add_header("Content-Type", headers["Content-Type"])
        request.add_header("User-Agent", headers["User-Agent"])
        try:
            with urllib.request.urlopen(
                request, context=ssl.create_default_context(cafile=str(self.ca_file))
            ) as answer:
                status, found, text = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            status, found, text = error.code, error.headers, error.read()
        if path == self.lost and status < 300:
            return 500, {"Content-Type": "text/plain"}, b"out of order"
        kept = {
            name: found[name] for name in ("Content-Type", "Replay-Nonce", "Location", "Retry-After") if found[name]
        }
        if found["Link"]:
            kept["Link"] = ", ".join(found.get_all("Link") or [])
        kept["Date"] = formatdate(self.now(), usegmt=True)
        if path.startswith("/certZ/") and status == 200:
            text = self._note_issued(text)
        if path == "/dir" and (self.window is not None or self.parts is not None):
            own = json.loads(text)
            own["renewalInfo"] = self.directory.replace("/dir", "/renewal-info/")
            text = json.dumps(own).encode()
        return status, kept, self.alter(text)


def _base64url(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
