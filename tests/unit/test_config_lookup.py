"""Who gets mail for an address, who may log in and send with it (SMTP-52, SMTP-68..72)."""

import re
from pathlib import Path

import pytest

import moxlite
from moxlite.config.load import ConfigError, load
from moxlite.config.snapshot import (
    AccountRecipient,
    AliasRecipient,
    DomainDisabled,
    NotLocal,
    Snapshot,
    UnknownLocalpart,
    outgoing_name,
)
from moxlite.proto.address import Address, Path as MailPath

STATIC = """\
hostname = "mx.example.org"
quota_message_size = "1g"
[postmaster]
account = "me"
mailbox = "Postmaster"
[host_tlsrpt]
account = "me"
mailbox = "TLSRPT"
localpart = "tls-reports"
[listeners.local]
ips = ["127.0.0.1"]
hostname = "other.example.net"
[listeners.inner]
ips = ["127.0.0.2"]
hostname = "localhost"
"""

DOMAINS = """\
[domains."example.org"]
localpart_separators = ["+", "-"]
[domains."example.org".dmarc]
localpart = "dmarc-reports"
account = "me"
mailbox = "DMARC"
[domains."example.org".aliases.team]
addresses = ["me@example.org", "you@case.example"]
allow_msg_from = true
[domains."case.example"]
localpart_case_sensitive = true
[domains."case.example".dmarc]
localpart = "d"
account = "me"
mailbox = "D"
domain = "example.org"
[domains."off.example"]
disabled = true
[domains."bücher.example"]
[domains."reports.example"]
[domains."reports.example".tlsrpt]
localpart = "r"
account = "me"
mailbox = "R"
domain = "example.org"

[accounts.me]
domain = "example.org"
quota_message_size = -1
[accounts.me.destinations."me@example.org"]
mailbox = "Work"
[accounts.me.destinations."me@off.example"]
[accounts.me.destinations."ü@bücher.example"]
[accounts.me.destinations.'" "@example.org']
[accounts.you]
domain = "case.example"
[accounts.you.destinations."you@case.example"]
[accounts.you.destinations."@example.org"]
mailbox = "Rest"
[accounts.you.destinations."postmaster@case.example"]
"""


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return loaded(tmp_path_factory.mktemp("config"), DOMAINS)


def loaded(directory: Path, domains: str) -> Snapshot:
    """The configuration with a domains.toml. Raises ConfigError."""
    (directory / "moxlite.toml").write_text(STATIC)
    (directory / "domains.toml").write_text(domains)
    return load(directory / "moxlite.toml")[0]


def account(snapshot: Snapshot, text: str) -> tuple[str, str, str]:
    found = snapshot.lookup(Address.parse(text))
    assert isinstance(found, AccountRecipient)
    return found.account, found.destination.mailbox, str(found.canonical)


@pytest.mark.parametrize("text", ["me@example.org", "ME@Example.Org", "me+shop@example.org", "Me-a+b@example.org"])
def test_case_and_what_follows_a_separator_do_not_matter(snapshot: Snapshot, text: str) -> None:
    """SMTP-71: lower case, then cut at the first occurrence of each separator in order."""
    assert account(snapshot, text) == ("me", "Work", "me@example.org")


def test_a_case_sensitive_domain_tells_apart(snapshot: Snapshot) -> None:
    """SMTP-71."""
    assert account(snapshot, "you@case.example")[0] == "you"
    assert isinstance(snapshot.lookup(Address.parse("You@case.example")), UnknownLocalpart)


def test_report_addresses_match_whole_before_the_separator_cuts(snapshot: Snapshot) -> None:
    """SMTP-71: dmarc-reports holds a separator."""
    found = snapshot.lookup(Address.parse("DMARC-Reports@example.org"))
    assert isinstance(found, AccountRecipient)
    assert (found.reports, found.destination.mailbox) == ("dmarc", "DMARC")
    assert account(snapshot, "dmarc-x@example.org")[0] == "you"  # cut, that's "dmarc": caught by @example.org


def test_the_catchall_gets_only_what_nobody_else_has(snapshot: Snapshot) -> None:
    """SMTP-72: User+x never falls to the catchall when user exists."""
    assert account(snapshot, "Nobody+x@example.org") == ("you", "Rest", "nobody@example.org")
    assert account(snapshot, "me+x@example.org")[0] == "me"
    assert isinstance(snapshot.lookup(Address.parse("team+x@example.org")), AliasRecipient)


def test_an_alias_has_its_members_resolved(snapshot: Snapshot) -> None:
    """SMTP-104."""
    found = snapshot.lookup(Address.parse("Team@example.org"))
    assert isinstance(found, AliasRecipient)
    assert [member.account for member in found.members] == ["me", "you"]


def test_domains_are_equal_in_both_forms(snapshot: Snapshot) -> None:
    """ADMIN-2: A-labels and U-labels are one domain."""
    assert account(snapshot, "ü@xn--bcher-kva.example") == ("me", "Inbox", "ü@bücher.example")


def test_quoted_localparts_keep_their_spaces(snapshot: Snapshot) -> None:
    """ADMIN-16."""
    assert account(snapshot, '" "@example.org')[2] == '" "@example.org'


def test_foreign_domains_and_literals_are_not_local(snapshot: Snapshot) -> None:
    """SMTP-69."""
    assert isinstance(snapshot.lookup(Address.parse("a@elsewhere.example")), NotLocal)
    assert isinstance(snapshot.lookup(MailPath.parse("a@[192.0.2.1]")), NotLocal)


def test_a_disabled_domain_says_only_that(snapshot: Snapshot) -> None:
    """SMTP-69: disabled domain, 450."""
    assert isinstance(snapshot.lookup(Address.parse("me@off.example")), DomainDisabled)
    assert isinstance(snapshot.lookup(Address.parse("nobody@off.example")), DomainDisabled)


def test_reports_only_domains_are_not_local(snapshot: Snapshot) -> None:
    """SMTP-70."""
    assert isinstance(snapshot.lookup(Address.parse("r@reports.example")), NotLocal)
    assert account(snapshot, "r@example.org")[1] == "R"


@pytest.mark.parametrize(
    "text",
    ["Postmaster", "postmaster@mx.example.org", "POSTMASTER@other.example.net", "postmaster@xn--bcher-kva.example"],
)
def test_postmaster_is_reached_at_every_name_of_the_host_and_its_domains(snapshot: Snapshot, text: str) -> None:
    """SMTP-70."""
    path = MailPath.parse(text) if "@" in text else MailPath(Address.parse(f"{text}@x").localpart, None)
    found = snapshot.lookup(path)
    assert isinstance(found, AccountRecipient)
    assert (found.account, found.destination.mailbox) == ("me", "Postmaster")


def test_a_configured_or_caught_postmaster_comes_first(snapshot: Snapshot) -> None:
    """SMTP-70: unless configured or caught."""
    assert account(snapshot, "postmaster@case.example")[:2] == ("you", "Inbox")
    assert account(snapshot, "postmaster@example.org")[:2] == ("you", "Rest")


def test_reports_about_the_host_arrive_at_its_name(snapshot: Snapshot) -> None:
    """SMTP-70."""
    found = snapshot.lookup(Address.parse("TLS-reports@mx.example.org"))
    assert isinstance(found, AccountRecipient)
    assert found.reports == "host_tlsrpt"
    assert isinstance(snapshot.lookup(Address.parse("tls-reports@other.example.net")), NotLocal)


@pytest.mark.parametrize(
    ("username", "name"),
    [
        ("me@example.org", "me"),
        ("ME+phone@example.org", "me"),
        ("anything@example.org", "you"),  # by the catchall
        ("me@off.example", "me"),  # accounts of disabled domains may log in
        ("ü@bücher.example", "me"),
        ("team@example.org", None),
        ("dmarc-reports@example.org", None),
        ("postmaster@bücher.example", None),
        ("postmaster", None),
        ("me", None),
        ("me@elsewhere.example", None),
        ("@example.org", None),
        ("", None),
    ],
)
def test_any_address_of_an_account_logs_in(snapshot: Snapshot, username: str, name: str | None) -> None:
    """SMTP-52, IMAP-43, WEB-57."""
    found = snapshot.login(username)
    assert (found.account if found else None) == name


@pytest.mark.parametrize(
    ("username", "name"), [("Mia", "me"), ("old@elsewhere.example", "me"), ("boss@example.org", "me")]
)
def test_further_names_lead_to_an_account_before_addresses_do(tmp_path: Path, username: str, name: str) -> None:
    """SMTP-52a: also before the catchall of another account; they aren't its addresses."""
    names = 'login_names = ["mia", "OLD@elsewhere.example", "boss@example.org"]'
    current = loaded(tmp_path, DOMAINS.replace("[accounts.me]\n", f"[accounts.me]\n{names}\n"))
    recipient = current.login(username)
    assert recipient is not None
    assert recipient.account == name
    assert str(recipient.canonical) == "me@example.org"
    assert not current.may_send_as("me", Address.parse("boss@example.org"))


@pytest.mark.parametrize(
    ("mine", "yours", "words"),
    [
        ("mia", "MIA", 'accounts.you.login_names[0]: is already used by the account "me"'),
        (
            "you@case.example",
            "y",
            'accounts.me.login_names[0]: already belongs to the account "you" (you@case.example)',
        ),
        ("dmarc-reports@example.org", "y", "accounts.me.login_names[0]: already belongs to the dmarc reports"),
        (" mia", "y", "accounts.me.login_names[0]: can't be blank"),
        ("m" * 201, "y", "accounts.me.login_names[0]: can be up to 200 characters"),
    ],
)
def test_a_further_name_leads_to_one_account(tmp_path: Path, mine: str, yours: str, words: str) -> None:
    """SMTP-52a."""
    domains = DOMAINS
    for account, name in (("me", mine), ("you", yours)):
        domains = domains.replace(f"[accounts.{account}]\n", f'[accounts.{account}]\nlogin_names = ["{name}"]\n')
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, domains)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("name", "text", "allowed"),
    [
        ("me", "me+x@example.org", True),
        ("you", "me@example.org", False),
        ("you", "whatever@example.org", True),
        ("me", "whatever@example.org", False),
        ("me", "team@example.org", True),
        ("you", "team@example.org", True),
        ("me", "me@elsewhere.example", False),
        ("me", "dmarc-reports@example.org", False),
        ("me", "me@off.example", True),  # the domain's state is another question
    ],
)
def test_accounts_send_with_their_own_addresses_and_open_aliases(
    snapshot: Snapshot, name: str, text: str, allowed: bool
) -> None:
    """SMTP-68, SMTP-106."""
    assert snapshot.may_send_as(name, Address.parse(text)) is allowed


def test_an_alias_without_allow_msg_from_is_nobodys_sender(tmp_path: Path) -> None:
    """SMTP-106."""
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS.replace("allow_msg_from = true", ""))
    assert not load(tmp_path / "moxlite.toml")[0].may_send_as("me", Address.parse("team@example.org"))


def test_an_own_quota_goes_before_the_global_one(snapshot: Snapshot) -> None:
    """STORE-62: a negative number is no quota."""
    assert snapshot.quota("me") == 0
    assert snapshot.quota("you") == 1 << 30


@pytest.mark.parametrize(
    ("name", "hint"),
    [("yuo", '; did you mean "you"?'), ("you@case.example", '; did you mean "you"?'), ("zzz", "")],
)
def test_an_unknown_account_is_told_with_the_one_that_was_meant(snapshot: Snapshot, name: str, hint: str) -> None:
    """ADMIN-18."""
    assert snapshot.no_account(name) == f'account not found: "{name}"{hint}'


def test_the_name_of_an_inner_listener_stays_inside(snapshot: Snapshot) -> None:
    """WEB-23a."""
    assert outgoing_name(snapshot, "inner").ascii == "mx.example.org"
    assert outgoing_name(snapshot, "local").ascii == "other.example.net"


def test_listeners_names_are_asked_for_as_others_may_see_them() -> None:
    """WEB-23a: what answers others asks for `outgoing_name`, but for modules that compare what a client has asked for
    with our names.
    """
    compare = {Path("web/http/hsts.py"), Path("web/context.py")}
    root = Path(moxlite.__file__).parent
    speaking = ("smtpd", "imapd", "web", "queue", "submission", "groupware", "acceptance")
    modules = {path.relative_to(root) for folder in speaking for path in (root / folder).rglob("*.py")}
    assert {path for path in modules if re.search(r"\.hostname\(", (root / path).read_text())} == compare
