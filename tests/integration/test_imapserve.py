"""``moxlite admin imapserve`` and ``moxlite imap sessions`` of a running server (IMAP-22, IMAP-159)."""

import imaplib
import json
import os
import shlex
import sys
from pathlib import Path

import pytest

from tests.running import LocalServer
from tests.tools import top

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_a_mail_program_may_run_the_command_instead_of_connecting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IMAP-22, IMAP-159"""
    with LocalServer(tmp_path) as server:
        monkeypatch.setenv("MOXLITE_CONF", str(tmp_path / "config/moxlite.toml"))
        monkeypatch.setenv("PYTHONPATH", str(top()) + os.pathsep + os.environ.get("PYTHONPATH", ""))
        command = shlex.join([sys.executable, "-m", "moxlite", "admin", "imapserve", server.user])
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
            assert c.readline().startswith(b"* BYE [UNAVAILABLE] ended by the operator")
            c.state = "LOGOUT"
        failed = server.cli("admin", "imapserve", "nobody@localhost", stdin="", check=False)
        assert (failed.returncode, "not an address of an account" in failed.stderr) == (1, True)
