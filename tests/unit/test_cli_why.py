"""``moxlite why`` on the files of a stopped server (ADMIN-77, SMTP-164)."""

import json
from pathlib import Path

import pytest
import trio

from moxlite.admin.storage.settings import store_options
from moxlite.cli import run
from moxlite.config.load import load
from moxlite.config.snapshot import FixedConfig
from moxlite.net.resolver import FakeResolver
from moxlite.process.keys import ReceivedID, load_key
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.delivery.actions import Delivery, FileInto
from moxlite.store.delivery.perform import perform
from moxlite.store.delivery.reasons import Why, pack
from tests.small_config import STATIC
from tests.store_mail import mail, prepared, put

pytestmark = pytest.mark.served

DOMAINS = """\
[domains."example.org"]
[domains."example.org".aliases.team]
addresses = ["me@example.org", "you@example.org"]
[accounts.me]
domain = "example.org"
[accounts.me.destinations."me@example.org"]
[[accounts.me.destinations."me@example.org".rulesets]]
mailbox = "Lists"
smtp_mail_from_regexp = "^list@"
[accounts.you]
domain = "example.org"
[accounts.you.destinations."you@example.org"]
"""

Capture = pytest.CaptureFixture[str]
WHY = Why(reason="no-bad-signals", sender="anton@example.com", recipient="me@example.org", remote="192.0.2.1\x1b[2J")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An account with a delivered message, its copy, and an appended one."""
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("MOXLITE_CONF", str(tmp_path / "moxlite.toml"))
    snapshot, _ = load(tmp_path / "moxlite.toml")

    async def fill() -> None:
        accounts = Accounts(snapshot.static.data_dir, store_options(FixedConfig(snapshot)))
        async with accounts.use("me") as account:
            both = (FileInto(mailbox="Inbox"), FileInto(mailbox="Copies"))
            await perform(account, await prepared(mail(1)), Delivery(actions=both, why=pack(WHY)))
            await put(account, first=3)
        await accounts.aclose()

    trio.run(fill)
    (tmp_path / "file.eml").write_bytes(mail(9))
    return tmp_path


def test_a_delivered_message_tells_why_it_is_there(config: Path, capsys: Capture) -> None:
    """ADMIN-77: by its number, and by its Message-ID, also a copy; nothing reaches the terminal raw."""
    assert run(["why", "--account", "me", "1"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "account me, message 1, in Inbox\nFrom <anton@example.com> to <me@example.org>, client 192.0.2.1\\x1b[2J"
    )
    meaning = "no evidence against the message. New senders wait first (first_time_sender_delay)"
    assert out.endswith(f"Plan: no-bad-signals\n  {meaning}\n  reply: 250, accepted\n"), "as docs/reasons.md has it"
    assert run(["why", "--account", "me", "<1@example.com>"]) == 0
    found = capsys.readouterr().out
    assert [line for line in found.splitlines() if line.startswith("account")] == [
        "account me, message 2, in Copies",
        "account me, message 1, in Inbox",
    ]
    assert run(["--json", "why", "--account", "me", "2"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["why"]["reason"] == "no-bad-signals"


def test_an_appended_message_has_no_reasons(config: Path, capsys: Capture) -> None:
    """ADMIN-77"""
    assert run(["why", "--account", "me", "<3@example.com>"]) == 0
    assert "no details available" in capsys.readouterr().out


def test_a_file_is_planned_and_not_delivered(config: Path, capsys: Capture) -> None:
    """SMTP-164"""
    file = str(config / "file.eml")
    assert run(["why", file, "--to", "me@example.org"]) == 0
    out = capsys.readouterr().out
    assert "  from = anton@example.com  (neutral, hint, from header)\n" in out
    assert out.endswith("  reply: 250, accepted\n  file into Inbox\n")
    assert run(["why", file, "--to", "me@example.org", "--from", "list@example.net", "--helo", "mx.example.net"]) == 0
    out = capsys.readouterr().out
    assert "  ruleset = 1  (neutral, proof, from destination me@example.org)\n" in out
    assert "  ruleset: ruleset: file into Lists  by ruleset\n" in out
    assert out.endswith("  file into Lists\n")
    assert out.startswith("skipped checks: client address and name, SPF, DKIM, DMARC, and block lists (use --ip")
    assert run(["why", file, "--to", "team@example.org"]) == 0
    out = capsys.readouterr().out
    assert out.count("  reply: 550 5.7.2 only members can send to this address\n") == 2
    assert "Via the alias team@example.org" in out
    assert run(["--json", "why", "--account", "me", "4"]) == 1  # no message has come


def test_with_the_address_of_the_client_dns_is_asked(
    config: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SMTP-164: SPF and DMARC refuse what port 25 refuses; without a name of the client that is said."""
    records = {"TXT": {"example.com": ["v=spf1 -all"], "_dmarc.example.com": ["v=DMARC1; p=reject"]}}
    monkeypatch.setattr("moxlite.net.dns.client.DNSResolver", lambda *_, **__: FakeResolver(records))
    args = ["why", str(config / "file.eml"), "--to", "me@example.org", "--ip", "192.0.2.1"]
    assert run(args) == 0
    out = capsys.readouterr().out
    assert out.startswith("skipped checks: SPF for the client name (use --helo)\naccount me\n")
    assert "  reply: 550 5.7.26" in out
    assert run([*args, "--helo", "mx.example.com"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("account me\n")
    assert "dmarc = fail policy reject" in out


def test_what_cannot_be_told_is_said(config: Path, capsys: Capture) -> None:
    """ADMIN-77, SMTP-164"""
    file = str(config / "file.eml")
    for args, code, text in (
        (["--account", "me", "999"], 1, "message 999 not found in account me"),
        (["--account", "me", "<none@example.com>"], 1, "message <none@example.com> not found in account me"),
        (["--account", "me", "none@example.com"], 1, "message none@example.com not found in account me"),
        (["--account", "me", "a@b@@"], 1, "message a@b@@ not found in account me"),
        (["--account", "me", "@"], 1, "message @ not found in account me"),
        (["--account", "nobody", "1"], 1, 'account not found: "nobody"'),
        (["--account", "me", "--to", "a@b.example", "1"], 2, "for a file"),
        ([file], 2, "add --account NAME"),
        ([file, "--to", "nobody@example.org"], 1, "no account on this server has this address"),
        ([file, "--to", "x"], 1, "isn't a valid recipient address"),
        ([file, "--to", "me@example.org", "--ip", "x"], 1, "isn't a valid IP address"),
        ([str(config / "none"), "--to", "me@example.org"], 1, "can't read"),
    ):
        assert run(["why", *args]) == code, args
        assert text in capsys.readouterr().err


def test_the_only_account_need_not_be_named(config: Path, capsys: Capture) -> None:
    """ADMIN-77"""
    text = DOMAINS.partition("[accounts.you]")[0].replace(', "you@example.org"', "")
    (config / "domains.toml").write_text(text)
    assert run(["why", "1"]) == 0
    assert capsys.readouterr().out.startswith("account me, message 1")
    assert run(["why", str(config / "file.eml")]) == 2, "a file is tried for a recipient"


def test_the_id_of_a_reply_leads_to_the_log(config: Path, capsys: Capture) -> None:
    """ADMIN-77, SMTP-140a: of a stopped server, from its log file; meanings of reasons are added."""
    received = ReceivedID(load_key(config / "data"))
    received_id = received.encode(0xABC)
    assert run(["why", received_id]) == 1
    assert "search its log for cid=abc" in capsys.readouterr().err
    toml = config / "moxlite.toml"
    toml.write_text(f'log_file = "{config}/log"\n' + toml.read_text())
    lines = [f'l=info m="message rejected" pkg=smtpd cid={cid} reason=no-bad-signals' for cid in ("abc", "abcd")]
    (config / "log").write_text("\n".join(lines) + "\n")
    assert run(["why", received_id]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == lines[0]
    assert out[1].startswith("no-bad-signals: no evidence against the message")
    assert len(out) == 2
    assert run(["why", "--json", received_id]) == 0
    assert json.loads(capsys.readouterr().out)["lines"] == [lines[0]]
    assert run(["why", f"({received_id})"]) == 0, "as the reply has it"
    capsys.readouterr()
    assert run(["why", received.encode(1)]) == 1
    err = capsys.readouterr().err
    assert "nothing about this ID" in err
    assert "rejections beyond ten a minute are only counted" in err
    cid = next(cid for cid in range(2, 10_000) if received.encode(cid).startswith("-"))
    assert run(["why", received.encode(cid)]) == 1
    assert f"cid={cid:x}" in capsys.readouterr().err, "not taken for an option"
    assert run(["why", "A" * 22]) == 1
    assert "isn't from this installation" in capsys.readouterr().err
