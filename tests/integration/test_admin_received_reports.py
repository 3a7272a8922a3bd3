"""``moxlite reports`` and ``parsereportmsg``: by a running server, on the file of a stopped one, on mails in files."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import trio

from moxlite.cli import run
from moxlite.store.accounts.gentestdata import generate_reports
from tests.reportmail import dmarc_xml, gz, report_mail, tls_json
from tests.running import LocalServer

pytestmark = pytest.mark.served


@pytest.mark.nightly
@pytest.mark.slow
def test_reports_are_listed_with_and_without_a_server(tmp_path: Path) -> None:
    """SMTP-100, SMTP-101, ADMIN-19, STORE-158g: the same answers; all of them report a malformed file."""
    server = LocalServer(tmp_path / "local")
    server.start()
    try:
        assert json.loads(server.cli("--json", "reports", "list", "dmarc").stdout) == []
    finally:
        server.stop()
    (tmp_path / "made").mkdir()
    trio.run(generate_reports, tmp_path / "made")
    file = server.folder / "data/reports.db"
    for left in file.parent.glob("reports.db*"):
        left.unlink()
    shutil.copy(tmp_path / "made/reports.db", file)

    def answers() -> list[Any]:
        found: list[Any] = []
        for kind in ("dmarc", "tls"):
            found.append(json.loads(server.cli("--json", "reports", "list", kind).stdout))
            found.append(json.loads(server.cli("--json", "reports", "list", kind, "--domain", "mox.example").stdout))
            found.append(json.loads(server.cli("--json", "reports", "list", kind, "--before", "1").stdout))
            found.append(json.loads(server.cli("--json", "reports", "summary", kind, "--days", "400").stdout))
            found.append(json.loads(server.cli("reports", "show", kind, "1").stdout))
        return found

    stopped = answers()
    server.start()
    try:
        assert answers() == stopped
        missing = server.cli("reports", "show", "tls", "7", check=False)
        assert (missing.returncode, missing.stdout) == (1, "")
        assert "report not found: 7" in missing.stderr
        bad = server.cli("reports", "list", "tls", "--domain", "a..b", check=False)
        assert (bad.returncode, bad.stdout) == (1, "")
    finally:
        server.stop()
    (listed,), same, before, (summed,), whole = stopped[:5]
    assert same == [listed]
    assert before == []
    assert (listed["domain"], listed["organization"], listed["good"], listed["failed"]) == (
        "mox.example",
        "remote.example",
        3,
        0,
    )
    assert (summed["reports"], summed["good"], summed["failed"]) == (1, 3, 0)
    assert whole["records"] == [
        {"source_ip": "192.0.2.1", "count": 3, "disposition": "none", "dkim": "pass", "spf": "fail"}
    ]
    assert stopped[8][0]["good"] == 5
    file.write_bytes(b"no database" * 1000)
    server.start()
    try:
        assert "reports.db" in server.cli("healthcheck", check=False).stderr
        refused = server.cli("reports", "list", "dmarc", check=False)
        assert (refused.returncode, refused.stdout) == (1, "")
        checked = server.cli("store", "check", check=False)
        assert checked.returncode == 1
        assert "reports.db" in checked.stdout
    finally:
        server.stop()
    saved = server.cli("store", "recover", "--file", "reports.db", "--out", str(tmp_path / "out"), check=False)
    assert "saved 0 rows" in saved.stdout
    file.unlink()
    assert "created empty" in server.cli("store", "create", "--file", "reports.db").stdout


def test_reports_in_files_are_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """AUTH-90, AUTH-75, AUTH-80: whoever they are about; a message that isn't a report has its reason."""
    dmarc, tls, bomb = tmp_path / "dmarc.eml", tmp_path / "tls.eml", tmp_path / "bomb.eml"
    dmarc.write_bytes(report_mail(gz(dmarc_xml(domain="other.example")), to="x@ours.example").replace(b"\r\n", b"\n"))
    tls.write_bytes(report_mail(tls_json("other.example"), "application/json", to="x@ours.example"))
    bomb.write_bytes(report_mail(gz(b" " * (21 << 20)), to="x@ours.example"))
    assert run(["dmarc", "parsereportmsg", "--json", str(dmarc)]) == 0
    [found] = json.loads(capfd.readouterr().out)["reports"]
    assert (found["status"], found["report"]["policy"]["domain"], len(found["report"]["records"])) == (
        "pass",
        "other.example",
        2,
    )
    assert run(["tlsrpt", "parsereportmsg", "--json", str(tls)]) == 0
    [found] = json.loads(capfd.readouterr().out)["reports"]
    assert found["report"]["policies"][0]["failures"] == [{"result_type": "new-failure", "sessions": 1}]
    assert run(["dmarc", "parsereportmsg", "--json", str(dmarc), str(bomb), str(tls)]) == 1
    first, second, third = json.loads(capfd.readouterr().out)["reports"]
    assert (first["status"], second["status"], third["status"]) == ("pass", "unusable", "unusable")
    assert second["problem"] == "compression ratio exceeds 200"
    assert run(["dmarc", "parsereportmsg", str(tmp_path / "none")]) == 1
