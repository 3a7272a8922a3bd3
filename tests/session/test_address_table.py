"""The table of addresses: four domains in U-labels and A-labels, with four localparts in NFC and NFD. Each spelling is
the same address of its owner, and the same person, for everything that compares addresses (SMTP-2a).
"""

import unicodedata
from collections.abc import AsyncIterator
from functools import partial
from itertools import product
from pathlib import Path

import msgspec
import pytest

from moxlite.acceptance import gathering
from moxlite.config.snapshot import AccountRecipient, owns
from moxlite.proto.address import Address, AddressKey
from moxlite.queue.data.suppression import base_address
from moxlite.store.file.transaction import Reader
from moxlite.store.junk.score import Judgement, sender_of
from moxlite.store.mail.masked import checked_senders, fits_sender, masked_key
from moxlite.store.people.correspondents import is_known, suggest
from moxlite.store.people.gathering import Gatherer
from tests.jmap_rig import Client as Program, rig
from tests.session.smtpd_harness import DOMAINS as CONFIG, TLS, Client, Smtp, clock, headers, judgement, serving
from tests.session.test_smtpd_checks import zone
from tests.session.test_smtpd_sieve import agree, failed, install
from tests.session.test_smtpd_submission import let
from tests.session.test_web_dav import calendar
from tests.session.test_web_dav_scheduling import Office, Post, line
from tests.store_mail import deliver_mail, prepared
from tests.web_rig import DOMAINS as WEB, Rig, serving as serving_pages

pytestmark = pytest.mark.served

__all__ = ["clock", "rig"]

DOMAINS = ("bücher.example", "παράδειγμα.example", "例子.example", "مثال.example")
LOCALPARTS = ("mia", "jürg", "δοκιμή", "علی‌رضا")
OWN = [f"{localpart}@{domain}" for domain, localpart in product(DOMAINS, LOCALPARTS)]

SCRIPT = f"""require ["vacation", "imap4flags", "envelope"];
if address :is "to" [{", ".join(f'"{address}"' for address in OWN)}] {{ addflag "by-header"; }}
if envelope :is "to" [{", ".join(f'"{address}"' for address in OWN)}] {{ addflag "by-envelope"; }}
vacation :days 30 "away";
"""

RULE = """[[accounts.{account}.destinations."{address}".rulesets]]
conditions = [{{ part = "to", test = "is", value = "{address}" }}]
label = "by-rule"
"""


def rows(address: str) -> list[str]:
    """The spellings of an address: its domain in U-labels and A-labels, its localpart in NFC and NFD."""
    localpart, _, domain = address.partition("@")
    return [
        f"{unicodedata.normalize(form, localpart)}@{label}"
        for label in (domain, domain.encode("idna").decode())
        for form in ("NFC", "NFD")
    ]


def configuration() -> str:
    """The domains, with each address as mia's own one, as an alias below `list.`, as another account's address below
    `team.`, and a catch-all below `all.`.
    """
    pieces = [CONFIG]
    for domain in DOMAINS:
        pieces.append(
            f'[domains."{domain}"]\n[domains."all.{domain}"]\n[domains."list.{domain}"]\n[domains."team.{domain}"]\n'
        )
        for localpart in LOCALPARTS:
            alias = f'[domains."list.{domain}".aliases."{localpart}"]\naddresses = ["bo@ours.example"]\n'
            pieces.append(f"{alias}post_public = true\n")
            pieces.append(f'[accounts.mia.destinations."{localpart}@{domain}"]\n')
            pieces.append(RULE.format(account="mia", address=f"{localpart}@{domain}"))
            pieces.append(f'[accounts.shut.destinations."{localpart}@team.{domain}"]\n')
        pieces.append(f'[accounts.mia.destinations."@all.{domain}"]\n')
    return "".join(pieces)


@pytest.fixture
async def smtp(tmp_path: Path) -> AsyncIterator[Smtp]:
    """A server with the addresses of the table."""
    async with serving(tmp_path, domains=configuration()) as server:
        yield server


async def send(client: Client, sender: str, to: str, shown: str) -> None:
    """Deliver a message, whose To has the address in the spelling `shown`."""
    await client.play(
        f"C: MAIL FROM:<{sender}> SMTPUTF8\nS: 250 2.1.0\nC: RCPT TO:<{to}>\nS: 250 2.1.5\nC: DATA\nS: 354"
    )
    await client.send(f"From: <{sender}>\r\nTo: <{shown}>\r\nSubject: hello\r\n\r\ntext\r\n.\r\n".encode())
    assert (await client.reply()).startswith("250"), (sender, to, shown)


async def keywords(smtp: Smtp) -> list[str]:
    """The keywords of mia's messages."""
    async with smtp.context.accounts.use("mia") as account:
        found = await account.read(lambda r: r.rows("SELECT keywords FROM message"), op="test")
    return [words for (words,) in found]


async def test_a_script_and_people_are_the_same_in_each_spelling(smtp: Smtp) -> None:
    """SMTP-2a, SMTP-161, STORE-96: envelope, header and author have three spellings at once. Each person gets one
    vacation reply, and is one correspondent.
    """
    await install(smtp, SCRIPT)
    people = [address.replace(".example", ".test") for address in OWN]
    async with smtp.connect(trusted=True) as client:
        await client.say("EHLO peer.test")
        for address, person in zip(OWN, people, strict=True):
            spellings, authors = rows(address), rows(person)
            for at, spelling in enumerate(spellings):
                await send(client, authors[at], spelling, spellings[at - 1])
    assert await keywords(smtp) == ["by-envelope by-header by-rule"] * len(OWN) * 4
    answered = [queued.submission.recipients[0].address for queued in await smtp.carried()]
    assert sorted(map(str, answered)) == sorted(people)
    async with smtp.context.accounts.use("mia") as account:
        await Gatherer(account).once()
        suggestions, _ = await account.read(lambda r: suggest(r, ".test", 100), op="test")
        assert sorted(f"{one.localpart}@{one.domain}" for one in suggestions) == sorted(people)
        for person in people:
            for spelling in rows(person):
                typed = spelling.partition("@")[0]
                assert len((await account.read(partial(suggest, text=typed, limit=100), op="test"))[0]) == 4


async def test_rules_aliases_and_catch_alls_are_the_same_in_each_spelling(smtp: Smtp) -> None:
    """SMTP-2a, SMTP-70: rules by the address in To; members of aliases; addresses of a catch-all."""
    async with smtp.connect(trusted=True) as client:
        await client.say("EHLO peer.test")
        for address in OWN:
            spellings = rows(address)
            for at, spelling in enumerate(spellings):
                await send(client, "ann@peer.test", spelling, spellings[at - 1])
                await send(client, "ann@peer.test", spelling.replace("@", "@list."), spellings[at - 1])
                await send(client, "ann@peer.test", spelling.replace("@", "@all."), spellings[at - 1])
    labels = await keywords(smtp)
    assert labels.count("by-rule") == len(OWN) * 4
    assert len(labels) == len(OWN) * 4 * 2
    assert len(await smtp.messages("bo")) == len(OWN) * 4


async def test_keys_are_the_same_in_each_spelling(smtp: Smtp) -> None:
    """SMTP-2a, QUEUE-80, MASK-4: owners, senders, suppression, masked addresses, and senders of junk."""
    snapshot = smtp.context.config.current
    for address in OWN:
        spellings = [Address.parse(spelling) for spelling in rows(address)]
        for spelling in spellings:
            assert isinstance(snapshot.lookup(spelling), AccountRecipient)
            assert owns(snapshot, "mia", spelling)
            assert snapshot.may_send_as("mia", spelling)
            assert all(fits_sender(spelling, checked_senders([text])) for text in rows(address))
        assert {base_address(text.replace("@", "+more@")) for text in rows(address)} == {address}
        assert {AddressKey.parse(text) for text in rows(address)} == {spellings[0].key}
        assert {masked_key(spelling) for spelling in spellings} == {address}
        messages = [f"From: {text}\r\n\r\nx".encode() for text in rows(address)]
        assert len({sender_of((await prepared(message)).index) for message in messages}) == 1


async def test_a_person_to_whom_mail_went_is_known_in_each_spelling(smtp: Smtp) -> None:
    """SMTP-2a, WEBMAIL-161."""
    people = [address.replace(".example", ".test") for address in OWN]
    async with smtp.user() as client:
        for person in people:
            await send(client, "mia@ours.example", person, person)

    def known(r: Reader) -> list[bool]:
        spelled = [text.partition("@") for person in people for text in rows(person)]
        return [
            is_known(r, localpart, Address.parse(f"x@{domain}").domain.unicode, 0) for localpart, _, domain in spelled
        ]

    async with smtp.context.accounts.use("mia") as account:
        assert all(await account.read(known, op="test"))


async def test_programs_find_each_address_in_each_spelling(rig: Rig) -> None:
    """SMTP-2a, JMAP-20, JMAP-24: by sender and recipient; people see U-labels."""
    async with rig.account() as account:
        for address in OWN:
            for text in rows(address):
                await deliver_mail(account, f"From: <{text}>\r\nTo: <{text}>\r\n\r\nx\r\n".encode())
    program = Program(rig)
    for address in OWN:
        for text in rows(address):
            found = await program.call("Email/query", filter={"from": text, "to": text})
            assert len(found["ids"]) == 4, text
        emails = await program.call("Email/get", ids=found["ids"], properties=["from", "to"])
        shown = [email[field][0]["email"] for email in emails["list"] for field in ("from", "to")]
        assert {unicodedata.normalize("NFC", text) for text in shown} == {address}


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """A server on which the addresses are mia's, who takes everybody's invitations."""
    own = "".join(f'[domains."{domain}"]\n' for domain in DOMAINS)
    own += "".join(f'[accounts.mia.destinations."{address}"]\n' for address in OWN)
    text = WEB.replace("[accounts.mia]\n", '[accounts.mia]\ninvitations = "all"\n')
    async with serving_pages(tmp_path, domains=text + own) as pages:
        office = Office(pages)
        await office.begin()
        yield office


def planned(uid: str, organizer: str, guest: str, state: str) -> str:
    """An event of two people."""
    times = (f"UID:{uid}", "DTSTAMP:20261101T000000Z", "DTSTART:20991124T100000Z", "DTEND:20991124T110000Z")
    guests = (f"ORGANIZER:mailto:{organizer}", f"ATTENDEE;PARTSTAT={state};RSVP=TRUE:mailto:{guest}")
    return calendar(*times, "SUMMARY:Plan", *guests)


async def test_invitations_come_and_are_canceled_in_each_spelling(office: Office) -> None:
    """SMTP-2a, SMTP-2f, DAV-29: author, organizer and guest have three spellings at once (REQUEST, CANCEL)."""
    post = Post(office)
    for at, (own, person) in enumerate(zip(OWN, reversed(OWN), strict=True)):
        mine, theirs = rows(own), rows(person.replace(".example", ".test"))
        for turn in range(4):
            uid = f"{at}-{turn}"
            asked = planned(uid, theirs[turn], mine[turn - 1], "NEEDS-ACTION")
            await post.send(asked, author=theirs[turn - 2])
            assert "SUMMARY:Plan" in await office.entry("mia", uid), (theirs[turn], mine[turn - 1])
            await post.send(planned(uid, theirs[turn - 3], mine[turn], "NEEDS-ACTION"), "CANCEL", author=theirs[turn])
            assert "STATUS:CANCELLED" in await office.entry("mia", uid), (theirs[turn - 3], mine[turn])


async def test_answers_of_guests_come_in_each_spelling(office: Office) -> None:
    """SMTP-2a, DAV-26, DAV-29: the guest was asked in one spelling, and answers from another in a third one (REPLY)."""
    post = Post(office)
    for at, (own, person) in enumerate(zip(OWN, reversed(OWN), strict=True)):
        mine, theirs = rows(own), rows(person.replace(".example", ".test"))
        for turn in range(4):
            uid = f"{at}-{turn}"
            made = await office.mia.put(f"{uid}.ics", planned(uid, mine[turn], theirs[turn - 1], "NEEDS-ACTION"))
            assert made.status == 201
            answer = planned(uid, mine[turn - 3], theirs[turn - 2], "TENTATIVE")
            await post.send(answer, "REPLY", author=theirs[turn])
            assert line(await office.entry("mia", uid), "ATTENDEE", "tentative"), (theirs[turn - 1], theirs[turn - 2])
    asked = {mail["To"].addresses[0].addr_spec for mail in office.mails}
    assert len(asked) == len(OWN)


async def test_a_redirect_is_agreed_to_and_ends_in_each_spelling(smtp: Smtp) -> None:
    """SMTP-2a, SMTP-160a: the owner agreed in one spelling, the script has another one; Delivered-To has a third."""
    people = [address.replace(".example", ".test") for address in OWN]
    async with smtp.connect(trusted=True) as client:
        await client.say("EHLO peer.test")
        for at, person in enumerate(people):
            spellings = rows(person)
            await agree(smtp, spellings[at % 4])
            await install(smtp, f'redirect "{spellings[at % 4 - 1]}";')
            await send(client, "ann@peer.test", "mia@ours.example", "mia@ours.example")
            for passed in spellings:
                await client.play(
                    "C: MAIL FROM:<ann@peer.test> SMTPUTF8\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250"
                )
                await client.play("C: DATA\nS: 354")
                await client.send(f"Delivered-To: {passed}\r\nFrom: <ann@peer.test>\r\n\r\n{passed}\r\n.\r\n".encode())
                assert (await client.reply()).startswith("250")
    sent = [str(queued.submission.recipients[0].address) for queued in await smtp.carried()]
    assert sent == people
    assert len(await smtp.messages()) == 4 * len(people)
    assert all("would loop" in text for text in await failed(smtp))


async def test_a_delegate_sends_from_each_spelling(smtp: Smtp) -> None:
    """SMTP-2a, SMTP-189: envelope and From have two spellings."""
    await let(smtp, "mia", "as")
    async with smtp.user() as client:
        for address in OWN:
            spellings = rows(address.replace("@", "@team."))
            for at, spelling in enumerate(spellings):
                await client.play(f"C: MAIL FROM:<{spelling}> SMTPUTF8\nS: 250\nC: RCPT TO:<bo@ours.example>\nS: 250")
                await client.play("C: DATA\nS: 354")
                await client.send(f"From: <{spellings[at - 1]}>\r\nSubject: x\r\n\r\nx\r\n.\r\n".encode())
                assert (await client.reply()).startswith("250"), (spelling, spellings[at - 1])
    assert len(await smtp.carried()) == 4 * len(OWN)


async def test_mail_to_an_own_address_is_judged_alike_in_each_spelling(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SMTP-2a, SMTP-93: To names the address, so the limit isn't the strict one, however both are spelled."""

    async def judged(*_: object) -> Judgement:
        return judgement(0.6)

    monkeypatch.setattr(gathering, "classify", judged)
    path = smtp.context.config.path.with_name("domains.toml")
    path.write_text(path.read_text() + "[accounts.mia.junk_filter]\nthreshold = 0.9\nonegrams = true\n")
    context = msgspec.structs.replace(smtp.configured(""), resolver=zone())
    async with smtp.connect(context=context, tls=TLS) as client:
        await client.say("EHLO mx.remote.example")
        for address in OWN:
            spellings = rows(address)
            for at, spelling in enumerate(spellings):
                await send(client, "ann@remote.example", spelling, spellings[at - 1])
    reasons = [headers(message, "X-Moxlite-Reason")[0].partition(";")[0] for message in await smtp.messages()]
    assert reasons == ["no-bad-signals"] * 4 * len(OWN)
