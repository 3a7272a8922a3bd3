"""Mail leaves a server for hosts of every kind, in a net of its own: run by test_queue_sending as root, in new
namespaces for network and mounts, with a folder as its argument.

Three Postfix receive it: one without TLS, one with TLSA records, one under MTA-STS policies that a web server serves by
https; a test CA vouches for what is good. Further addresses of the third show certificates that are not. DNS is knot
and unbound at port 53. At the end the server's own reports, on TLS and DMARC, are sent to the first Postfix.
"""

import email
import json
import signal
import smtplib
import sqlite3
import ssl
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from moxlite.mailauth.dkim.sign import generate, key_record, to_pem
from moxlite.net.tls.certificates import KeyPair
from moxlite.queue.data.rows import DELIVERING
from tests.certs import Authority, tlsa
from tests.dnsworld import DNSWorld
from tests.ownnet import set_up_net
from tests.realservers import Postfix
from tests.running import ServedServer
from tests.tools import until

OWN = "5.45.100.10"
PLAIN, DANE, STS, EXPIRED, MISNAMED, WEB = (f"5.45.100.{number}" for number in (21, 22, 23, 24, 25, 30))

RECEIVES = """\
virtual_mailbox_domains = {domains}
virtual_mailbox_limit = 0
virtual_mailbox_base = {mail}
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_tls_received_header = yes
smtpd_tls_security_level = {level}
"""

LISTENER = f"""\
[listeners.out]
ips = ["{OWN}"]
tls.key_certs = [{{ cert_file = "cert.pem", key_file = "key.pem" }}]
smtp = {{ enabled = true, first_time_sender_delay = "0s" }}
"""


class Case(NamedTuple):
    """A message, and what must become of it.

    Attributes:
      domain: of its recipient; its localpart is the demand.
      demand: of the sender: REQUIRETLS, ``TLS-Required: No``, or none.
      tls: the policies that held for the TLS that it went over; "" where it did not go.
      said: in code, secode or error of its attempt.
      report: policy type, failed sessions and result type that TLS reports must tell of the attempt without demand.
    """

    domain: str
    demand: str
    tls: str
    said: str = ""
    report: tuple[str, int, str] | None = None


CASES = [
    Case("plain.example", "none", "clear", report=("no-policy-found", 0, "starttls-not-supported")),
    Case("plain.example", "requiretls", "", "7.30"),
    Case("plain.example", "no", "clear"),
    Case("dane.example", "none", "dane", report=("tlsa", 0, "")),
    Case("dane.example", "requiretls", "", "7.30"),  # verified TLS, but Postfix 3.7 has no REQUIRETLS
    Case("dane.example", "no", "dane"),
    Case("wrongtlsa.example", "none", "", "certificate", ("tlsa", 1, "validation-failure")),
    Case("wrongtlsa.example", "no", "opportunistic"),
    Case("both.example", "none", "dane sts", report=("sts", 0, "")),
    Case("bogus.example", "none", "", "dns server"),
    Case("sts.example", "none", "sts", report=("sts", 0, "")),
    Case("sts.example", "requiretls", "", "7.30"),
    Case("expired.example", "none", "", "expired", ("sts", 1, "certificate-expired")),
    Case("expired.example", "no", "opportunistic"),
    Case("misnamed.example", "none", "", "certificate", ("sts", 1, "certificate-host-mismatch")),
    Case("othermx.example", "none", "", "policy", ("sts", 1, "validation-failure")),
    Case("othermx.example", "no", "opportunistic"),
    Case("strips.example", "none", "", "tls-policy", ("sts", 1, "starttls-not-supported")),
    Case("strips.example", "no", "clear"),
    Case("testing.example", "none", "clear", report=("sts", 1, "starttls-not-supported")),
    Case("webdead.example", "none", "clear", report=("no-policy-found", 1, "sts-policy-fetch-error")),
    Case("webwrong.example", "none", "clear", report=("no-policy-found", 1, "sts-webpki-invalid")),
]


def say(text: str) -> None:
    print(f"{time.monotonic():8.1f} {text}", flush=True)


def policy(*mx: str, mode: str = "enforce") -> bytes:
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {one}" for one in mx), "max_age: 86400"]
    return "\r\n".join([*lines, ""]).encode()


POLICIES: Mapping[str, bytes] = {
    "mta-sts.both.example": policy("mx.both.example"),
    "mta-sts.sts.example": policy("*.sts.example"),
    "mta-sts.expired.example": policy("mx.expired.example"),
    "mta-sts.misnamed.example": policy("mx.misnamed.example"),
    "mta-sts.othermx.example": policy("mx.elsewhere.example"),
    "mta-sts.strips.example": policy("mx.strips.example"),
    "mta-sts.testing.example": policy("mx.testing.example", mode="testing"),
    "mta-sts.webwrong.example": policy("mx.webwrong.example"),
}
"""By the host that serves it. That of webdead.example has no web server, that of webwrong.example a certificate for
another name.
"""


class Web(BaseHTTPRequestHandler):
    """Serves the policies."""

    def log_message(self, *_: object) -> None:
        """To no one."""

    def do_GET(self) -> None:
        text = POLICIES.get(self.headers["Host"])
        if text is None or self.path != "/.well-known/mta-sts.txt":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@contextmanager
def web(folder: Path, pair: KeyPair) -> Iterator[None]:
    """The web server of all policies."""
    certificate, key = files(folder, "web", pair)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer((WEB, 443), Web)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def files(folder: Path, name: str, pair: KeyPair) -> tuple[Path, Path]:
    """Certificate and key in files; the key is before the chain in a third one, ``NAME-all.pem``."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}-key.pem"
    certificate.write_bytes(pair.certificate_pem())
    key.write_bytes(pair.key_pem())
    (folder / f"{name}-all.pem").write_bytes(pair.key_pem() + pair.certificate_pem())
    return certificate, key


def zones(good: KeyPair, dkim: str) -> dict[str, str]:
    """All names. Each domain has one mail host, wants TLS reports, and a policy where `POLICIES` has one."""
    hosts = {
        **dict.fromkeys(("plain.example", "reports.example", "strips.example", "testing.example"), PLAIN),
        **dict.fromkeys(("webdead.example", "webwrong.example"), PLAIN),
        **dict.fromkeys(("dane.example", "wrongtlsa.example", "both.example", "bogus.example"), DANE),
        **dict.fromkeys(("sts.example", "othermx.example"), STS),
        "expired.example": EXPIRED,
        "misnamed.example": MISNAMED,
    }
    found = {"100.45.5.in-addr.arpa": "10 PTR mx.moxlite.example.\n21 PTR mx.plain.example."}
    for domain, ip in hosts.items():
        lines = ["@ MX 10 mx", f"mx A {ip}"]
        if domain != "reports.example":  # what it did with reports is no reason for one
            lines.append('_smtp._tls TXT "v=TLSRPTv1; rua=mailto:tls@reports.example"')
        if f"mta-sts.{domain}" in POLICIES or domain == "webdead.example":
            lines += ['_mta-sts TXT "v=STSv1; id=1"', f"mta-sts A {OWN if domain == 'webdead.example' else WEB}"]
        if domain in ("dane.example", "both.example", "bogus.example"):
            lines.append(f"_25._tcp.mx TLSA {record(good)}")
        found[domain] = "\n".join(lines)
    found["wrongtlsa.example"] += f"\n_25._tcp.mx TLSA 3 1 1 {'00' * 32}"
    wants = "v=DMARC1; p=none; rua=mailto:dmarc@reports.example"
    found["plain.example"] += f'\n@ TXT "v=spf1 mx -all"\n_dmarc TXT "{wants}"'
    found["reports.example"] += '\nplain.example._report._dmarc TXT "v=DMARC1"'
    found["moxlite.example"] = f'mx A {OWN}\na._domainkey TXT "{dkim}"\n_dmarc TXT "v=DMARC1; p=reject"'
    return found


def record(pair: KeyPair) -> str:
    one = tlsa(pair.leaf)
    return f"{one.usage} {one.selector} {one.matching} {one.data.hex()}"


class Net:
    """The receivers, and the server that sends to them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        ca = Authority()
        (folder / "roots.pem").write_bytes(ca.pem)
        names = [f"mx.{one}.example" for one in ("dane", "wrongtlsa", "both", "bogus", "sts", "othermx")]
        good = ca.issue(*names)
        served = [name for name in POLICIES if name != "mta-sts.webwrong.example"]
        for name, pair in (
            ("good", good),
            ("expired", ca.issue("mx.expired.example", days=-2)),
            ("misnamed", ca.issue("mx.elsewhere.example")),
        ):
            files(folder, name, pair)
        key = generate("ed25519")
        world = DNSWorld(
            zones(good, key_record(key)),
            unsigned=["plain.example", "sts.example", "expired.example", "misnamed.example", "othermx.example"],
            bogus=["bogus.example"],
            port=53,
        )
        stack.enter_context(world)
        stack.enter_context(web(folder, ca.issue(*served)))
        self.plain = self.postfix(stack, PLAIN, "none")
        tls = f"smtpd_tls_chain_files = {folder}/good-all.pem\n"
        self.dane = self.postfix(stack, DANE, "may", tls)
        services = "".join(
            f"{ip}:25 inet n - n - 100 smtpd\n  -o smtpd_tls_chain_files={folder}/{name}-all.pem\n"
            for ip, name in ((EXPIRED, "expired"), (MISNAMED, "misnamed"))
        )
        self.sts = self.postfix(stack, STS, "may", tls, services)
        say("the net stands")
        domain = '[domains."moxlite.example"]\ndkim = { sign = ["a"], selectors = { a = { key_file = "a.pem" } } }\n'
        self.server = ServedServer(
            folder / "moxlite",
            domains=domain,
            top="outgoing_tls_reports_for_all_success = true",
            static=LISTENER,
        )
        config = folder / "moxlite/config"
        (config / "a.pem").write_bytes(to_pem(key))
        text = (config / "domains.toml").read_text()
        kept = '[accounts.bob]\nkeep_retired_message_period = "24h"\n'
        (config / "domains.toml").write_text(text.replace("[accounts.bob]\n", kept))
        self.server.environment = {"SSL_CERT_FILE": str(folder / "roots.pem")}
        stack.enter_context(self.server)

    def postfix(self, stack: ExitStack, ip: str, level: str, extra: str = "", services: str = "") -> Postfix:
        """One that takes mail for all domains of the net."""
        top = self.folder / f"postfix-{ip}"
        mail = top / "mail"
        mail.mkdir(parents=True)
        mail.chmod(0o777)
        domains = ", ".join({one.domain for one in CASES} | {"reports.example"})
        text = RECEIVES.format(domains=domains, mail=mail, level=level)
        return stack.enter_context(Postfix(top, text + extra, 25, ip, services))

    def box(self, postfix: Postfix) -> dict[str, bytes]:
        """What a Postfix has stored, by Message-ID."""
        found = {}
        for path in (postfix.top / "mail/all/new").glob("*"):
            octets = path.read_bytes()
            found[str(email.message_from_bytes(octets)["Message-ID"])] = octets
        return found

    def logs(self) -> str:
        """What the receivers wrote last."""
        return "\n".join(one.log()[-3000:] for one in (self.plain, self.dane, self.sts))

    def send(self, case: Case) -> str:
        """By submission; its Message-ID."""
        message_id = f"<{case.demand}.{case.domain}@example.org>"
        header = "TLS-Required: No\r\n" if case.demand == "no" else ""
        text = (
            f"From: bob@example.org\r\nTo: {case.demand}@{case.domain}\r\nSubject: {case.demand}\r\n{header}"
            f"Message-ID: {message_id}\r\nDate: {email.utils.formatdate()}\r\n\r\nHello.\r\n"
        )
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with smtplib.SMTP_SSL("127.0.0.1", self.server.ports["submissions"], context=context, timeout=60) as smtp:
            smtp.login("bob@example.org", self.server.password)
            options = ["REQUIRETLS"] if case.demand == "requiretls" else []
            smtp.sendmail("bob@example.org", [f"{case.demand}@{case.domain}"], text, mail_options=options)
        return message_id

    def outcomes(self) -> dict[str, dict[str, Any]]:
        """How the first attempt for each message ended, by Message-ID, as queue.db has it."""
        database = sqlite3.connect(f"file:{self.server.folder}/data/queue.db?mode=ro", uri=True, timeout=30)
        with closing(database):
            rows = database.execute(
                "SELECT message_id, results FROM msg UNION ALL SELECT message_id, results FROM msg_retired"
            ).fetchall()
        first = {message_id: json.loads(results)[0] for message_id, results in rows if results not in ("", "[]")}
        return {one: result for one, result in first.items() if result.get("error") != DELIVERING}


def deliver(net: Net) -> None:
    """Every case."""
    sent = {net.send(case): case for case in CASES}
    until(lambda: sent.keys() <= net.outcomes().keys(), what=f"an attempt for each\n{net.server.log()[-4000:]}")
    outcomes = net.outcomes()
    arrived = {one for one, case in sent.items() if case.tls}
    boxes = (net.plain, net.dane, net.sts)
    until(lambda: arrived <= {one for box in boxes for one in net.box(box)}, what=f"what has arrived\n{net.logs()}")
    for message_id, case in sent.items():
        result = outcomes[message_id]
        there = [box for box in boxes if message_id in net.box(box)]
        told = f"{case.domain} {case.demand}: {result}"
        say(told)
        assert len(there) == bool(case.tls), told
        if case.tls:
            assert result["policy"] == case.tls, told
            assert result["ip"] in (there[0].ip, EXPIRED), told
            received = net.box(there[0])[message_id]
            assert (b"using TLSv1.3" in received) == (case.tls != "clear"), received
        else:
            assert not result.get("success"), told
            assert case.said.lower() in f"{result.get('code')} {result.get('secode')} {result['error']}".lower(), told


def reports(net: Net) -> None:
    """The server's own reports of today reach the first Postfix; they are left in the folder as ``tls-N`` and
    ``dmarc-N``, and read by our own verbs.
    """
    date = email.utils.formatdate()
    text = f"From: ann@plain.example\r\nMessage-ID: <in@plain.example>\r\nDate: {date}\r\n\r\nHello.\r\n"
    with smtplib.SMTP(OWN, 25, source_address=(PLAIN, 0), timeout=60) as smtp:
        smtp.sendmail("ann@plain.example", ["bob@example.org"], text)
    wanted = {case.domain: case.report for case in CASES if case.report is not None}
    told: dict[str, Any] = {}

    def counted(kind: str) -> set[str]:
        return {one["about"] for one in json.loads(net.server.cli(kind, "pending", "--json").stdout)}

    until(lambda: wanted.keys() <= counted("tlsrpt"), what="the sessions of all domains")
    until(lambda: counted("dmarc") == {"plain.example"}, what="an evaluation")
    today = time.strftime("%Y-%m-%d", time.gmtime())
    for kind, name in (("tlsrpt", "tls"), ("dmarc", "dmarc")):
        done = json.loads(net.server.cli(kind, "send", "--day", today, "--json").stdout)
        assert done["later"] == 0, done
        sent = done["sent"]
        until(lambda name=name, sent=sent: len(reporting(net, name)) == sent > 0, what=f"reports: {net.logs()}")  # type: ignore[misc]
        files = []
        for number, octets in enumerate(reporting(net, name)):
            files.append(net.folder / f"{name}-{number}.eml")
            files[-1].write_bytes(octets)
        read = json.loads(net.server.cli("--json", kind, "parsereportmsg", *map(str, files)).stdout)["reports"]
        assert {one["status"] for one in read} == {"pass"}, read
        told[name] = [one["report"] for one in read]
    policies = [policy for report in told["tls"] for policy in report["policies"]]
    for domain, (kind, failed, result) in wanted.items():
        about = [one for one in policies if one["type"] == kind and one["domain"] in (domain, f"mx.{domain}")]
        say(f"reported of {domain}: {about}")
        assert about, (domain, policies)
        assert max(one.get("failed", 0) for one in about) >= failed, about
        results = {failure["result_type"] for one in about for failure in one.get("failures", ())}
        assert not result or result in results, about
    [report] = told["dmarc"]
    say(f"reported of messages: {report}")


def reporting(net: Net, kind: str) -> list[bytes]:
    """The reports that have come to the first Postfix."""
    found = [one for one in net.box(net.plain).values() if b"Subject: Report Domain: " in one]
    return [one for one in found if (b"tlsrpt" in one) == (kind == "tls")]


def main() -> None:
    """Play in the folder that is given."""
    signal.alarm(600)  # whatever hangs: the caller has given up by then
    folder = Path(sys.argv[1])
    set_up_net(folder, OWN, PLAIN, DANE, STS, EXPIRED, MISNAMED, WEB)
    with ExitStack() as stack:
        net = Net(folder, stack)
        deliver(net)
        reports(net)
    say("done")


if __name__ == "__main__":
    main()
