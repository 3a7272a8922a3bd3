"""What the command line takes though it is likely a mistake (ADMIN-18d)."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from moxlite.cli import common, described, doubts, run
from moxlite.cli.common import Failure
from moxlite.operations.accounts import AccountInfo
from moxlite.operations.copies import Imported
from moxlite.operations.domains import AddedDomain, AliasInfo, DomainInfo
from moxlite.operations.queue import Changed
from moxlite.operations.rules import DestinationForm, DestinationItem
from moxlite.operations.store import MailboxInfo
from tests.small_config import DOMAINS, STATIC

pytestmark = pytest.mark.served

Capture = pytest.CaptureFixture[str]

FORM = DestinationForm(
    mailbox="",
    full_name="",
    rulesets=[],
    smtp_error="",
    refused_addresses=[],
    message_auth_required_smtp_error="",
)
ANSWERS: dict[str, object] = {
    "address add": SimpleNamespace(address="shop.x7k2p@example.org"),
    "account list": [AccountInfo("bob", "", "", ["bob@example.org"])],
    "account mailboxes": [MailboxInfo(name, 0, 0) for name in ("Inbox", "Archive")],
    "account rule list": [],
    "config account list": [AccountInfo("bob", "", "", ["bob@example.org"])],
    "config alias add": None,
    "config alias list": [AliasInfo("team@example.org", ["bob@example.org"], True, True, True)],
    "config domain add": AddedDomain("x", []),
    "config domain list": [DomainInfo("example.org", False, False, "")],
    "import": Imported(1, 0),
    "queue hold": Changed(0),
    "queue holdrules add": Changed(0, 7),
}


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A server that knows bob with two mailboxes, and does what is asked; returns a folder."""
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    monkeypatch.setenv("MOXLITE_CONF", str(tmp_path / "moxlite.toml"))
    for module in (common, described, doubts):
        monkeypatch.setattr(module, "call", lambda command, *_, **__: ANSWERS.get(command))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "doubt"),
    [
        (
            "config account set bob forward_to bob@gmial",
            'the domain "gmial" doesn\'t have a dot. Is "bob@gmial" complete?',
        ),
        ("config account set bob forward_to bob@mail.example", ""),
        ("config account set bob full_name true", 'full_name will be the text "true"'),
        ("config account set bob full_name Bob", ""),
        ("config alias add a@example.org b@example", 'the domain "example" doesn\'t have a dot'),
        ("config alias addaddr a@example.org b@example", 'the domain "example" doesn\'t have a dot'),
        ("account forward set bob eve@gmial", 'the domain "gmial" doesn\'t have a dot'),
        ("account forward set bob eve@gmial.com", 'almost the same as gmail.com. Is it "eve@gmail.com"?'),
        ("account forward set bob eve@exmaple.org", "almost the same as example.org."),
        ("account forward set bob eve@gmx.net", ""),
        ("config alias add a@example.org eve@hotmial.com", "almost the same as hotmail.com."),
        ("config account set bob forward_to eve@outlok.com", "almost the same as outlook.com."),
        (
            "config address add *@example.org bob",
            "not all addresses in example.org; for those, run: moxlite config address add @example.org bob",
        ),
        ("config account add eve *@example.org", "is a single address"),
        ("config alias add *@example.org bob@example.org", "is a single address"),
        ("config address add @example.org bob", "mail to every unknown address @example.org; to undo this, run: "),
        ("config address add eve@example.org bob", ""),
        ("config address add b0b@example.org eve", "b0b@example.org looks like bob@example.org"),
        ("config address add b\u00f6b@example.org eve", "b\u00f6b@example.org looks like bob@example.org"),
        ("config address add b\u00f6b@example.org bob", ""),
        ("config address add tearn@example.org bob", "tearn@example.org looks like team@example.org"),
        ("config alias add b0b@example.org eve@example.org", "b0b@example.org looks like bob@example.org"),
        ("config address add b0b@example.net bob", ""),
        ("config address add p\u0430ul@example.org bob", "has Latin and Cyrillic letters"),
        ("config account add eve b0b@example.org", "b0b@example.org looks like bob@example.org"),
        ("config address add \u30e6\u30fc\u30b6\u540d@example.org bob", ""),
        ("config domain add exampel.org bob", "exampel.org is almost the same as your domain example.org"),
        ("config domain add example.net bob", ""),
        (
            "config domain add www.example.net bob",
            "For you@example.net, run: moxlite config domain add example.net bob",
        ),
        ("config domain add mail.example.org bob", "addresses are like you@mail.example.org"),
        ("config account set bob full_name ", "full_name will be empty"),
        ("queue hold --from eve", '--from "eve" isn\'t a complete address'),
        ("queue hold --from bob", "For all messages of account bob, use --account bob"),
        ("queue hold --to @example.org", ""),
        ("queue hold --account eve", 'there\'s no account "eve"; to list accounts, run: moxlite account list'),
        ("queue hold --account bob", ""),
        ("queue holdrules add --sender eve", "is neither an address nor @domain, so it matches nothing"),
        ("audit list --actor eve", 'there\'s no account "eve"'),
        ("audit list --actor (admin)", ""),
        ("address add bob --for shop --expires 2020-01-01", "2020-01-01 has passed"),
        ("address add bob --for shop --expires 2999-01-01", ""),
        ("address add bob --for=", "--for is empty"),
    ],
)
def test_a_likely_mistake_is_said(
    served: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, words: str, doubt: str
) -> None:
    """ADMIN-18d: similar words without a mistake get no note."""
    monkeypatch.setitem(ANSWERS, "audit list", [])
    run(words.split(" "))
    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert len(notes) == bool(doubt)
    assert not doubt or doubt in notes[0]


def test_a_text_with_a_space_is_no_address(served: Path, capsys: Capture) -> None:
    """ADMIN-18d."""
    assert run(["queue", "hold", "--to", "bob gmail.example"]) == 0
    assert "has a space, so it matches no address" in capsys.readouterr().err


@pytest.mark.parametrize(("mailbox", "doubt"), [("Archvie", True), ("Archive", False), ("inbox", False)])
def test_a_mailbox_that_is_not_there_is_said(
    served: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, mailbox: str, doubt: bool
) -> None:
    """ADMIN-18d: of a rule, of an address, and of an import."""
    monkeypatch.setitem(ANSWERS, "account rule list", [DestinationItem("bob@example.org", FORM)])
    for words in (
        ["account", "rule", "add", "bob", "bob@example.org", "--conditions", "from is a@b", "--mailbox", mailbox],
        ["account", "rule", "address", "bob", "bob@example.org", "--mailbox", mailbox],
    ):
        assert run(words) == 0
        said = capsys.readouterr().err
        assert (
            'account bob doesn\'t have a mailbox "Archvie". The first matching message creates it.' in said
        ) == doubt
        assert ('Did you mean "Archive"?' in said) == doubt


def test_a_server_that_is_not_asked_is_no_doubt(served: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-18d: the command itself says that nothing answers."""

    def call(*_: object, **__: object) -> None:
        raise Failure("the server isn't running", common.NOT_RUNNING)

    for module in (common, described, doubts):
        monkeypatch.setattr(module, "call", call)
    assert run(["queue", "hold", "--account", "eve"]) == common.NOT_RUNNING
    assert capsys.readouterr().err == "moxlite: the server isn't running\n"


def test_each_doubt_is_about_a_command() -> None:
    """ADMIN-18d: a command that is renamed takes its doubts along."""
    import click

    from moxlite.cli import main
    from moxlite.cli.info import all_commands

    names = [f"{name} " for name, _ in all_commands(main, click.Context(main))]
    assert [name for name in doubts.DOUBTS if not any(one.startswith(f"{name} ") for one in names)] == []
