"""``moxlite doctor``: one graded list, a real message through the server, and each night what changed (ADMIN-70)."""

import datetime as dt
import email.policy
import imaplib
import json
import os
import smtplib
import socketserver
import threading
import time
import typing
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from moxlite.admin.doctor.findings import in_groups, in_order, worst
from moxlite.admin.doctor.nightly import HOUR, SPREAD, next_night
from moxlite.findings import Code, Finding
from moxlite.net.tls.certificates import load_private_key
from moxlite.process.permissions import NamedFiles, differing_permissions
from tests.dnstable import dns_of
from tests.running import ServedServer
from tests.tools import free_port, top, until

pytestmark = [pytest.mark.integration, pytest.mark.served]

NOWHERE = ("--resolver", "127.0.0.1:9")
"""A resolver that refuses at once: DNS is not what these tests are about."""

STATIC = """\
[doctor]
nightly = false
{more}
"""


def doctor(server: ServedServer, *args: str) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of ``moxlite doctor``, without looks outside."""
    done = server.cli("doctor", "--json", "--skip-dial", *NOWHERE, *args, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def texts(found: dict[str, Any], code: str) -> list[str]:
    return [one["text"] for one in found["findings"] if one["code"] == code]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedServer]:
    folder = tmp_path_factory.mktemp("doctor") / "server"
    with ServedServer(folder, static=STATIC.format(more="")) as server:
        yield server


def test_a_list_with_grades_and_commands(server: ServedServer) -> None:
    """ADMIN-70: everything that is found has a grade, a code, words and what mends it; errors give exit code 1; the
    same is printed for people.
    """
    with dns_of({}) as resolver:
        code, found = doctor(server, "--skip-mail", "--resolver", resolver)
    assert (code, found["grade"], found["mail"]) == (1, "error", [])
    grades = [one["grade"] for one in found["findings"]]
    assert grades == sorted(grades, key=["error", "warning", "note"].index)
    [unpublished] = texts(found, "dns")
    assert unpublished.startswith("example.org isn't in DNS: "), "one finding, not one for each topic"
    assert all(one["commands"] for one in found["findings"] if one["grade"] != "note")
    [exposed] = [text for text in texts(found, "config-warning") if "key.pem" in text]
    [unsaved] = [one for one in found["findings"] if one["code"] == "backup-none"]
    lines = [line.strip() for line in Path("docs/first-hour.md").read_text().splitlines()]
    at = lines.index("[backup]")
    begin, *added, restart = unsaved["commands"]
    assert added == [*lines[at : at + 4], "END"], "as in the page"
    assert (begin, restart) == (f"cat >>{server.folder}/config/moxlite.toml <<END", "systemctl restart moxlite")
    assert not texts(found, "server-down") + texts(found, "port-closed") + texts(found, "task-down")

    done = server.cli("doctor", "--skip-dial", "--skip-mail", *NOWHERE, check=False)
    assert done.returncode == 1
    assert f"warning: config-warning: {exposed}" in done.stdout
    assert "    chmod" in done.stdout or "    moxlite config test" in done.stdout


def test_a_file_without_admin_pages_is_told_its_line_and_left_as_it_is(server: ServedServer) -> None:
    """ADMIN-70: of an older file, to which the admin pages never were added; with that line nothing is told."""
    file = server.folder / "config/moxlite.toml"
    before = file.read_text()
    _, found = doctor(server, "--skip-mail")
    assert file.read_text() == before
    [one] = [each for each in found["findings"] if each["code"] == "no-admin-pages"]
    [command] = one["commands"]
    line = "admin_http = { enabled = true, port = 8012 }"
    assert command == f"in {file}, to serve them only to this machine, add this line to [listeners.local]: {line}"
    try:
        file.write_text(before.replace("[listeners.local]", f"[listeners.local]\n{line}"))
        assert not texts(doctor(server, "--skip-mail")[1], "no-admin-pages")
    finally:
        file.write_text(before)


def test_a_message_goes_in_and_out(server: ServedServer) -> None:
    """ADMIN-70: a message is brought to port 25, read by IMAP and removed; another one goes out by submission and the
    queue; the password for it is gone then.
    """
    _, found = doctor(server, "--send-to", "eve@example.org")
    steps = " | ".join(found["mail"])
    assert "accepted at 127.0.0.1" in steps
    assert "with TLS" in steps
    assert "read by IMAP in mailbox Postmaster, and deleted" in steps
    assert "message to eve@example.org accepted by the other server: look in that inbox, or in junk" in steps
    assert not [one for one in found["findings"] if one["code"].startswith("mail-")]

    bob = imaplib.IMAP4("127.0.0.1", server.ports["imap"])
    bob.starttls()
    bob.login("bob@example.org", server.password)
    assert bob.select("Postmaster")[1] == [b"0"]
    bob.logout()
    assert server.cli("account", "app-password", "list", "bob", "--json").stdout.strip() == "[]"
    eve = imaplib.IMAP4("127.0.0.1", server.ports["imap"])
    eve.starttls()
    eve.login("eve@example.org", server.password)
    assert eve.select("INBOX")[1] == [b"1"]
    eve.logout()


def test_a_host_name_of_other_letters(tmp_path: Path) -> None:
    """ADMIN-70, SMTP-2c: the message goes in and out, and the nightly mail is written, in the name of such a host."""
    server = ServedServer(tmp_path / "server", static=STATIC.format(more=""))
    file = server.config_folder / "moxlite.toml"
    file.write_text(file.read_text().replace("mx.moxlite.example", "mx.bücher.example"))
    with server:
        _, found = doctor(server, "--send-to", "eve@example.org")
        steps = " | ".join(found["mail"])
        assert "message to postmaster@mx.bücher.example accepted at 127.0.0.1" in steps
        assert "read by IMAP in mailbox Postmaster, and deleted" in steps
        assert "message to eve@example.org accepted by the other server" in steps
        assert "notified by mail" in server.cli("doctor", "--nightly").stdout
        with imaplib.IMAP4("127.0.0.1", server.ports["imap"]) as bob:
            bob.starttls()
            bob.login("bob@example.org", server.password)
            bob.select("Postmaster")
            [data] = [data[1] for data in bob.fetch("1:*", "(BODY[HEADER])")[1] if isinstance(data, tuple)]
        message = email.message_from_bytes(data, policy=email.policy.default)
        assert message["Subject"].startswith("[moxlite mx.bücher.example] Error: ")
        assert message["From"].addresses[0].addr_spec == "postmaster@mx.xn--bcher-kva.example"


def test_it_says_where_mail_stops(server: ServedServer) -> None:
    """ADMIN-70: an address that does not exist is refused, and the server's words and the step are told."""
    _, found = doctor(server, "--send-to", "nobody@example.org")
    [said] = texts(found, "mail-not-sent")
    assert "submission" in said or "refused" in said
    assert found["grade"] == "error"


@pytest.mark.nightly
def test_a_server_that_is_down(tmp_path: Path) -> None:
    """ADMIN-70: without a server the files are examined; another program at a port of ours is told. A full disk is
    named by the doctor, and by `healthcheck` and /readyz (ADMIN-39c, STORE-157).
    """
    port = free_port()
    full = f'metrics_http = {{ enabled = true, port = {port} }}\n[store]\nmin_free_space = "900000g"\n'
    server = ServedServer(tmp_path / "server", static=full)
    with server:
        ill = server.cli("healthcheck", check=False)
        assert ill.returncode == 1
        assert "MiB free, less than 921600000 MiB (store.min_free_space); mail isn't accepted" in ill.stderr
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=30)
        assert refused.value.code == 503
        assert "mail isn't accepted" in refused.value.read().decode()
        _, found = doctor(server)
        [said] = texts(found, "mail-not-delivered")
        assert "failed at" in said
        [disk] = texts(found, "disk-low")
        assert "mail isn't accepted" in disk
    listener = HTTPServer(("127.0.0.1", server.ports["imap"]), BaseHTTPRequestHandler)
    try:
        code, found = doctor(server)
    finally:
        listener.server_close()
    assert code == 1
    assert texts(found, "server-down")
    [taken] = texts(found, "port-taken")
    assert str(server.ports["imap"]) in taken
    path = server.folder / "config/domains.toml"
    path.write_text(path.read_text() + "\n[nonsense]\n")
    done = server.cli("doctor", *NOWHERE, check=False)
    assert done.returncode == 1
    assert "nonsense" in done.stderr + done.stdout


class Blocking(socketserver.StreamRequestHandler):
    """A mail host that blocks our address."""

    def handle(self) -> None:
        """Answer until the client goes."""
        self.wfile.write(b"220 mx ESMTP\r\n")
        while verb := self.rfile.readline(1000)[:4].upper():
            reply = (
                b"550 5.7.1 Client host [192.0.2.25] blocked using zen.spamhaus.org" if verb == b"RCPT" else b"250 ok"
            )
            self.wfile.write(reply + b"\r\n")


@pytest.mark.nightly
def test_a_block_of_the_address_is_told(tmp_path: Path) -> None:
    """ADMIN-70, QUEUE-184: who blocks, since when, the reply, and the page that ends it; the same block is the same
    finding, though it has refused more by then.
    """
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Blocking) as sink:
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        server = ServedServer(tmp_path / "server", static=STATIC.format(more=""), module="tests.sendserver")
        server.environment = {"SINK": str(sink.server_address[1])}
        told: list[dict[str, Any]] = []
        with server:
            for times in (1, 2):
                with smtplib.SMTP("127.0.0.1", server.ports["submission"], timeout=60) as client:
                    client.starttls()
                    client.login("bob@example.org", server.password)
                    client.sendmail("bob@example.org", ["a@d1.example"], f"From: bob@example.org\r\n\r\n{times}\r\n")
                until(lambda: not json.loads(server.cli("queue", "list", "--json").stdout or "[]"), what="the refusal")
                _, found = doctor(server, "--skip-mail")
                told += [one for one in found["findings"] if one["code"] == "address-blocked"]
            shown = server.cli("doctor", "--skip-dial", "--skip-mail", *NOWHERE, check=False).stdout
        sink.shutdown()
    first, second = told
    assert first["grade"] == "error"
    assert "Spamhaus block list" in first["text"]
    assert "UTC: 1. mx.d1.example has said: " in first["detail"]
    assert first["detail"].endswith("Client host [192.0.2.25] blocked using zen.spamhaus.org")
    assert "https://check.spamhaus.org/" in first["commands"][0]
    assert second["detail"] != first["detail"]
    assert {name: second[name] for name in ("code", "about", "text", "commands")} == {
        name: first[name] for name in ("code", "about", "text", "commands")
    }
    assert second["detail"] in shown


@pytest.mark.nightly
def test_a_certificate_that_ends_soon(tmp_path: Path) -> None:
    """ADMIN-70, WEB-155: less than a quarter of its lifetime left is an error, whatever the lifetime is."""
    with ServedServer(tmp_path / "server") as server:
        now = dt.datetime.now(dt.UTC)
        key = load_private_key((server.folder / "config/key.pem").read_bytes())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        made = made.not_valid_before(now - dt.timedelta(days=4)).not_valid_after(now + dt.timedelta(days=1))
        leaf = made.sign(key, hashes.SHA256())
        (server.folder / "config/cert.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
        _, found = doctor(server, "--skip-mail")
        [said] = texts(found, "certificate-ending")
        assert "cert.pem expires in 1.0 days" in said


class Channel(BaseHTTPRequestHandler):
    """Keeps what is posted."""

    bodies: typing.ClassVar[list[dict[str, Any]]] = []

    def log_message(self, *_: object) -> None:
        """To no one."""

    def do_POST(self) -> None:
        self.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()


@pytest.mark.nightly
def test_each_night_only_what_changed_is_told(tmp_path: Path) -> None:
    """ADMIN-70: the first night tells all by mail, URL and command; the second nothing; then what is new and what is
    gone. What was told is known over a restart. A channel that fails is named, and the others are used.
    """
    listener = HTTPServer(("127.0.0.1", 0), Channel)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    out = tmp_path / "told"
    script = tmp_path / "tell"
    script.write_text(f"#!/bin/sh\ncat >>{out}\n")
    script.chmod(0o755)
    more = f'url = "http://127.0.0.1:{listener.server_port}/hook"\ncommand = ["{script}"]\n'
    server = ServedServer(tmp_path / "server", static=STATIC.format(more=more))
    try:
        with server:
            first = server.cli("doctor", "--nightly")
            assert "notified by mail, url, command" in first.stdout
            assert "new: warning: config-warning: " in first.stdout
            [body] = Channel.bodies
            assert body["host"] == "mx.moxlite.example"
            assert {one["grade"] for one in body["new"]} == {"error", "warning"}, "notes are not told"
            assert "New problems:" in out.read_text()
            assert server.cli("doctor", "--nightly").stdout == ""
            (server.folder / "config/key.pem").chmod(0o600)
        server.start()
        script.unlink()
        done = server.cli("doctor", "--nightly", check=False)
        assert done.returncode == 1
        assert "gone: warning: config-warning: " in done.stdout
        assert "notified by mail, url" in done.stdout
        assert "couldn't notify by command: No such file" in done.stderr
        assert server.cli("doctor", "--nightly").stdout == ""
        assert len(Channel.bodies) == 2
        bob = imaplib.IMAP4("127.0.0.1", server.ports["imap"])
        bob.starttls()
        bob.login("bob@example.org", server.password)
        bob.select("Postmaster")
        subjects = [
            data[1] for data in bob.fetch("1:*", "(BODY[HEADER.FIELDS (SUBJECT)])")[1] if isinstance(data, tuple)
        ]
        bob.logout()
        assert len(subjects) == 2
        assert b"[moxlite mx.moxlite.example] Error: " in subjects[0]
        assert b"1 problem fixed" in subjects[1]
    finally:
        if server.process.poll() is None:
            server.stop()
        listener.shutdown()
        listener.server_close()


@pytest.mark.nightly
def test_a_record_that_was_lost_is_told_the_night_after(tmp_path: Path) -> None:
    """AUTH-126, ADMIN-70: once; a night without a change says nothing."""
    records = {
        ("_dmarc.example.org.", "TXT"): ['"v=DMARC1;p=reject"'],
        ("example.org.", "MX"): ["10 mx.moxlite.example."],
    }
    with dns_of(records) as resolver:
        server = ServedServer(tmp_path / "server", static=STATIC.format(more=""), module="tests.resolvingserver")
        server.environment = {"DNS_PORT": resolver.rpartition(":")[2]}
        with server:
            assert "example.org dmarc: _dmarc" not in server.cli("doctor", "--nightly").stdout
            del records["_dmarc.example.org.", "TXT"]
            server.cli("stop")
            server.process.wait(timeout=60)
            server.start()
            fault = "error: dns: example.org dmarc: _dmarc.example.org. TXT v=DMARC1: no record"
            assert f"new: {fault}" in server.cli("doctor", "--nightly").stdout.splitlines()
            assert server.cli("doctor", "--nightly").stdout == ""


@pytest.mark.nightly
def test_the_task_of_the_night_runs(tmp_path: Path) -> None:
    """ADMIN-70: a server with the defaults has the task, which waits for its hour."""
    with ServedServer(tmp_path / "server") as server:
        server.process.send_signal(10)  # SIGUSR1: the tree of tasks goes to the log
        until(lambda: "admin.doctor" in server.log(), what="the task in the tree")
        assert "admin.own-listings" in server.log()


def test_nights_are_a_day_apart() -> None:
    """ADMIN-70: the moment is in the small hours, the same each night, another for another host."""
    now = time.time()
    first = next_night(now, "mx.example.org")
    second = next_night(first, "mx.example.org")
    assert 0 < first - now <= 86_400 + 3600
    assert 82_800 <= second - first <= 90_000, "a day, but for daylight saving time"
    assert HOUR <= time.localtime(first).tm_hour <= HOUR + SPREAD // 3600
    assert first != next_night(now, "mx2.example.org")


def test_the_same_fault_at_another_time_is_the_same() -> None:
    """ADMIN-70: numbers, which count days and octets, are no change; a grade is."""
    one = Finding(grade="warning", code="disk-low", about="/x", text="10 of 200 MiB are free")
    two = Finding(grade="warning", code="disk-low", about="/x", text="9 of 200 MiB are free")
    bad = Finding(grade="error", code="disk-low", about="/x", text="9 of 200 MiB are free")
    assert one.key == two.key != bad.key
    assert in_order([one, bad, two]) == [bad, two]
    assert (worst([one, bad]), worst([one]), worst([])) == ("error", "warning", None)


def test_what_mends_several_faults_is_said_once() -> None:
    """ADMIN-70: below the last of them: four missing keys of a domain are four lines and four records, not sixteen."""
    say = partial(Finding, grade="error", code="dns", about="example.org dkim")
    faults = [say(text=f"{name}: no record", commands=("add a", "add b")) for name in "ab"]
    other = Finding(grade="error", code="dns", about="example.org mx", text="no MX record", commands=("add mx",))
    assert list(in_groups([*faults, other])) == [(faults, ("add a", "add b")), ([other], ("add mx",))]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_permissions_are_looked_at_and_left(tmp_path: Path) -> None:
    """ADMIN-70, ADMIN-37: what the next start would change is told, and nothing is changed."""
    folder = tmp_path / "a/b"
    (folder / "data").mkdir(parents=True)
    (folder / "config").mkdir()
    static = folder / "config/moxlite.toml"
    static.write_text("")
    static.chmod(0o666)
    lines = differing_permissions(static, "domains.toml", folder / "data", 4242, 4242, named=NamedFiles(None, {}))
    if lines and "left alone" in lines[0]:
        pytest.skip(lines[0])
    assert f"{static}: 0:0 0666, expected 0:4242 0640" in lines
    assert static.stat().st_mode & 0o777 == 0o666


def test_each_code_is_explained() -> None:
    """ADMIN-70: docs/doctor.md has a section for each kind of finding, and for no other."""
    text = (top() / "docs/doctor.md").read_text()
    sections = {line.removeprefix("### ").strip("`") for line in text.splitlines() if line.startswith("### ")}
    assert sections == set(typing.get_args(Code))
