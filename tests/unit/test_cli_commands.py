"""The command line without a server: exit codes, help, config verbs, what is printed (ADMIN-11, 18, 19, 65, 83)."""

import base64
import http.client
import io
import json
import os
import re
import socket
import subprocess
import sys
import threading
import tomllib
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from moxlite import __version__
from moxlite.cli import main, run
from moxlite.cli.common import HostPortType, LazyGroup, raw_output, show_json
from moxlite.cli.helpsearch import content_words, find_sections
from moxlite.cli.info import all_commands
from moxlite.cli.moments import moment
from moxlite.config import load
from moxlite.config.domains import Domains
from moxlite.config.load import Source, check_files, read_source, source_of
from moxlite.config.reference import describe
from moxlite.config.static import Static
from moxlite.escapes import printable
from moxlite.net.tls.certificates import self_signed
from moxlite.process.keys import ReceivedID, load_key
from tests.running import make_certificate
from tests.small_config import DOMAINS, STATIC
from tests.tools import top

pytestmark = pytest.mark.served


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration that the command line finds."""
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("MOXLITE_CONF", str(tmp_path / "moxlite.toml"))
    return tmp_path


Capture = pytest.CaptureFixture[str]


def test_version_names_what_it_runs_on(capsys: Capture) -> None:
    """ADMIN-43."""
    assert run(["version"]) == 0
    out = capsys.readouterr().out
    assert f"moxlite {__version__}" in out
    assert all(name in out for name in ("Python", "SQLite", "OpenSSL"))


@pytest.mark.parametrize(
    "args", [["nonsense"], ["--nonsense"], ["config"], ["config", "nonsense"], ["cid"], ["queue", "list", "--ids", "x"]]
)
def test_wrong_usage_is_exit_code_2(args: list[str], capsys: Capture) -> None:
    """ADMIN-18: errors to stderr."""
    assert run(args) == 2
    assert capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "meant"),
    [
        (["user", "add", "bob"], "Did you mean 'moxlite config account add'?"),
        (["domain", "list"], "Did you mean 'moxlite config domain list'?"),
        (["config", "domain", "remove", "x"], "Did you mean 'moxlite config domain rm'?"),
        (["account", "delete", "x"], "Did you mean 'moxlite config account rm'?"),
        (["users"], "Did you mean 'moxlite account' or 'moxlite config account'?"),
        (["queue", "ls", "--json"], "Did you mean 'moxlite queue list'?"),
        (["quickstar"], "Did you mean 'quickstart'?"),
        (["account", "vacatoin"], "Did you mean 'vacation'?"),
        (["restart"], "run: systemctl restart moxlite"),
        (["update"], "install the new version: docs/upgrade.md"),
        (["uninstall", "--purge"], "run `moxlite help uninstall.md`"),
        (["adduser", "eve"], "run: moxlite config account add NAME ADDRESS"),
        (["dns", "check", "example.org"], "run: moxlite config dnscheck DOMAIN"),
        (["queue", "retry", "1"], "To choose messages, run: moxlite queue retry --ids 1"),
        (["queue", "drop", "5", "6"], "To choose messages, run: moxlite queue drop --ids 5,6"),
        (["account", "set-password", "you", "SECRET"], "and type it when asked, or send it to stdin."),
        (
            ["backup", "verify", "--repo", "a", "b"],
            "Options: --repo DIR, --deep, --fix, --identity FILE, --passphrase-file FILE",
        ),
        (["logs"], "run: journalctl -u moxlite"),
        (["config", "set", "a", "b"], "run: moxlite config account set NAME KEY VALUE"),
        (["cert", "renew"], "run: moxlite doctor"),
        (["tls", "now"], "Use one of: account-key, reload"),
    ],
)
def test_words_of_other_programs_lead_to_the_command(args: list[str], meant: str, capsys: Capture) -> None:
    """ADMIN-18."""
    assert run(args) == 2
    assert capsys.readouterr().err.rstrip().endswith(meant)


def test_help_searches_pages_between_names_and_help_texts(capsys: Capture) -> None:
    """ADMIN-18: a page once, with the section that answers best."""
    assert run(["help", "smarthost"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "smarthost.md"
    assert lines[-1] == "To read a page: moxlite help PAGE"
    assert "moxlite queue attempts" in lines
    assert len({line for line in lines if line.endswith(".md")}) == len(
        [line for line in lines if line.endswith(".md")]
    )
    assert run(["help", "forgot", "password"]) == 0
    assert "\ndomains-and-users.md\n" in capsys.readouterr().out
    assert run(["help", "imap", "import"]) == 0
    assert capsys.readouterr().out.startswith("moxlite imap import\n")
    assert run(["help", "do", "I", "need", "ipv6"]) == 0
    assert capsys.readouterr().out.startswith("faq.md\n    Frequently asked: Do I need IPv6?\n")
    assert run(["help", "backup", "and", "restore"]) == 0
    assert "\nfaq.md\n    Frequently asked: How do I make a backup, and restore it?\n" in capsys.readouterr().out
    assert run(["help", "nonesuchword"]) == 1


def test_without_a_server_verbs_for_it_end_with_3(config: Path, capsys: Capture) -> None:
    """ADMIN-18."""
    assert run(["config", "account", "list"]) == 3
    assert "the server isn't running" in capsys.readouterr().err
    assert run(["queue", "list"]) == 3
    assert run(["stop"]) == 3


def test_version_is_an_option_too(capsys: Capture) -> None:
    """ADMIN-18"""
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"moxlite {__version__}\n"


def test_global_options_stand_behind_the_verb_too(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """ADMIN-18: of groups in groups as well; a verb's own option of the same name stays its own."""
    monkeypatch.delenv("MOXLITE_CONF", raising=False)
    file = str(config / "moxlite.toml")
    for args in (
        ["--config", file, "config", "test"],
        ["config", "--config", file, "test"],
        ["config", "test", "--config", file],
        ["config", "test", f"--config={file}", "--yes", "--json", "--pedantic", "--log-level", "debug"],
    ):
        assert run(args) == (2 if args[1] == "--config" else 0), args
    capsys.readouterr()
    assert run(["config", "account", "list", "--config", file]) == 3
    assert run(["config", "test", "--log-level", "loud"]) == 2


@pytest.mark.parametrize(
    ("args", "closed", "code"),
    [
        (["config", "hash-password"], "<latin1", 1),
        (["tlspubkey", "gen", "Läptop für Mia"], "", 0),
        (["export", "mbox"], ">/dev/null", 2),
        (["export", "mbox", "out", "nobody"], ">/dev/null", 1),
        (["export", "mbox", "out", "nobody"], ">&- 2>&-", 1),
        (["export", "mbox", "out", "nobody"], ">&- <&-", 1),
        (["version"], ">/dev/full", 1),
        (["version"], ">&-", 0),
        (["--help"], ">/dev/full", 1),
    ],
)
def test_nothing_ends_in_a_traceback(config: Path, tmp_path: Path, args: list[str], closed: str, code: int) -> None:
    """ADMIN-18: arguments that miss, accounts that are not there, streams that are closed or full."""
    (tmp_path / "latin1").write_bytes(b"gr\xfc\xdfe von Mia\n")
    command = [sys.executable, "-m", "moxlite", *args]
    shell = ["sh", "-c", f'"$@" {closed}', "sh", *command]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    buffered["PYTHONIOENCODING"] = "utf-8:strict"  # as in most locales, but not that of C
    done = subprocess.run(shell, cwd=tmp_path, capture_output=True, text=True, timeout=60, env=buffered)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.returncode == code, done.stderr


@pytest.mark.parametrize("text", ["99999999999w", "1" * 5000 + "w", "1969-12-31", "yesterday", "9999-99-99"])
def test_times_that_cannot_be_are_told(text: str, config: Path, capsys: Capture) -> None:
    """ADMIN-18, STORE-190."""
    assert run(["account", "undelete", "me", "--since", text, "--yes"]) == 1
    assert f"{text!r} isn't a valid time" in capsys.readouterr().err
    assert moment("1970-01-01T00:00:01") == 1_000_000


def test_a_list_of_commands_cuts_no_sentence(capsys: Capture) -> None:
    """ADMIN-18a: each is one sentence of 60 characters, also on a terminal where it takes two lines."""

    def look(group: click.Group, words: list[str], above: click.Context | None) -> None:
        with click.Context(group, parent=above, info_name=words[-1] if words else "moxlite") as context:
            assert run([*words, "--help"]) == 0
            listed = " ".join(capsys.readouterr().out.partition("Commands:")[2].split())
            assert listed
            for name in group.list_commands(context):
                command = group.get_command(context, name)
                assert command is not None
                lazy = group.lazy if isinstance(group, LazyGroup) else {}
                said = lazy[name][1] if name in lazy else command.get_short_help_str()
                assert 0 < len(said) <= 60, (words, name, said)
                assert command.hidden or f"{name} {said}" in listed
                if isinstance(command, click.Group):
                    look(command, [*words, name], context)

    look(main, [], None)


def test_servers_of_all_commands_are_named_with_a_port_and_without() -> None:
    """ADMIN-18: in one form, which the help shows."""
    context = click.Context(main)
    of_form: dict[str, click.ParamType[Any]] = {}
    for command, found in all_commands(main, context):
        for one in found.get_params(context):
            metavar = one.make_metavar(context)
            if "PORT" in metavar.replace("--port", ""):
                of_form[f"{command} {one.name}"] = one.type
    assert {"move plan dovecot imap_", "standby follow smtp", "smtp dial server", "doctor resolver"} <= of_form.keys()
    assert len(of_form) > 20
    for name, kind in of_form.items():
        assert isinstance(kind, HostPortType), name
        alone, usual = kind.convert("192.0.2.7", None, None)
        assert alone == "192.0.2.7"
        for words, place in {
            "192.0.2.7:2525": ("192.0.2.7", 2525),
            "2001:db8::25": ("2001:db8::25", usual),
            "[2001:db8::25]": ("2001:db8::25", usual),
            "[2001:db8::25]:2525": ("2001:db8::25", 2525),
        }.items():
            assert kind.convert(words, None, None) == place, name
        for words in (
            "",
            ":25",
            "192.0.2.7:",
            "192.0.2.7:0",
            "192.0.2.7:65536",
            "192.0.2.7:" + "9" * 5000,
            "[::1",
            "::1]:25",
            "[192.0.2.7]:25",
            "[::1]25",
            "1:2:3",
            "imap://192.0.2.7",
            "a b",
            "https://mail.example/",
        ):
            with pytest.raises(click.BadParameter, match="like"):
                kind.convert(words, None, None)


def test_a_message_id_may_be_longer_than_the_name_of_a_file(config: Path, capsys: Capture) -> None:
    """STORE-193."""
    assert run(["junk", "explain", "me", f"<{'x' * 300}@far.example>"]) == 1
    assert "too long" not in capsys.readouterr().err


def test_words_that_are_not_utf8_are_told(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """ADMIN-18: of a terminal with another character set."""
    from moxlite.cli import described

    monkeypatch.setattr(described, "call", lambda _, args, *__, **___: msgspec.json.encode(args))
    assert run(["account", "share", "list", "m\udcfcller"]) == 1
    assert capsys.readouterr().err.startswith("moxlite: not valid UTF-8: ")


def test_a_server_of_another_version_ends_with_4(config: Path, capsys: Capture) -> None:
    """ADMIN-18, ADMIN-24."""
    path = str(config / "data" / "ctl")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def greet() -> None:
            client, _ = listener.accept()
            with client:
                client.sendall(b'{"ctl":1,"version":"99.0"}\n')
                client.recv(1000)

        thread = threading.Thread(target=greet)
        thread.start()
        assert run(["healthcheck"]) == 4
        thread.join()
    assert "99.0" in capsys.readouterr().err


def test_a_missing_configuration_is_named(tmp_path: Path, capsys: Capture) -> None:
    """ADMIN-1: --config goes before $MOXLITE_CONF."""
    assert run(["--config", str(tmp_path / "moxlite.toml"), "stop"]) == 1
    assert str(tmp_path / "moxlite.toml") in capsys.readouterr().err


@pytest.mark.parametrize(
    ("question", "page"),
    [
        ("spam filter", "junk.md"),
        ("mail client", "clients.md"),
        ("blacklist", "faq.md"),
        ("trial", "subdomain.md"),
        ("how do I stop spam", "spam.md"),
        ("my mail lands in junk at Gmail", "placement.md"),
        ("change hostname", "renaming.md"),
        ("my certificate has expired!", "faq.md"),
        ("add a user", "domains-and-users.md"),
        ("catch-all address", "domains-and-users.md"),
        ("phone setup iphone", "phone.md"),
        ("is port 25 blocked?", "faq.md"),
        ("raspberry pi at home without static ip", "home-server.md"),
        ("move from google workspace", "migrate.md"),
        ("backup to another machine", "backup-away.md"),
        ("restore one deleted mail", "backup.md"),
        ("two factor login", "two-step.md"),
        ("forward mail to gmail", "sorting.md"),
        ("vacation message", "sorting.md"),
        ("how many users can it handle?", "growing.md"),
        ("what's about virus scanning", "not.md"),
        ("update to new version", "faq.md"),
        ("docker", "install.md"),
        ("how big can a mailbox be, quota", "faq.md"),
        ("share my calendar with my wife", "calendar.md"),
        ("certificate not renewed", "faq.md"),
        ("forward my mail to another address", "faq.md"),
        ("make a mailing list", "faq.md"),
        ("open the webmail from outside", "faq.md"),
        ("delete a user", "domains-and-users.md"),
        ("retry queue now", "queue.md"),
        ("how do I upgrade", "upgrade.md"),
        ("gmail rejects my mail", "where-is-my-mail.md"),
        ("add an alias for a user", "domains-and-users.md"),
        ("disk is full", "faq.md"),
        ("I want a second address that goes to the same inbox", "faq.md"),
        ("limit how much space my wife can use", "faq.md"),
        ("change my address after I got married", "faq.md"),
        ("where did my email go it never arrived", "faq.md"),
        ("stop mail from one sender", "faq.md"),
        ("out of office while on holiday", "faq.md"),
        ("large attachment was rejected", "faq.md"),
        ("my mail to gmail goes to the spam folder", "faq.md"),
    ],
)
def test_questions_of_newcomers_lead_to_a_page(question: str, page: str, capsys: Capture) -> None:
    """ADMIN-18: in their own words, to one of the first two pages."""
    assert run(["help", *question.split()]) == 0
    pages = [line.rpartition("/")[2] for line in capsys.readouterr().out.splitlines() if line.endswith(".md")]
    assert page in pages[:2], pages


QUESTIONS = top() / "tests/unit/questions.tsv"
"""Questions that newcomers wrote before they knew the pages, each with the pages that answer it."""


def test_the_first_pages_answer_what_newcomers_ask() -> None:
    """ADMIN-18: nine of ten times the first page, otherwise the second or third."""
    places = {}
    for line in QUESTIONS.read_text().splitlines():
        question, _, answering = line.partition("\t")
        listed = [page.name for page, _ in find_sections(content_words(question.split()))]
        places[question] = next((place for place, name in enumerate(listed) if name in answering.split()), 99)
    assert [question for question, place in places.items() if place > 2] == []
    assert sum(place == 0 for place in places.values()) > 0.9 * len(places)


@pytest.mark.parametrize(
    ("question", "section", "command"),
    [
        ("gmail rejects my mail", "4. Why do they refuse it?", "moxlite config dnscheck"),
        ("add an alias for a user", "Add an address for a user (alias)", "moxlite config address add"),
        ("disk is full", "My disk is full.", "moxlite store stats"),
    ],
)
def test_the_first_page_names_the_section_with_the_remedy(
    question: str, section: str, command: str, capsys: Capture
) -> None:
    """ADMIN-18: the section that is named has the command."""
    assert run(["help", *question.split()]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.endswith(".md"))
    heading = lines[at + 1].strip().partition(": ")[2]
    assert heading.startswith(section)
    _, _, rest = Path("docs", lines[at]).read_text().partition(f"# {heading}\n")
    assert command in rest.partition("\n## ")[0]


def test_help_shows_a_page_by_its_name(tmp_path: Path, capsys: Capture) -> None:
    """ADMIN-18: all of it but words for searches, in a pager on a terminal; no other file."""
    title, words, *rest = Path("docs/smarthost.md").read_text().rstrip().split("\n")
    assert words.startswith("<!-- search: ")
    for name in ("smarthost.md", "docs/smarthost.md"):
        assert run(["help", name]) == 0
        assert capsys.readouterr().out.rstrip() == "\n".join([title, *rest])
    assert run(["help", "docs/dns.md#dnssec"]) == 0
    assert capsys.readouterr().out.startswith("## DNSSEC\n"), "from that heading on"
    assert run(["help", "../README.md"]) != 0 or "# moxlite" not in capsys.readouterr().out
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\necho paged; exec wc -l\n")
    pager.chmod(0o755)
    terminal, end = os.openpty()
    try:
        subprocess.run(
            [sys.executable, "-m", "moxlite", "help", "smarthost.md"],
            check=True,
            stdin=end,
            stdout=end,
            stderr=end,
            timeout=60,
            env={**os.environ, "PAGER": str(pager), "TERM": "xterm"},
        )
        assert os.read(terminal, 1000).startswith(b"paged")
    finally:
        os.close(end)
        os.close(terminal)


def test_help_finds_commands_by_words(capsys: Capture) -> None:
    """ADMIN-18: help [words]."""
    assert run(["help", "password"]) == 0
    out = capsys.readouterr().out
    assert "moxlite account set-password" in out
    assert "moxlite queue list" not in out
    assert run(["help"]) == 0
    assert "moxlite queue holdrules add" in capsys.readouterr().out
    assert run(["help", "xyzzy"]) == 1
    assert capsys.readouterr().err == "moxlite: no commands or pages found for: xyzzy\n"


def test_no_help_has_an_id_of_the_specification() -> None:
    """ADMIN-18: the help of each command is for its users."""
    with click.Context(main, info_name="moxlite") as root:
        for name, command in all_commands(main, root):
            with click.Context(command, parent=root, info_name=name) as context:
                found = re.findall(r"\b[A-Z]{2,8}-[0-9]+[a-z]?\b", command.get_help(context))
            strange = [one for one in found if one.partition("-")[0] in SPECIFIED]
            assert not strange, f"{name}: {strange}"


SPECIFIED = {"ADMIN", "AUTH", "DAV", "IMAP", "JMAP", "QUEUE", "SMTP", "STORE", "WEB", "WEBMAIL"}


def test_help_without_pages_says_so(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-18: a wheel has none."""
    monkeypatch.setattr("moxlite.cli.helpsearch.PAGES", ())
    assert run(["help", "xyzzy"]) == 1
    assert capsys.readouterr().err.endswith("; the documentation isn't installed here\n")


@pytest.mark.parametrize(
    ("group", "commands"),
    [("dns", "host-key lookup provider rotation undo update"), ("standby", "follow handover orphans send-rest status")],
)
def test_the_help_of_a_group_lists_each_command(group: str, commands: str, capsys: Capture) -> None:
    """ADMIN-18: commands that are imported when they are used, and commands of the group's own module."""
    assert run([group, "--help"]) == 0
    listed = re.findall(r"^  ([a-z-]+)  ", capsys.readouterr().out.partition("Commands:\n")[2], re.MULTILINE)
    assert set(commands.split()) <= set(listed)


def test_there_is_no_restart_verb() -> None:
    """ADMIN-19."""
    assert run(["restart"]) == 2


def test_the_help_of_account_rm_says_that_all_mail_is_deleted(capsys: Capture) -> None:
    """ADMIN-15."""
    assert run(["config", "account", "rm", "--help"]) == 0
    assert "THIS DELETES ALL MAIL" in capsys.readouterr().out


# config


def test_config_test_accepts_a_good_configuration(config: Path, capsys: Capture) -> None:
    """ADMIN-11: changes nothing."""
    before = sorted(path.name for path in config.rglob("*"))
    assert run(["config", "test"]) == 0
    assert capsys.readouterr().out == "config OK\n"
    assert sorted(path.name for path in config.rglob("*")) == before


def test_config_test_reads_domains_toml_once(config: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-37a: as its author; what is tested about the machine was read with it."""
    files: list[Path] = []

    def read(path: Path) -> Source:
        files.append(path)
        return read_source(path)

    monkeypatch.setattr(load, "read_source", read)
    assert run(["config", "test"]) == 0
    assert capsys.readouterr().out == "config OK\n"
    assert files.count(config / "domains.toml") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes in folders")
@pytest.mark.parametrize("name", ["domains.toml", "moxlite.toml", "cert.pem", "key.pem", "dkim.pem"])
def test_config_test_does_not_wait_for_a_pipe(config: Path, capsys: Capture, name: str) -> None:
    """ADMIN-11: whoever may change a file that root reads could make root's commands hang."""
    make_certificate(config)
    tls = '[listeners.local.tls]\nkey_certs = [{ cert_file = "cert.pem", key_file = "key.pem" }]\n'
    (config / "moxlite.toml").write_text(STATIC + tls)
    key = (
        '[domains."example.org".dkim]\nsign = ["a"]\n[domains."example.org".dkim.selectors.a]\nkey_file = "dkim.pem"\n'
    )
    (config / "domains.toml").write_text(DOMAINS + key)
    (config / name).unlink(missing_ok=True)
    os.mkfifo(config / name)
    assert run(["config", "test"]) == 1
    assert "isn't a regular file" in capsys.readouterr().err


def test_config_test_looks_at_each_path(config: Path, capsys: Capture) -> None:
    """ADMIN-11b: files that aren't there or aren't files, with what doesn't work then, and a target that would contain
    itself; the server runs without the former.
    """
    (config / "folder").mkdir()
    (config / "moxlite.toml").write_text(
        'admin_password_file = "adminpasswd"\n'
        + STATIC
        + '[oidc]\nissuer = "https://id.example.org"\nclient_id = "a"\nclient_secret_file = "secret"\n'
        + '[standby]\nlitestream = "folder"\n[backup]\nrehearsal_identity = "none.age"\n'
    )
    assert run(["config", "test"]) == 0
    said = capsys.readouterr().err
    assert f"admin_password_file: {config}/adminpasswd doesn't exist, so no one can log in" in said
    assert "(moxlite admin set-password)" in said
    assert f"oidc.client_secret_file: {config}/secret doesn't exist, so the login provider may reject logins" in said
    assert f"standby.litestream: {config}/folder isn't a file" in said
    assert f"backup.rehearsal_identity: {config}/none.age doesn't exist" in said
    (config / "moxlite.toml").write_text(f'{STATIC}[backup]\ntarget = "backups"\nschedule = "24h"\n')
    assert run(["config", "test"]) == 1
    said = capsys.readouterr().err
    assert f"backup.target: {config}/backups is inside the configuration folder" in said
    assert "use an absolute path" in said


def test_config_test_prints_all_errors(config: Path, capsys: Capture) -> None:
    """ADMIN-3: exit 1 with errors."""
    (config / "moxlite.toml").write_text(STATIC + "x = 1\ny = 2\n[package_log_levels]\n")
    assert run(["config", "test"]) == 1
    err = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in err] == ["error", "error", "moxlite"]


def test_config_test_reads_certificates_and_keys(config: Path, capsys: Capture) -> None:
    """ADMIN-10, ADMIN-11: keys and certificates if permitted; world-readable private keys are a warning."""
    make_certificate(config)
    (config / "key.pem").chmod(0o644)
    tls = '[listeners.local.tls]\nkey_certs = [{ cert_file = "cert.pem", key_file = "key.pem" }]\n'
    (config / "moxlite.toml").write_text(STATIC + tls)
    assert run(["config", "test"]) == 0
    assert "all users on this machine can read" in capsys.readouterr().err
    (config / "key.pem").write_text("nonsense")
    assert run(["config", "test"]) == 1
    said = capsys.readouterr().err
    assert "no usable PEM private key" in said
    assert f"{config}/cert.pem and {config}/key.pem: " in said
    other, old = self_signed(["mx.example.org"]), self_signed(["mx.example.org"], days=-0.01)
    (config / "key.pem").write_bytes(other.key_pem())
    assert run(["config", "test"]) == 1, "of another certificate"
    assert f"{config}/cert.pem and {config}/key.pem: " in capsys.readouterr().err
    (config / "cert.pem").write_bytes(old.certificate_pem())
    (config / "key.pem").write_bytes(old.key_pem())
    assert run(["config", "test"]) == 0
    assert f"the certificate in {config}/cert.pem expired on " in capsys.readouterr().err
    (config / "key.pem").unlink()
    assert run(["config", "test"]) == 1
    assert "can't read" in capsys.readouterr().err


def test_config_test_knows_the_packages(config: Path, capsys: Capture) -> None:
    """ADMIN-11."""
    (config / "moxlite.toml").write_text(STATIC + '[package_log_levels]\nsmtp = "debug"\n')
    assert run(["config", "test"]) == 1
    assert "package_log_levels.smtp: isn't a known package" in capsys.readouterr().err


def test_config_test_warns_of_files_at_a_host_of_the_apps(config: Path, capsys: Capture) -> None:
    """WEB-45: their scripts would have the apps' origin."""
    services = "webserver_http.enabled = true\nwebmail_http.enabled = true\n"
    (config / "moxlite.toml").write_text(STATIC + services)
    handler = '[[web_handlers]]\npath_regexp = "^/"\nstatic = { root = "." }\n'
    hosts = ("www.example.org", "mx.example.org", "localhost")
    (config / "domains.toml").write_text(DOMAINS + "".join(f'{handler}domain = "{host}"\n' for host in hosts))
    assert run(["config", "test"]) == 0
    err = capsys.readouterr().err
    assert "web_handlers[0]" not in err
    assert "web_handlers[1].domain: is also used by the web apps" in err
    assert "web_handlers[2].domain: is also used by the web apps" in err


@pytest.mark.parametrize(
    ("bits", "settings", "code", "words"),
    [
        (2048, "", 0, "config OK"),
        (1024, "", 0, "has only 1024 bits"),
        (0, "", 0, "config OK"),
        (0, 'hash = "sha1"', 1, "ed25519 keys can only sign with sha256"),
    ],
)
def test_config_test_looks_at_dkim_keys(
    config: Path, capsys: Capture, bits: int, settings: str, code: int, words: str
) -> None:
    """ADMIN-9, ADMIN-10: RSA below 2048 bits is a warning; sha1 not with ed25519. Key 0 bits long: ed25519."""
    key = rsa.generate_private_key(65537, bits) if bits else ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (config / "k.pem").write_bytes(pem)
    (config / "k.pem").chmod(0o600)
    selector = f'[domains."example.org".dkim.selectors.a]\nkey_file = "k.pem"\n{settings}\n'
    (config / "domains.toml").write_text(DOMAINS + selector)
    assert run(["config", "test"]) == code
    captured = capsys.readouterr()
    assert words in captured.out + captured.err


@pytest.mark.parametrize(("verb", "section"), [("describe-static", Static), ("describe-domains", Domains)])
def test_describe_prints_every_key_with_its_default(
    capsys: Capture, verb: str, section: type[Static] | type[Domains]
) -> None:
    """ADMIN-7: defaults as their real value, such as "15s"."""
    assert run(["config", verb]) == 0
    out = capsys.readouterr().out
    assert out == describe(section)
    if section is Static:
        assert '#first_time_sender_delay = "15s"' in out
        assert '#max_message_size = "100m"' in out
        assert "[listeners.NAME.webmail_https]\n\n# Serve the app on this listener. (boolean)\n#enabled = false" in out
    for name in section.__struct_fields__:
        assert name in out


def test_described_defaults_are_toml(capsys: Capture) -> None:
    """ADMIN-7: each default line could be in the file."""
    for line in (describe(Static) + describe(Domains)).splitlines():
        if line.startswith("#") and " = " in line and not line.startswith("# ") and "<" not in line:
            tomllib.loads(line[1:])


def test_the_minimal_example_is_a_whole_configuration(capsys: Capture, tmp_path: Path) -> None:
    """ADMIN-19: config example."""
    assert run(["config", "example"]) == 0
    assert "minimal" in capsys.readouterr().out
    assert run(["config", "example", "minimal"]) == 0
    static, _, domains = capsys.readouterr().out.partition("# config/domains.toml\n")
    snapshot, errors = check_files(
        source_of(tmp_path / "moxlite.toml", static.encode()), source_of(tmp_path / "domains.toml", domains.encode())
    )
    assert errors == []
    assert snapshot is not None
    assert run(["config", "example", "nonsense"]) == 1


def test_the_transport_example_fits_the_minimal_one(capsys: Capture, tmp_path: Path) -> None:
    """ADMIN-19."""
    texts = []
    for name in ("minimal", "transport"):
        run(["config", "example", name])
        static, _, domains = capsys.readouterr().out.partition("# config/domains.toml")
        texts.append((static, domains.partition("\n")[2]))
    snapshot, errors = check_files(
        source_of(tmp_path / "moxlite.toml", (texts[0][0] + texts[1][0]).encode()),
        source_of(tmp_path / "domains.toml", (texts[0][1] + texts[1][1]).encode()),
    )
    assert errors == []
    assert snapshot is not None
    assert [(route.transport, route.after) for route in snapshot.domains.routes][-1] == ("smarthost", "blocked")
    assert {route.transport for route in snapshot.domains.routes} == {"smarthost"}


# Others


def test_cid_turns_an_id_back(config: Path, capsys: Capture) -> None:
    """SMTP-9, WEB-8."""
    text = ReceivedID(load_key(config / "data")).encode(0x18C3)
    assert len(text) == 22
    assert run(["cid", text]) == 0
    assert capsys.readouterr().out == "18c3\n"
    assert ReceivedID(b"x" * 24).decode(text) is None
    assert run(["cid", "A" * 22]) == 1
    assert run(["cid", "nonsense"]) == 1


@pytest.mark.parametrize("begin", ["-", "-h", "--", "--h"])
def test_cid_takes_ids_that_look_like_options(
    config: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, begin: str
) -> None:
    """SMTP-9."""
    text = begin + "A" * (22 - len(begin))
    monkeypatch.setattr(ReceivedID, "decode", lambda self, found: 0x18C3 if found == text else None)
    load_key(config / "data")
    assert run(["cid", text]) == 0
    assert capsys.readouterr().out == "18c3\n"


def test_ids_are_opaque_and_different(tmp_path: Path) -> None:
    """SMTP-9."""
    received_id = ReceivedID(load_key(tmp_path))
    assert (tmp_path / "receivedid.key").stat().st_size == 24
    assert received_id.encode(1) != received_id.encode(2)
    assert [received_id.decode(received_id.encode(n)) for n in (0, 1, 1 << 47)] == [0, 1, 1 << 47]
    assert received_id.encode(7, 1) != received_id.encode(7, 2)
    assert received_id.decode(received_id.encode(7, 70_000)) == 7


def test_the_admin_password_is_set_from_stdin(config: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-60, ADMIN-19."""
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("secret admin\n"))
    assert run(["admin", "set-password"]) == 1
    assert "admin_password_file" in capsys.readouterr().err
    (config / "moxlite.toml").write_text('admin_password_file = "adminpasswd"\n' + STATIC)
    monkeypatch.setattr("sys.stdin", io.StringIO("secret admin\n"))
    assert run(["admin", "set-password"]) == 0
    assert (config / "adminpasswd").read_text().startswith("$argon2id$")
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert run(["admin", "set-password"]) == 1
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert run(["admin", "set-password"]) == 1


def test_control_characters_are_escaped_for_the_terminal() -> None:
    """ADMIN-65."""
    assert printable("a\x1b[31mb\r\n\u202ec") == "a\\x1b[31mb\\r\\n\\u202ec"
    assert printable("grüße") == "grüße"
    assert printable("\x9b\u200e\udcff") == "\\x9b\\u200e\\xff"


def test_mistakes_in_the_configuration_are_safe_to_print(config: Path, capsys: Capture) -> None:
    """ADMIN-65: the server's user writes domains.toml, and root reads what is wrong with it."""
    with (config / "domains.toml").open("a") as file:
        file.write('\n[accounts."x\\u001b[2J\\u202e"]\n')
    assert run(["config", "test"]) == 1
    assert run(["store", "check"]) == 1
    told = capsys.readouterr().err
    assert told.count('accounts."x\\x1b[2J\\u202e"') >= 2
    assert printable(told.replace("\n", "")) == told.replace("\n", "")


def test_a_new_rule_is_json_if_asked(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """ADMIN-18."""
    from moxlite.cli import described
    from moxlite.operations.queue import Changed

    monkeypatch.setattr(described, "call", lambda *_, **__: Changed(3, 4))
    assert run(["queue", "holdrules", "add", "--sender", "@far.example"]) == 0
    assert run(["queue", "holdrules", "add", "--sender", "@far.example", "--json"]) == 0
    text, _, found = capsys.readouterr().out.partition("\n")
    assert text == "added rule 4; 3 messages on hold"
    assert json.loads(found) == {"messages": 3, "id": 4}


def test_mail_is_raw_in_a_pipe_and_safe_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-65: `queue dump`, `dkim sign`, `arc seal`, `smtp dial`; lines and tabs stay, wherever octets are cut."""
    mail = "Subject: gr\u00fc\u00dfe\r\n\tfolded\r\n\r\n\x1b]0;title\x07 \u202eexe \rhidden\r\n".encode() + b"\xff\n"
    shown = "Subject: gr\u00fc\u00dfe\n\tfolded\n\n\\x1b]0;title\\x07 \\u202eexe \\rhidden\n\\xff\n"
    for terminal in (False, True):
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        monkeypatch.setattr(out, "isatty", lambda terminal=terminal: terminal, raising=False)
        monkeypatch.setattr("sys.stdout", out)
        sink = raw_output()
        for octet in mail:
            sink.write(bytes([octet]))
        assert isinstance(out.buffer, io.BytesIO)
        assert out.buffer.getvalue() == (shown.encode() if terminal else mail)


@pytest.mark.parametrize("terminal", [False, True])
def test_the_script_of_a_user_is_whole_in_a_pipe_and_safe_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, *, terminal: bool
) -> None:
    """ADMIN-65: `account sieve get`, whose text another user has written."""
    monkeypatch.setattr("moxlite.cli.sieve.perform", lambda _: "# \x1b[31mred\r\nkeep;\r\n")
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(out, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr("sys.stdout", out)
    assert run(["account", "sieve", "get", "mia", "main"]) == 0
    assert isinstance(out.buffer, io.BytesIO)
    assert out.buffer.getvalue() == (b"# \\x1b[31mred\nkeep;\n" if terminal else b"# \x1b[31mred\r\nkeep;\r\n")


@pytest.mark.parametrize("words", [["--json", "sieve", "check"], ["sieve", "check", "--json"]])
def test_json_is_asked_for_before_the_command_and_after_it(tmp_path: Path, capsys: Capture, words: list[str]) -> None:
    """ADMIN-18: also where a command has a form of its own."""
    (tmp_path / "a.sieve").write_text("keep;")
    assert run([*words, str(tmp_path / "a.sieve")]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True


@pytest.mark.parametrize("url", ["https://u:se#cret@host/", "http://u:secret@host:99999/", "http://u:secret@[::1/"])
def test_a_wrong_url_with_a_password_is_not_repeated(capsys: Capture, url: str) -> None:
    """ADMIN-18: `webapi METHOD URL`."""
    assert run(["webapi", "Send", url]) == 2
    told = capsys.readouterr().err
    assert "%23" in told
    assert "se" not in re.findall(r"[a-z]+", told)


def test_the_password_of_a_call_need_not_be_an_argument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """ADMIN-18: `ps` shows arguments to all users of a machine; standard input has the request."""
    sent: list[str] = []

    def request(*_: object, headers: dict[str, str], **__: object) -> None:
        sent.append(base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode())
        raise ConnectionRefusedError("nothing listens")

    monkeypatch.setattr(http.client.HTTPConnection, "request", request)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"{}\n")))
    (tmp_path / "password").write_text("from:file\n")
    call = ["webapi", "Send", "http://me%40example.org@localhost/webapi/v0/"]
    assert run(call) == 1
    assert "--password-file" in capsys.readouterr().err
    assert run([*call, "--password-file", str(tmp_path / "password")]) == 1
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("click.prompt", lambda *_, **__: "asked")
    assert run(call) == 1
    assert run(["webapi", "Send", "http://me:in%40url@localhost/webapi/v0/"]) == 1
    assert sent == ["me@example.org:from:file", "me@example.org:asked", "me:in@url"]


def test_json_of_strangers_text_is_safe_to_print(capsys: Capture) -> None:
    """ADMIN-65: and means the same."""
    show_json({"subject": "\u202e\x9b31m\x1b[2J\u2028"})
    out = capsys.readouterr().out
    assert out.isascii()
    assert "\x1b" not in out
    assert json.loads(out) == {"subject": "\u202e\x9b31m\x1b[2J\u2028"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [(["quikstart"], "quickstart"), (["qeue"], "queue"), (["queue", "lsit"], "list"), (["acount", "list"], "account")],
)
def test_a_mistyped_command_gets_the_likely_one(typed: list[str], meant: str, capsys: Capture) -> None:
    """ADMIN-18: at the top level, too."""
    assert run(typed) == 2
    said = capsys.readouterr().err
    assert "Did you mean" in said or "possibilities" in said
    assert f"'{meant}'" in said or meant in said.splitlines()[-1]


def test_the_command_line_starts_without_the_servers_modules() -> None:
    """ADMIN-83: lazy imports."""
    code = "import sys, moxlite.cli; print([m for m in ('trio', 'apsw', 'cryptography', 'dns') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


SELDOM = {
    "argparse": "",
    "csv": "imports",
    "difflib": "mistakes in the configuration",
    "email.message": "",
    "gzip": "imports",
    "html.entities": "HTML of messages, lists of directories",
    "http.client": "",
    "importlib.resources": "",
    "json": "",
    "mimetypes": "files that the web server serves",
    "moxlite.acceptance.commands": "commands",
    "moxlite.acceptance.gathering": "incoming mail",
    "moxlite.admin.backup": "backups",
    "moxlite.admin.commands": "commands",
    "moxlite.admin.delivery.forwarding": "forwarding that an owner changes",
    "moxlite.admin.doctor.examine": "examinations",
    "moxlite.admin.doctor.nightly": "examinations",
    "moxlite.commands": "commands",
    "moxlite.imapd.commands": "commands",
    "moxlite.imapd.connection": "IMAP",
    "moxlite.imapd.sieve": "ManageSieve",
    "moxlite.migration": "imports by IMAP",
    "moxlite.net.imapclient": "imports by IMAP",
    "moxlite.net.storage.sftp": "backups",
    "moxlite.proto.sieve.validation": "ManageSieve, delivery to accounts with a script",
    "moxlite.queue.attempt": "sending",
    "moxlite.queue.control": "commands",
    "moxlite.smtpd.connection": "SMTP",
    "moxlite.store.backup.copying": "backups",
    "moxlite.store.backup.repository": "backups",
    "moxlite.store.exports.engine": "exports",
    "moxlite.store.groupware.contacts": "contacts",
    "moxlite.store.imports.adding": "imports",
    "moxlite.store.recover": "damaged files",
    "moxlite.web.account": "the account app",
    "moxlite.web.sessions": "the web apps",
    "moxlite.web.webmail": "the webmail",
    "multipart": "uploads",
    "nh3": "HTML of messages",
    "precis_i18n": "passwords with other letters than ASCII",
    "prometheus_client": "metrics",
    "re2": "rulesets",
    "regex": "web handlers",
    "rich": "the command line",
    "tarfile": "imports",
    "tinycss2": "HTML of messages",
    "tomlkit": "",
    "xml": "reports",
    "zipfile": "imports",
}
"""What the server loads when it is needed, if ever, and for what; "": not at all."""


@pytest.mark.slow
def test_the_server_starts_without_what_it_seldom_needs() -> None:
    """ADMIN-82: memory at rest."""
    code = "import sys, moxlite.process.localserve, moxlite.process.startup, moxlite.cli.serving, moxlite.server"
    code += f"; print([m for m in {sorted(SELDOM)} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_describing_needs_no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Capture) -> None:
    """ADMIN-19."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MOXLITE_CONF", raising=False)
    assert run(["config", "describe-static"]) == 0
    assert json.dumps(capsys.readouterr().out)


def test_keys_without_effect_are_told(tmp_path: Path, capsys: Capture) -> None:
    """ADMIN-10: by `config test`, each key once; not the one that each new account has (ADMIN-14)."""
    (tmp_path / "moxlite.toml").write_text(
        'hostname = "mx.example.org"\npsl.url = "https://psl.example/"\n[postmaster]\naccount = "a"\nmailbox = "P"\n'
        '[listeners.local]\nips = ["127.0.0.1"]\ndebug_http.enabled = true\n'
        '[listeners.other]\nips = ["::1"]\ndebug_http.enabled = true\n'
    )
    (tmp_path / "domains.toml").write_text(
        '[domains."example.org"]\n[accounts.a]\ndomain = "example.org"\nno_custom_password = true\n'
        '[accounts.a.destinations."a@example.org"]\n'
    )
    assert run(["--config", str(tmp_path / "moxlite.toml"), "config", "test"]) == 0
    said = capsys.readouterr()
    lines = [
        line.partition(str(tmp_path))[2] for line in (said.out + said.err).splitlines() if "isn't supported yet" in line
    ]
    assert lines == [
        "/moxlite.toml:2: psl: isn't supported yet",
        "/moxlite.toml:8: listeners.local.debug_http: isn't supported yet (also in 1 other place)",
    ]


def test_what_the_administrator_must_do_stands_below_the_list(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """QUEUE-180, ADMIN-19: each once, with the first messages that it is about."""
    from moxlite.cli import described
    from moxlite.operations.queue import Line

    def line(number: int, admin: str) -> Line:
        facts: dict[str, Any] = dict.fromkeys(Line.__struct_fields__, "x")
        facts |= {"id": number, "size": 1, "attempts": 1, "hold": False, "success": None}
        return Line(**facts | {"admin": admin, "why": "because"})

    found = [line(number, "Ask there\x1b for removal.") for number in range(1, 8)] + [line(8, "")]
    monkeypatch.setattr(described, "call", lambda *_, **__: found)
    assert run(["queue", "list"]) == 0
    out = capsys.readouterr().out
    assert out.endswith("\n\n1, 2, 3, 4, 5, …: Ask there\\x1b for removal.\n")
    assert "because" in out
    assert run(["queue", "list", "--json"]) == 0
    assert "1, 2, 3" not in capsys.readouterr().out
