"""``moxlite junk`` without a server, on the files of a data directory (STORE-9, STORE-87, STORE-193)."""

import json
from functools import partial
from pathlib import Path

import pytest
import trio

from moxlite.admin.storage.settings import store_options
from moxlite.cli import run
from moxlite.config.load import load
from moxlite.config.snapshot import FixedConfig
from moxlite.process.lock import DataLock
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.delivery.perform import append
from moxlite.store.mail.adding import Append
from moxlite.store.mail.flags import store_flags
from moxlite.store.types import Flag
from tests.small_config import STATIC
from tests.store_mail import box, mail, prepared

pytestmark = pytest.mark.served

DOMAINS = """\
[domains."example.org"]
[accounts.me]
domain = "example.org"
automatic_junk_flags = { enabled = true, junk_mailbox_regexp = "^junk", neutral_mailbox_regexp = "^inbox" }
junk_filter = { threshold = 0.9, onegrams = true }
[accounts.me.destinations."me@example.org"]
[accounts.you]
domain = "example.org"
[accounts.you.destinations."you@example.org"]
"""

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An account with a filter that has seen 3 hams and 2 spams, and one without a filter."""
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("MOXLITE_CONF", str(tmp_path / "moxlite.toml"))
    snapshot, _ = load(tmp_path / "moxlite.toml")

    async def fill() -> None:
        accounts = Accounts(snapshot.static.data_dir, store_options(FixedConfig(snapshot)))
        async with accounts.use("me") as account:
            for name, ids, text in (("Archive", range(3), "lunch at noon"), ("Junk", (8, 9), "gold \x1b[2J watches")):
                items = [Append(await prepared(mail(number, body=text))) for number in ids]
                await append(account, (await box(account, name)).id, items)
        await accounts.create("you")
        await accounts.aclose()

    trio.run(fill)
    return tmp_path


def test_retrain_learns_all_accounts_with_a_filter(config: Path, capsys: Capture) -> None:
    """STORE-9, STORE-87."""
    assert run(["junk", "retrain"]) == 0
    assert capsys.readouterr().out == "me: 5 messages learned\nyou: doesn't have a junk filter\n"
    assert run(["--json", "junk", "retrain", "me"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"account": "me", "count": 5, "note": "", "failed": False}]
    assert run(["junk", "retrain", "nobody"]) == 1
    assert 'account not found: "nobody"' in capsys.readouterr().err


def test_retrain_says_why_it_learnt_nothing(config: Path, capsys: Capture) -> None:
    """STORE-87: no message is marked; one alone is not "1 messages"."""
    assert run(["junk", "retrain", "me"]) == 0
    progress = capsys.readouterr().err
    assert progress == "me: 0 of 5 messages\n"

    async def unmark(*names: str) -> None:
        snapshot, _ = load(config / "moxlite.toml")
        accounts = Accounts(snapshot.static.data_dir, store_options(FixedConfig(snapshot)))
        async with accounts.use("me") as account:
            for name in names:
                where = (await box(account, name)).id
                await account.write(
                    partial(store_flags, mailbox_id=where, uids=(1, 2), mode="remove", flags=Flag.JUNK | Flag.NOTJUNK)
                )
        await accounts.aclose()

    trio.run(unmark, "Archive", "Junk")
    assert run(["junk", "retrain", "me"]) == 0
    assert capsys.readouterr().out == "me: 1 message learned\n"


def test_prune_tells_how_many_words_went(config: Path, capsys: Capture) -> None:
    """STORE-193."""
    assert run(["junk", "retrain", "me"]) == 0
    assert run(["junk", "prune", "--days", "1"]) == 0
    assert capsys.readouterr().out.endswith("me: 0 words dropped\nyou: 0 words dropped\n")
    assert run(["junk", "prune", "--days", "0"]) == 2


@pytest.mark.parametrize("message", ["FILE", "1", "<0@example.com>"])
def test_explain_shows_the_words_that_decided(config: Path, capsys: Capture, message: str) -> None:
    """STORE-193: of a file, by the message's number, by its Message-ID."""
    assert run(["junk", "retrain", "me"]) == 0
    (config / "file.eml").write_bytes(mail(8, body="watches at noon"))
    capsys.readouterr()
    assert run(["junk", "explain", "me", message.replace("FILE", str(config / "file.eml"))]) == 0
    out = capsys.readouterr().out
    assert out.startswith("the filter doesn't know yet: probability 0.")
    assert ", junk above 0.90, almost certain above 0.99\nbeginning: probability 0." in out
    assert "\nmissing: has 3 of 50 good messages, 2 of 50 junk messages" in out
    assert "\nlearned: 3 ham, 2 junk\n" in out
    assert "noon " in out
    assert ("was used for training" in out) == (message != "FILE")
    assert "\x1b" not in out


def test_explain_says_what_it_cannot_find(config: Path, capsys: Capture) -> None:
    """STORE-193."""
    for args, text in (
        (["me", "999"], "message 999 not found in account me"),
        (
            ["me", "<none@example.com>"],
            "message <none@example.com> not found in account me, and there's no file with this name",
        ),
        (["you", "1"], "account you doesn't have a junk filter"),
        (["nobody", "1"], 'account not found: "nobody"'),
    ):
        assert run(["junk", "explain", *args]) == 1
        assert text in capsys.readouterr().err


def test_files_in_use_are_left_alone(config: Path, capsys: Capture) -> None:
    """STORE-9, STORE-164."""
    with DataLock(config / "data" / "lock"):
        assert run(["junk", "retrain"]) == 1
    assert capsys.readouterr().err


def test_play_tells_how_well_two_folders_are_told_apart(tmp_path: Path, capsys: Capture) -> None:
    """STORE-193: nothing else is needed, no configuration, no server."""

    def write(name: str, text: str) -> str:
        letters = [b"From x Fri Nov 20 07:00:00 2026\n" + mail(n, subject=text, body=text) + b"\n" for n in range(20)]
        (tmp_path / name).write_bytes(b"".join(letters))
        return str(tmp_path / name)

    ham, spam = write("ham.mbox", "lunch tomorrow at noon"), write("spam.mbox", "cheap gold watches")
    assert run(["junk", "play", ham, spam]) == 0
    expected = "learned: 10 ham, 10 junk\nham passed: 10 of 10 (100.0%)\njunk caught: 10 of 10 (100.0%)\n"
    assert capsys.readouterr().out == expected
    assert run(["junk", "play", "--train", "0.9", "--twograms", ham, spam]) == 0
    assert "learned: 18 ham" in capsys.readouterr().out
    (tmp_path / "empty.mbox").write_bytes(b"")
    assert run(["junk", "play", ham, str(tmp_path / "empty.mbox")]) == 1
    assert "has 0 messages" in capsys.readouterr().err
