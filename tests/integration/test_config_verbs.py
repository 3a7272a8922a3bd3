"""``moxlite config`` against a running server: domains, aliases, TLS keys, accounts (ADMIN-12..17, 19)."""

import imaplib
import io
import json
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from moxlite.cli import run
from moxlite.cli.setup.domainsfile import QUESTIONS
from moxlite.config.load import load
from moxlite.operations import Role, accounts, described_in, domains
from tests.running import ServedServer
from tests.tools import until

pytestmark = [pytest.mark.integration, pytest.mark.served]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedServer]:
    with ServedServer(tmp_path_factory.mktemp("config") / "moxlite") as server:
        yield server


def keys_in(server: ServedServer, folder: str = "dkim") -> list[str]:
    return sorted(path.name for path in (server.folder / "config" / folder).glob("*.pem"))


def test_a_domain_is_added_with_keys_and_removed_again(server: ServedServer) -> None:
    """ADMIN-12, ADMIN-13, AUTH-41: four selectors of which the first signs; keys of 0600; what uses the domain is
    listed when it is to go; then its keys are put aside, and no others.
    """
    server.cli("config", "domain", "add", "added.example", "ann", "Ann.A")
    names = keys_in(server)
    assert [name.split(".")[0][4:] for name in names] == ["a", "b", "c", "d"]
    assert ["rsa2048" in name for name in names] == [True, True, False, False]
    assert {path.stat().st_mode & 0o777 for path in (server.folder / "config/dkim").glob("*.pem")} == {0o600}
    snapshot, _ = load(server.folder / "config/moxlite.toml")
    settings = snapshot.domains.domains["added.example"]
    assert [name[4:] for name in settings.dkim.sign] == ["a"]
    assert sorted(name[4:] for name in settings.dkim.selectors) == ["a", "b", "c", "d"]
    assert str(settings.client_settings_domain) == "mail.added.example"
    assert settings.localpart_separators == ("+",)
    assert settings.mtasts is None, "no listener serves policies"
    assert settings.dmarc is not None
    assert (settings.dmarc.account, settings.dmarc.localpart) == ("ann", "dmarcreports")
    assert "Ann.A@added.example" in snapshot.domains.accounts["ann"].destinations
    server.cli("account", "set-password", "ann", stdin="saltmarsh61\n")

    refused = server.cli("--yes", "config", "domain", "rm", "added.example", check=False)
    assert refused.returncode == 1
    assert 'address Ann.A@added.example of account "ann"' in refused.stderr
    again = server.cli("config", "domain", "add", "added.example", "bob", check=False)
    assert "is already a domain on this server" in again.stderr
    assert keys_in(server) == names, "keys of a refused domain are removed"

    server.cli("config", "domain", "add", "second.example", "bob")
    mine = set(keys_in(server)) - set(names)
    server.cli("--yes", "config", "domain", "rm", "second.example")
    assert keys_in(server) == names
    assert set(keys_in(server, "dkim/old")) == mine


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["nobody.example", "nobody"], "specify the localpart"),
        (["nobody.example", "bob", "extra"], "leave out the localpart"),
        (["no_domain", "bob"], "isn't a valid domain"),
        (["plain", "bob"], "isn't a full domain name"),
        (["192.0.2.1", "bob"], "isn't a full domain name"),
        (["nobody.example", "../x", "me"], "name"),
        (["mail.gmail.com", "bob"], "gmail.com belongs to a public mail provider"),
    ],
)
def test_what_cannot_be_added_leaves_no_keys(server: ServedServer, args: list[str], text: str) -> None:
    """ADMIN-12, ADMIN-35e."""
    before = keys_in(server)
    refused = server.cli("config", "domain", "add", *args, check=False)
    assert refused.returncode == 1
    assert text in refused.stderr
    assert keys_in(server) == before


@pytest.mark.nightly
def test_a_domain_is_disabled_and_enabled(server: ServedServer) -> None:
    """ADMIN-17: lists show it."""
    server.cli("config", "domain", "add", "--disabled", "off.example", "bob")
    assert "off.example (disabled)" in server.cli("config", "domain", "list").stdout
    server.cli("config", "domain", "enable", "off.example")
    listed = json.loads(server.cli("config", "domain", "list", "--json").stdout)
    assert {"domain": "off.example", "disabled": False, "reports_only": False, "description": ""} in listed
    server.cli("config", "domain", "disable", "off.example")
    assert "off.example (disabled)" in server.cli("config", "domain", "list").stdout
    assert server.cli("config", "domain", "disable", "none.example", check=False).returncode == 1


STATIC = """\
hostname = "mx.example.org"
data_dir = "data"
[postmaster]
account = "me"
mailbox = "Postmaster"
[listeners.local]
ips = ["127.0.0.1"]
[transports.relay.submissions]
host = "relay.example"
"""

DOMAINS = """\
[[routes]]
to_domain = ["big.example"]
transport = "relay"
[domains."example.org"]
localpart_separators = ["+"]
aliases.family = { addresses = ["me@example.org", "bob@remote.example"], allow_msg_from = true }
dmarc = { localpart = "dmarc", account = "me", mailbox = "DMARC" }
[domains."moving.example"]
peer = ["mx.old.example"]
[domains."off.example"]
disabled = true
[accounts.me]
domain = "example.org"
[accounts.me.destinations."me@example.org"]
mailbox = "Letters"
refused_addresses = ["me+shop@example.org"]
[[accounts.me.destinations."me@example.org".rulesets]]
mailbox = "Lists"
list_allow_domain = "lists.example"
verified_domain = "lists.example"
[accounts.me.destinations."me@off.example"]
"""

EXPLAINED = {
    "Me+a@example.org": (
        "account me, by me@example.org, mailbox Letters, unless a rule files it",
        "account me can send from it; not signed",
    ),
    "me+shop@example.org": (
        "rejected: account me has this set at me@example.org",
        "account me can send from it; not signed",
    ),
    "family@example.org": (
        "alias family@example.org for account me, bob@remote.example",
        "account me can send from it; not signed",
    ),
    "dmarc@example.org": ("account me, mailbox DMARC, for reports (dmarc)", "no account can send from it"),
    "postmaster@example.org": (
        "account me, by postmaster@mx.example.org, mailbox Postmaster",
        "no account can send from it",
    ),
    "no@example.org": ("rejected: no account, alias, or catchall has this address", "no account can send from it"),
    "no@moving.example": ("not here yet; it's passed on to mx.old.example", "no account can send from it"),
    "me@off.example": ("deferred: the domain is disabled", "deferred: the domain is disabled"),
    "a@big.example": (
        "another server's; it leaves by transport relay (not including account and domain routes)",
        "no account can send from it",
    ),
    "a@remote.example": (
        "another server's; it leaves to the hosts in MX records (not including account and domain routes)",
        "no account can send from it",
    ),
}
"""What is told of mail to and from each address."""


def test_files_say_what_they_do_with_an_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """ADMIN-80: of each kind, without a server. SMTP-184: a domain that moves here may have no address yet."""
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    command = ["--config", str(tmp_path / "moxlite.toml"), "config", "test"]
    assert run([*command, *(word for address in EXPLAINED for word in ("--explain", address))]) == 0
    lines = capsys.readouterr().out.splitlines()
    for address, (to, sender) in EXPLAINED.items():
        assert lines[lines.index(f"to {address}: {to}") + 1] == f"from {address}: {sender}"
    assert run([*command, "--explain", "example.org"]) == 2


@pytest.mark.nightly
def test_aliases(server: ServedServer) -> None:
    """ADMIN-16, SMTP-107: made for everyone to write to, changed, never left without a member."""
    server.cli("config", "alias", "add", "All@example.org", "bob@example.org")
    server.cli("config", "alias", "addaddr", "all@example.org", "eve@example.org")
    shown = json.loads(server.cli("config", "alias", "print", "all@example.org", "--json").stdout)
    assert shown == [
        {
            "alias": "All@example.org",
            "members": ["bob@example.org", "eve@example.org"],
            "post_public": True,
            "list_members": False,
            "allow_msg_from": False,
        }
    ]
    server.cli("config", "alias", "update", "all@example.org", "--postpublic", "false", "--listmembers", "true")
    [alias] = json.loads(server.cli("config", "alias", "list", "example.org", "--json").stdout)
    assert (alias["post_public"], alias["list_members"], alias["allow_msg_from"]) == (False, True, False)
    server.cli("--yes", "config", "alias", "rmaddr", "all@example.org", "bob@example.org")
    refused = server.cli("--yes", "config", "alias", "rmaddr", "all@example.org", "eve@example.org", check=False)
    assert "delete the alias instead" in refused.stderr
    last = server.cli("--yes", "config", "address", "rm", "eve@example.org", check=False)
    assert "would have no members" in last.stderr
    server.cli("--yes", "config", "alias", "rm", "all@example.org")
    assert server.cli("config", "alias", "print", "all@example.org", check=False).returncode == 1
    assert server.cli("config", "alias", "add", "bob@example.org", "eve@example.org", check=False).returncode == 1


def test_verbs_that_end_mail_ask_and_say_what_goes(server: ServedServer) -> None:
    """ADMIN-16e: without a terminal they say what goes and refuse; nothing has changed then."""
    server.cli("config", "alias", "add", "two@example.org", "bob@example.org", "eve@example.org")
    server.cli("config", "domain", "add", "third.example", "bob")
    server.cli("config", "address", "add", "@third.example", "bob")
    before = (server.folder / "config/domains.toml").read_text()
    for verb, what in (
        ("address rm eve@example.org", "Remove eve@example.org, the only address of account eve?"),
        ("address rm BOB@example.org", "Remove BOB@example.org from account bob? Mail to it will be rejected."),
        ("address rm @third.example", "Remove the catchall of account bob?"),
        (
            "alias rm two@example.org",
            "Delete two@example.org? Mail to it will be rejected, and no longer delivered to bob@",
        ),
        ("alias rmaddr two@example.org eve@example.org", "Remove eve@example.org from two@example.org?"),
        ("domain rm third.example", "Delete the domain third.example? Mail to it will be rejected."),
        ("domain peer rm third.example", "Forget the previous server of third.example?"),
        ("account rm eve", "Delete account eve and all its mail?"),
        ("listeners publish-web off", "Close webmail and account pages to the internet?"),
    ):
        refused = server.cli("config", *verb.split(), check=False)
        assert refused.returncode == 1, verb
        assert what in refused.stderr
        assert "To confirm, run this command again with --yes." in refused.stderr
    assert (server.folder / "config/domains.toml").read_text() == before
    server.cli("--yes", "config", "address", "rm", "@third.example")
    server.cli("--yes", "config", "alias", "rm", "two@example.org")
    server.cli("--yes", "config", "domain", "rm", "third.example")


def test_each_verb_that_removes_from_the_configuration_asks() -> None:
    """ADMIN-16e: a new one, too."""
    removing = [
        operation
        for module in (accounts, domains)
        for operation in described_in(module)
        if Role.COMMAND_LINE in operation.who and operation.name.split()[-1].startswith("rm")
    ]
    assert [operation.name for operation in removing if not operation.ask and operation.request not in QUESTIONS] == []


@pytest.mark.nightly
def test_spaces_of_quoted_localparts_stay(server: ServedServer) -> None:
    """ADMIN-16: in the file and in all output."""
    server.cli("config", "address", "add", '"a   b"@example.org', "bob")
    assert '"a   b"@example.org' in server.cli("config", "account", "addresses", "bob").stdout
    assert server.cli("config", "address", "account", '"a   b"@example.org').stdout == "bob\n"
    server.cli("config", "alias", "add", '"x  y"@example.org', '"a   b"@example.org')
    assert '"a   b"@example.org' in server.cli("config", "alias", "list").stdout
    server.cli("--yes", "config", "alias", "rm", '"x  y"@example.org')
    server.cli("--yes", "config", "address", "rm", '"a   b"@example.org')


def test_a_key_logs_in_until_it_is_removed(server: ServedServer, tmp_path: Path) -> None:
    """ADMIN-19, STORE-104, IMAP-47: made here, added by its certificate, and gone."""
    stem = str(tmp_path / "laptop")
    fingerprint = server.cli("config", "tlspubkey", "gen", stem).stdout.strip()
    assert server.cli("tlspubkey", "gen", stem, check=False).returncode == 1, "nothing is overwritten"
    assert (tmp_path / "laptop.key.pem").stat().st_mode & 0o077 == 0
    certificate = (tmp_path / "laptop.certificate.pem").read_text()
    private = server.cli(
        "tlspubkey", "add", "bob@example.org", stdin=(tmp_path / "laptop.key.pem").read_text(), check=False
    )
    assert "private key" in private.stderr
    add = ("config", "tlspubkey", "add", "bob@example.org", "the laptop")
    unproved = server.cli(*add, stdin=certificate, check=False)
    assert (unproved.returncode, "is missing; run the openssl command" in unproved.stderr) == (1, True)
    command = server.cli("tlspubkey", "challenge", "bob").stdout.replace("key.pem", f"{stem}.key.pem")
    made = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    added = server.cli(*add, stdin=certificate + made.stdout)
    assert added.stdout == f"{fingerprint} the laptop\n"
    assert server.cli("tlspubkey", "add", "eve@example.org", stdin=certificate, check=False).returncode == 1
    assert certificate in server.cli("tlspubkey", "get", fingerprint).stdout
    listed = json.loads(server.cli("tlspubkey", "list", "bob", "--json").stdout)
    assert [(one["name"], one["type"], one["login_address"]) for one in listed] == [
        ("the laptop", "ed25519", "bob@example.org")
    ]
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(tmp_path / "laptop.combined.pem")
    session = imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=context)
    assert session.state == "AUTH"
    session.logout()
    server.cli("tlspubkey", "rm", fingerprint)
    session = imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=context)
    assert session.state == "NONAUTH"
    session.logout()
    assert server.cli("tlspubkey", "rm", fingerprint, check=False).returncode == 1
    for verb in ("get", "rm"):  # one fingerprint in 64 begins so: it is not an option
        unknown = server.cli("tlspubkey", verb, f"-h{fingerprint[2:]}", check=False)
        assert (unknown.returncode, "Usage" in unknown.stderr) == (1, False), unknown.stderr


def test_a_mail_client_proves_its_key_by_the_handshake(server: ServedServer, tmp_path: Path) -> None:
    """STORE-104a: with a log-in to the same account on that connection; not to another account, nor without log-in."""
    stem = tmp_path / "card"
    server.cli("tlspubkey", "gen", str(stem))
    certificate = Path(f"{stem}.certificate.pem").read_text()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(f"{stem}.combined.pem")

    def add(address: str) -> str:
        return server.cli("tlspubkey", "add", address, stdin=certificate, check=False).stderr

    with imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=context) as session:
        assert session.state == "NONAUTH"
        with pytest.raises(imaplib.IMAP4.error):
            session.login("bob@example.org", "wrong")
        assert "is missing" in add("bob@example.org")
        session.login("bob@example.org", server.password)
    until(lambda: add("bob@example.org") == "", what="the log-in that is recorded")
    assert "is missing" in add("eve@example.org")
    with imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=context) as session:
        assert session.state == "AUTH"


def test_a_quota_is_set_and_reached(server: ServedServer) -> None:
    """ADMIN-16a, ADMIN-70: by command; an account that has used 95 percent of it is a finding."""
    domains = server.folder / "config/domains.toml"
    before = domains.read_text()
    server.cli("config", "account", "set", "eve", "quota", "5g")
    assert 'quota_message_size = "5g"' in domains.read_text()
    server.cli("config", "account", "set", "eve", "quota", "none")
    assert "quota_message_size = -1" in domains.read_text()
    server.cli("config", "account", "set", "eve", "quota", "default")
    assert domains.read_text() == before
    for size in ("0", "much", "-5k"):
        refused = server.cli("config", "account", "set", "--", "eve", "quota", size, check=False)
        assert refused.returncode == 1
        assert '"none", "default", or a size' in refused.stderr
    meant = server.cli("config", "account", "set", "evve", "quota", "5g", check=False)
    assert 'account not found: "evve"; did you mean "eve"?' in meant.stderr
    server.cli("doctor", "--skip-dial", "--skip-mail", check=False)  # the server now knows how full accounts are
    letter = b"Subject: big\r\n\r\n" + (b"x" * 70 + b"\r\n") * 200  # a smaller quota is no quota
    session = imaplib.IMAP4("127.0.0.1", server.ports["imap"])
    session.starttls()
    session.login("eve@example.org", server.password)
    session.append("INBOX", "", None, letter)
    session.logout()
    used = json.loads(server.cli("store", "stats", "eve", "--json").stdout)[0]["logical"]
    server.cli("config", "account", "set", "eve", "quota", f"{used // 1024}k")
    done = server.cli("doctor", "--skip-dial", "--skip-mail", "--json", check=False)
    [found] = [one for one in json.loads(done.stdout)["findings"] if one["code"] == "quota-reached"]
    assert (found["grade"], found["about"]) == ("warning", "eve")
    server.cli("config", "account", "set", "eve", "quota", "default")


def test_disabling_an_account_ends_its_sessions(server: ServedServer) -> None:
    """ADMIN-17: and log-ins are told the message."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    session = imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=context)
    session.login("eve@example.org", server.password)
    server.cli("config", "account", "disable", "eve", "moved away")
    with pytest.raises((imaplib.IMAP4.abort, imaplib.IMAP4.error)):
        session.noop()  # the BYE is there before, or its reply is the end
    assert "eve (disabled)" in server.cli("config", "account", "list").stdout
    other = imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=context)
    with pytest.raises(imaplib.IMAP4.error, match="moved away"):
        other.login("eve@example.org", server.password)
    server.cli("config", "account", "enable", "eve")
    other.login("eve@example.org", server.password)
    other.logout()


def test_what_works_without_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """ADMIN-19, docs/install.md: once the server has stopped, verbs that need none work on its files; the others say
    that none runs, exit with 3, and change nothing.
    """
    stopped = ServedServer(tmp_path / "stopped")
    with stopped:
        pass
    monkeypatch.setenv("MOXLITE_CONF", str(stopped.folder / "config/moxlite.toml"))
    for line in (
        *(f"config {verb}" for verb in ("test", "dnsrecords example.org", "clientconfig example.org", "printservice")),
        *(
            "store check bob",
            "store stats",
            "junk retrain bob",
            "reports list dmarc",
            f"export mbox {tmp_path}/out bob",
        ),
        f"backup run {tmp_path}/copy",
        f"verifydata {tmp_path}/copy",
    ):
        assert run(line.split()) == 0, f"{line}: {capsys.readouterr()}"
    domains = (stopped.folder / "config/domains.toml").read_bytes()
    for line in (
        *("config domain list", "config domain add new.example bob", "config account rm eve", "config alias list"),
        *("config address add new@example.org bob", "account set-password bob", "queue list", "tls reload"),
        *("log levels", "imap sessions", "healthcheck", "config account disable eve away", "dmarc pending"),
    ):
        monkeypatch.setattr("sys.stdin", io.StringIO("a new long password\n"))
        assert run(["--yes", *line.split()]) == 3, line
        assert "moxlite: the server isn't running" in capsys.readouterr().err
    assert (stopped.folder / "config/domains.toml").read_bytes() == domains


def test_a_new_domain_says_what_comes_next(server: ServedServer) -> None:
    """WEB-80a, ADMIN-12: commands in order, with the names that were given."""
    told = server.cli("config", "domain", "add", "next.example", "ned", "ned").stdout
    assert told.startswith("Added next.example. Next steps:\n")
    commands = [line.strip() for line in told.splitlines() if line.startswith("    ")]
    assert commands == [
        "moxlite account set-password ned",
        "moxlite dns provider set next.example PROVIDER",
        "moxlite dns update next.example",
        "moxlite config dnsrecords next.example",
        "moxlite config dnscheck next.example",
        "moxlite doctor --send-to ned@next.example",
    ]
    found = json.loads(server.cli("--json", "config", "domain", "add", "--disabled", "after.example", "ned").stdout)
    assert found["domain"] == "after.example"
    assert ["moxlite config domain enable after.example"] in [one["commands"] for one in found["next"]]
    assert found["next"][0]["commands"] == ["moxlite config address add you@after.example ned"]
