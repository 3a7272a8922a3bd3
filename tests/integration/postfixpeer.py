"""Postfix as another mail server on the internet, for the play of a newcomer: it has TLSA records for one domain and a
policy of MTA-STS for another, which is not signed; it verifies DANE, or does as a policy says.
"""

import smtplib
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from moxlite.net.tls.certificates import KeyPair
from tests.certs import tlsa
from tests.realservers import Postfix
from tests.tools import until

__all__ = ["IP", "SIGNED", "UNSIGNED", "PostfixPeer", "signed_zone", "unsigned_zone"]

IP = "5.45.100.30"
SIGNED = "signed.example"
UNSIGNED = "policy.example"

MAIN_CF = f"""\
myhostname = mx.{SIGNED}
mynetworks = {IP}/32
disable_dns_lookups = no
virtual_mailbox_domains = {SIGNED} {UNSIGNED}
virtual_mailbox_base = {{top}}/mail
virtual_mailbox_limit = 0
virtual_mailbox_maps = static:bob/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_tls_security_level = may
smtpd_tls_received_header = yes
smtpd_tls_chain_files = {{top}}/chain.pem
smtp_dns_support_level = dnssec
smtp_tls_security_level = dane
smtp_tls_policy_maps = texthash:{{top}}/policies
smtp_tls_CAfile = {{roots}}
smtp_tls_loglevel = 1
max_use = 1
"""
"""A process that sends does so once: the next one reads the policies anew."""

POLICY = f"version: STSv1\r\nmode: enforce\r\nmx: mx.{UNSIGNED}\r\nmax_age: 86400\r\n".encode()


def signed_zone(pair: KeyPair) -> str:
    """Of `SIGNED`, whose mail host has this certificate."""
    one = tlsa(pair.leaf)
    record = f"{one.usage} {one.selector} {one.matching} {one.data.hex()}"
    return f'@ MX 10 mx\n@ TXT "v=spf1 mx -all"\nmx A {IP}\nmx TXT "v=spf1 a -all"\n_25._tcp.mx TLSA {record}\n'


def unsigned_zone() -> str:
    """Of `UNSIGNED`."""
    return f'@ MX 10 mx\nmx A {IP}\nmta-sts A {IP}\n_mta-sts TXT "v=STSv1; id=1"\n'


class PostfixPeer:
    """At `IP`; `with` stops it.

    Args:
      pair: for the mail hosts of both domains, and for the host of the policy.
      roots: a file with the authorities that it trusts.
    """

    def __init__(self, folder: Path, pair: KeyPair, roots: Path) -> None:
        mail = folder / "mail"
        mail.mkdir(parents=True)
        mail.chmod(0o777)
        self._chain = folder / "chain.pem"
        self._chain.write_bytes(pair.key_pem() + pair.certificate_pem())
        self._new = mail / "bob/new"
        self._policies = folder / "policies"
        self._policies.write_text("")
        self._postfix = Postfix(folder, MAIN_CF.format(top=folder, roots=roots), 25, IP)

    def __enter__(self) -> "PostfixPeer":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._chain)
        self._web = ThreadingHTTPServer((IP, 443), PolicyHandler)
        self._web.socket = context.wrap_socket(self._web.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._web.serve_forever, daemon=True).start()
        self._postfix.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._postfix.stop()
        self._web.shutdown()
        self._web.server_close()

    def require(self, domain: str, policy: str) -> None:
        """Send to a domain only as its policy says (RFC 8461 §4): TLS by an authority, for a host that it names."""
        hosts = [line.partition(":")[2].strip() for line in policy.splitlines() if line.startswith("mx:")]
        self._policies.write_text(f"{domain} secure match={':'.join(hosts)} servername=hostname\n")

    def send(self, message: str, to: str) -> None:
        """From bob of `SIGNED`; returns once it is taken, by a host that Postfix has verified."""
        verified = self.log().count("Verified TLS connection established to ")
        with smtplib.SMTP(IP, 25, source_address=(IP, 0), timeout=60) as smtp:
            smtp.sendmail(f"bob@{SIGNED}", [to], message)
        until(lambda: self._postfix.queued() == 0, what=f"an empty queue; {self.log()[-3000:]}", pause=0.25)
        assert self.log().count("Verified TLS connection established to ") == verified + 1, self.log()[-3000:]
        assert "status=bounced" not in self.log(), self.log()[-3000:]

    def read(self, subject: str) -> str:
        """The message with a subject that has come."""
        found: list[str] = []

        def look() -> bool:
            texts = [path.read_text() for path in self._new.glob("*")]
            found[:] = [text for text in texts if f"\nSubject: {subject}\n" in text]
            return bool(found)

        until(look, what=f"{subject} at postfix; {self.log()[-3000:]}", pause=0.25)
        return found[0]

    def log(self) -> str:
        """What it wrote."""
        return self._postfix.log()


class PolicyHandler(BaseHTTPRequestHandler):
    """The policy (RFC 8461 §3.2), at its place alone."""

    def log_message(self, *_: object) -> None:
        """To no one."""

    def do_GET(self) -> None:
        if self.path != "/.well-known/mta-sts.txt" or self.headers["Host"] != f"mta-sts.{UNSIGNED}":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(POLICY)))
        self.end_headers()
        self.wfile.write(POLICY)
