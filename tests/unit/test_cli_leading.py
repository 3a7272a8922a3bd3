"""Mistakes on the command line, listings, and what was done: what leads on (ADMIN-3, ADMIN-18, ADMIN-18b, ADMIN-18c,
ADMIN-34)."""

import importlib
import os
import pkgutil
import re
import string
import sys
from collections.abc import Callable
from pathlib import Path

import click
import msgspec
import pytest

from moxlite import operations
from moxlite.cli import common, described, doubts, leading, main, run
from moxlite.cli.archives import exports
from moxlite.cli.common import Failure, Settings, show
from moxlite.cli.info import all_commands
from moxlite.cli.setup import quickstart
from moxlite.operations import Description, Role, described_in
from moxlite.operations.accounts import AccountInfo
from moxlite.operations.domains import DomainInfo
from moxlite.operations.imap import ImapServe
from moxlite.operations.rules import DestinationForm, DestinationItem
from moxlite.store.errors import OverQuota
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
            "is a zip file. To import it, run: moxlite import archive bob ",
        ),
        (["import", "mbox", "bob", "Inbox"], b"\x1f\x8b\x08", "run: moxlite import archive bob "),
        (["import", "mbox", "bob", "Inbox"], b"GIF89a", "isn't an mbox file. An mbox file begins with From"),
        (["import", "mbox", "bob", "Inbox"], b"", "is empty, so there's nothing to import"),
        (["import", "archive", "bob"], b"\nFrom a@b.example Mon", "run: moxlite import mbox bob Inbox "),
        (["import", "archive", "bob"], b"PK\x05\x06" + bytes(18), "is a zip file without files"),
        (["import", "archive", "bob"], b"", "is empty, so there's nothing to import"),
        (["contacts", "import", "bob"], b"From a@b.example Mon", "run: moxlite import mbox bob Inbox "),
        (["contacts", "import", "bob"], b"\r\n", "is empty, so there's nothing to import"),
        (["calendar", "import", "bob"], b"From a@b.example Mon", "run: moxlite import mbox bob Inbox "),
        (["calendar", "import", "bob"], b"!BDN", "is an Outlook file. To import it, run: moxlite import archive bob "),
        (["account", "vacation", "set", "bob"], b"BEGIN:VCARD\r\n", "has contacts, so its text can't be used"),
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


def test_an_empty_listing_says_so_on_a_terminal(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-18b: a head without rows looks as if something was cut off; programs get the head."""
    for terminal, said in ((True, ("", "Nothing to list.\n")), (False, ("id  why  next\n", ""))):
        monkeypatch.setattr(sys.stdout, "isatty", lambda terminal=terminal: terminal)
        with click.Context(main, obj=Settings()):
            show([], ("id", "why", "next"))
        assert capsys.readouterr() == said


SILENT = {ImapServe}
"""Operations of the command line that change nothing by themselves: a session, which has its own answers."""


def _changes() -> list[Description]:
    """The changes of the command line that have no result."""
    modules = [
        importlib.import_module(f"moxlite.operations.{one.name}") for one in pkgutil.iter_modules(operations.__path__)
    ]
    known = {one.name: one for module in modules for one in described_in(module)}
    return [one for one in known.values() if one.audit and one.result is type(None) and Role.COMMAND_LINE in one.who]


def test_each_change_says_what_it_did() -> None:
    """ADMIN-18b: with the names of its own arguments."""
    changes = [change for change in _changes() if change.request not in SILENT]
    assert len(changes) > 60
    assert not [change.name for change in changes if not change.done]
    for change in changes:
        texts = [change.done, *(spec or "" for _, _, spec, _ in string.Formatter().parse(change.done))]
        names = {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name}
        assert names <= {*change.request.__struct_fields__}, change.name


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does what is asked, and says nothing."""
    for module in (common, described):
        monkeypatch.setattr(module, "call", lambda *_, **__: None)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "config domain disable example.org",
            "mail from and to example.org is now deferred. To undo this, run: moxlite config domain enable example.org",
        ),
        ("config account set bob quota 5g", "account bob now has quota = 5g"),
        (
            "config alias add team@example.org a@example.org b@example.org",
            "mail to team@example.org now goes to a@example.org, b@example.org",
        ),
        (
            "config domain strict example.org",
            "example.org now has strict DNS policies. To publish them, run: moxlite dns update example.org",
        ),
        (
            "config domain strict example.org --off",
            "example.org no longer has strict DNS policies. To publish them, run: moxlite dns update example.org",
        ),
        ("account share set bob INBOX anyone all", "shared INBOX of account bob with all accounts on this server: all"),
        ("calendar share bob work eve --write", "shared calendar work of account bob with eve, who can edit it"),
        ("calendar share bob work eve --end", "stopped sharing calendar work of account bob with eve"),
        ("account sieve activate bob", "account bob no longer uses a script"),
        ("account vacation off bob", "turned off the vacation reply of account bob"),
    ],
)
def test_what_was_done_is_said(no_server: None, config: Path, capsys: Capture, words: str, said: str) -> None:
    """ADMIN-18b: on stderr, so that nothing changes for programs."""
    assert run(words.split()) == 0
    assert capsys.readouterr() == ("", f"{said}\n")


def test_a_command_to_type_has_quotes_where_the_shell_needs_them(
    no_server: None, config: Path, capsys: Capture
) -> None:
    """ADMIN-18b: a script's name may have blanks."""
    (config / "script").write_text("keep;")
    assert run(["account", "sieve", "put", "bob", "My rules", str(config / "script")]) == 0
    assert "run: moxlite account sieve activate bob 'My rules'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("account vacation set bob", "Missing argument 'FILE'. The text is in FILE (- for stdin)."),
        ("config account disable bob", "The user sees MESSAGE, and all sessions end."),
        ("queue list --state held", "No such option '--state'. Options: --ids"),
        ("queue list --sorted", "Did you mean --sort?"),
        ("queue hold bob@example.org", "run: moxlite queue hold --to bob@example.org"),
        ("queue retry 1 2", "run: moxlite queue retry --ids 1,2"),
        ("account set-hash bob {SSHA}x", "Passwords aren't arguments."),
        ("smtp dial localhost 25", "To give a port, write localhost:25"),
        ("config domain strict example.org on", "Options: --off"),
        ("stop now", "This command takes no arguments."),
        ("tls renew", "Certificates are renewed automatically."),
    ],
)
def test_wrong_words_lead_to_the_form(words: str, said: str, capsys: Capture) -> None:
    """ADMIN-18b."""
    assert run(words.split()) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_server_that_cannot_start_is_not_just_to_be_started(config: Path, capsys: Capture) -> None:
    """ADMIN-3: the mistake that keeps it from starting comes with the advice to start it."""
    (config / "domains.toml").write_text(f"nonsense = 1\n{DOMAINS}")
    assert run(["config", "account", "list"]) == 3
    said = capsys.readouterr().err
    assert "isn't running" in said
    assert "first fix the configuration: " in said
    assert "nonsense" in said


Refuse = Callable[..., None]


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Makes a server that refuses each command with a text, and lists this."""

    def refuse(text: str, listed: object = ()) -> None:
        def call(command: str, *_: object, **__: object) -> object:
            if command in {listing.command.removesuffix(" {account}") for listing in leading.LISTINGS}:
                return listed
            raise Failure(text)

        for module in (common, described, leading):
            monkeypatch.setattr(module, "call", call)
        monkeypatch.setattr(exports, "talk", lambda *_, **__: call("export"))

    return refuse


@pytest.mark.parametrize(
    ("words", "text", "way_on"),
    [
        (
            "calendar share bob work eve",
            'calendar not found: "work"',
            "to list calendars, run: moxlite calendar list bob",
        ),
        (
            "account sieve activate bob x",
            "script not found: 'x'",
            "to list scripts, run: moxlite account sieve list bob",
        ),
        (
            "account app-password rm bob x",
            "app password not found: 'x'",
            "to list app passwords, run: moxlite account app-password list bob",
        ),
        (
            "account share set bob Work eve read",
            'mailbox "Work" no longer exists',
            "to list mailboxes, run: moxlite account mailboxes bob",
        ),
        (
            "store fix-counts nosuch",
            'account not found: "nosuch"',
            "to list accounts and addresses, run: moxlite account list",
        ),
        (
            "queue suppress remove bob eve@example.com",
            "eve@example.com isn't on account bob's suppression list",
            "to list suppressed addresses, run: moxlite queue suppress list --account bob",
        ),
        ("config domain rm x --yes", '"x" isn\'t a domain on this server', "run: moxlite config domain list"),
        (
            "queue transport relay",
            "unknown transport 'relay'",
            "no [transports.NAME]; to learn about them, run: moxlite help smarthost.md",
        ),
        (
            "export mbox new bob Archiv",
            "the export is incomplete: folder not found: 'Archiv'",
            "to list mailboxes, run: moxlite account mailboxes bob",
        ),
        (
            "address add bob",
            "the account doesn't have an address in a domain that accepts mail",
            "see moxlite config domain list and moxlite account list",
        ),
        ("limits clear bob", "'bob' isn't a valid IP address", "run: moxlite limits list"),
    ],
)
def test_a_name_that_is_not_there_leads_to_the_list(
    config: Path, capsys: Capture, refuse: Refuse, words: str, text: str, way_on: str
) -> None:
    """ADMIN-18c."""
    refuse(text)
    assert run(words.split()) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"moxlite: {text}; ")
    assert said.endswith(f"{way_on}\n")


@pytest.mark.parametrize(
    ("words", "text", "hint"),
    [
        (
            ["config", "domain", "add", "http://example.net/", "bob"],
            '"http://example.net/" isn\'t a valid domain: bad domain syntax',
            'did you mean "example.net"?',
        ),
        (
            ["config", "domain", "add", "bob@example.net", "bob"],
            '"bob@example.net" isn\'t a valid domain: bad domain syntax',
            'did you mean "example.net"?',
        ),
        (
            ["config", "address", "add", "Eve <eve@example.org>", "eve"],
            '"Eve <eve@example.org>" isn\'t a valid address: bad localpart syntax',
            'did you mean "eve@example.org"?',
        ),
        (
            ["config", "address", "add", "mailto:eve@example.org", "eve"],
            '"mailto:eve@example.org" isn\'t a valid address: bad localpart syntax',
            'did you mean "eve@example.org"?',
        ),
        (
            ["config", "alias", "add", "@example.org", "bob@example.org"],
            "an alias must have a localpart",
            "for mail to unknown addresses, run: moxlite config address add @DOMAIN ACCOUNT",
        ),
    ],
)
def test_what_was_pasted_around_a_name_leads_to_the_name(
    config: Path, capsys: Capture, refuse: Refuse, words: list[str], text: str, hint: str
) -> None:
    """ADMIN-18c: a URL, an address with a person's name."""
    refuse(text)
    assert run(words) == 1
    assert f"moxlite: {text}; {hint}\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Anna", 'did you mean "anna"?'),
        ("Anna Smith", 'did you mean "anna.smith"?'),
        ("anna@example.org", 'did you mean "anna"?'),
        ("\u738b", ""),
    ],
)
def test_a_name_that_accounts_cannot_have_leads_to_one(
    config: Path, capsys: Capture, refuse: Refuse, name: str, hint: str
) -> None:
    """ADMIN-18c."""
    text = f'"{name}" isn\'t a valid account name'
    refuse(text)
    assert run(["config", "account", "add", name, "anna@example.org"]) == 1
    assert capsys.readouterr().err.endswith(f"moxlite: {text}{hint and '; '}{hint}\n")


def test_a_name_in_place_of_an_address_leads_to_the_address(
    config: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-18c: an account's first one, else in the first domain; and words in the wrong order."""

    def call(command: str, args: object, *_: object, **__: object) -> object:
        match command:
            case "config account list":
                return [AccountInfo("bob", "", "", ["robert@example.org"])]
            case "config domain list":
                return [DomainInfo("example.net", False, False, "")]
            case "config alias add":
                word = msgspec.to_builtins(args)["members"][0]
                raise Failure(f'"{word}" isn\'t a valid address: missing @ in address')
        raise Failure('account not found: "anna@example.org"')

    for module in (common, described, doubts, leading):
        monkeypatch.setattr(module, "call", call)
    assert run(["config", "alias", "add", "team@example.net", "bob"]) == 1
    assert 'did you mean "robert@example.org"?' in capsys.readouterr().err
    assert run(["config", "alias", "add", "team@example.net", "anna"]) == 1
    assert 'did you mean "anna@example.net"?' in capsys.readouterr().err
    assert run(["config", "address", "add", "bob", "anna@example.org"]) == 1
    right = "the words are in the wrong order; run: moxlite config address add anna@example.org bob\n"
    assert capsys.readouterr().err.endswith(right)


def test_an_argument_that_is_missing_is_told_from_those_that_are_there(config: Path, capsys: Capture) -> None:
    """ADMIN-18b: what each word was taken for; a value without its option leads to the option."""
    assert run(["import", "mbox", "bob", "one.mbox"]) == 2
    assert "ACCOUNT is now 'bob'. MAILBOX is now 'one.mbox'." in capsys.readouterr().err
    assert run(["imap", "import", "bob", "imap.example.net"]) == 2
    assert "To give one, run: moxlite imap import bob --host imap.example.net" in capsys.readouterr().err


def test_an_option_without_its_value_shows_its_form(config: Path, capsys: Capture) -> None:
    """ADMIN-18b."""
    assert run(["config", "alias", "update", "team@example.org", "--postpublic"]) == 2
    assert "Use --postpublic [true|false]" in capsys.readouterr().err
    assert run(["account", "forward", "set", "bob", "--no-copy=yes"]) == 2
    assert "Use --no-copy\n" in capsys.readouterr().err


def test_levels_of_the_log_say_what_they_did(config: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-18b, ADMIN-18c: in both orders; a word that is no level leads to them."""
    monkeypatch.setattr(common, "call", lambda *_, **__: {"": "info", "smtpd": "debug"})
    for words in (["debug", "smtpd"], ["smtpd", "debug"]):
        assert run(["log", "levels", *words]) == 0
        assert capsys.readouterr().err == "smtpd now logs at debug until the next restart\n"
    assert run(["log", "levels", "--unset", "smtpd"]) == 0
    assert capsys.readouterr().err == "smtpd now logs at the server's level again\n"
    assert run(["log", "levels", "verbose"]) == 2
    assert "'verbose' isn't a level. Use one of error, warn, info" in capsys.readouterr().err


def test_what_is_no_name_in_dns_leads_to_the_name_in_it(config: Path, capsys: Capture) -> None:
    """ADMIN-18c."""
    for word in ("https://example.org/", "bob@example.org", "https://example.org:8443/x"):
        assert run(["dns", "lookup", word]) == 2
        assert "isn't a name in DNS. Use example.org" in capsys.readouterr().err
    for word in ("192.0.2.1", "2001:db8::1"):
        assert run(["dns", "lookup", word]) == 2
        assert f"run: moxlite dns lookup ptr {word}" in capsys.readouterr().err


def test_the_list_of_the_account_has_the_name_that_was_meant(config: Path, capsys: Capture, refuse: Refuse) -> None:
    """ADMIN-18c: scripts come with their failures."""
    refuse('calendar not found: "wrk"', [{"name": "default"}, {"name": "work"}])
    assert run(["calendar", "share", "bob o", "wrk", "eve"]) == 1
    assert (
        capsys.readouterr().err == 'moxlite: calendar not found: "wrk"; did you mean "work"? '
        "To list calendars, run: moxlite calendar list 'bob o'\n"
    )
    refuse("script not found: 'mian'", {"scripts": [{"name": "main"}], "failures": []})
    assert run(["account", "sieve", "activate", "bob", "mian"]) == 1
    assert 'did you mean "main"?' in capsys.readouterr().err


def test_a_folder_without_backups_leads_to_making_one(tmp_path: Path, config: Path, capsys: Capture) -> None:
    """ADMIN-18c."""
    assert run(["backup", "prune", "--repo", str(tmp_path / "none")]) == 1
    assert f"to create one, run: moxlite backup init --repo {tmp_path / 'none'}" in capsys.readouterr().err


def test_limits_that_are_not_there_are_not_cleared_in_silence(
    config: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-18c."""
    monkeypatch.setattr(common, "call", lambda *_, **__: 0)
    assert run(["limits", "clear", "192.0.2.1"]) == 0
    assert "there were no failed logins from 192.0.2.1; to list" in capsys.readouterr().err


WITHOUT_LIST = {
    "Litestream": "a program to install",
    "collection": "of an app's request",
    "entry": "of an app's request",
    "import": "of an app's request",
    "log": "of a standby",
    "mailbox": "words of other servers",
    "message": "mailboxes have too many to list",
    "message part": "of an app's request",
    "quota root": "of an app's request",
    "user": "words of other servers",
}
"""What can be missing, and why no command lists it."""


def test_each_kind_of_name_has_its_list() -> None:
    """ADMIN-18c: the texts of everything that the control socket answers."""
    folders = "admin queue store imapd acceptance migration groupware move logins cli config"
    names = {
        (name[1], str(path))
        for folder in folders.split()
        for path in (Path(operations.__path__[0]).parent / folder).rglob("*.py")
        for name in re.finditer(r"""["']([A-Za-z][\w ]*?) not found[:"]""", path.read_text())
    }
    assert len(names) > 20
    lists = [re.compile(listing.failure) for listing in leading.LISTINGS]
    unlisted = {name for name, _ in names if not any(one.search(f"{name} not found: x") for one in lists)}
    assert unlisted == {*WITHOUT_LIST}
    assert not {listing.command.partition(" {")[0].partition(" --")[0] for listing in leading.LISTINGS} - {
        name for name, _ in all_commands(main, click.Context(main))
    }


@pytest.mark.parametrize(
    ("words", "content", "code", "said"),
    [
        ("config apply FILE", "\n", 1, "FILE is empty"),
        (
            "calendar import bob FILE",
            "name;mail\n",
            1,
            "FILE doesn't contain any events or tasks. A calendar file (.ics)",
        ),
        ("contacts import bob FILE", "name;mail\n", 1, "FILE doesn't contain any events or tasks. A contacts file is"),
        ("message parse FILE", "name;mail\n", 0, "FILE doesn't have header fields, so it might not be a message"),
        ("export mbox bob FOLDER Archive", "", 2, "run: moxlite export mbox FOLDER bob Archive"),
        ("export maildir bob FOLDER", "", 2, "run: moxlite export maildir FOLDER bob"),
        (
            "verifydata FOLDER",
            "",
            1,
            "FOLDER is neither a backup nor a data directory: no databases found; this server's",
        ),
    ],
)
def test_a_mistake_is_said_of_what_was_given(
    config: Path, capsys: Capture, refuse: Refuse, words: str, content: str, code: int, said: str
) -> None:
    """ADMIN-18c: the file and the order of the words, not something of the server's."""
    refuse("the file doesn't contain any events or tasks")
    (config / "file.txt").write_text(content)
    places = {"FILE": str(config / "file.txt"), "FOLDER": str(config)}
    assert run([places.get(word, word) for word in words.split()]) == code
    for name, place in places.items():
        said = said.replace(name, place)
    assert said in " ".join(capsys.readouterr().err.replace("\n", " ").split())


def test_the_file_of_another_configuration_is_named(config: Path, capsys: Capture, refuse: Refuse) -> None:
    """ADMIN-18c: with its line."""
    refuse('/etc/moxlite/domains.toml (new):7: postmaster.account: account "bob" isn\'t in domains.toml')
    assert run(["config", "apply", str(config / "domains.toml")]) == 1
    assert capsys.readouterr().err.startswith(f"moxlite: {config / 'domains.toml'}:7: postmaster.account: ")


@pytest.mark.parametrize(
    "words", ["backup run DEST", "export mbox DEST bob", "import mbox bob Inbox MBOX", "import archive bob ZIP"]
)
def test_a_mistake_in_the_configuration_is_not_the_command_s(config: Path, capsys: Capture, words: str) -> None:
    """ADMIN-18c: without a server, the files are used; a configuration that can't be read keeps from it."""
    (config / "domains.toml").write_text(f"nonsense = 1\n{DOMAINS}")
    (config / "mail").write_bytes(b"From a@b Thu Jan  1 00:00:00 1970\nSubject: x\n\nx\n")
    (config / "zip").write_bytes(b"PK\x03\x04")
    places = {"DEST": str(config / "new"), "MBOX": str(config / "mail"), "ZIP": str(config / "zip")}
    assert run([places.get(word, word) for word in words.split()]) == common.NOT_RUNNING
    said = capsys.readouterr().err
    assert "the server isn't running" in said
    assert "first fix the configuration: " in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "rulesets[0] must have at least one condition",
            'rule 1: must have at least one condition; for example: --conditions "from contains example.org"',
        ),
        (
            "rulesets[0].msg_from_regexp can't be used as a regular expression, because it's long",
            "rule 1, --msg-from-regexp: can't be used as a regular expression, because it's long; for example, '@shop",
        ),
    ],
)
def test_a_mistake_in_a_rule_names_the_option(
    config: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    """ADMIN-18c."""
    form = DestinationForm(
        mailbox="",
        full_name="",
        rulesets=[],
        smtp_error="",
        refused_addresses=[],
        message_auth_required_smtp_error="",
    )

    def call(command: str, *_: object, **__: object) -> object:
        if command == "account rule list":
            return [DestinationItem("bob@example.org", form)]
        raise Failure(text)

    monkeypatch.setattr(common, "call", call)
    assert run(["account", "rule", "add", "bob", "bob@example.org", "--star"]) == 1
    assert capsys.readouterr().err.startswith(f"moxlite: {said}")


def test_a_full_account_leads_to_its_quota(config: Path, capsys: Capture, refuse: Refuse) -> None:
    """ADMIN-18c."""
    (config / "contacts.csv").write_text("name,mail\n")
    refuse(str(OverQuota(0, 5)))
    assert run(["contacts", "import", "bob", str(config / "contacts.csv")]) == 1
    said = capsys.readouterr().err
    assert "0 of 5 bytes used, so this doesn't fit; to change the quota, run: " in said
    assert said.endswith("moxlite config account set bob quota SIZE\n")
