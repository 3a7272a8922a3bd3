"""A running server whose certificates come from a CA of the test's own (tests/acmeca.py)."""

import socket
import ssl
import subprocess
import urllib.request
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from moxlite.net.tls.certificates import certificate_names
from tests.acmeca import Pebble
from tests.running import ServedServer
from tests.tools import free_port, until

__all__ = ["CertifiedServer", "public_key"]

STATIC = """\
hostname = "mx.example.org"
data_dir = "../data"
dns.servers = ["{dns}"]
{top}
[postmaster]
account = "bob"
mailbox = "Postmaster"
[acme.test]
{roots}
contact_email = "admin@example.org"
port = {https}
{acme}
[listeners.public]
ips = ["127.0.0.1"]
tls = {{ acme = "test", host_private_key_files = ["host.key"] }}
smtp = {{ enabled = true, port = {smtp} }}
imaps = {{ enabled = true, port = {imaps} }}
webserver_http = {{ enabled = true, port = {http} }}
metrics_http = {{ enabled = true, port = {metrics} }}
{https_line}
"""

DOMAINS = """\
[domains."example.org"]
client_settings_domain = "mail.example.org"
[domains."off.example"]
disabled = true
client_settings_domain = "mail.off.example"
[accounts.bob]
domain = "example.org"
[accounts.bob.destinations."bob@example.org"]
"""


@dataclass
class CertifiedServer(ServedServer):
    """A server with ACME at `ca`."""

    ca: Pebble | None = None
    acme: str = ""
    https: bool = True

    def __post_init__(self) -> None:
        assert self.ca is not None
        self.ports = {name: free_port() for name in ("smtp", "imaps", "metrics")} | {
            "http": self.ca.http,
            "https": self.ca.tls,
        }
        config = self.folder / "config"
        config.mkdir(parents=True)
        subprocess.run(
            ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
            + ["-out", str(config / "host.key")],
            check=True,
            capture_output=True,
        )
        line = f"account_https = {{ enabled = true, port = {self.ca.tls} }}" if self.https else ""
        text = STATIC.format(
            dns=self.ca.dns, roots=self.ca.roots(), acme=self.acme, https_line=line, top=self.top, **self.ports
        )
        (config / "moxlite.toml").write_text(text)
        (config / "domains.toml").write_text(DOMAINS)

    def __enter__(self) -> "CertifiedServer":
        self.start()
        return self

    @property
    def host_key(self) -> bytes:
        """The public key of the host's private key."""
        path = str(self.folder / "config/host.key")
        done = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], capture_output=True)
        return done.stdout

    def shown(self, port: str, name: str | None) -> x509.Certificate:
        """The certificate that a client gets."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.ports[port]), timeout=30) as plain:
            if port == "smtp":
                plain.recv(1000)
                plain.sendall(b"EHLO client.example\r\n")
                plain.recv(4000)
                plain.sendall(b"STARTTLS\r\n")
                plain.recv(1000)
            with context.wrap_socket(plain, server_hostname=name) as tls:
                found = tls.getpeercert(binary_form=True)
        assert found is not None
        return x509.load_der_x509_certificate(found)

    def metrics(self) -> dict[str, float]:
        """What Prometheus reads."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['metrics']}/metrics", timeout=60) as answer:
            lines = answer.read().decode().splitlines()
        return {name: float(value) for name, _, value in (one.rpartition(" ") for one in lines if one[0] != "#")}

    def issued(self, name: str) -> x509.Certificate:
        """The certificate at the IMAP port once it is of the CA."""
        found: list[x509.Certificate] = []

        def look() -> bool:
            found[:] = [self.shown("imaps", name)]
            return "Pebble" in found[0].issuer.rfc4514_string() and certificate_names(found[0]) == (name,)

        until(look, seconds=90, what=f"certificate for {name}; {self.log()[-3000:]}", pause=0.5)
        return found[0]


def public_key(certificate: x509.Certificate) -> bytes:
    """As in a TLSA record ``3 1 0``."""
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
