"""Writing mail: what an answer begins with, and a draft as a message (WEBMAIL-88..92, 98, 99)."""

import email
import email.policy
from functools import partial

import msgspec
import pytest

from moxlite.compose import reply
from moxlite.compose.draft import BadDraft, Draft, File, check, message, recipients
from moxlite.compose.reply import AccountAddresses, Answer, Kind, Original, PlainText, quotable, quote
from moxlite.proto.address import Address
from moxlite.proto.mime.types import Envelope, MailAddress


def at(text: str, name: str = "") -> MailAddress:
    localpart, _, domain = text.rpartition("@")
    return MailAddress(name, localpart, domain)


def is_own(address: Address) -> bool:
    return address.localpart.partition("+")[0] == "mia" and address.domain.ascii == "ours.example"


OWN = AccountAddresses(
    "mia", at("mia@ours.example", "Mia M"), is_own, is_own, is_own, lambda _: False, "ours.example".__eq__
)
FRIEND = at("friend@remote.example", "A Friend")


TEXT = "Hi\n\n\n\nhow about noon?\n-- \nmy signature\n"


def answer(message: Original, own: AccountAddresses, kind: Kind, selected: str = "") -> Answer:
    """A reply, its words as the sandbox quotes them."""
    words = msgspec.structs.replace(quotable(message, kind), texts=(PlainText(TEXT),), selected=selected)
    return reply.answer(message, own, kind, quote(words))


def forward(message: Original, own: AccountAddresses, *, inline: bool) -> Answer:
    words = msgspec.structs.replace(
        quotable(message, "forward" if inline else "forward_attached"), texts=(PlainText(TEXT),)
    )
    return reply.forward(message, own, quote(words))


def edit_again(message: Original, own: AccountAddresses) -> Answer:
    words = msgspec.structs.replace(quotable(message, "edit"), texts=(PlainText(TEXT),))
    return reply.edit_again(message, own, quote(words))


def original(**more: object) -> Original:
    envelope = Envelope(
        subject="Lunch",
        from_=(FRIEND,),
        to=(at("mia+lunch@ours.example"), at("third@remote.example", "Third")),
        cc=(at("FOURTH@remote.example"), at("friend@remote.example")),
        message_id="<o1@remote.example>",
        in_reply_to="<o0@ours.example>",
    )
    facts: dict[str, object] = {
        "envelope": envelope,
        "when": "Monday",
    }
    return Original(**(facts | more))  # type: ignore[arg-type]


def test_a_reply_goes_to_the_author_from_the_address_that_was_written_to() -> None:
    """WEBMAIL-90, WEBMAIL-91, WEBMAIL-92, WEBMAIL-99."""
    found = answer(original(), OWN, "reply")
    assert found.author == at("mia+lunch@ours.example", "Mia M")
    assert (found.to, found.cc) == ((FRIEND,), ())
    assert found.subject == "Re: Lunch"
    assert found.text == "On Monday, A Friend wrote:\n> Hi\n>\n> how about noon?\n"
    assert found.in_reply_to == "<o1@remote.example>"
    assert found.references == ("<o0@ours.example>", "<o1@remote.example>")


def test_a_domain_is_quoted_as_people_write_it() -> None:
    """WEBMAIL-92, SMTP-2c: also in the line above a text."""
    envelope = Envelope(from_=(MailAddress("", "jörg", "xn--mnchen-3ya.example"),))
    assert answer(original(envelope=envelope), OWN, "reply").text.startswith("On Monday, jörg@münchen.example wrote:")


def test_a_reply_to_all_leaves_out_own_addresses_and_duplicates() -> None:
    """WEBMAIL-91."""
    found = answer(original(), OWN, "reply_all")
    assert found.to == (FRIEND, at("third@remote.example", "Third"))
    assert found.cc == (at("FOURTH@remote.example"),)


def test_reply_to_and_lists_and_own_mail() -> None:
    """WEBMAIL-91."""
    envelope = original().envelope
    elsewhere = Envelope(subject="x", from_=(FRIEND,), reply_to=(at("desk@remote.example"),), to=envelope.to)
    assert answer(original(envelope=elsewhere), OWN, "reply").to == (at("desk@remote.example"),)
    listed = answer(original(list_post="list@lists.example"), OWN, "reply_list")
    assert (listed.to, listed.cc) == ((at("list@lists.example"),), ())
    sent = Envelope(subject="x", from_=(at("mia@ours.example"),), to=(FRIEND,))
    again = answer(original(envelope=sent), OWN, "reply")
    assert (again.to, again.author) == ((FRIEND,), OWN.login)
    note = Envelope(subject="x", from_=(at("mia@ours.example"),), to=(at("mia@ours.example"),))
    assert answer(original(envelope=note), OWN, "reply").to == (at("mia@ours.example"),)
    hidden = Envelope(subject="x", from_=(FRIEND,), to=(at("someone@remote.example"),))
    tagged = at("mia+shop@ours.example")
    assert answer(original(envelope=hidden, delivered_to=(tagged,)), OWN, "reply").author.localpart == "mia+shop"


@pytest.mark.parametrize(
    ("subject", "replied", "passed_on"),
    [
        ("Lunch", "Re: Lunch", "Fwd: Lunch"),
        ("Re: Lunch", "Re: Lunch", "Fwd: Re: Lunch"),
        ("RE: re[2]: Lunch", "Re: Lunch", "Fwd: RE: re[2]: Lunch"),
        ("AW: Lunch", "Re: Lunch", "Fwd: AW: Lunch"),
        ("Odp: 回复：Lunch", "Re: Lunch", "Fwd: Odp: 回复：Lunch"),
        ("Doorst: Lunch", "Re: Doorst: Lunch", "Fwd: Lunch"),
        ("Fwd: Lunch", "Re: Fwd: Lunch", "Fwd: Lunch"),
        ("Regarding: Lunch", "Re: Regarding: Lunch", "Fwd: Regarding: Lunch"),
        ("", "Re: ", "Fwd: "),
    ],
)
def test_marks_of_subjects_are_not_doubled(subject: str, replied: str, passed_on: str) -> None:
    """WEBMAIL-92."""
    envelope = Envelope(subject=subject, from_=(FRIEND,))
    assert answer(original(envelope=envelope), OWN, "reply").subject == replied
    assert forward(original(envelope=envelope), OWN, inline=True).subject == passed_on


def test_a_selection_is_quoted_alone_and_quotes_go_deeper() -> None:
    """WEBMAIL-92."""
    assert answer(original(), OWN, "reply", selected="noon?\n> earlier").text.endswith("wrote:\n> noon?\n>> earlier\n")


def test_a_forward_has_the_header_above_the_text() -> None:
    """WEBMAIL-92."""
    found = forward(original(), OWN, inline=True)
    assert "From: A Friend <friend@remote.example>\nDate: Monday\nSubject: Lunch\n" in found.text
    assert found.text.endswith("my signature")
    assert (found.to, found.in_reply_to) == ((), "")
    assert forward(original(), OWN, inline=False).text == ""


def test_a_message_can_be_edited_as_new() -> None:
    """WEBMAIL-91."""
    sent = Envelope(subject="S", from_=(at("mia+x@ours.example"),), to=(FRIEND,), bcc=(at("b@remote.example"),))
    found = edit_again(original(envelope=sent), OWN)
    assert (found.author.localpart, found.to, found.bcc, found.subject) == ("mia+x", (FRIEND,), sent.bcc, "S")


DRAFT = Draft(
    author=at("mia@ours.example", "Mia M\u00fcller"),
    to=(at("friend@b\u00fccher.example", "Fr\u00e9d\u00e9ric, the friend"),),
    cc=(at("c@remote.example"),),
    bcc=(at("secret@remote.example"),),
    subject="Gr\u00fc\u00dfe und \u2014 more",
    text="Dear all,\n\n" + "word " * 60 + "\n>quoted\nFrom here\n",
    message_id="<m1@ours.example>",
    date=1_800_000_000_000_000,
    in_reply_to="<o1@remote.example>",
    references=tuple(f"<{n}@x.example>" for n in range(80)),
)


def parsed(draft: Draft, files: tuple[File, ...] = (), *, keep_bcc: bool = False) -> email.message.EmailMessage:
    octets = b"".join(message(draft, files, keep_bcc=keep_bcc))
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    assert b"\n" not in octets.replace(b"\r\n", b"")
    return email.message_from_bytes(octets, policy=email.policy.default)


def test_a_draft_is_a_message_that_others_read() -> None:
    """WEBMAIL-98, WEBMAIL-99."""
    check(DRAFT)
    read = parsed(DRAFT)
    assert read["subject"] == DRAFT.subject
    assert read["from"].addresses[0].display_name == "Mia M\u00fcller"
    assert read["to"].addresses[0].display_name == "Fr\u00e9d\u00e9ric, the friend"
    assert str(read["to"].addresses[0].addr_spec).endswith("@xn--bcher-kva.example")
    assert read["bcc"] is None
    assert b"secret@" not in b"".join(message(DRAFT, keep_bcc=False))
    assert parsed(DRAFT, keep_bcc=True)["bcc"] == "secret@remote.example"
    found = read["references"].split()
    assert (len(found), found[0], found[-1]) == (50, "<0@x.example>", "<79@x.example>")
    assert read["message-id"] == "<m1@ours.example>"
    assert read.get_content_type() == "text/plain"
    assert read["content-type"].params["format"] == "flowed"
    text = read.get_content().replace("\r\n", "\n").replace(" \n", " ")
    assert "word " * 59 + "word" in text
    assert "\n>" in text


def test_attachments_come_out_as_they_went_in() -> None:
    """WEBMAIL-97, WEBMAIL-98: also many, empty ones, messages, and names that are not ASCII."""
    inner = b"Subject: inner\r\n\r\nh\xc3\xa9llo\r\n"
    files = (
        File("r\u00e9sum\u00e9 \u2603.pdf", "application/pdf", 4, lambda: [bytes(range(256)) * 300, b"end"]),
        File("empty.bin", "application/octet-stream", 0, list),
        File("mail.eml", "message/rfc822", len(inner), lambda: [inner], eight_bit=True),
        *[File(f"f{n}.txt", "text/plain", 3, partial(list, [f"f{n}".encode()])) for n in range(40)],
    )
    check(DRAFT, files)
    read = parsed(DRAFT, files)
    parts = list(read.iter_attachments())
    assert parts[0].get_filename() == "r\u00e9sum\u00e9 \u2603.pdf"
    assert parts[0].get_payload(decode=True) == bytes(range(256)) * 300 + b"end"
    assert parts[1].get_payload(decode=True) == b""
    assert parts[2].get_content_type() == "message/rfc822"
    assert [part.get_payload(decode=True) for part in parts[3:]] == [f"f{n}".encode() for n in range(40)]


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("subject", {"subject": "a\r\nBcc: x@y.example"}),
        ("to", {"to": (at("friend@remote.example", "a\nb"),)}),
        ("to", {"to": (at("no domain@"),)}),
        ("cc", {"cc": (at("@remote.example"),)}),
        ("from", {"author": at("mia@-.example")}),
        ("text", {"text": "a\0b"}),
        ("references", {"in_reply_to": "<a@b>\r\nX: y"}),
        ("to", {"to": tuple(at(f"r{n}@remote.example") for n in range(1001))}),
    ],
)
def test_what_cannot_be_sent_names_its_field(field: str, change: dict[str, object]) -> None:
    """WEBMAIL-98: control characters in header values, addresses that are none."""
    import msgspec

    with pytest.raises(BadDraft) as caught:
        check(msgspec.structs.replace(DRAFT, **change))
    assert caught.value.field == field


def test_recipients_are_counted_once() -> None:
    """WEBMAIL-98."""
    twice = Draft(author=OWN.login, to=(FRIEND, FRIEND), bcc=(FRIEND, at("b@remote.example")))
    assert [str(one) for one in recipients(twice)] == ["friend@remote.example", "b@remote.example"]
    with pytest.raises(BadDraft, match="add a recipient"):
        recipients(Draft(author=OWN.login))
