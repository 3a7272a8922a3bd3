"""``moxlite localserve`` as a process: its directory, start, command line, signals, end (ADMIN-18, 19, 38, 39, 41,
44, 45).
"""

import base64
import contextlib
import email
import http.client
import imaplib
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
import time
import urllib.request
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from moxlite.mailauth.dkim.sign import generate, to_pem
from tests.running import LocalServer, free_base, make_certificate
from tests.tools import moxlite_command, top, until

pytestmark = [pytest.mark.served, pytest.mark.slow]


def moxlite(*args: str, stdin: str = "", environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*moxlite_command(), *args],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"PYTHONPATH": str(top())} | (environment or {}),
    )


def rows(server: LocalServer, *args: str) -> list[dict[str, object]]:
    found = json.loads(server.cli("--json", *args).stdout)
    assert isinstance(found, list)
    return found


def imap(server: LocalServer, user: str = "moxlite@localhost", password: str = "moxmoxmox") -> imaplib.IMAP4:
    client = imaplib.IMAP4("127.0.0.1", server.port(143))
    client.login(user, password)
    return client


def submission(server: LocalServer, user: str, password: str) -> smtplib.SMTP:
    client = smtplib.SMTP("127.0.0.1", server.port(587), timeout=30)
    client.login(user, password)
    return client


def ended(client: imaplib.IMAP4) -> bool:
    """Whether the server has ended the session."""
    try:
        client.noop()
    except (imaplib.IMAP4.abort, OSError):
        return True
    return False


# Directory and start


SENSITIVE = """
import sys
from moxlite.cli import run
from moxlite.process import watchdog
watchdog.LONG_STEP_SECONDS = watchdog.FELT_SECONDS = 0.0
watchdog.LOG_SECONDS = 0.1
sys.exit(run(sys.argv[1:]))
"""
"""The program, with a watchdog to which each step is a long one."""


def test_the_start_does_not_warn_about_its_steps(tmp_path: Path) -> None:
    """ADMIN-55a: steps are told from "ready" on."""
    words = ["localserve", "--dir", str(tmp_path / "here"), "--port-base", str(free_base()), "--ip", "127.0.0.1"]
    with subprocess.Popen(
        [sys.executable, "-c", SENSITIVE, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        assert server.stdout is not None
        try:
            lines: list[str] = []
            for line in server.stdout:
                lines.append(line)
                if "task blocked the event loop" in line:
                    break
        finally:
            server.terminate()
    assert any("ready to serve" in line for line in lines), lines


def test_init_only_makes_everything_and_serves_nothing(tmp_path: Path) -> None:
    """ADMIN-44: directory, self-signed P-256 certificate for localhost (4 years), account, admin password."""
    where = tmp_path / "new" / "place"
    done = moxlite("localserve", "--dir", str(where), "--init-only", "--port-base", "3000", "--ip", "127.0.0.1")
    assert done.returncode == 0, done.stderr
    static = (where / "config/moxlite.toml").read_text()
    assert "3025" in static
    assert 'ips = ["127.0.0.1"]' in static
    assert (where / "data/accounts/moxlite/account.db").exists()
    certificate = x509.load_pem_x509_certificate((where / "config/localhost.crt").read_bytes())
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    assert 4 * 365 - 1 <= (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days <= 4 * 366 + 1
    assert (where / "config/localhost.key").stat().st_mode & 0o077 == 0
    assert moxlite("--config", str(where / "config/moxlite.toml"), "config", "test").returncode == 0


@pytest.mark.starts
def test_the_default_directory_is_in_the_users_configuration(tmp_path: Path) -> None:
    """ADMIN-44: <user config dir>/moxlite-localserve."""
    done = moxlite("localserve", "--init-only", environment={"XDG_CONFIG_HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "moxlite-localserve/config/moxlite.toml").exists()
    if not (top() / ".venv/bin/python").exists():
        pytest.skip("script/moxlite uses the environment of script/server, which is not there")
    environment = {name: value for name, value in os.environ.items() if name != "MOXLITE_CONF"}
    asked = subprocess.run(
        [str(top() / "script/moxlite"), "why", "--account", "moxlite", "you@example.org"],
        check=False,
        capture_output=True,
        text=True,
        env=environment | {"XDG_CONFIG_HOME": str(tmp_path)},
    )
    assert asked.returncode == 1
    assert "message you@example.org not found in account moxlite" in asked.stderr


@pytest.mark.parametrize("options", [["--ip", "300.1.1.1"], ["--port-base", "70000"], ["--port-base", "-5"]])
def test_addresses_and_ports_that_cannot_be_are_wrong_usage(tmp_path: Path, options: list[str]) -> None:
    """ADMIN-18: exit code 2, and nothing is made that a next start would take for whole."""
    done = moxlite("localserve", "--dir", str(tmp_path / "x"), "--init-only", *options)
    assert done.returncode == 2
    assert not (tmp_path / "x/config/moxlite.toml").exists()


def test_the_working_directory_is_served_on_request(tmp_path: Path) -> None:
    """ADMIN-44, WEB-39: `--serve-workdir` lists and serves it at /workdir/."""
    local = LocalServer(tmp_path / "with", options=("--serve-workdir",))
    with local:
        url = f"http://localhost:{local.port(80)}/workdir"
        with urllib.request.urlopen(url) as answer:
            assert answer.url == url + "/"
            assert '<a href="./README.md">README.md</a>' in answer.read().decode()
        with urllib.request.urlopen(f"{url}/moxlite/py.typed") as answer:
            assert answer.read() == Path("moxlite/py.typed").read_bytes()
    again = moxlite("localserve", "--dir", str(local.folder), "--serve-workdir", "--init-only")
    assert "already exists" in again.stderr
    again = moxlite("localserve", "--dir", str(local.folder), "--ip", "127.0.0.1", "--init-only")
    assert "have no effect: --ip" in again.stderr


def test_the_ports_move_with_the_base(tmp_path: Path) -> None:
    """ADMIN-44: also in a folder that was used before; a port and a comment of the owner's stay."""
    local = LocalServer(tmp_path / "moved")
    path = local.folder / "config/moxlite.toml"
    text = path.read_text().replace(f"port = {local.port(81)} }}", "port = 7 } # mine")
    path.write_text(text)
    moved = moxlite("localserve", "--dir", str(local.folder), "--port-base", "4000", "--init-only")
    assert (moved.returncode, moved.stderr) == (0, "")
    wanted = text
    for port in (25, 80, 143, 443, 465, 587, 993):
        wanted = wanted.replace(str(local.port(port)), str(4000 + port))
    assert path.read_text() == wanted
    assert "metrics_http = { enabled = true, port = 7 } # mine" in wanted
    for base in ("64542", "4000"):  # with the first one imaps has the last port that there is
        moved = moxlite("localserve", "--dir", str(local.folder), "--port-base", base, "--init-only")
        assert (moved.returncode, moved.stderr) == (0, "")
    refused = moxlite("localserve", "--dir", str(local.folder), "--port-base", "64543", "--init-only")
    assert (refused.returncode, path.read_text()) == (1, wanted)
    assert "the port base must be between 0 and 64542" in refused.stderr


def test_mail_may_be_imported_and_is_not_exported(server: LocalServer, tmp_path: Path) -> None:
    """ADMIN-45: the name of another server is looked up for an import alone."""
    secret = tmp_path / "secret"
    secret.write_text("x")
    options = ("--host", "imap.provider.test", "--user", "you", "--password-file", str(secret), "moxlite")
    imported = server.cli("imap", "import", *options, check=False)
    exported = server.cli("imap", "export", *options, check=False)
    assert "localserve doesn't contact other servers" in exported.stderr
    assert "can't find imap.provider.test's address" in imported.stderr
    assert "localserve" not in imported.stderr


def test_this_machine_meets_no_limits(tmp_path: Path) -> None:
    """ADMIN-44: scripts and benchmarks on it never get 429, 421 or a closed connection."""
    with LocalServer(tmp_path / "free") as local, contextlib.ExitStack() as held:
        for _ in range(40):
            held.enter_context(socket.create_connection(("127.0.0.1", local.port(143))))
        connection = http.client.HTTPConnection("127.0.0.1", local.port(80))
        for _ in range(1100):
            connection.request("GET", "/favicon.ico")
            with connection.getresponse() as answer:
                assert answer.status == 200
                answer.read()
        imap(local).logout()


@pytest.mark.starts
def test_start_prints_urls_and_credentials_and_ready_comes_last(tmp_path: Path) -> None:
    """ADMIN-44: the last line on stderr when ready is `moxlite: ready`; ADMIN-45: the output says where mail goes."""
    local = LocalServer(tmp_path)
    process = subprocess.Popen(
        [*moxlite_command(), *local.command()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(top())},
    )
    assert process.stderr is not None
    seen = ""
    while "moxlite: ready" not in seen:
        line = process.stderr.readline()
        assert line, seen
        seen += line
    answers: dict[str, int] = {}
    for path in ("/", "/webmail/", "/admin/", "/webapi/v0/"):
        client = http.client.HTTPConnection("localhost", local.port(80), timeout=30)
        client.request("GET", path)
        answers[path] = client.getresponse().status
        client.close()
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    for path, status in answers.items():
        assert (f"http://localhost:{local.port(80)}{path} " in out.replace("\n", " ")) == (status != 404), path
    assert "ready to serve" in seen.splitlines()[-2]
    for text in (
        f"http://localhost:{local.port(80)}/",
        f"http://localhost:{local.port(80)}/webmail/",
        f"http://localhost:{local.port(81)}/metrics",
        f"localhost:{local.port(25)}",
        f"imaps localhost:{local.port(993)}",
        "user moxlite@localhost, password moxmoxmox",
        "admin password moxadmin",
        "Mail to unknown addresses",
    ):
        assert text in out


def test_a_second_server_of_the_same_directory_is_refused(server: LocalServer) -> None:
    """ADMIN-24, ADMIN-41: "already running", exit 1, and the two ways out."""
    done = moxlite(*server.command())
    assert done.returncode == 1
    assert "already running" in done.stderr
    assert all(words in done.stderr for words in ("Ctrl-C", "--dir DIR", "--port-base"))
    assert done.stderr.count("\n") == 1


@pytest.mark.starts
def test_a_taken_port_is_one_line_and_nothing_is_half_started(tmp_path: Path) -> None:
    """ADMIN-66."""
    local = LocalServer(tmp_path)
    with socket.create_server(("127.0.0.1", local.port(143))):
        done = moxlite(*local.command())
    assert done.returncode == 1
    assert f"127.0.0.1:{local.port(143)} is already used by " in done.stderr
    assert f"(process {os.getpid()}); stop it, or use other ports: --port-base" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "data/ctl").exists()


def test_mistakes_in_the_configuration_are_told_at_start(tmp_path: Path) -> None:
    """ADMIN-3, ADMIN-66: each on a line, exit 1."""
    local = LocalServer(tmp_path)
    path = tmp_path / "config/moxlite.toml"
    path.write_text(path.read_text() + "nonsense = 1\nmore = 2\n")
    done = moxlite(*local.command())
    assert done.returncode == 1
    assert [line.rpartition(": ")[0].rpartition(": ")[2] for line in done.stderr.splitlines()] == [
        "listeners.local.nonsense",
        "listeners.local.more",
    ]


def test_a_damaged_certificate_is_one_line(tmp_path: Path) -> None:
    """ADMIN-66: unreadable key."""
    local = LocalServer(tmp_path)
    (tmp_path / "config/localhost.key").write_text("not a key")
    done = moxlite(*local.command())
    assert done.returncode == 1
    assert "localhost.key" in done.stderr
    assert done.stderr.count("\n") == 1


# Mail


def test_submitted_mail_to_anyone_comes_back_to_its_sender(server: LocalServer) -> None:
    """ADMIN-45: through the real queue, which delivers only to itself."""
    context = ssl._create_unverified_context()
    with smtplib.SMTP_SSL("127.0.0.1", server.port(465), context=context) as sender:
        sender.login(server.user, server.password)
        text = b"From: <moxlite@localhost>\r\nTo: <friend@elsewhere.example>\r\nSubject: round trip\r\n\r\nhello\r\n"
        sender.sendmail(server.user, ["friend@elsewhere.example"], text)

    client = imap(server)

    def arrived() -> bool:
        client.select("INBOX", readonly=True)
        return bool(client.search(None, "SUBJECT", '"round trip"')[1][0])

    until(arrived, what="the message in the sender's Inbox")
    client.logout()


# Command line against the running server: every verb once


def test_a_server_of_systemd_names_the_command_that_stops_it(tmp_path: Path) -> None:
    """ADMIN-19c: its unit would start it again seconds later."""
    with LocalServer(tmp_path, environment={"NOTIFY_SOCKET": "@moxlite-test-unheard"}) as local:
        done = local.cli("stop", check=False)
        assert (done.returncode, "systemctl stop " in done.stderr) == (1, True), done.stderr
        assert local.cli("healthcheck", check=False).returncode in (0, 1)
        assert local.process.poll() is None


def test_version_mismatch_and_absence_have_their_exit_codes(tmp_path: Path) -> None:
    """ADMIN-18: 3 no running server."""
    local = LocalServer(tmp_path)
    done = local.cli("stop", check=False)
    assert done.returncode == 3
    assert "the server isn't running" in done.stderr


def test_a_running_server_is_healthy(server: LocalServer) -> None:
    """ADMIN-19: healthcheck."""
    assert server.cli("healthcheck").stdout == ""


def test_log_levels_are_shown_and_set(server: LocalServer) -> None:
    """ADMIN-55, ADMIN-19: per-package levels change at run time."""
    server.cli("log", "levels", "debug", "imapd")
    assert {"package": "imapd", "level": "debug"} in rows(server, "log", "levels")
    server.cli("log", "levels", "--unset", "imapd")
    assert rows(server, "log", "levels") == [{"package": "(all)", "level": "info"}]
    assert server.cli("log", "levels", "debug", "nonsense", check=False).returncode == 1
    assert server.cli("log", "levels", "nonsense", check=False).returncode == 2


def test_an_account_lives_and_dies_by_the_command_line(server: LocalServer) -> None:
    """ADMIN-14..17, ADMIN-19, SMTP-62a: add, set-password, addresses, disable, enable, rm; sessions end; a new account
    of the same name is empty.
    """
    assert server.cli("config", "account", "add", "bob", "bob@localhost").stdout == ""
    assert server.cli("account", "set-password", "bob", stdin="bobs password\n").returncode == 0
    assert server.cli("account", "set-password", "bob", stdin="short\n", check=False).returncode == 1
    assert server.cli("account", "set-password", "nobody", stdin="long enough\n", check=False).returncode == 1
    server.cli("config", "address", "add", "robert@localhost", "bob")
    assert rows(server, "config", "account", "addresses", "bob") == [
        {"address": "bob@localhost", "account": "bob"},
        {"address": "robert@localhost", "account": "bob"},
    ]
    assert server.cli("config", "address", "account", "Robert+x@localhost").stdout == "bob\n"
    client = imap(server, "robert@localhost", "bobs password")
    client.append("INBOX", None, None, b"Subject: kept\r\n\r\n")
    sender = submission(server, "robert@localhost", "bobs password")
    server.cli("account", "set-password", "bob", stdin="bobs new one\n")
    until(lambda: ended(client), what="the end of the session")
    assert sender.getreply()[1].startswith(b"4.7.0 password updated")
    sender.close()

    client = imap(server, "robert@localhost", "bobs new one")
    sender = submission(server, "robert@localhost", "bobs new one")
    server.cli("config", "account", "disable", "bob", "come back later")
    assert "bob (disabled)" in server.cli("config", "account", "list").stdout
    until(lambda: ended(client), what="the end of the session")
    assert sender.getreply()[1].startswith(b"4.7.0 come back later")
    sender.close()
    with pytest.raises(imaplib.IMAP4.error, match="come back later"):
        imap(server, "bob@localhost", "bobs new one")
    server.cli("config", "account", "enable", "bob")
    imap(server, "bob@localhost", "bobs new one").logout()

    server.cli("--yes", "config", "address", "rm", "robert@localhost")
    assert len(rows(server, "config", "account", "addresses", "bob")) == 1
    refused = server.cli("config", "account", "rm", "bob", check=False)
    assert refused.returncode == 1
    assert "--yes" in refused.stderr
    server.cli("--yes", "config", "account", "rm", "bob")
    assert not (server.folder / "data/accounts/bob").exists()
    with pytest.raises(imaplib.IMAP4.error):
        imap(server, "bob@localhost", "bobs new one")
    assert [row["account"] for row in rows(server, "config", "account", "list")] == ["moxlite"]
    assert "postmaster" in server.cli("--yes", "config", "account", "rm", "moxlite", check=False).stderr


def test_config_verbs_change_only_the_lines_concerned(server: LocalServer) -> None:
    """ADMIN-5, ADMIN-6, ADMIN-62: comments of a person stay, whether the server has seen them yet or not; a file with
    mistakes is left alone.
    """
    path = server.folder / "config/domains.toml"
    own = path.read_text()
    noted = own.replace("[accounts.", "# mine\n[accounts.", 1) + "# at the end\n"
    path.write_text(noted)
    server.cli("config", "account", "add", "carol", "carol@localhost")
    server.cli("config", "address", "add", "caroline@localhost", "carol")
    text = path.read_text()
    assert '[accounts.carol.destinations."caroline@localhost"]\n' in text
    assert [line for line in noted.splitlines() if line not in text.splitlines()] == []
    path.write_text(text + "[broken")
    done = server.cli("config", "address", "add", "c@localhost", "carol", check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert path.read_text() == text + "[broken"
    path.write_text(text)
    server.cli("--yes", "config", "account", "rm", "carol")
    assert [*filter(None, path.read_text().splitlines())] == [*filter(None, noted.splitlines())]
    path.write_text(own)


@pytest.mark.nightly
def test_mistakes_of_config_verbs_are_one_line(server: LocalServer) -> None:
    """ADMIN-14, ADMIN-18: address in use, unknown domain, bad name."""
    before = (server.folder / "config/domains.toml").read_bytes()
    again = server.cli("config", "account", "add", "moxlite", "again@localhost", check=False)
    assert again.stderr == 'moxlite: account "moxlite" already exists\n'
    for args in (
        ("config", "account", "add", "eve", "moxlite@localhost"),
        ("config", "account", "add", "eve", "eve@elsewhere.example"),
        ("config", "account", "add", "../eve", "eve@localhost"),
        ("config", "address", "rm", "nobody@localhost"),
        ("config", "address", "account", "nonsense"),
        ("config", "account", "disable", "moxlite", "two\nlines"),
    ):
        done = server.cli(*args, check=False)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), args
    assert (server.folder / "config/domains.toml").read_bytes() == before


def test_the_stored_mail_checks_well(server: LocalServer) -> None:
    """ADMIN-19, STORE-42: store check, on a live server."""
    assert "moxlite: ok" in server.cli("store", "check").stdout
    assert rows(server, "store", "check", "--deep", "moxlite") == [{"account": "moxlite", "problems": []}]
    assert server.cli("store", "check", "nobody", check=False).returncode == 1


@pytest.mark.nightly
def test_the_queue_is_seen_and_worked_on(server: LocalServer) -> None:
    """ADMIN-19, ADMIN-20: each verb once, and hold rules; QUEUE-21, QUEUE-73: gauges are counted when they are read."""
    rule = server.cli("queue", "holdrules", "add", "--recipient", "held.example").stdout
    assert rule.startswith("added rule ")
    (held_rule,) = rows(server, "queue", "holdrules", "list")
    assert held_rule["recipient"] == "held.example"
    with smtplib.SMTP("127.0.0.1", server.port(587)) as client:
        client.login(server.user, server.password)
        for name in ("one", "two"):
            text = f"From: <moxlite@localhost>\r\nTo: <{name}@held.example>\r\nSubject: {name}\r\n\r\nhello\r\n"
            client.sendmail(server.user, [f"{name}@held.example"], text)
    one, two = rows(server, "queue", "list", "--to", "@held.example", "--sort", "queued")
    assert one["hold"] is True
    assert (one["why"], one["next"]) == (
        "on hold until released",
        "none until `moxlite queue unhold`",
    )
    assert rows(server, "queue", "attempts", str(one["id"])) == []
    none = server.cli("queue", "attempts", "999999", check=False)
    assert (
        none.returncode,
        "message 999999 isn't in the queue or among finished messages" in none.stderr,
    ) == (1, True)
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port(81)}/metrics") as answer:
        assert b"\nmoxlite_queue_hold 2.0\n" in answer.read()
    assert b"Subject: one" in server.cli("queue", "dump", str(one["id"])).stdout.encode()
    changed = ("queue", "schedule", "--ids", str(one["id"]), "2h")
    assert server.cli(*changed).stdout == "changed 1 message\n"
    assert rows(server, "queue", "list", "--next-attempt", ">1h")[0]["id"] == one["id"]
    retried = server.cli("queue", "retry", "--ids", str(one["id"])).stdout
    assert retried == (
        "changed 0 messages: none match\n"
        "messages on hold aren't retried; to release them, run: moxlite queue unhold --ids ID\n"
    )
    assert server.cli("queue", "schedule", "--ids", str(one["id"]), "-2h").stdout == "changed 1 message\n"
    assert rows(server, "queue", "list", "--next-attempt", ">1h") == []
    assert server.cli("queue", "retry", check=False).returncode == 1  # without a filter it wants --all
    server.cli("queue", "transport", "--ids", str(one["id"]), "")
    assert server.cli("queue", "transport", "--ids", str(one["id"]), "nonsense", check=False).returncode == 1
    for option, value in (("--submitted", "<soon"), ("--next-attempt", "=1h"), ("--to", "@not a domain")):  # QUEUE-154
        refused = server.cli("queue", "drop", option, value, check=False)
        assert refused.returncode == 1
        assert value[1:] in refused.stderr
    assert len(rows(server, "queue", "list", "--to", "@held.example")) == 2
    server.cli("queue", "requiretls", "--ids", str(one["id"]), "no")
    assert server.cli("queue", "drop", check=False).returncode == 1  # without a filter it wants --all
    server.cli("queue", "drop", "--ids", str(one["id"]))
    server.cli("queue", "fail", "--ids", str(two["id"]))
    until(lambda: not rows(server, "queue", "list", "--to", "@held.example"), what="an empty queue")
    (finished,) = rows(server, "queue", "retired", "list", "--to", "two@held.example", "--success", "false")
    assert json.loads(server.cli("queue", "retired", "print", str(finished["id"])).stdout)["subject"] == "two"
    server.cli("queue", "holdrules", "remove", str(held_rule["id"]))
    assert server.cli("queue", "holdrules", "remove", str(held_rule["id"]), check=False).returncode == 1
    server.cli("queue", "hold", "--all")
    server.cli("queue", "unhold", "--all")


@pytest.mark.nightly
def test_addresses_can_be_left_alone(server: LocalServer) -> None:
    """ADMIN-19, QUEUE-81, QUEUE-83: list, add, remove, lookup; what is on the list is not sent."""
    suppress = ("queue", "suppress")
    server.cli(*suppress, "add", "moxlite", "Left+x@gone.example", "--reason", "asked for it")
    (entry,) = rows(server, *suppress, "lookup", "moxlite", "left@gone.example")
    assert (entry["base"], entry["manual"], entry["reason"]) == ("left@gone.example", True, "asked for it")
    assert rows(server, *suppress, "lookup", "moxlite", "right@gone.example") == []
    again = server.cli(*suppress, "add", "moxlite", "left@gone.example", check=False)
    assert (again.returncode, "already" in again.stderr) == (1, True)
    assert server.cli(*suppress, "add", "nobody", "left@gone.example", check=False).returncode == 1
    with smtplib.SMTP("127.0.0.1", server.port(587)) as client:
        client.login(server.user, server.password)
        text = "From: <moxlite@localhost>\r\nTo: <left@gone.example>\r\nSubject: left\r\n\r\nhello\r\n"
        client.sendmail(server.user, ["left@gone.example"], text)
    failed = ("queue", "retired", "list", "--to", "left@gone.example", "--success", "false")
    until(lambda: rows(server, *failed), what="the message to fail")
    (finished,) = rows(server, *failed)
    assert "suppression list" in str(finished["error"])
    (attempt,) = rows(server, "queue", "attempts", str(finished["id"]))
    assert "stopped sending to this address" in str(attempt["meaning"])
    server.cli(*suppress, "remove", "moxlite", "left@gone.example")
    assert rows(server, *suppress, "list", "--account", "moxlite") == []
    assert server.cli(*suppress, "remove", "moxlite", "left@gone.example", check=False).returncode == 1


def test_ids_of_received_fields_lead_to_the_log(server: LocalServer) -> None:
    """SMTP-9, ADMIN-19: cid."""
    with smtplib.SMTP("127.0.0.1", server.port(25)) as client:
        client.ehlo("client.example")
        code, text = client.docmd("NONSENSE")
    assert code == 500
    received_id = text.decode().rpartition("(")[2].rstrip(")")
    cid = server.cli("cid", received_id).stdout.strip()
    assert f"cid={cid}" in server.log() or int(cid, 16) > 0
    assert server.cli("cid", "A" * 22, check=False).returncode == 1
    with smtplib.SMTP("127.0.0.1", server.port(587)) as client:
        client.login(server.user, server.password)
        code, text = client.mail("x@elsewhere.example")
    assert code == 550
    shown = server.cli("why", text.decode().rpartition("(")[2].rstrip(")")).stdout
    assert "mailfrom=x@elsewhere.example" in shown
    assert "send from this address" in shown


# Signals


def test_a_changed_file_is_used_while_running(server: LocalServer) -> None:
    """ADMIN-5: within a second, or at once by SIGHUP; an invalid one shows in /readyz."""
    path = server.folder / "config/domains.toml"
    good = path.read_text()
    ready = f"http://127.0.0.1:{server.port(81)}/readyz"
    try:
        path.write_text(good + "[accounts.half")
        server.process.send_signal(signal.SIGHUP)
        until(lambda: server.cli("healthcheck", check=False).returncode == 1, what="the mistake in healthcheck")
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(ready)
        assert b"domains.toml is invalid" in caught.value.read()
    finally:
        path.write_text(good)
    until(lambda: server.cli("healthcheck", check=False).returncode == 0, what="health")


def test_the_task_tree_goes_to_the_log(server: LocalServer) -> None:
    """ADMIN-39: SIGUSR1."""
    server.process.send_signal(signal.SIGUSR1)
    until(lambda: "task tree" in server.log(), what="the task tree in the log")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to see which signals are caught")
@pytest.mark.starts
def test_sighup_in_the_first_moments_of_a_start_ends_nothing(tmp_path: Path) -> None:
    """ADMIN-39: from the moment on in which it is caught, again and again until the server is ready."""
    local = LocalServer(tmp_path)
    ready = threading.Event()
    sent = 0

    def hang_up() -> None:
        nonlocal sent
        while not ready.wait(0.005):
            process = getattr(local, "process", None)
            if process is not None and _catches(process.pid, signal.SIGHUP):
                process.send_signal(signal.SIGHUP)
                sent += 1

    thread = threading.Thread(target=hang_up)
    thread.start()
    try:
        local.start()
    finally:
        ready.set()
        thread.join()
    assert sent > 5
    until(lambda: "certificates reloaded" in local.log(), what="the signals that waited")
    assert local.cli("healthcheck").returncode == 0
    assert local.stop() == 0


def _catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    mask = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), "0")
    return bool(int(mask, 16) >> (number - 1) & 1)


@pytest.mark.starts
def test_stop_waits_until_the_process_is_gone_and_clients_are_told(tmp_path: Path) -> None:
    """ADMIN-39: SMTP 421, IMAP BYE; exit code 0; a restart works."""
    local = LocalServer(tmp_path)
    local.start()
    mail = socket.create_connection(("127.0.0.1", local.port(25)))
    mail.recv(1000)
    client = imap(local)
    done = local.cli("stop")
    assert done.returncode == 0
    assert local.process.wait(timeout=60) == 0
    assert mail.recv(1000).startswith(b"421 ")
    mail.close()
    assert b"BYE" in client.readline()
    assert local.cli("healthcheck", check=False).returncode == 3
    sound = "moxlite: ok\nauth.db: ok\nqueue.db: ok\nreports.db: ok\n"
    assert local.cli("store", "check", "--deep").stdout == sound  # STORE-42
    local.start()
    assert local.stop() == 0


@pytest.mark.starts
def test_a_second_signal_ends_the_process_at_once(tmp_path: Path) -> None:
    """ADMIN-39: while a client is in the middle of something."""
    local = LocalServer(tmp_path)
    local.start()
    with smtplib.SMTP("127.0.0.1", local.port(25)) as client:
        client.ehlo("client.example")
        client.mail("a@client.example")
        client.rcpt("moxlite@localhost")
        assert client.docmd("DATA")[0] == 354
        local.process.send_signal(signal.SIGTERM)
        until(lambda: "stopping" in local.log(), what="the shutdown to begin")
        local.process.send_signal(signal.SIGTERM)
        assert local.process.wait(timeout=60) == 1  # an orderly end gives 0
        client.close()


def test_a_damaged_queue_leaves_the_rest_running(tmp_path: Path) -> None:
    """QUEUE-158: a clear error with the path; IMAP works, submissions are refused for now."""
    local = LocalServer(tmp_path)
    (tmp_path / "data/queue.db").write_bytes(b"this is not a database" * 1000)
    with local:
        imap(local).logout()
        with smtplib.SMTP("127.0.0.1", local.port(587)) as client:
            client.login(local.user, local.password)
            with pytest.raises(smtplib.SMTPDataError) as caught:
                client.sendmail(local.user, ["a@b.example"], b"From: <moxlite@localhost>\r\n\r\nhello\r\n")
        assert 400 <= caught.value.smtp_code < 500
        done = local.cli("healthcheck", check=False)
        assert done.returncode == 1
        assert str(tmp_path / "data/queue.db") in done.stderr
        assert local.cli("queue", "list", check=False).returncode == 1
    assert (tmp_path / "data/queue.db").read_bytes().startswith(b"this is not a database")


def test_a_damaged_account_is_a_matter_of_health(tmp_path: Path) -> None:
    """STORE-158d: `healthcheck` exits 1 and names it, while the server goes on."""
    local = LocalServer(tmp_path)
    with local:
        imap(local).logout()
    (tmp_path / "data/accounts/moxlite/account.db").write_bytes(b"this is not a database" * 1000)
    with local:
        with smtplib.SMTP("127.0.0.1", local.port(25)) as client:
            client.ehlo()
        until(lambda: local.cli("healthcheck", check=False).returncode == 1, what="the account in healthcheck")
        assert "moxlite" in local.cli("healthcheck", check=False).stderr


def test_mail_of_an_own_domain_passes_its_checks(tmp_path: Path) -> None:
    """AUTH-14, SMTP-133: signed, sent through the queue, and checked by DNS of the configuration alone; mail in the
    name of others is taken too, and says so.
    """
    local = LocalServer(tmp_path)
    key = generate("ed25519")
    (tmp_path / "config/made.pem").write_bytes(to_pem(key))
    domains = tmp_path / "config/domains.toml"
    domains.write_text(
        domains.read_text()
        + '[domains."made.example"]\ndkim.sign = ["here"]\ndkim.selectors.here = { key_file = "made.pem" }\n'
        + '[accounts.moxlite.destinations."joe@made.example"]\n'
    )
    text = "From: <joe@made.example>\r\nTo: <joe@made.example>\r\nSubject: {}\r\n\r\nhello\r\n"
    with local:
        with smtplib.SMTP("127.0.0.1", local.port(587)) as sender:
            sender.login(local.user, local.password)
            sender.sendmail("joe@made.example", ["joe@made.example"], text.format("signed"))
        with smtplib.SMTP("127.0.0.1", local.port(25)) as sender:
            sender.helo("nowhere.example")
            sender.sendmail("ann@remote.example", ["joe@made.example"], text.format("foreign"))

        client = imap(local)

        def results(subject: str) -> str:
            client.select("INBOX", readonly=True)
            found = client.search(None, "SUBJECT", subject)[1][0].split()
            if not found:
                return ""
            [fetched, *_] = client.fetch(found[0], "(BODY[HEADER])")[1]
            assert isinstance(fetched, tuple)
            header = email.message_from_bytes(fetched[1])
            return " ".join(" ".join(header.get_all("Authentication-Results", [])).split())

        until(lambda: results("signed"), what="the message in the Inbox")
        until(lambda: results("foreign"), what="the other message in the Inbox")
        signed, foreign = results("signed"), results("foreign")
        client.logout()
    assert "iprev=pass" in signed
    assert "dkim=pass (256 bit ed25519, without dnssec) header.d=made.example" in signed
    assert "spf=pass (without dnssec) smtp.mailfrom=joe@made.example" in signed
    assert "dkim=none" in foreign
    assert "spf=none" in foreign


def test_a_mail_program_may_come_by_the_https_port(tmp_path: Path) -> None:
    """WEB-27, IMAP-12, SMTP-36: ALPN `imap`, `smtp`, where configured; nobody asks for a client certificate there."""
    local = LocalServer(tmp_path)
    path = tmp_path / "config/moxlite.toml"
    text = path.read_text()
    for port in (local.port(993), local.port(465)):
        text = text.replace(f"port = {port} }}", f"port = {port}, alpn_on_https = true }}")
    path.write_text(text)
    context = ssl._create_unverified_context()
    context.load_cert_chain(*make_certificate(tmp_path / "client"))
    with local:
        for protocol, greeting in (("imap", b"* OK"), ("smtp", b"220 "), ("http/1.1", b"HTTP/1.1 400")):
            context.set_alpn_protocols([protocol])
            with (
                socket.create_connection(("127.0.0.1", local.port(443))) as stream,
                context.wrap_socket(stream) as client,
            ):
                assert client.selected_alpn_protocol() == protocol
                if protocol == "http/1.1":
                    client.sendall(b"nonsense\r\n\r\n")
                greeted = client.recv(10_000)
                assert greeted.startswith(greeting)
                if protocol == "imap":
                    assert b"AUTH=EXTERNAL" not in greeted
                    client.sendall(
                        f'a LOGIN {local.user} "{local.password}"\r\nb SELECT inbox\r\nc LOGOUT\r\n'.encode()
                    )
                    replies = client.makefile("rb").read()
                    assert b"b OK [READ-WRITE]" in replies
                if protocol == "smtp":
                    plain = base64.b64encode(f"\0{local.user}\0{local.password}".encode()).decode()
                    client.sendall(f"EHLO x\r\nAUTH PLAIN {plain}\r\nQUIT\r\n".encode())
                    replies = client.makefile("rb").read()
                    assert b"EXTERNAL" not in replies
                    assert b"\r\n235 " in replies


def test_a_directory_with_a_long_path_has_a_control_socket(tmp_path: Path) -> None:
    """ADMIN-22: a socket's address has some 100 octets, which the path of the data may exceed."""
    with LocalServer(tmp_path / ("long" * 25)) as local:
        assert "moxlite@localhost" in local.cli("account", "list").stdout


@pytest.mark.nightly
@pytest.mark.starts
def test_an_idle_server_sleeps(tmp_path: Path) -> None:
    """IMAP-170, ADMIN-5: with idle sessions, and without anything to do: its loop isn't woken up within minutes, of its
    own clock, which goes fast; and a changed domains.toml is seen all the same. What follows a log-in is over some
    time later, so several times are looked at.
    """
    with LocalServer(tmp_path / "fast", module="tests.fastserver") as fast:

        def wake_ups() -> int:
            status = Path(f"/proc/{fast.process.pid}/status").read_text()
            return int(re.findall(r"^voluntary_ctxt_switches:\s+(\d+)", status, re.MULTILINE)[0])

        def quiet() -> bool:
            before = wake_ups()
            time.sleep(4)  # 80 s for the server, in which nothing should happen
            return wake_ups() - before <= 2

        sessions = [imap(fast) for _ in range(3)]
        for session in sessions:
            session.send(b"I IDLE\r\n")
            assert session.readline().startswith(b"+ ")
        until(quiet, seconds=300, what="a time in which the server sleeps")
        path = fast.folder / "config/domains.toml"
        path.write_text(path.read_text() + "[accounts.half")
        until(lambda: "domains.toml invalid" in fast.log(), what="the changed file in the log")
