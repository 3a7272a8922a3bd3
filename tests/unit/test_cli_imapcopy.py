"""The command line of imports and exports by IMAP, as far as it goes without a server (IMAP-137)."""

from pathlib import Path

import pytest

from moxlite.cli import run
from moxlite.cli.archives.imapcopy import _duration, _EventPrinter

pytestmark = pytest.mark.served

ORDER = ["imap", "import", "mia", "--host", "h", "--user", "u"]


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (["--password-file", "secret", "--oauth-token-file", "secret"], "can't be used with"),
        (["--password-file", "secret", "--map", "Work"], "--map must be OLD=NEW"),
        (["--password-file", "nowhere"], "does not exist"),
        (["--tls", "maybe"], "'maybe' is not one of"),
    ],
)
def test_wrong_options_are_told(
    more: list[str], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """IMAP-137: exit code 2."""
    (tmp_path / "secret").write_text("x\n")
    monkeypatch.chdir(tmp_path)
    assert run([*ORDER, *more]) == 2
    assert text in capsys.readouterr().err


def test_the_password_never_comes_as_an_argument(capsys: pytest.CaptureFixture[str]) -> None:
    """IMAP-137."""
    assert run([*ORDER, "--password", "x"]) == 2
    assert run(["imap", "export", "--help"]) == 0
    assert "--password-file" in capsys.readouterr().out


def test_what_is_told_has_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    """IMAP-137, ADMIN-65: names of mailboxes are another server's."""
    from moxlite.operations.copies import MailboxPlan, MailboxStep, Note

    told = _EventPrinter()
    told.event(MailboxPlan("a\x1b[2J", "b", 3, 2))
    told.event(MailboxStep("a\x1b[2J", 3, 3))
    told.event(Note("left out: \x07"))
    out, err = capsys.readouterr()
    assert out == "a\\x1b[2J -> b: 3 messages, 2 to copy\n"
    assert err == "a\\x1b[2J: 3 of 3 messages\nproblem: left out: \\x07\n"


def test_durations() -> None:
    """IMAP-137."""
    assert [_duration(seconds) for seconds in (5, 65, 3_725)] == ["5 s", "1 min 5 s", "1 h 2 min"]
