"""Verbs of a running server about its own reports."""

import json
import sqlite3
import time
from pathlib import Path

import pytest

from tests.running import ServedServer

pytestmark = [pytest.mark.served, pytest.mark.slow]

DAY = 86_400


@pytest.mark.nightly(smoke="tests/session/test_queue_reports.py::test_sessions_of_a_day_are_reported_after_it")
def test_reports_are_sent_when_the_admin_says_so(tmp_path: Path) -> None:
    """QUEUE-123, QUEUE-126, QUEUE-131, QUEUE-134: what is due, what became of it, and why; nonsense is refused."""
    server = ServedServer(tmp_path / "served", top="no_outgoing_tls_reports = true")
    with server:
        database = sqlite3.connect(server.folder / "data/reports.db", timeout=30)
        database.execute(
            "INSERT INTO dmarc_evaluation VALUES (NULL, 'remote.example', ?, 0, 'v=DMARC1; rua=mailto:r@a.example',"
            " '192.0.2.1', 'none', 1, 0, '[]', 'example.org', '', 'remote.example', '[]', '[]')",
            ((int(time.time()) - DAY) * 1_000_000,),
        )
        database.commit()
        database.close()
        done = server.cli("--json", "dmarc", "send", check=False)
        found = json.loads(done.stdout)
        assert (done.returncode, found["due"], found["later"]) == (1, 1, 1)
        [report] = found["reports"]
        assert report["domain"] == "remote.example"
        assert "no domain at or above the hostname signs with DKIM" in report["why"]
        words = server.cli("dmarc", "send", check=False).stdout
        assert "remote.example later" in words
        assert "1 due, 0 sent, 0 skipped, 1 later" in words
        [waiting] = json.loads(server.cli("--json", "dmarc", "pending").stdout)
        assert (waiting["about"], waiting["total"], waiting["failed"]) == ("remote.example", 1, 0)
        assert server.cli("dmarc", "drop", "remote.example").stdout == "1 removed\n"
        assert json.loads(server.cli("--json", "dmarc", "pending").stdout) == []
        server.cli("tlsrpt", "suppress", "add", "R@remote.example", "30d", "--comment", "asked for it")
        [entry] = json.loads(server.cli("--json", "tlsrpt", "suppress", "list").stdout)
        assert (entry["address"], entry["comment"]) == ("r@remote.example", "asked for it")
        assert json.loads(server.cli("--json", "dmarc", "suppress", "list").stdout) == []
        server.cli("tlsrpt", "suppress", "remove", "r@remote.example")
        again = server.cli("tlsrpt", "suppress", "remove", "r@remote.example", check=False)
        assert again.returncode == 1
        assert "isn't suppressed" in again.stderr
        for day in ("yesterday", "2999-01-01"):
            refused = server.cli("dmarc", "send", "--day", day, check=False)
            assert refused.returncode == 1
            assert "invalid day" in refused.stderr
        off = server.cli("tlsrpt", "send", check=False)
        assert off.returncode == 1
        assert "turned off: no_outgoing_tls_reports is set" in off.stderr
