"""Mistakes on the command line, and listings: what leads on (ADMIN-3, ADMIN-18, ADMIN-34)."""

import os
import sys
from pathlib import Path

import click
import msgspec
import pytest

from moxlite.cli import main, run
from moxlite.cli.common import Settings, show
from moxlite.cli.setup import quickstart
from tests.small_config import DOMAINS, STATIC

pytestmark = pytest.mark.served

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration that the command line finds."""
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    monkeypatch.setenv("MOXLITE_CONF", str(tmp_path / "moxlite.toml"))
    return tmp_path


@pytest.mark.parametrize(
    ("args", "content", "said"),
    [
        (
            ["import", "mbox", "bob", "Inbox"],
            b"PK\x03\x04",
            "isn't an mbox file, which begins with From. To import a zip",
        ),
        (["import", "mbox", "bob", "Inbox"], b"", "is empty."),
        (["import", "mbox", "bob", "Inbox"], None, "run: moxlite import archive bob "),
        (["contacts", "import", "bob"], b"BEGIN:VCALENDAR\r\n", "run: moxlite calendar import bob "),
        (["calendar", "import", "bob"], b"\xef\xbb\xbfbegin:vcard\r\n", "run: moxlite contacts import bob "),
        (["restore", "--signer", "moxlite-signer-abc"], b"", "on the server, `moxlite backup signer` prints it"),
        (["backup", "verify", "--repo"], b"", "isn't a backup repository"),
    ],
)
def test_a_file_of_another_kind_leads_to_its_command(
    config: Path, capsys: Capture, args: list[str], content: bytes | None, said: str
) -> None:
    """ADMIN-18: before anything is sent to a server."""
    path = config / "file"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    assert run([*args, str(path)]) in (1, 2)
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lines", "errors"),
    [
        ('[backup]\nschedule = 24\ntarget = "/var/backups/x"\n', ["backup.schedule: must be a duration"]),
        ("check_updates = True\n", ["(use true or false, in lowercase)"]),
        ("check_updates = yes # please\n", ["(use true or false, in lowercase)"]),
        ("log_file = /var/log/x\n", ['(text must be in quotes, like key = "text")']),
    ],
)
def test_each_mistake_in_the_file_is_one_error(config: Path, capsys: Capture, lines: str, errors: list[str]) -> None:
    """ADMIN-3: that of the value, not also of its table."""
    text = f"{STATIC}{lines}" if lines.startswith("[") else f"{lines}{STATIC}"
    (config / "moxlite.toml").write_text(text)
    assert run(["config", "test"]) == 1
    *said, _ = capsys.readouterr().err.splitlines()
    assert len(said) == len(errors)
    for line, error in zip(said, errors, strict=True):
        assert error in line


def test_a_user_beside_an_installed_server_is_told(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-34: quickstart without root would make a second server in the user's folder; asked for, it does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MOXLITE_CONF", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(quickstart, "INSTALLED", tmp_path)
    assert run(["quickstart", "me@example.org"]) == 1
    said = capsys.readouterr().err
    assert f"moxlite is already set up on this machine, in {tmp_path}" in said
    assert "run moxlite as root" in said
    assert not (tmp_path / "config").exists()


class Queued(msgspec.Struct):
    """A row of a wide listing."""

    id: int
    why: str
    next: str


def test_listings_fit_a_terminal_and_say_how_to_see_all(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-18: the widest columns are cut; with --wide, and in a pipe, nothing is."""
    rows = [Queued(1, "x" * 300, "retried"), Queued(22, "the other server is busy", "y" * 70)]
    monkeypatch.setenv("COLUMNS", "100")

    def printed(*, wide: bool, terminal: bool) -> tuple[list[str], str]:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
        with click.Context(main, obj=Settings(wide=wide)):
            show(rows, ("id", "why", "next"))
        out, err = capsys.readouterr()
        return out.splitlines(), err

    lines, said = printed(wide=False, terminal=True)
    assert max(map(len, lines)) == 100
    assert "…" in lines[1]
    assert lines[2].startswith("22  the other server is busy ")
    assert said == "Shortened to fit. To see everything, add --wide.\n"
    for wide, terminal in ((True, True), (False, False)):
        lines, said = printed(wide=wide, terminal=terminal)
        assert "x" * 300 in lines[1]
        assert said == ""
