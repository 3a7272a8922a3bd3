"""What becomes of a message, by who sent it and by what its owner said of earlier mail (smtp.md §8)."""

import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

import msgspec
import pytest
import trio

from moxlite.acceptance import gathering
from moxlite.mailauth.dkim.sign import key_record
from moxlite.net.resolver import FakeResolver, RecordType
from moxlite.proto.address import Address
from moxlite.proto.cards.vcard import Contact, Entry
from moxlite.proto.mime.types import MailAddress
from moxlite.smtpd import Context
from moxlite.smtpd.incoming import deliver
from moxlite.smtpd.metrics import delayed_total, rejects_total
from moxlite.store.errors import OverQuota, StorageBroken, StorageBusy, StoreError
from moxlite.store.file.transaction import Tx
from moxlite.store.groupware.contacts import save_contact
from moxlite.store.junk.score import Judgement, Lack
from moxlite.store.mail.copying import move_messages
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.mail.recipients import add_recipients
from moxlite.store.options import DAY
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.types import Flag
from tests.session.smtpd_harness import (
    TLS,
    Client,
    Smtp,
    clock,
    fail_for,
    headers,
    judgement,
    pass_time,
    reason_of,
    refusals_logged,
    smtp,
)
from tests.session.test_smtpd_checks import KEY, MAIL, signed, zone
from tests.session.test_smtpd_rulesets import with_rules

__all__ = ["clock", "smtp"]

pytestmark = pytest.mark.served

DMARC = "_dmarc.remote.example"
FORBIDDEN = {"remote.example": ["v=spf1 -all"]}
FILTER = "[accounts.mia.junk_filter]\nthreshold = 0.9\nonegrams = true"
NUMBER = iter(range(1_000_000))
SERVICE = "service.example"
"""A domain that sends for others."""


async def send(
    smtp: Smtp,
    changes: dict[str, list[str]] | None = None,
    mail: bytes = MAIL,
    *,
    sender: str = "ann@remote.example",
    to: str = "mia@ours.example",
    context: Context | None = None,
    failing: tuple[str, ...] = (),
    proven: bool = False,
    **more: Any,
) -> str:
    """Deliver a message, whose Message-ID is new, `proven` by a signature; the reply."""
    mail = mail.replace(b"Message-Id: <1@", b"Message-Id: <%d@" % next(NUMBER))
    resolver = zone(changes, failing=failing)
    if proven:
        mail = await signed(mail)
    async with smtp.connect(context=_with(context or smtp.context, resolver), tls=TLS, **more) as client:
        return await client.deliver(to=to, message=mail, sender=sender)


def _with(context: Context, resolver: FakeResolver) -> Context:
    return msgspec.structs.replace(context, resolver=resolver)


async def mark(smtp: Smtp, flag: Flag) -> None:
    """Let the owner say of all mail what it is."""
    async with smtp.context.accounts.use("mia") as account:
        ids = await account.read(lambda r: [row[0] for row in r.rows("SELECT id FROM message")], op="test")
        await account.write(lambda tx: store_flags_ids(tx, ids, mode="add", flags=flag))


async def count(smtp: Smtp, *mailboxes: str) -> tuple[int, ...]:
    return tuple([len(await smtp.messages(mailbox=name)) for name in mailboxes])


async def reason(smtp: Smtp, mailbox: str = "Inbox") -> str:
    return reason_of((await smtp.messages(mailbox=mailbox))[-1])


# DMARC


async def test_a_policy_of_reject_is_honoured(smtp: Smtp) -> None:
    """SMTP-85: 550 5.7.26, a copy in Rejects, untrained, and no notice to a forged sender (SMTP-102, SMTP-139)."""
    kept = rejects_total.labels(result="kept").value
    assert (await send(smtp, FORBIDDEN)).startswith("550 5.7.26")
    assert rejects_total.labels(result="kept").value == kept + 1
    assert await count(smtp, "Inbox", "Rejects", "Junk") == (0, 1, 0)
    assert await reason(smtp, "Rejects") == "dmarc-policy"
    [results] = headers(await smtp.one(mailbox="Rejects"), "Authentication-Results")
    assert "dmarc=fail (policy reject, without dnssec)" in results
    assert await smtp.carried() == []


async def test_a_policy_of_quarantine_files_as_junk(smtp: Smtp) -> None:
    """SMTP-85, SMTP-98: accepted, in Junk, not learnt from."""
    assert (await send(smtp, {**FORBIDDEN, DMARC: ["v=DMARC1; p=quarantine"]})).startswith("250")
    assert await count(smtp, "Inbox", "Rejects", "Junk") == (0, 0, 1)
    assert await reason(smtp, "Junk") == "dmarc-quarantine"
    async with smtp.context.accounts.use("mia") as account:
        row = await account.read(
            lambda r: r.row("SELECT m.is_reject, m.flags, s.verdict FROM message m JOIN message_smtp s"), op="test"
        )
    assert row == (1, 0, None)


async def test_policies_that_ask_for_nothing(smtp: Smtp) -> None:
    """SMTP-85, AUTH-55: `none` and tried-out policies; the author proves itself by another domain of its own."""
    own = {"remote.example": ["v=spf1 ?all"]}
    assert (await send(smtp, {**own, DMARC: ["v=DMARC1; p=none"]})).startswith("250")
    assert (await send(smtp, {**own, DMARC: ["v=DMARC1; p=quarantine; pct=0"]})).startswith("250")
    assert await count(smtp, "Inbox", "Junk") == (2, 0)
    assert "override policy_test_mode" in headers((await smtp.messages())[1], "Authentication-Results")[0]


async def test_only_an_aligned_domain_that_cannot_be_checked_makes_us_wait(smtp: Smtp) -> None:
    """AUTH-54: else anyone's broken zone would open each domain that asks for a refusal."""
    assert (await send(smtp, failing=("remote.example",), sender="")).startswith("550 5.7.26")
    assert (await send(smtp, failing=("s1._domainkey.remote.example",), proven=True, sender="")).startswith(
        "451 4.7.26"
    )
    assert await count(smtp, "Inbox") == (0,)


async def test_two_from_fields_are_refused_whatever_they_prove(smtp: Smtp) -> None:
    """SMTP-76, AUTH-50, AUTH-103."""
    two = MAIL.replace(b"To:", b"From: boss@ours.example\r\nTo:", 1)
    assert (await send(smtp, mail=two)).startswith("550 5.7.1")
    assert await count(smtp, "Inbox", "Junk", "Rejects") == (0, 0, 0)


LIST = MAIL.replace(b"Subject:", b"List-Id: <people.other.example>\r\nSubject:")


async def test_a_list_that_sent_before_is_not_refused(smtp: Smtp) -> None:
    """SMTP-85: `reject` on the way through a known list is as `quarantine`, or as history says."""
    world = {**FORBIDDEN, "other.example": ["v=spf1 +all"]}
    assert (await send(smtp, world, LIST, sender="b@other.example")).startswith("550 5.7.26")
    asks_nothing = {**world, DMARC: ["v=DMARC1; p=none"]}
    assert (
        await send(smtp, asks_nothing, LIST.replace(b"ann@remote", b"bob@third"), sender="b@other.example")
    ).startswith("250")
    await mark(smtp, Flag.NOTJUNK)
    assert (await send(smtp, world, LIST, sender="b@other.example")).startswith("250")
    assert await reason(smtp) == "dkimspf"
    await mark(smtp, Flag.JUNK)
    assert (
        await send(smtp, asks_nothing, LIST.replace(b"ann@remote", b"cy@fourth"), sender="b@other.example")
    ).startswith("250")
    async with smtp.context.accounts.use("mia") as account:
        await account.write(lambda tx: store_flags_ids(tx, [1, 2], mode="add", flags=Flag.NOTJUNK))
    assert (await send(smtp, world, LIST, sender="b@other.example")).startswith("250")
    assert await reason(smtp, "Junk") == "dmarc-indirect"
    assert "override local_policy" in headers(await smtp.one(mailbox="Junk"), "Authentication-Results")[0]


@pytest.mark.parametrize("direct", [False, True])
async def test_a_wanted_list_brings_its_authors_again_and_again(smtp: Smtp, direct: bool) -> None:
    """SMTP-85: an author whom the list has made unproven is not conclusive by itself, nor one who also writes directly
    with proof; what came by the list is.
    """
    world = {**FORBIDDEN, "other.example": ["v=spf1 +all"]}
    welcome = LIST.replace(b"ann@remote", b"people@other")
    assert (await send(smtp, {**world, DMARC: []}, welcome, sender="b@other.example")).startswith("250")
    if direct:
        assert (await send(smtp, remote="203.0.113.9", proven=True)).startswith("250")
    await mark(smtp, Flag.NOTJUNK)
    for _ in range(3):
        assert (await send(smtp, world, LIST, sender="b@other.example")).startswith("250")
        await mark(smtp, Flag.NOTJUNK)
    assert await count(smtp, "Inbox", "Junk") == (5 if direct else 4, 0)
    await mark(smtp, Flag.JUNK)
    assert (await send(smtp, world, LIST, sender="b@other.example")).startswith(("451", "550"))


async def test_an_author_who_came_by_this_network_before_is_not_refused(smtp: Smtp) -> None:
    """SMTP-85."""
    assert (await send(smtp)).startswith("250")
    await mark(smtp, Flag.NOTJUNK)
    assert (await send(smtp, FORBIDDEN)).startswith("250")
    assert await reason(smtp, "Junk") == "dmarc-indirect"
    resolver_changes = {**FORBIDDEN, DMARC: ["v=DMARC1; p=reject"]}
    assert (await send(smtp, resolver_changes, remote="203.0.113.200")).startswith("550 5.7.26")


@pytest.mark.parametrize(
    ("rule", "word", "override"),
    [
        ('list_allow_domain = "other.example"\nsmtp_mail_from_regexp = "@other"', "list-allow", "mailing_list"),
        (
            'is_forward = true\nsmtp_mail_from_regexp = "@other"\nverified_domain = "other.example"',
            "no-bad-signals",
            "trusted_forwarder",
        ),
    ],
)
async def test_lists_and_forwarders_that_the_owner_names(smtp: Smtp, rule: str, word: str, override: str) -> None:
    """SMTP-82, SMTP-83, SMTP-84, AUTH-56: DMARC is not enforced, and the header says why."""
    context = with_rules(smtp, f'mailbox = "Named"\n{rule}')
    world = {**FORBIDDEN, "other.example": ["v=spf1 +all"]}
    assert (await send(smtp, world, LIST, sender="b@other.example", context=context)).startswith("250")
    assert await reason(smtp, "Named") == word
    assert f"override {override}" in headers(await smtp.one(mailbox="Named"), "Authentication-Results")[0]
    world = {**FORBIDDEN, "other.example": ["v=spf1 -all"]}  # not proven: another sender in their name
    elsewhere: dict[str, Any] = {"remote": "203.0.113.200", "hello": "EHLO elsewhere.example"}
    answer = await send(smtp, world, LIST, sender="b@other.example", context=context, **elsewhere)
    assert answer.startswith("550 5.7.26")


async def test_a_rule_without_proof_files_nothing_that_its_owner_disowns(smtp: Smtp) -> None:
    """SMTP-85."""
    context = with_rules(smtp, 'mailbox = "Friends"\nmsg_from_regexp = "^ann@"')
    world = {**FORBIDDEN, DMARC: ["v=DMARC1; p=quarantine"]}
    assert (await send(smtp, world, context=context)).startswith("250")
    assert await count(smtp, "Friends", "Junk") == (0, 1)


async def test_addresses_may_ask_for_proof(smtp: Smtp) -> None:
    """SMTP-87."""
    path = smtp.context.config.path.with_name("domains.toml")
    line = 'destinations."mia@ours.example"]\n'
    path.write_text(path.read_text().replace(line, f'{line}message_auth_required_smtp_error = "prove it"\n'))
    context = smtp.configured("")
    world: dict[str, list[str]] = {"remote.example": [], DMARC: []}
    assert (await send(smtp, world, context=context)).startswith("550 5.7.26 prove it")
    assert (await send(smtp, world, proven=True, context=context)).startswith("250")
    assert (await send(smtp, world, context=context, failing=("_dmarc.remote.example",))).startswith("451 4.7.26")


# History


async def test_an_author_whose_mail_was_junk_is_refused(smtp: Smtp) -> None:
    """SMTP-88 msgfromfull, SMTP-102: and the next ones too; a proven author whose mail was wanted is accepted."""
    for _ in range(2):
        assert (await send(smtp)).startswith("250")
    await mark(smtp, Flag.JUNK)
    assert (await send(smtp)).startswith("451 4.3.0 can't accept this message right now")
    assert await reason(smtp, "Rejects") == "msgfromfull"
    await mark(smtp, Flag.NOTJUNK)
    assert (await send(smtp)).startswith("250")
    assert await reason(smtp) == "msgfromfull"


async def wave(smtp: Smtp, domain: str) -> str:
    """Three authors of a domain, which proves each of them, send junk; the reply to a fourth one."""
    world = {domain: ["v=spf1 +all"], f"_dmarc.{domain}": ["v=DMARC1; p=reject"]}

    async def by(name: str) -> str:
        mail = MAIL.replace(b"ann@remote.example", f"{name}@{domain}".encode())
        return await send(smtp, world, mail, sender="", hello=f"EHLO {domain}")

    for name in ("ann", "ben", "cy"):
        assert (await by(name)).startswith("250")
    await mark(smtp, Flag.JUNK)
    return await by("dan")


async def test_junk_of_several_authors_makes_a_domain_junk(smtp: Smtp) -> None:
    """SMTP-88 msgfromdomain: three authors."""
    assert (await wave(smtp, "wave.example")).startswith("451 4.3.0")
    assert await reason(smtp, "Rejects") == "msgfromdomain"


async def test_strangers_who_share_a_provider_say_nothing_about_each_other(smtp: Smtp) -> None:
    """SMTP-88: neither by the name that all of them share, nor by its networks."""
    assert (await wave(smtp, "gmail.com")).startswith("250")
    assert await reason(smtp) == "no-bad-signals"
    assert "earlier mail: junk by ip1" in headers((await smtp.messages())[-1], "X-Moxlite-Reason")[0]


async def test_junk_by_a_service_is_not_that_of_its_other_customers(smtp: Smtp) -> None:
    """SMTP-88 dkimspf: what a domain signs for others makes none of them junk, but for its own authors."""

    async def by(author: str) -> str:
        world = {DMARC: [], f"s1._domainkey.{SERVICE}": [key_record(KEY)], "remote.example": []}
        mail = MAIL.replace(b"ann@remote.example", author.encode())
        mail = mail.replace(b"Message-Id: <1@", b"Message-Id: <s%d@" % next(NUMBER))
        return await send(smtp, world, await signed(mail, f"x@{SERVICE}"))

    for author in ("ann@first.example", "ben@second.example"):
        assert (await by(author)).startswith("250")
    await mark(smtp, Flag.JUNK)
    assert (await by("cy@third.example")).startswith("250")
    assert await reason(smtp) == "no-bad-signals"
    assert "earlier mail: junk by dkimspf" in headers((await smtp.messages())[-1], "X-Moxlite-Reason")[0]
    assert (await by(f"dan@{SERVICE}")).startswith("451 4.3.0")
    assert await reason(smtp, "Rejects") == "dkimspf"


async def test_whom_the_owner_wrote_to_is_accepted(smtp: Smtp) -> None:
    """SMTP-88 msgtofull."""
    assert (await send(smtp, {"other.example": ["v=spf1 +all"]}, sender="b@other.example")).startswith("550")
    addresses = [MailAddress("", "ann", "remote.example")]
    async with smtp.context.accounts.use("mia") as account:
        await account.write(lambda tx: add_recipients(tx, 1, addresses, tx.now))
    assert (await send(smtp)).startswith("250")
    assert await reason(smtp) == "msgtofull"


@pytest.mark.parametrize(
    ("written", "method"),
    [
        ("ann@remote.example", "msgtofull"),
        ("bob@remote.example", "msgtodomain"),
    ],
)
async def test_whom_the_owner_wrote_to_needs_proof(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch, written: str, method: str
) -> None:
    """SMTP-88: anyone can write in that name, so it is judged as a stranger's mail; with proof it is accepted."""
    await send(smtp, {"other.example": ["v=spf1 +all"]}, sender="b@other.example")
    await wrote(smtp, written)
    unproven: dict[str, list[str]] = {"remote.example": [], DMARC: []}
    assert (await send(smtp, unproven)).startswith("250")
    assert await reason(smtp) == "no-bad-signals"
    assert "earlier mail: none" in headers((await smtp.messages())[-1], "X-Moxlite-Reason")[0]

    async def judged(*_: object) -> Judgement:
        return judgement(1.0)

    monkeypatch.setattr(gathering, "classify", judged)
    context = with_rules(smtp, account=FILTER)
    assert (await send(smtp, unproven, context=context)).startswith("451 4.3.0")
    assert await reason(smtp, "Rejects") == "junk-content"
    assert (await send(smtp, context=context, proven=True)).startswith("250")
    assert await reason(smtp) == method


async def archived(smtp: Smtp, mail: bytes = MAIL, *, proven: bool = True) -> None:
    """A message of the author, which the owner wanted."""
    assert (await send(smtp, {DMARC: [], "remote.example": ["v=spf1 ?all"]}, mail, proven=proven)).startswith("250")
    await mark(smtp, Flag.NOTJUNK)


async def is_contact(smtp: Smtp) -> None:
    contact = Contact(uid="1", name="Ann", emails=(Entry(value="ann@remote.example"),))
    async with smtp.context.accounts.use("mia") as account:
        await account.write(lambda tx: save_contact(tx, contact))


async def written_to(smtp: Smtp, to: str) -> None:
    await send(smtp, {"other.example": ["v=spf1 +all"]}, sender="b@other.example")
    await wrote(smtp, to)


async def nothing(_: Smtp) -> None:
    """The author is a stranger."""


KNOWING: dict[str, Callable[[Smtp], Awaitable[None]]] = {
    "nothing": nothing,
    "archived": archived,
    "archived without proof": partial(archived, proven=False),
    "of the domain": partial(archived, mail=MAIL.replace(b"ann@", b"bob@")),
    "of the domain without proof": partial(archived, mail=MAIL.replace(b"ann@", b"bob@"), proven=False),
    "written to": partial(written_to, to="ann@remote.example"),
    "written to the domain": partial(written_to, to="bob@remote.example"),
    "contact": is_contact,
}
"""Ways to know an author."""


@pytest.mark.parametrize("policy", [[], ["v=DMARC1; p=none"]])
@pytest.mark.parametrize("knows", KNOWING.values(), ids=list(KNOWING))
async def test_knowing_an_author_lets_no_forgery_in(
    smtp: Smtp, knows: Callable[[Smtp], Awaitable[None]], policy: list[str]
) -> None:
    """SMTP-88..90: whatever is known of the author whom a forgery names; the author's own mail comes in."""
    await knows(smtp)
    forbidden = {**FORBIDDEN, DMARC: policy}
    for _ in range(3):
        forged = await send(smtp, forbidden, remote="203.0.113.9", hello="EHLO evil.example")
        assert forged.startswith("451 4.3.0")
        assert await reason(smtp, "Rejects") == "spf-policy"
        await mark(smtp, Flag.NOTJUNK)
    assert (await send(smtp, forbidden, proven=True)).startswith("250")


@pytest.mark.parametrize("knows", KNOWING.values(), ids=list(KNOWING))
async def test_knowing_an_author_introduces_no_forgery(smtp: Smtp, knows: Callable[[Smtp], Awaitable[None]]) -> None:
    """SMTP-89: mail without proof goes to the introbox, and never comes out of it by being wanted."""
    await knows(smtp)
    path = smtp.context.config.path.with_name("domains.toml")
    path.write_text(path.read_text().replace("[accounts.mia]\n", '[accounts.mia]\nintrobox = "New"\n'))
    context = smtp.configured("")
    [inbox] = await count(smtp, "Inbox")
    for number in range(3):
        assert (await send(smtp, {"remote.example": [], DMARC: []}, context=context)).startswith("250")
        await mark(smtp, Flag.NOTJUNK)
        assert await count(smtp, "Inbox", "New") == (inbox, number + 1)


async def test_junk_in_the_name_of_an_author_is_refused_without_reverse_name(smtp: Smtp) -> None:
    """SMTP-91: also of an author whose own mail was wanted."""
    await archived(smtp)
    world: dict[str, list[str]] = {DMARC: [], "remote.example": ["v=spf1 ?all"]}
    assert (await send(smtp, world, remote="198.51.100.8")).startswith("451 4.3.0")
    assert await reason(smtp, "Rejects") == "iprev"
    assert (await send(smtp, world, remote="198.51.100.8", proven=True)).startswith("250")


async def test_a_contact_is_no_junk_by_history_alone(smtp: Smtp) -> None:
    """SMTP-88 contact: of a proven address, before the domain's other authors; after junk twice content decides."""
    contact = Contact(uid="1", name="Ann", emails=(Entry(value="Ann@remote.example"),))
    async with smtp.context.accounts.use("mia") as account:
        await account.write(lambda tx: save_contact(tx, contact))
    for other in (b"ben@", b"cy@", b"dan@"):
        assert (await send(smtp, mail=MAIL.replace(b"ann@", other))).startswith("250")
    await mark(smtp, Flag.JUNK)
    assert (await send(smtp, mail=MAIL.replace(b"ann@", b"eve@"))).startswith("451")
    assert (await send(smtp)).startswith("250")
    assert await reason(smtp) == "contact"
    # her name without proof: as of any stranger of that domain
    assert (await send(smtp, {"remote.example": [], DMARC: []})).startswith("451")
    assert await reason(smtp, "Rejects") == "msgfromdomain"
    await mark(smtp, Flag.JUNK)
    assert (await send(smtp)).startswith("250")
    assert await reason(smtp) == "no-bad-signals"
    assert "earlier mail: junk by msgfromfull" in headers((await smtp.messages())[-1], "X-Moxlite-Reason")[0]


async def test_a_contact_is_known(smtp: Smtp) -> None:
    """SMTP-89: its mail is not kept apart from the Inbox, but for mail in its name."""
    contact = Contact(uid="1", name="Ann", emails=(Entry(value="ann@remote.example"),))
    async with smtp.context.accounts.use("mia") as account:
        await account.write(lambda tx: save_contact(tx, contact))
    path = smtp.context.config.path.with_name("domains.toml")
    path.write_text(path.read_text().replace("[accounts.mia]\n", '[accounts.mia]\nintrobox = "New"\n'))
    context = smtp.configured("")
    assert (await send(smtp, context=context)).startswith("250")
    assert (await send(smtp, {"remote.example": [], DMARC: []}, context=context)).startswith("250")
    assert await count(smtp, "Inbox", "New") == (1, 1)


async def test_history_that_cannot_be_read_makes_the_sender_try_again(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """SMTP-96."""

    def broken(*_: object) -> None:
        raise StorageBroken("disk I/O error")

    monkeypatch.setattr(gathering, "reputation", broken)
    caplog.set_level("INFO", logger="moxlite.smtpd")
    assert (await send(smtp)).startswith("451 4.3.0")
    assert refusals_logged(caplog) == ["reputation-error"]


async def test_spf_alone_refuses_only_a_fail_without_other_proof(smtp: Smtp) -> None:
    """SMTP-90: softfail never; nor a fail of a forwarder whose author's signature holds."""
    world: dict[str, list[str]] = {DMARC: []}
    assert (await send(smtp, {**world, "remote.example": ["v=spf1 ~all"]})).startswith("250")
    assert (await send(smtp, {**world, **FORBIDDEN}, proven=True)).startswith("250")
    assert (await send(smtp, {**world, **FORBIDDEN}, MAIL.replace(b"ann@", b"bob@"))).startswith("451 4.3.0")
    assert await reason(smtp, "Rejects") == "spf-policy"


@pytest.mark.parametrize(
    ("probability", "significant", "remote", "word"),
    [
        (1.0, True, "198.51.100.7", "junk-content"),
        (1.0, False, "198.51.100.7", "no-bad-signals"),
        (0.5, True, "198.51.100.7", "no-bad-signals"),
        (0.6, True, "198.51.100.8", "junk-content-strict"),
        (0.6, False, "198.51.100.8", "no-bad-signals"),
    ],
)
async def test_content_decides_about_strangers(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch, probability: float, significant: bool, remote: str, word: str
) -> None:
    """SMTP-93: strictly where the client has no reverse name; a filter that doesn't know yet refuses nothing, and says
    what is missing.
    """

    async def judged(*_: object) -> Judgement:
        return judgement(probability, *() if significant else (Lack("spams", 2, 50),))

    monkeypatch.setattr(gathering, "classify", judged)
    context = with_rules(smtp, account=FILTER)
    answer = await send(smtp, {DMARC: [], "remote.example": []}, context=context, remote=remote)
    junk = word.startswith("junk")
    assert answer.startswith("451 4.3.0" if junk else "250")
    box = "Rejects" if junk else "Inbox"
    assert await reason(smtp, box) == word
    [trace] = headers((await smtp.messages(mailbox=box))[-1], "X-Moxlite-Reason")
    said = " ".join(trace.split())
    assert ("junk filter: doesn't know yet, has 2 of 50 junk messages" in said) is not significant


BOUNCE = (
    b"From: <ann@remote.example>\r\nTo: <mia@ours.example>\r\nSubject: failed\r\nMessage-Id: <1@remote.example>\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
    b"--b\r\n\r\nsorry\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; remote.example\r\n"
    b"\r\nFinal-Recipient: rfc822; bob@remote.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
    b"--b\r\nContent-Type: text/rfc822-headers\r\n\r\n%b\r\n--b--\r\n"
)


async def wrote(smtp: Smtp, to: str, ago: float = 0.0) -> None:
    """Let mia have written to an address."""
    address = Address.parse(to)
    name = MailAddress("", str(address.localpart), address.domain.ascii)
    sent = time.time_ns() // 1000 - int(ago * DAY)

    def unit(tx: Tx) -> None:
        [[number]] = tx.rows("SELECT max(id) FROM message")
        add_recipients(tx, number, [name], sent)

    async with smtp.context.accounts.use("mia") as account:
        await account.write(unit)


@pytest.mark.parametrize(
    ("returned", "written", "ago", "word"),
    [
        (b"Message-Id: <sent@ours.example>\r\n", "", 0, "no-bad-signals"),
        (b"Message-Id: <never@ours.example>\r\n", "", 0, "stray-bounce"),
        (b"Subject: x\r\n", "", 0, "stray-bounce"),
        (b"Subject: x\r\n", "bob@remote.example", 29, "no-bad-signals"),
        (b"Subject: x\r\n", "bob@remote.example", 31, "stray-bounce"),
        (b"Subject: x\r\n", "list@forwarder.example", 1, "msgtoorgdomain"),
    ],
)
async def test_a_bounce_of_nothing_that_was_sent_goes_to_rejects(
    smtp: Smtp, returned: bytes, written: str, ago: float, word: str
) -> None:
    """SMTP-110, SMTP-78: what fits is a Message-ID of the account, a recipient written to in 30 days, or the forwarder
    that sends it, by its proven name; `why` has a word.
    """
    await send(smtp, mail=MAIL.replace(b"1@remote.example", b"sent@ours.example"), proven=True)
    before = await count(smtp, "Inbox", "Rejects")
    if written:
        await wrote(smtp, written, ago)
    bounce = BOUNCE % returned
    records: dict[str, list[str]] = {DMARC: [], "remote.example": []}
    if "forwarder" in written:
        bounce = bounce.replace(b"ann@remote", b"daemon@mx.forwarder")
        records |= {"mx.forwarder.example": ["v=spf1 ip4:198.51.100.7 -all"]}
    answer = await send(smtp, records, bounce, sender="", hello="EHLO mx.forwarder.example")
    after = await count(smtp, "Inbox", "Rejects")
    if word == "stray-bounce":
        assert answer.startswith("550 5.7.1 this bounce is for a message that this server didn't send")
        assert after == (before[0], before[1] + 1)
        assert "bounce for a message that wasn't sent from here" in headers(
            await smtp.one(mailbox="Rejects"), "X-Moxlite-Reason"
        )[0].replace("\r\n", "")
    else:
        assert answer.startswith("250")
        assert after == (before[0] + 1, before[1])
    assert await reason(smtp, "Rejects" if word == "stray-bounce" else "Inbox") == word


async def test_without_rejects_a_stray_bounce_goes_to_junk(smtp: Smtp) -> None:
    """SMTP-110: accepted, and not learnt from; also where earlier mail of its author was wanted."""
    path = smtp.context.config.path.with_name("domains.toml")
    text = path.read_text()
    assert 'rejects_mailbox = "Rejects"' in text
    path.write_text(text.replace('rejects_mailbox = "Rejects"', ""))
    context = smtp.configured("")
    await send(smtp, proven=True, context=context)
    await mark(smtp, Flag.NOTJUNK)
    answer = await send(smtp, {DMARC: []}, BOUNCE % b"Subject: x\r\n", sender="", context=context, proven=True)
    assert answer.startswith("250")
    assert await count(smtp, "Inbox", "Rejects", "Junk") == (1, 0, 1)
    assert await reason(smtp, "Junk") == "stray-bounce"


async def test_the_queue_is_asked_about_a_bounce(smtp: Smtp) -> None:
    """SMTP-110, QUEUE-175: by account, address, Message-ID and recipients; what a program has sent has no copy."""
    asked: list[object] = []

    async def sent(*args: object) -> bool:
        asked.append(args)
        return True

    context = msgspec.structs.replace(smtp.context, sent=sent)
    bounce = BOUNCE % b"Message-Id: <program@ours.example>\r\n"
    assert (await send(smtp, {DMARC: [], "remote.example": []}, bounce, sender="", context=context)).startswith("250")
    assert asked == [("mia", "mia@ours.example", "<program@ours.example>", ("bob@remote.example",))]
    assert await count(smtp, "Inbox", "Rejects") == (1, 0)


@pytest.mark.parametrize(
    ("answer", "word"),
    [("127.0.0.2", "dns-blocklisted"), ("127.255.255.254", "no-bad-signals"), ("", "no-bad-signals")],
)
async def test_block_lists_are_asked_last(smtp: Smtp, answer: str, word: str) -> None:
    """SMTP-94, AUTH-61, AUTH-62: a list that does not work, or does not serve us, refuses nothing."""
    context = smtp.configured('starttls = false=>starttls = false, dnsbls = ["bl.example", "broken.example"]')
    resolver = zone()
    for name, value in (("2.0.0.127.bl.example", "127.0.0.2"), ("9.114.0.203.bl.example", answer)):
        resolver.set(name, RecordType.A, [value] if value else [])
    async with smtp.connect(context=_with(context, resolver), remote="203.0.114.9", tls=TLS) as client:
        reply = await client.deliver(message=await signed())
    assert reply.startswith("250" if word == "no-bad-signals" else "451 4.3.0")
    assert await reason(smtp, "Inbox" if word == "no-bad-signals" else "Rejects") == word
    asked = [name for name, _ in resolver.asked]
    assert ("9.114.0.203.broken.example." in asked) is False


# First contact


async def first_contact(smtp: Smtp, **more: Any) -> tuple[Context, bytes]:
    context = smtp.configured('first_time_sender_delay = "0s"=>first_time_sender_delay = "15s"')
    return _with(context, zone()), await signed()


async def begin(client: Client, mail: bytes) -> None:
    await client.play(
        "C: MAIL FROM:<ann@remote.example>\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250\nC: DATA\nS: 354"
    )
    await client.send(mail + b".\r\n")


async def test_a_first_contact_waits(smtp: Smtp, clock: trio.testing.MockClock) -> None:
    """SMTP-97: before storing; what the client says meanwhile is not lost; accounts stay writable."""
    context, mail = await first_contact(smtp)
    waited = delayed_total.labels(result="waited").value
    async with smtp.connect(context=context, tls=TLS) as client:
        await begin(client, mail)
        await client.send(b"NOOP\r\n")
        await pass_time(clock, 14)
        assert await count(smtp, "Inbox") == (0,)
        async with smtp.connect(tls=TLS) as other:  # without checks nobody waits
            assert (await other.deliver()).startswith("250")
        await pass_time(clock, 2)
        assert (await client.reply()).startswith("250 2.0.0 message accepted")
        assert (await client.reply()).startswith("250 2.0.0 ok")
        await client.play("C: QUIT\nS: 221")
    assert await count(smtp, "Inbox") == (2,)
    assert delayed_total.labels(result="waited").value == waited + 1


async def test_the_wait_ends_with_the_client(smtp: Smtp, clock: trio.testing.MockClock) -> None:
    """SMTP-97, SMTP-146: nothing is stored for a client that is gone."""
    context, mail = await first_contact(smtp)
    gone = delayed_total.labels(result="gone").value
    async with smtp.connect(context=context, tls=TLS) as client:
        await begin(client, mail)
        await pass_time(clock, 5)
    assert await count(smtp, "Inbox") == (0,)
    assert delayed_total.labels(result="gone").value == gone + 1


@pytest.mark.parametrize("stored", [True, False], ids=["stored", "busy"])
async def test_of_many_accounts_only_those_that_know_the_sender_store_before_the_wait(
    smtp: Smtp, clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch, stored: bool
) -> None:
    """SMTP-97, SMTP-108: a client that gives up comes again, and they have the message once; one that could not store
    it then has it as well.
    """
    assert (await send(smtp)).startswith("250")
    await mark(smtp, Flag.NOTJUNK)
    monkeypatch.setattr(deliver, "MANY", 0)
    errors: dict[str, StoreError] = {} if stored else {"mia": StorageBusy("locked")}
    await fail_for(smtp, monkeypatch, errors)

    async def in_order(names: Iterable[str], work: Callable[[str], Awaitable[None]]) -> None:
        for name in names:
            await work(name)

    monkeypatch.setattr(deliver, "_each", in_order)
    context, mail = await first_contact(smtp)
    both = "C: MAIL FROM:<ann@remote.example>\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250\n"
    both += "C: RCPT TO:<bo@ours.example>\nS: 250\nC: DATA\nS: 354"
    async with smtp.connect(context=context, tls=TLS) as client:
        await client.play(both)
        await client.send(mail + b".\r\n")
        await pass_time(clock, 5)
        assert (len(await smtp.messages("mia")), len(await smtp.messages("bo"))) == (2 if stored else 1, 0)
    errors.clear()
    async with smtp.connect(context=context, tls=TLS) as client:
        await client.play(both)
        await client.send(mail + b".\r\n")
        await pass_time(clock, 16)
        assert (await client.reply()).startswith("250")
    assert (len(await smtp.messages("mia")), len(await smtp.messages("bo"))) == (2, 1)


async def test_the_wait_ends_with_the_server(smtp: Smtp, clock: trio.testing.MockClock) -> None:
    """SMTP-16, SMTP-97."""
    context, mail = await first_contact(smtp)
    async with smtp.connect(context=context, tls=TLS) as client:
        await begin(client, mail)
        await pass_time(clock, 5)
        smtp.shutdown.set()
        assert (await client.reply()).startswith("421")
    assert await count(smtp, "Inbox") == (0,)


async def test_known_senders_do_not_wait(
    smtp: Smtp, clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SMTP-97: nor do others while many wait."""
    assert (await send(smtp)).startswith("250")
    await mark(smtp, Flag.NOTJUNK)
    context, mail = await first_contact(smtp)
    async with smtp.connect(context=context, tls=TLS) as client:
        await begin(client, mail)
        assert (await client.reply()).startswith("250")
        monkeypatch.setattr(deliver, "_waiting", deliver._WaitingClients(0))
        await begin(client, MAIL.replace(b"ann@remote", b"new@other"))
        assert (await client.reply()).startswith(("250", "550"))


# What is easily skipped


async def test_history_is_that_of_the_mailbox_that_the_mail_is_for(smtp: Smtp) -> None:
    """SMTP-88, STORE-91: junk for one address says nothing about another mailbox."""
    for _ in range(2):
        assert (await send(smtp, to="filed@ours.example")).startswith("250")
    await mark(smtp, Flag.JUNK)
    assert (await send(smtp, to="filed@ours.example")).startswith("451")
    assert (await send(smtp)).startswith("250")


async def test_refused_mail_is_no_history_until_its_owner_takes_it_out(smtp: Smtp) -> None:
    """SMTP-88, SMTP-102: copies in Rejects count for nothing, even marked; moved into the Inbox they count."""
    world: dict[str, list[str]] = {DMARC: []}
    forbidden = {**world, **FORBIDDEN}
    for _ in range(3):
        assert (await send(smtp, forbidden)).startswith("451 4.3.0")
    assert await reason(smtp, "Rejects") == "spf-policy"
    await mark(smtp, Flag.JUNK)
    assert (await send(smtp, world, proven=True)).startswith("250")
    assert await reason(smtp) == "no-bad-signals"


async def test_proven_and_unproven_mail_have_histories_of_their_own(smtp: Smtp) -> None:
    """SMTP-88: who pretends to be a friend is not a friend, and does not make the friend junk."""
    world: dict[str, list[str]] = {DMARC: [], "remote.example": ["v=spf1 ?all"]}
    assert (await send(smtp, world, proven=True)).startswith("250")
    await mark(smtp, Flag.NOTJUNK)
    assert (await send(smtp, world)).startswith("250")
    assert await reason(smtp) != "msgfromfull"
    async with smtp.context.accounts.use("mia") as account:
        await account.write(lambda tx: store_flags_ids(tx, [2], mode="add", flags=Flag.JUNK))
    assert (await send(smtp, world, proven=True)).startswith("250")
    assert await reason(smtp) == "msgfromfull"


async def test_what_is_refused_and_then_accepted_stands_once_in_the_inbox(smtp: Smtp) -> None:
    """SMTP-99, SMTP-102: the copy in Rejects goes when the sender's next try is accepted."""
    mail = await signed()
    world: dict[str, list[str]] = {DMARC: []}
    async with smtp.connect(context=_with(smtp.context, zone({**world, **FORBIDDEN})), tls=TLS) as client:
        assert (await client.deliver(message=MAIL)).startswith("451 4.3.0")
        assert (await client.deliver(message=MAIL)).startswith("451 4.3.0")
    assert await count(smtp, "Inbox", "Rejects") == (0, 1)
    async with smtp.connect(context=_with(smtp.context, zone(world)), tls=TLS) as client:
        assert (await client.deliver(message=mail)).startswith("250")
    assert await count(smtp, "Inbox", "Rejects") == (1, 0)


@pytest.mark.parametrize(("target", "inbox"), [("Inbox", 1), ("Archive", 0), ("Trash", 1)])
async def test_what_its_owner_took_out_of_rejects_does_not_come_twice(smtp: Smtp, target: str, inbox: int) -> None:
    """SMTP-99, STORE-74: the next try is accepted and is where the owner put it; from Trash it comes back."""
    world: dict[str, list[str]] = {DMARC: []}
    async with smtp.connect(context=_with(smtp.context, zone({**world, **FORBIDDEN})), tls=TLS) as client:
        assert (await client.deliver(message=MAIL)).startswith("451 4.3.0")
    async with smtp.context.accounts.use("mia") as account:
        rejects, box = await account.read(
            lambda r: (mailbox_by_name(r, "Rejects"), mailbox_by_name(r, target)), op="test"
        )
        assert rejects is not None
        assert box is not None
        await account.write(lambda tx: move_messages(tx, rejects.id, [1], box.id))
    async with smtp.connect(context=_with(smtp.context, zone(world)), tls=TLS) as client:
        assert (await client.deliver(message=MAIL)).startswith("250")
    assert await count(smtp, "Inbox", "Rejects") == (inbox, 0)
    if target != "Inbox":
        assert await count(smtp, target) == (1,)


async def test_a_full_account_refuses_for_now(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-99: 452 4.2.2, nothing is stored."""
    await fail_for(smtp, monkeypatch, {"mia": OverQuota(5, 5)})
    assert (await send(smtp)).startswith("452 4.2.2")
    assert await count(smtp, "Inbox", "Rejects") == (0, 0)


async def test_senders_without_proof_have_a_transaction_for_each_recipient(smtp: Smtp) -> None:
    """SMTP-69: a notice about one of several recipients would go to somebody else; SPF is asked once (SMTP-73)."""
    for txt, reply in (("v=spf1 ip4:198.51.100.7 -all", "250"), ("v=spf1 ?all", "452 4.5.3"), ("", "452 4.5.3")):
        resolver = zone({"remote.example": [txt] if txt else []})
        async with smtp.connect(context=_with(smtp.context, resolver), tls=TLS) as client:
            await client.play("C: MAIL FROM:<ann@remote.example>\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250")
            await client.play(f"C: RCPT TO:<bo@ours.example>\nS: {reply}\nC: RCPT TO:<shut@ours.example>\nS: {reply}")
            await client.play("C: DATA\nS: 354")
            await client.send(await signed() + b".\r\n")
            assert (await client.reply()).startswith("250")
        asked = [name for name, kind in resolver.asked if kind == RecordType.TXT and name == "remote.example."]
        assert len(asked) == 1
    assert len(await smtp.messages("bo")) == 1
