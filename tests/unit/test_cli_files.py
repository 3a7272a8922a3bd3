"""Verbs that look at files, without configuration and server: ``message parse``, ``dane makerecord``, ``licenses``."""

import json
import subprocess
from pathlib import Path

import pytest

from moxlite.cli import run
from moxlite.cli.info import RUNS_ON
from tests.running import make_certificate
from tests.tools import top

pytestmark = pytest.mark.served

Capture = pytest.CaptureFixture[str]

MESSAGE = b"""From: =?utf-8?q?M=C3=ADa?= <mia@example.org>\r
Subject: two parts\r
Date: Sat, 21 Nov 2026 12:00:00 +0100\r
Content-Type: multipart/mixed; boundary=x\r
\r
--x\r
\r
hello\r
--x\r
Content-Type: application/pdf; name=a.pdf\r
Content-Transfer-Encoding: base64\r
Content-Disposition: attachment; filename=a.pdf\r
\r
AAAA\r
--x--\r
"""


def test_a_message_is_shown_as_the_server_understands_it(tmp_path: Path, capsys: Capture) -> None:
    """ADMIN-19: JSON of envelope and parts, ASCII only."""
    (tmp_path / "message").write_bytes(MESSAGE)
    assert run(["message", "parse", str(tmp_path / "message")]) == 0
    out = capsys.readouterr().out
    assert out.isascii()
    found = json.loads(out)
    assert found["from"] == [{"name": "Mía", "localpart": "mia", "domain": "example.org"}]
    assert (found["subject"], found["date"]) == ("two parts", "2026-11-21T11:00:00+00:00")
    text, pdf = found["root"]["parts"]
    assert MESSAGE[text["body"] : text["end"]] == b"hello"
    assert (pdf["type"], pdf["decoded_size"], pdf["disposition"]) == ("application/pdf", 3, "attachment")
    (tmp_path / "message").write_bytes(b"Date: 31 Dec 9999 23:00:00 -1200\r\n\r\n")
    assert run(["message", "parse", str(tmp_path / "message")]) == 0
    assert json.loads(capsys.readouterr().out)["date"] is None
    (tmp_path / "message").write_bytes(bytes(range(256)) * 100)
    assert run(["message", "parse", str(tmp_path / "message")]) == 0
    assert run(["message", "parse", str(tmp_path / "none")]) == 2


@pytest.mark.parametrize("name", ["cert.pem", "key.pem"])
def test_a_tlsa_record_is_made_of_a_certificate_or_key(tmp_path: Path, capsys: Capture, name: str) -> None:
    """ADMIN-19: the hash that openssl finds; a private key stands for its public one."""
    make_certificate(tmp_path)
    assert run(["dane", "makerecord", "3", "1", "1", str(tmp_path / name)]) == 0
    spki = ["openssl", "pkey", "-in", str(tmp_path / "key.pem"), "-pubout", "-outform", "DER"]
    public = subprocess.run(spki, check=True, capture_output=True).stdout
    digest = subprocess.run(["openssl", "dgst", "-sha256", "-r"], input=public, check=True, capture_output=True)
    assert capsys.readouterr().out == f"3 1 1 {digest.stdout.decode().split()[0]}\n"


def test_what_is_no_certificate_is_told(tmp_path: Path, capsys: Capture) -> None:
    """ADMIN-19"""
    make_certificate(tmp_path)
    assert run(["dane", "makerecord", "2", "0", "0", str(tmp_path / "cert.pem")]) == 0
    assert capsys.readouterr().out.startswith("2 0 0 30")
    assert run(["dane", "makerecord", "2", "0", "1", str(tmp_path / "key.pem")]) == 1
    (tmp_path / "junk").write_bytes(b"\x00junk")
    assert run(["dane", "makerecord", "3", "1", "1", str(tmp_path / "junk")]) == 1
    assert run(["dane", "makerecord", "4", "1", "1", str(tmp_path / "junk")]) == 2


def test_licences_of_all_packages(capsys: Capture) -> None:
    """ADMIN-19: the packages of requirements/runtime.in."""
    assert run(["licenses"]) == 0
    out = capsys.readouterr().out
    wanted = [line.split("==")[0] for line in (top() / "requirements/runtime.in").read_text().splitlines()]
    assert tuple(name for name in wanted if name and not name.startswith("#")) == RUNS_ON
    assert all(f"== {name}" in out for name in RUNS_ON)
    assert out.startswith("== moxlite 0.")
    assert "MIT License" in out[:200]
    assert "not installed here" not in out
