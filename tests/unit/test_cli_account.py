"""``moxlite account app-password`` and ``account share``: what the command line asks the server for (STORE-191)."""

import datetime as dt
import time

import pytest

from moxlite.cli import common, described, run
from moxlite.operations.access import (
    AppPasswordAdd,
    AppPasswordInfo,
    ListShares,
    ShareInfo,
    ShareSet,
    Undelete,
    UndeletedMail,
)
from moxlite.operations.server import Wellness

pytestmark = pytest.mark.served

Capture = pytest.CaptureFixture[str]

DAY = 86_400_000_000


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, object]]:
    """What the server is asked for; it answers as if all were well."""
    requests: list[tuple[str, object]] = []

    def call(command: str, args: object, result: object, **_: object) -> object:
        requests.append((command, args))
        match command:
            case "account app-password add":
                return "abcdefghij0123456789"
            case "account app-password list":
                made = dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)
                return [
                    AppPasswordInfo(
                        name="a \x1b[2Jphone",
                        token=False,
                        scopes=["imap"],
                        read_only=True,
                        created=made,
                        expires=None,
                        expired=False,
                        last_used=None,
                        last_ip="",
                        last_protocol="",
                    )
                ]
            case "account undelete":
                return UndeletedMail(2, 0)
            case "healthcheck":
                return Wellness([], ["account mia: its file is damaged"])
            case "account share list":
                return [ShareInfo("Work", "bo", "lrswite"), ShareInfo("Work", "anyone", "lr")]
            case _:
                return None

    monkeypatch.setattr(common, "call", call)
    monkeypatch.setattr(described, "call", call)
    return requests


@pytest.mark.parametrize(
    ("options", "scopes", "read_only"),
    [
        ([], ["imap", "submission"], False),
        (["--read-only"], ["imap"], True),
        (["--scope", "webapi", "--scope", "imap"], ["webapi", "imap"], False),
    ],
)
def test_a_password_is_made_and_printed(
    asked: list[tuple[str, object]], capsys: Capture, options: list[str], scopes: list[str], read_only: bool
) -> None:
    """STORE-191"""
    assert run(["account", "app-password", "add", "me", "my phone", *options]) == 0
    assert capsys.readouterr().out == "abcdefghij0123456789\n"
    assert asked == [("account app-password add", AppPasswordAdd("my phone", scopes, read_only, account="me"))]  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "days"), [("90d", 90), ("48h", 2), ("2w", 14)])
def test_the_end_is_so_long_from_now_or_a_date(asked: list[tuple[str, object]], text: str, days: int) -> None:
    """STORE-191"""
    before = time.time_ns() // 1000
    assert run(["account", "app-password", "add", "me", "x", "--expires", text]) == 0
    assert run(["account", "app-password", "add", "me", "x", "--expires", "2030-01-01"]) == 0
    after = time.time_ns() // 1000
    (_, first), (_, second) = asked
    assert isinstance(first, AppPasswordAdd)
    assert isinstance(second, AppPasswordAdd)
    assert first.expires is not None
    assert before + days * DAY <= first.expires + 1 <= after + days * DAY + 1
    assert second.expires == 1_893_456_000_000_000


def test_they_are_listed_and_revoked(asked: list[tuple[str, object]], capsys: Capture) -> None:
    """STORE-191, ADMIN-65"""
    assert run(["account", "app-password", "list", "me"]) == 0
    out = capsys.readouterr().out
    assert "read only" in out
    assert r"a \x1b[2Jphone" in out
    assert run(["account", "app-password", "rm", "me", "my phone"]) == 0
    assert asked == [
        ("account app-password list", {"account": "me"}),
        ("account app-password rm", {"account": "me", "name": "my phone"}),
    ]
    assert run(["account", "app-password", "add", "me"]) == 2
    assert run(["account", "app-password", "add", "me", "x", "--scope", "smtp"]) == 2
    assert run(["account", "app-password", "add", "me", "x", "--expires", "soon"]) == 1


def test_mailboxes_are_shared(asked: list[tuple[str, object]], capsys: Capture) -> None:
    """IMAP-157: rights in words or letters."""
    assert run(["account", "share", "set", "mia", "Work", "bo", "read"]) == 0
    assert run(["account", "share", "set", "mia", "Work", "bo@example.org", "lrsi", "--below"]) == 0
    assert run(["account", "share", "rm", "mia", "Work", "anyone"]) == 0
    assert run(["account", "share", "list", "mia"]) == 0
    assert "lrswite" in capsys.readouterr().out
    assert asked == [
        ("account share set", ShareSet("Work", "bo", "lr", account="mia")),
        ("account share set", ShareSet("Work", "bo@example.org", "lrsi", below=True, account="mia")),
        ("account share list", ListShares(account="mia")),
        ("account share rm", {"account": "mia", "mailbox": "Work", "guest": "anyone"}),
        ("account share list", {"account": "mia"}),
    ]
    for rights in ("q", "rs", ""):
        assert run(["account", "share", "set", "mia", "Work", "bo", rights]) == 1
    assert run(["account", "share", "rm", "mia", "Sales", "anyone"]) == 1
    assert "doesn't share Sales with anyone" in capsys.readouterr().err
    assert [name for name, _ in asked[5:]] == ["account share list"]


@pytest.mark.parametrize("since", [[], ["--since", "2h"]])
def test_removed_mail_comes_back_after_a_question(
    asked: list[tuple[str, object]], capsys: Capture, since: list[str]
) -> None:
    """STORE-190: what was removed on purpose comes back, too."""
    assert run(["account", "undelete", "me", *since]) == 1
    assert "--yes" in capsys.readouterr().err
    assert asked == []
    assert run(["--yes", "account", "undelete", "me", *since]) == 0
    assert capsys.readouterr().out == "restored 2 messages\n"
    [(name, args)] = asked
    assert name == "account undelete"
    assert isinstance(args, Undelete)
    assert (args.account, args.since > 0) == ("me", bool(since))


def test_an_account_out_of_service_fails_the_health_check(asked: list[tuple[str, object]], capsys: Capture) -> None:
    """ADMIN-39c: its owner gets no mail, though the server runs."""
    assert run(["healthcheck"]) == 1
    assert "account mia: its file is damaged" in capsys.readouterr().err
    assert [name for name, _ in asked] == ["healthcheck"]
