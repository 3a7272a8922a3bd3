"""Recipients of a message become cases of accounts: through aliases, each account once (docs/decisions/008)."""

from ipaddress import ip_address
from pathlib import Path

import pytest

from moxlite.acceptance.cases import Case, Envelope, Evidence, expand
from moxlite.config.load import load
from moxlite.config.snapshot import Snapshot
from moxlite.proto.address import Address, Localpart, Path as MailPath

STATIC = """\
hostname = "mx.ours.example"
[postmaster]
account = "mia"
mailbox = "Postmaster"
[listeners.local]
ips = ["127.0.0.1"]
"""

DOMAINS = """\
[domains."ours.example"]
localpart_separators = ["+"]
[domains."ours.example".aliases.team]
addresses = ["mia@ours.example", "bo@ours.example"]
[domains."ours.example".aliases.as-team]
addresses = ["mia@ours.example", "bo@ours.example"]
allow_msg_from = true
[domains."ours.example".aliases.open]
addresses = ["mia@ours.example", "bo@ours.example"]
post_public = true
deliver_to_sender = true
[domains."ours.example".aliases.wide]
addresses = ["mia@ours.example", "bo@ours.example", "cy@elsewhere.example"]
[accounts.mia]
domain = "ours.example"
[accounts.mia.destinations."mia@ours.example"]
mailbox = "Work"
[accounts.bo]
domain = "ours.example"
[accounts.bo.destinations."bo@ours.example"]
[accounts.bo.destinations."also-bo@ours.example"]
[accounts.eve]
domain = "ours.example"
[accounts.eve.destinations."eve@ours.example"]
[accounts.eve.destinations."@ours.example"]
"""

STRANGER = "ann@remote.example"


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    directory: Path = tmp_path_factory.mktemp("config")
    (directory / "moxlite.toml").write_text(STATIC)
    (directory / "domains.toml").write_text(DOMAINS)
    return load(directory / "moxlite.toml")[0]


def path(localpart: str) -> MailPath:
    return MailPath(Localpart(localpart), Address.parse("x@ours.example").domain)


def cases(snapshot: Snapshot, *localparts: str, author: str = STRANGER, simulated: bool | None = None) -> list[Case]:
    """The cases of a message of the author, or of one without an author ("")."""
    evidence = Evidence(
        envelope=Envelope(remote=ip_address("198.51.100.7"), hello=None, sender=path("someone")),
        msg_from=Address.parse(author) if author else None,
        from_fields=1,
    )
    recipients = [(path(one), snapshot.lookup(path(one))) for one in localparts]
    if simulated is None:
        return expand(snapshot, evidence, recipients)
    return expand(snapshot, evidence, recipients, simulated=simulated)


def accounts(found: list[Case]) -> list[str]:
    return [case.account for case in found]


def test_own_addresses_come_before_aliases(snapshot: Snapshot) -> None:
    """SMTP-105: an account that is named twice gets the message as addressed, whatever the client's order."""
    found = cases(snapshot, "team", "bo", "open")
    assert [(case.account, case.via, case.indexes) for case in found] == [
        ("bo", (), (1,)),
        ("mia", ("team@ours.example",), (0,)),
        ("bo", ("team@ours.example",), (0,)),
        ("mia", ("open@ours.example",), (2,)),
        ("bo", ("open@ours.example",), (2,)),
    ]


def test_a_recipient_named_many_times_is_one_case(snapshot: Snapshot) -> None:
    """SMTP-71, SMTP-104: the first spelling counts, and all of them learn what becomes of it."""
    found = cases(snapshot, "Bo+x", "bo", "eve", "BO", "open", "Open+y")
    assert [(case.account, case.asked.localpart, case.indexes) for case in found] == [
        ("bo", "Bo+x", (0, 1, 3)),
        ("eve", "eve", (2,)),
        ("mia", "open", (4, 5)),
        ("bo", "open", (4, 5)),
    ]


def test_destinations_of_one_account_are_cases_of_their_own(snapshot: Snapshot) -> None:
    """SMTP-104: the account takes the message if one of them does."""
    assert [case.recipient.configured for case in cases(snapshot, "bo", "also-bo")] == [
        "bo@ours.example",
        "also-bo@ours.example",
    ]


def test_a_case_knows_the_settings_of_its_account(snapshot: Snapshot) -> None:
    """SMTP-73"""
    (case,) = cases(snapshot, "mia")
    assert case.settings == snapshot.domains.accounts["mia"]
    assert case.evidence.msg_from == Address.parse(STRANGER)
    assert case.destined == "Work"
    assert not case.author
    assert not case.simulated


def test_a_recipient_is_alone_if_the_message_goes_nowhere_else(snapshot: Snapshot) -> None:
    """SMTP-160: only then a refusal of a script is told in the session."""
    assert [case.alone for case in cases(snapshot, "mia")] == [True]
    assert [case.alone for case in cases(snapshot, "mia", "bo")] == [False, False]
    assert [case.alone for case in cases(snapshot, "mia", "mia")] == [False]
    assert [case.alone for case in cases(snapshot, "open")] == [False, False]
    assert [case.alone for case in cases(snapshot, "team", author="mia@ours.example")] == [True]


def test_addresses_of_other_servers_have_no_case(snapshot: Snapshot) -> None:
    """SMTP-69: they are not of this server."""
    elsewhere = MailPath(Localpart("mia"), Address.parse("x@elsewhere.example").domain)
    evidence = Evidence(
        envelope=Envelope(remote=ip_address("198.51.100.7"), hello=None, sender=path("x")), msg_from=None, from_fields=1
    )
    assert expand(snapshot, evidence, [(elsewhere, snapshot.lookup(elsewhere))]) == []


def test_a_member_who_writes_to_the_alias_gets_no_copy(snapshot: Snapshot) -> None:
    """SMTP-105: by any address of the account, unless the alias delivers to the sender."""
    assert accounts(cases(snapshot, "team", author="mia@ours.example")) == ["bo"]
    assert accounts(cases(snapshot, "team", author="Also-Bo+x@ours.example")) == ["mia"]
    assert accounts(cases(snapshot, "open", author="mia@ours.example")) == ["mia", "bo"]
    assert accounts(cases(snapshot, "team", author="team@ours.example")) == ["mia", "bo"]
    assert accounts(cases(snapshot, "team", author="")) == ["mia", "bo"]


def test_the_carrier_who_writes_to_the_alias_only_sends_on(snapshot: Snapshot) -> None:
    """SMTP-166: the members at other servers get what the carrier writes; another author is left out."""
    found = cases(snapshot, "wide", author="mia@ours.example")
    assert [(case.account, case.author) for case in found] == [("mia", True), ("bo", False)]
    found = cases(snapshot, "wide", author="bo@ours.example")
    assert [(case.account, case.author) for case in found] == [("mia", False)]


@pytest.mark.parametrize(
    ("alias", "author", "may"),
    [
        ("team", "bo@ours.example", True),
        ("team", "Also-Bo+x@ours.example", True),
        ("team", "eve@ours.example", False),
        ("team", STRANGER, False),
        ("team", "", False),
        ("team", "team@ours.example", False),
        ("as-team", "As-Team@ours.example", True),
        ("as-team", "team@ours.example", False),
        ("as-team", STRANGER, False),
        ("as-team", "", False),
        ("open", STRANGER, True),
        ("open", "", True),
    ],
)
def test_only_members_write_to_an_alias_that_is_not_public(
    snapshot: Snapshot, alias: str, author: str, may: bool
) -> None:
    """SMTP-106: `allow_msg_from` lets the alias itself be the author."""
    found = cases(snapshot, alias, author=author)
    assert found
    assert {case.may_post for case in found} == {may}


def test_a_local_test_server_keeps_spellings_apart(snapshot: Snapshot) -> None:
    """SMTP-132: each address may ask for a failure of its own, except those that the configuration names."""
    found = cases(snapshot, "a-temperror", "a-451", "a-451", simulated=True)
    assert [(case.asked.localpart, case.indexes, case.simulated) for case in found] == [
        ("a-temperror", (0,), True),
        ("a-451", (1, 2), True),
    ]
    assert [case.simulated for case in cases(snapshot, "mia", simulated=True)] == [False]
    found = cases(snapshot, "a-temperror", "a-451")
    assert [(case.indexes, case.simulated) for case in found] == [((0, 1), False)]
