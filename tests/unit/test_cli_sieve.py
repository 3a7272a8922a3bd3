"""The verbs of Sieve (IMAP-142a)."""

import io
import json
import sys
from pathlib import Path

import pytest

from moxlite.cli import run

MAIL = Path(__file__).parents[1] / "sieve" / "messages" / "plain.eml"


def _file(folder: Path, text: str, name: str = "a") -> str:
    path = folder / f"{name}.sieve"
    path.write_text(text)
    return str(path)


def test_check_tells_each_fault_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """IMAP-142a."""
    path = _file(tmp_path, 'require ["copy", "nothing"];\nfileinto 5;')
    assert run(["sieve", "check", path]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert errors[0].startswith(f"{path}:1:9: ")
    assert errors[1].startswith(f"{path}:2:1: ")
    assert run(["sieve", "check", "--json", path]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is False
    assert [(one["line"], one["column"]) for one in said["errors"]] == [(1, 9), (2, 1)]
    assert said["requires"] == ["copy", "nothing"]


def test_check_of_a_right_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """IMAP-142a."""
    assert run(["sieve", "check", _file(tmp_path, 'require "fileinto"; fileinto "A";'), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "errors": [], "requires": ["fileinto"]}


def test_test_prints_the_actions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """IMAP-142a: in order, the implicit keep last."""
    script = """require ["fileinto", "copy", "mailbox", "imap4flags", "envelope", "date", "vacation"];
if mailboxexists "Work" { fileinto :copy :create :flags ["\\\\Seen", "b"] "Work"; }
if envelope "from" "x@example.net" { redirect :copy "y@example.net"; }
if currentdate "hour" "23" { vacation :subject "Night" "Asleep."; }
addflag "late";"""
    options = ["--mailbox", "Work", "--from", "x@example.net", "--now", "2026-11-20T23:10:00+05:00", "--json"]
    assert run(["sieve", "test", _file(tmp_path, script), str(MAIL), *options]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["error"] is None
    filed, redirected, answered, kept = said["actions"]
    assert filed == {
        "action": "fileinto", "mailbox": "Work", "flags": ["\\Seen", "b"], "copy": True, "create": True
    }  # fmt: skip
    assert redirected == {"action": "redirect", "address": "y@example.net", "copy": True}
    assert (answered["action"], answered["subject"], answered["text"]) == ("vacation", "Night", "Asleep.")
    assert kept == {"action": "keep", "flags": ["late"], "implicit": True}


def test_test_tells_an_error_at_run_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """IMAP-142a: the script is right, so that the exit code is 0; the message is kept."""
    path = _file(tmp_path, 'require ["reject", "fileinto"];\nfileinto "A"; reject "no";')
    assert run(["sieve", "test", "--json", path, str(MAIL)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["actions"] == [{"action": "keep", "flags": [], "implicit": True}]
    assert said["error"].startswith("line 2: ")


def test_test_reads_included_scripts_beside_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """IMAP-142a."""
    _file(tmp_path, 'require "fileinto"; fileinto "B";', "inner")
    path = _file(tmp_path, 'require "include"; include "inner"; include :optional "other";')
    assert run(["sieve", "test", path, str(MAIL)]) == 0
    assert capsys.readouterr().out == "fileinto mailbox='B'\n"


def test_a_refused_script_and_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """IMAP-142a: exit codes 1 and 2."""
    assert run(["sieve", "test", "--json", _file(tmp_path, "nothing;"), str(MAIL)]) == 1
    assert json.loads(capsys.readouterr().out)["actions"] == []
    for words in (["--from", "x@@y"], ["--now", "yesterday"], ["--nothing"]):
        assert run(["sieve", "test", *words, _file(tmp_path, "keep;"), str(MAIL)]) == 2
    assert run(["sieve", "check", str(tmp_path / "none")]) == 2


def test_a_script_comes_from_stdin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """IMAP-142a."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"keep;")))
    assert run(["sieve", "check", "-"]) == 0
    assert "Script is valid" in capsys.readouterr().out
