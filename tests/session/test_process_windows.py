"""`moxlite localserve` on Windows, imitated by tests/windows (ADMIN-46)."""

import imaplib
import json
import os
import re
import smtplib
import ssl
import subprocess
import sys
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import LocalServer
from tests.tools import top, until

pytestmark = [
    pytest.mark.served,
    pytest.mark.skipif(sys.platform != "linux", reason="Windows is imitated on Linux"),
]

WINDOWS = {"PYTHONPATH": f"{top() / 'tests/windows'}{os.pathsep}{top()}"}
"""Environment of a process that begins as on Windows."""

TLS = ssl._create_unverified_context()

OTHER_SYSTEMS = {
    "moxlite.admin.installation",
    "moxlite.patterns.child",
    *(f"moxlite.sandbox.{name}" for name in ("beginning", "channel", "child", "confine")),
}
"""Modules of `moxlite self`, and of children that there are on other systems alone."""

LOAD_ALL = """
import importlib, pkgutil
import moxlite
for module in pkgutil.walk_packages(moxlite.__path__, "moxlite."):
    try:
        importlib.import_module(module.name)
    except Exception as error:
        print(module.name, error)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    with LocalServer(tmp_path_factory.mktemp("windows") / "server", environment=WINDOWS) as server:
        yield server


def fetch(server: LocalServer, path: str, **headers: str) -> bytes:
    asked = urllib.request.Request(f"https://localhost:{server.port(443)}{path}", headers=headers)
    with urllib.request.urlopen(asked, timeout=60, context=TLS) as answer:
        body: bytes = answer.read()
    return body


def call(server: LocalServer, method: str, **parameters: object) -> object:
    login = b64encode(f"{server.user}:{server.password}".encode()).decode()
    address = f"https://localhost:{server.port(443)}/webapi/v0/{method}"
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
    asked = urllib.request.Request(address, json.dumps(parameters).encode(), headers)
    with urllib.request.urlopen(asked, timeout=60, context=TLS) as answer:
        return json.load(answer)


def wait_for(server: LocalServer, subject: str) -> None:
    """Look for a message in the Inbox."""
    with imaplib.IMAP4_SSL("localhost", server.port(993), ssl_context=TLS) as client:
        client.login(server.user, server.password)

        def has_come() -> bool:
            client.select("INBOX")
            return client.search(None, "SUBJECT", subject)[1] != [b""]

        until(has_come, what=f"the message {subject}")


def test_mail_comes_and_goes(server: LocalServer) -> None:
    """ADMIN-46: by SMTP with and without TLS, by a call, and by IMAP, plain and with TLS."""
    letter = "From: <moxlite@localhost>\r\nSubject: {}\r\n\r\n" + "text\r\n" * 20_000
    with smtplib.SMTP("localhost", server.port(587), timeout=60) as client:
        client.starttls(context=TLS)
        client.login(server.user, server.password)
        client.sendmail(server.user, [server.user], letter.format("submitted"))
    wait_for(server, "submitted")
    with smtplib.SMTP("localhost", server.port(25), timeout=60) as client:
        client.sendmail("ann@example.org", [server.user], letter.format("incoming"))
    wait_for(server, "incoming")
    call(server, "Send", To=[{"Address": server.user}], Subject="called", Text="text")
    wait_for(server, "called")
    with imaplib.IMAP4("localhost", server.port(143)) as plain:
        plain.login(server.user, server.password)
        plain.select("INBOX")
        _, (found, *_) = plain.fetch("1", "(BODY.PEEK[])")
        assert isinstance(found, tuple)
        assert len(found[1]) > 100_000
        plain.append("Drafts", "(\\Draft)", None, letter.format("draft").encode())
        plain.store("1", "+FLAGS", "(\\Deleted)")
        plain.expunge()


def test_the_apps_are_served(server: LocalServer) -> None:
    """ADMIN-46: with their files, as text and compressed, and a directory's."""
    assert b"<title>" in fetch(server, "/webmail/")
    assert fetch(server, "/admin/")
    assert fetch(server, "/webmail/", **{"Accept-Encoding": "gzip"}) != b""
    with urllib.request.urlopen(f"http://localhost:{server.port(81)}/metrics", timeout=60) as answer:
        assert b"moxlite_build_info" in answer.read()


def test_commands_reach_the_server(server: LocalServer, tmp_path: Path) -> None:
    """ADMIN-46: by the loopback port; they change configuration and passwords, import, and back up."""
    server.cli("config", "account", "add", "eve", "eve@localhost")
    assert "eve" in server.cli("config", "account", "list").stdout
    server.cli("account", "set-password", "eve", stdin="another password\n")
    mailbox = tmp_path / "mail.mbox"
    mailbox.write_bytes(b"From a@example.org Thu Jan  1 00:00:00 2026\nSubject: imported\n\ntext\n")
    server.cli("import", "mbox", "moxlite", "INBOX", str(mailbox))
    wait_for(server, "imported")
    assert server.cli("healthcheck").stdout == ""
    server.cli("queue", "list")
    server.cli("config", "test")


def test_it_starts_again_and_logs_no_error(server: LocalServer) -> None:
    """ADMIN-46: after it was killed, what it left is in nobody's way."""
    errors = re.findall(r"(?m)^.*(?: l=error |Traceback).*$", server.log())
    assert errors == []
    server.kill()
    server.start()
    wait_for(server, "imported")
    assert re.findall(r"(?m)^.*(?: l=error |Traceback).*$", server.log()) == []


def test_all_modules_load() -> None:
    """ADMIN-46: also those that a page or a command needs later."""
    command = [sys.executable, "-c", LOAD_ALL]
    environment = os.environ | WINDOWS
    loaded = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert loaded.returncode == 0, loaded.stderr
    refused = dict(line.split(" ", 1) for line in loaded.stdout.splitlines())
    assert refused.keys() == OTHER_SYSTEMS, refused
