"""Which DMARC policy applies to an author, what speaks for an indirect way, and whom the owner names, by whole sessions
(mailauth.md §5, SMTP-85, SMTP-169).
"""

import logging

import msgspec
import pytest

from moxlite.mailauth.dkim.message import Message
from moxlite.mailauth.dkim.sign import Signer, key_record, sign
from moxlite.net.resolver import FakeResolver, RecordType
from moxlite.proto.address import Address
from moxlite.store.types import Flag
from tests.logs import kv
from tests.session.smtpd_harness import TLS, Smtp, clock, headers, reason_of, smtp
from tests.session.test_smtpd_checks import KEY, MAIL, zone
from tests.session.test_smtpd_decisions import DMARC, FILTER, FORBIDDEN, count, mark, send
from tests.session.test_smtpd_rulesets import with_rules
from tests.session.test_smtpd_subjectpass import judging

__all__ = ["clock", "smtp"]

pytestmark = pytest.mark.served

NOTHING: dict[str, list[str]] = {DMARC: [], "remote.example": []}
"""What the zone of the other tests says of its author, taken back."""

POLICIES = [
    # np: for names that do not exist, not for those without a record of this type (RFC 9989 §4.7)
    ("gone.own.example", {"own.example": "p=none; sp=none; np=reject"}, "policy reject", "Rejects"),
    ("here.own.example", {"own.example": "p=reject; sp=none; np=reject"}, "policy none", "Inbox"),
    ("here.own.example", {"own.example": "p=none; sp=reject"}, "policy reject", "Rejects"),
    ("gone.own.example", {"own.example": "p=none; sp=quarantine"}, "policy quarantine", "Junk"),
    # the organization and not what is between
    ("a.here.own.example", {"here.own.example": "p=reject", "own.example": "p=none"}, "policy none", "Inbox"),
    ("a.here.own.example", {"here.own.example": "p=none", "own.example": "p=reject"}, "policy reject", "Rejects"),
    # psd: an organization by its own word, and registries above it
    ("a.here.own.example", {"here.own.example": "p=reject; psd=n", "own.example": "p=none"}, "reject", "Rejects"),
    ("own.example", {"example": "p=reject; psd=y"}, "policy reject", "Rejects"),
    ("own.example", {"example": "p=reject; sp=none; psd=y"}, "policy none", "Inbox"),
    ("own.example", {"own.example": "p=none", "example": "p=reject; psd=y"}, "policy none", "Inbox"),
    ("a.here.own.example", {"own.example": "p=reject; psd=y", "example": "p=none"}, "policy reject", "Rejects"),
    # sizes and what RFC 9989 has dropped
    ("own.example", {"own.example": "p=reject; pct=5; ri=1; rf=x; rua=mailto:a@b.example!5m"}, "reject", "Rejects"),
    ("own.example", {"own.example": "rua=mailto:a@b.example"}, "policy none", "Inbox"),
]


def world(records: dict[str, str]) -> FakeResolver:
    """Policies; here.own.example and other.example exist."""
    resolver = zone(NOTHING)
    for name, record in records.items():
        resolver.set(f"_dmarc.{name}", RecordType.TXT, [f"v=DMARC1; {record}"])
    resolver.set("here.own.example", RecordType.A, ["192.0.2.1"])
    resolver.set("s1._domainkey.service.example", RecordType.TXT, [key_record(KEY)])
    return resolver


@pytest.mark.parametrize(("author", "records", "policy", "mailbox"), POLICIES)
async def test_the_policy_that_applies(
    smtp: Smtp, author: str, records: dict[str, str], policy: str, mailbox: str
) -> None:
    """AUTH-4, AUTH-51, AUTH-52, AUTH-55, SMTP-85"""
    mail = MAIL.replace(b"ann@remote.example", f"ann@{author}".encode())
    async with smtp.connect(context=smtp.with_context(resolver=world(records)), tls=TLS) as client:
        await client.deliver(message=mail, sender="")
    [results] = headers(await smtp.one(mailbox=mailbox), "Authentication-Results")
    assert "dmarc=fail" in results
    assert policy in results


@pytest.mark.parametrize(
    ("signer", "records", "status"),
    [
        ("own.example", {"own.example": "p=reject"}, "pass"),
        ("here.own.example", {"own.example": "p=reject"}, "pass"),
        ("other.own.example", {"own.example": "p=reject; psd=y"}, "fail"),  # two organizations of one registry
        ("here.own.example", {"own.example": "p=reject; psd=y"}, "pass"),
        ("own.example", {"own.example": "p=reject", "here.own.example": "p=reject; psd=n"}, "fail"),
    ],
)
async def test_organizations_align(smtp: Smtp, signer: str, records: dict[str, str], status: str) -> None:
    """AUTH-51, AUTH-53: of an author at a.here.own.example; each domain that passes has a walk of its own."""
    mail = MAIL.replace(b"ann@remote.example", b"ann@a.here.own.example")
    signature = await sign(
        Message.of(mail),
        Address.parse(f"x@{signer}"),
        [Signer(selector="s1", key=KEY, sealed=("From", "Subject"))],
        0,
    )
    resolver = world(records)
    resolver.set(f"s1._domainkey.{signer}", RecordType.TXT, [key_record(KEY)])
    async with smtp.connect(context=smtp.with_context(resolver=resolver), tls=TLS) as client:
        await client.deliver(message=signature + mail, sender="")
    [results] = headers(await smtp.one(mailbox="Inbox" if status == "pass" else "Rejects"), "Authentication-Results")
    assert f"dmarc={status}" in results


async def test_a_rule_that_names_a_verified_domain_is_a_sign_of_an_indirect_way(
    smtp: Smtp, caplog: pytest.LogCaptureFixture
) -> None:
    """SMTP-82, SMTP-85, SMTP-98, AUTH-56: what `reject` would refuse goes to Junk, with its reason and a line in the
    log; what another sends is refused.
    """
    caplog.set_level(logging.INFO)
    context = with_rules(smtp, 'mailbox = "Service"\nverified_domain = "other.example"')
    through = {**FORBIDDEN, "other.example": ["v=spf1 +all"]}
    assert (await send(smtp, through, sender="b@other.example", context=context)).startswith("250")
    assert await count(smtp, "Inbox", "Service", "Junk", "Rejects") == (0, 0, 1, 0)
    message = await smtp.one(mailbox="Junk")
    assert reason_of(message) == "dmarc-indirect"
    assert "override local_policy" in headers(message, "Authentication-Results")[0]
    [line] = [record for record in caplog.records if record.message == "message filed as junk"]
    facts = kv(line)
    assert (facts["reason"], facts["mailbox"], facts["dmarc"]) == ("dmarc-indirect", "Junk", "fail:reject")
    assert (await send(smtp, FORBIDDEN, sender="b@other.example", context=context)).startswith("550 5.7.26")
    proven = {**NOTHING, "other.example": ["v=spf1 +all"]}
    assert (await send(smtp, proven, sender="b@other.example", context=context)).startswith("250")
    assert await count(smtp, "Inbox", "Service") == (0, 1)


async def test_a_forged_list_is_not_filed_as_the_list(smtp: Smtp) -> None:
    """WEBMAIL-102, SMTP-98: by the rule that the webmail makes; the List-Id of another proven domain counts for
    nothing.
    """
    header = """'^list-id$' = '<garden\\.lists\\.other\\.example>$'"""
    context = with_rules(
        smtp,
        'mailbox = "Garden"\nverified_domain = "other.example"\nlist_allow_domain = "other.example"\n'
        f"headers_regexp = {{ {header} }}",
    )
    listed = b"List-Id: Garden <garden.lists.other.example>\r\n" + MAIL
    proven = {**NOTHING, "other.example": ["v=spf1 +all"], "sub.remote.example": ["v=spf1 +all"]}
    for sender, filed in (("b@other.example", (0, 1)), ("b@sub.remote.example", (1, 1))):
        assert (await send(smtp, proven, listed, sender=sender, context=context)).startswith("250")
        assert await count(smtp, "Inbox", "Garden") == filed


LISTED = """[accounts.mia.senders]
blocked = ["Ads@shop.example", "spam.example", "203.0.113.0/24"]
allowed = ["ann@remote.example", "friends.example"]
"""


@pytest.mark.parametrize(
    ("author", "sender", "remote", "blocked"),
    [
        ("ads@SHOP.example", "", "198.51.100.7", True),
        ("orders@shop.example", "", "198.51.100.7", False),
        ("x@deep.spam.example", "", "198.51.100.7", True),
        ("x@notspam.example", "", "198.51.100.7", False),
        ("x@shop.example", "bounce@spam.example", "198.51.100.7", True),
        ("x@shop.example", "", "203.0.113.9", True),
        ("x@shop.example", "", "::ffff:203.0.113.9", True),
    ],
)
async def test_senders_that_the_owner_blocks(smtp: Smtp, author: str, sender: str, remote: str, blocked: bool) -> None:
    """SMTP-169: by From, MAIL FROM or the client's network, with a copy; other accounts don't."""
    context = with_rules(smtp, account=LISTED)
    mail = MAIL.replace(b"ann@remote.example", author.encode())
    resolver = world({})
    resolver.set("spam.example", RecordType.MX, ["10 mx.spam.example"])
    context = msgspec.structs.replace(context, resolver=resolver)
    async with smtp.connect(context=context, tls=TLS, remote=remote) as client:
        reply = await client.deliver(message=mail, sender=sender)
    assert reply.startswith("550 5.7.1 the recipient blocked this sender" if blocked else "250")
    assert await count(smtp, "Inbox", "Rejects") == (not blocked, blocked)
    if blocked:
        assert reason_of(await smtp.one(mailbox="Rejects")) == "blocked-sender"
    async with smtp.connect(context=context, tls=TLS, remote=remote) as client:
        assert not (await client.deliver(to="bo@ours.example", message=mail, sender=sender)).startswith("550")


@pytest.mark.parametrize(("proven", "word"), [(True, "allowed-sender"), (False, "junk-content")])
async def test_a_proven_author_whom_the_owner_allows_is_accepted(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch, proven: bool, word: str
) -> None:
    """SMTP-169: the junk filter, SPF of the way and the introbox decide nothing; an author without proof is judged as
    any other.
    """
    judging(monkeypatch, 1.0)
    path = smtp.context.config.path.with_name("domains.toml")
    path.write_text(path.read_text().replace("[accounts.mia]\n", '[accounts.mia]\nintrobox = "New"\n'))
    context = with_rules(smtp, account=LISTED + FILTER)
    changes = {DMARC: [], "remote.example": ["v=spf1 -all" if proven else "v=spf1 ?all"]}
    assert (await send(smtp, changes, context=context, proven=proven)).startswith("250" if proven else "451")
    assert reason_of(await smtp.one(mailbox="Inbox" if proven else "Rejects")) == word


@pytest.mark.parametrize(
    ("proven", "name", "word"),
    [
        (True, "Ann <ann@remote.example>", "ruleset-never-junk"),
        (False, "Ann <ann@remote.example>", "junk-content"),
        (True, '"Bob" <ann@remote.example>', "ruleset-never-junk"),
        (True, "Boss <ann@remote.example>", "junk-content"),
    ],
)
async def test_a_rule_keeps_proven_mail_from_the_junk_filter(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch, proven: bool, name: str, word: str
) -> None:
    """SMTP-82b: not mail of an author without proof, nor by a name that an author gives himself."""
    judging(monkeypatch, 1.0)
    value = "boss" if "Boss" in name else "ann@remote.example"
    words = f'conditions = [{{ part = "from", value = "{value}" }}]'
    path = smtp.context.config.path.with_name("domains.toml")
    table = '[accounts.mia.destinations."mia@ours.example"]\n'
    rule = f'[[accounts.mia.destinations."mia@ours.example".rulesets]]\nnever_junk = true\n{words}\n'
    path.write_text(path.read_text().replace(table, table + rule))
    context = with_rules(smtp, account=FILTER)
    changes = {DMARC: [], "remote.example": ["v=spf1 -all" if proven else "v=spf1 ?all"]}
    mail = MAIL.replace(b"Ann <ann@remote.example>", name.encode())
    assert (await send(smtp, changes, context=context, proven=proven, mail=mail)).startswith(
        "250" if word == "ruleset-never-junk" else "451"
    )
    assert reason_of(await smtp.one(mailbox="Inbox" if word == "ruleset-never-junk" else "Rejects")) == word


async def test_history_counts_for_more_than_a_list(smtp: Smtp) -> None:
    """SMTP-169, SMTP-88: a proven author whose mail the owner has marked as junk since."""
    context = with_rules(smtp, account=LISTED)
    assert (await send(smtp, context=context, proven=True)).startswith("250")
    await mark(smtp, Flag.JUNK)
    assert (await send(smtp, context=context, proven=True)).startswith("451 4.3.0")
