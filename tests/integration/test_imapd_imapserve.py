"""``moxlite admin imapserve``, ``moxlite imap sessions`` and ``trace`` of a running server (IMAP-22, IMAP-159)."""

import imaplib
import json
import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from tests.running import LocalServer
from tests.tools import moxlite_command, top, until

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.slow]


def test_a_mail_program_may_run_the_command_instead_of_connecting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IMAP-22, IMAP-159"""
    with LocalServer(tmp_path) as server:
        monkeypatch.setenv("MOXLITE_CONF", str(tmp_path / "config/moxlite.toml"))
        monkeypatch.setenv("PYTHONPATH", str(top()) + os.pathsep + os.environ.get("PYTHONPATH", ""))
        command = shlex.join([*moxlite_command(), "admin", "imapserve", server.user])
        with imaplib.IMAP4_stream(command) as c:
            assert c.state == "AUTH"
            assert c.append("INBOX", "", None, b"Subject: x\r\n\r\n" + b"y" * 300_000)[0] == "OK"
            assert c.select("INBOX") == ("OK", [b"1"])
            data = c.fetch("1", "(BODY.PEEK[TEXT])")[1]
            assert data[0] is not None
            assert data[0][1] == b"y" * 300_000
            [session] = json.loads(server.cli("imap", "sessions", "--json").stdout)
            assert (session["address"], session["mailbox"], session["remote"]) == (server.user, "Inbox", "127.0.0.1")
            assert server.cli("--yes", "imap", "sessions", "--kill", str(session["id"])).returncode == 0
            assert c.readline().startswith(b"* BYE [UNAVAILABLE] closed by the administrator")
            c.state = "LOGOUT"
        arguments = [*moxlite_command(), "imap", "trace", "moxlite"]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as trace:
            try:
                until(lambda: "imap trace started" in server.log())
                with imaplib.IMAP4("127.0.0.1", server.port(143)) as other:
                    other.login(server.user, server.password)
                    other.select("INBOX")
                assert trace.stdout is not None
                shown = [trace.stdout.readline()]  # while it goes on
                while "session closed" not in shown[-1]:
                    shown.append(trace.stdout.readline())
                    assert shown[-1]
            finally:
                trace.send_signal(signal.SIGINT)
        assert any(" SELECT INBOX" in line for line in shown)
        assert not any(server.password in line for line in shown)
        until(lambda: "imap trace stopped" in server.log())
        failed = server.cli("admin", "imapserve", "nobody@localhost", stdin="", check=False)
        assert (failed.returncode, "doesn't belong to an account" in failed.stderr) == (1, True)
