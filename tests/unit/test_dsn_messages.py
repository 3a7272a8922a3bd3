"""Delivery status notifications."""

import base64
import email
import email.policy
import re
import time
from collections.abc import Iterator
from email import message_from_bytes
from email.header import decode_header, make_header
from itertools import permutations
from random import Random

import msgspec
import pytest
from hypothesis import example, given, strategies as st

from moxlite.proto.dsn import DSN, MAX_RECIPIENTS, MAX_STATUS, Action, DSNError, DSNRecipient, compose_dsn, parse_dsn
from moxlite.proto.mime import MailAddress, scan
from moxlite.proto.mime.compose import answer_fields
from moxlite.proto.mime.decode import decode

AT = 1795158000_000_000
ORIGINAL = b"From: a@example.com\r\nMessage-ID: <o@example.com>\r\nSubject: hi\r\n\r\nbody\r\n"
RECIPIENT = DSNRecipient(final_recipient="joe@example.org", action=Action.FAILED, status="5.1.1")


def compose(dsn: DSN, **options: object) -> bytes:
    arguments: dict[str, object] = {
        "to": MailAddress("", "a", "example.com"),
        "subject": "mail delivery failed",
        "message_id": "<d@mail.example.com>",
        "date": AT,
    }
    return compose_dsn(dsn, **{**arguments, **options})  # type: ignore[arg-type]  # options of the tests


def parse(message: bytes) -> DSN:
    return parse_dsn(scan(message), lambda start, end: message[start:end])


def part(message: bytes, index: int) -> str:
    found = scan(message).root.parts[index]
    return decode(message[found.body : found.end], found.encoding).decode()


def dsn(**fields: object) -> DSN:
    return DSN(reporting_mta="mail.example.com", recipients=(RECIPIENT,), **fields)  # type: ignore[arg-type]  # as above


def test_the_headers_are_those_of_a_report() -> None:
    """QUEUE-101, SMTP-109"""
    message = compose(dsn(), references="<o@example.com>")
    header = message[: message.index(b"\r\n\r\n")].decode().split("\r\n")
    assert header[:-1] == [
        "From: Mail delivery system <postmaster@mail.example.com>",
        "To: <a@example.com>",
        "Subject: mail delivery failed",
        "Message-ID: <d@mail.example.com>",
        "In-Reply-To: <o@example.com>",
        "References: <o@example.com>",
        "Date: Fri, 20 Nov 2026 07:00:00 +0000",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        "Content-Type: multipart/report; report-type=delivery-status;",
    ]
    assert scan(message, strict=True).status_part is not None


def test_the_status_part_tells_all_that_is_known() -> None:
    """QUEUE-102"""
    recipient = DSNRecipient(
        final_recipient="joe@example.org",
        action=Action.DELAYED,
        status="4.4.1",
        status_comment="timeout (after\r\n30 s)",
        original_recipient="j@example.net",
        remote_mta="mx.example.org",
        remote_ip="192.0.2.1",
        diagnostic="450 4.4.1 busy\r\n450 later",
        last_attempt=AT,
        will_retry_until=AT + 3600_000_000,
    )
    message = compose(
        DSN(
            reporting_mta="mail.example.com",
            recipients=(recipient,),
            envelope_id="env",
            received_from_mta="client.example.com",
            received_from_ip="2001:db8::1",
            arrival=AT,
            future_release_request="for;60",
        )
    )
    assert part(message, 1).split("\r\n") == [
        "Original-Envelope-ID: env",
        "Reporting-MTA: dns; mail.example.com",
        "Received-From-MTA: dns; client.example.com (2001:db8::1)",
        "Arrival-Date: Fri, 20 Nov 2026 07:00:00 +0000",
        "Future-Release-Request: for;60",
        "",
        "Original-Recipient: rfc822;j@example.net",
        "Final-Recipient: rfc822;joe@example.org",
        "Action: delayed",
        "Status: 4.4.1 (timeout [after 30 s])",
        "Remote-MTA: dns; mx.example.org (192.0.2.1)",
        "Diagnostic-Code: smtp; 450 4.4.1 busy 450 later",
        "Last-Attempt-Date: Fri, 20 Nov 2026 07:00:00 +0000",
        "Will-Retry-Until: Fri, 20 Nov 2026 08:00:00 +0000",
        "",
    ]
    text = part(message, 0)
    assert "joe@example.org hasn't been delivered yet" in text
    assert "  450 4.4.1 busy\r\n  450 later\r\n" in text
    assert "timeout" in text


def test_lines_stay_below_the_limit() -> None:
    """QUEUE-102"""
    recipient = DSNRecipient(
        final_recipient="joe@example.org",
        action=Action.FAILED,
        status="5.0.0",
        status_comment="ü(" * 2000,
        diagnostic="5" * 5000,
    )
    for utf8 in (False, True):
        message = compose(DSN(reporting_mta="m", recipients=(recipient,)), utf8=utf8)
        assert max(map(len, message.split(b"\r\n"))) <= 998
        assert parse(message).recipients[0].status == "5.0.0"


def test_the_original_comes_back_whole_or_as_its_headers() -> None:
    """QUEUE-103"""
    whole = scan(message := compose(dsn(), original=ORIGINAL, full=True)).root.parts[2]
    assert (whole.media_type, message[whole.body : whole.end]) == ("message/rfc822", ORIGINAL)
    headers = scan(message := compose(dsn(), original=ORIGINAL)).root.parts[2]
    assert (headers.media_type, headers.encoding) == ("text/rfc822-headers", "7BIT")
    assert message[headers.body : headers.end] == ORIGINAL[: ORIGINAL.index(b"\r\nbody")]
    assert len(scan(compose(dsn())).root.parts) == 2


def test_the_returned_message_id_is_found() -> None:
    """QUEUE-95, SMTP-110"""
    for full in (False, True):
        assert parse(compose(dsn(), original=ORIGINAL, full=full)).returned_message_id == "<o@example.com>"
    assert parse(compose(dsn())).returned_message_id == ""


UTF8_RECIPIENT = DSNRecipient(final_recipient="jö+@exämple.org", action=Action.FAILED, status="5.1.1")
UTF8_ORIGINAL = "Subject: Grüße\r\nMessage-ID: <ö@x>\r\n\r\nbody\r\n".encode()


def test_the_utf8_form_writes_addresses_as_they_are() -> None:
    """QUEUE-104, SMTP-109"""
    message = compose(
        DSN(reporting_mta="m", recipients=(UTF8_RECIPIENT,)),
        to=MailAddress("", "ä", "example.com"),
        original=UTF8_ORIGINAL,
        utf8=True,
    )
    parts = scan(message).root.parts
    assert [p.media_type for p in parts] == ["text/plain", "message/global-delivery-status", "message/global-headers"]
    assert [p.encoding for p in parts] == ["8BIT"] * 3
    assert "Final-Recipient: utf-8;jö+@exämple.org" in part(message, 1)
    assert "To: <ä@example.com>".encode() in message
    full = compose(DSN(reporting_mta="m", recipients=(UTF8_RECIPIENT,)), original=UTF8_ORIGINAL, full=True, utf8=True)
    assert scan(full).root.parts[2].media_type == "message/global"


def test_the_seven_bit_form_escapes_what_is_not_ascii() -> None:
    """QUEUE-104, SMTP-109"""
    message = compose(
        DSN(reporting_mta="m", recipients=(UTF8_RECIPIENT,)),
        to=MailAddress("", "ä", "example.com"),
        original=UTF8_ORIGINAL,
        full=True,
    )
    assert message.isascii()
    parts = scan(message).root.parts
    assert [p.media_type for p in parts] == ["text/plain", "message/delivery-status", "text/rfc822-headers"]
    assert (parts[2].encoding, parts[2].charset) == ("BASE64", "utf-8")
    assert "Final-Recipient: utf-8;j\\x{F6}\\x{2B}@xn--exmple-cua.org" in part(message, 1)
    assert part(message, 2).startswith("Subject: Grüße\r\n")
    assert b"To: =?utf-8?" in message
    assert parse(message).recipients[0].final_recipient == "jö+@xn--exmple-cua.org"
    assert parse(message).returned_message_id == "<ö@x>"


def fields(message: bytes) -> dict[str, str]:
    """The header of a message, unfolded."""
    header = message[: message.index(b"\r\n\r\n")].decode().replace("\r\n ", " ")
    return dict(line.split(": ", 1) for line in header.split("\r\n"))


def decoded(text: str) -> str:
    """Text of a field with its encoded words decoded, by another reader than ours."""
    return str(make_header(decode_header(text)))


def test_a_notice_without_an_original_answers_nothing() -> None:
    """QUEUE-101"""
    names = fields(compose(dsn())).keys()
    assert not names & {"In-Reply-To", "References"}


def test_the_utf8_form_has_a_raw_header() -> None:
    """QUEUE-104: RFC 6532, in each field that can have text from elsewhere."""
    recipient = msgspec.structs.replace(RECIPIENT, original_recipient="jö+x@exämple.org")
    notice = DSN(reporting_mta="mäil.example", recipients=(recipient,))
    message = compose(notice, subject="Zurück", references="<ö@x>", message_id="<dä@mäil.example>", utf8=True)
    found = fields(message)
    assert found["From"] == "Mail delivery system <postmaster@mäil.example>"
    assert (found["Subject"], found["Message-ID"]) == ("Zurück", "<dä@mäil.example>")
    assert (found["In-Reply-To"], found["References"]) == ("<ö@x>", "<ö@x>")
    assert "Reporting-MTA: dns; mäil.example\r\n" in part(message, 1)
    assert "Original-Recipient: utf-8;jö+x@exämple.org\r\n" in part(message, 1)


@example("a" * 85, "b.example")
@example("日" * 60, "b.example")
@given(st.text(st.sampled_from("abc.ü日"), min_size=1, max_size=64), st.sampled_from(["b.example", "exämple.example"]))
def test_an_address_that_needs_utf8_is_the_name_of_an_empty_group(localpart: str, domain: str) -> None:
    """QUEUE-104: RFC 6857 §3.1.8. Lines with encoded words have up to 76 characters (RFC 2047 §2)."""
    message = compose(dsn(), to=MailAddress("", "ü" + localpart, domain))
    assert message.isascii()
    header = message[: message.index(b"\r\n\r\n")]
    assert max(map(len, header.split(b"\r\n"))) <= 76
    assert fields(message)["To"].endswith(" :;")
    assert decoded(fields(message)["To"]) == f"ü{localpart}@{domain} :;"


def test_a_domain_alone_needs_utf8_too() -> None:
    """QUEUE-104"""
    for utf8, expected in ((True, "<joe@exämple.example>"), (False, "joe@exämple.example :;")):
        message = compose(dsn(), to=MailAddress("", "joe", "exämple.example"), utf8=utf8)
        assert decoded(fields(message)["To"]) == expected


def test_parts_are_not_attachments_and_are_sent_as_they_are() -> None:
    """QUEUE-102, QUEUE-104: RFC 3464 §2 has 7bit, RFC 6533 §4 allows 8bit; no part is an attachment."""
    for utf8, encodings in ((False, ["7bit"] * 3), (True, ["7bit", "8bit", "7bit"])):
        for full in (False, True):
            message = compose(dsn(), original=ORIGINAL, full=full, utf8=utf8)
            read = email.message_from_bytes(message, policy=email.policy.default)
            assert read["Content-Type"].params["report-type"] == "delivery-status"
            parts = list(read.iter_parts())
            assert [each["Content-Transfer-Encoding"] for each in parts] == encodings
            assert not any(each["Content-Disposition"] for each in parts)
            kind = b"message/global-delivery-status" if utf8 else b"message/delivery-status"
            assert b"\r\nContent-Type: %s\r\n" % kind in message


@pytest.mark.parametrize(
    ("original", "full", "utf8", "media_type", "encoding", "content"),
    [
        # ASCII: RFC 3462 §2 and 3461 §6.2 f
        (ORIGINAL, True, True, "message/rfc822", "7bit", ORIGINAL),
        (ORIGINAL, False, True, "text/rfc822-headers", "7bit", ORIGINAL[:-8]),
        # a body of 8 bits below a header of 7
        (ORIGINAL + b"\xff\r\n", True, False, "message/rfc822", "8bit", ORIGINAL + b"\xff\r\n"),
        (ORIGINAL + b"\xff\r\n", False, False, "text/rfc822-headers", "7bit", ORIGINAL[:-8]),
        # raw UTF-8 in the header: RFC 6533 §5
        (UTF8_ORIGINAL, True, True, "message/global", "8bit", UTF8_ORIGINAL),
        (UTF8_ORIGINAL, False, True, "message/global-headers", "8bit", UTF8_ORIGINAL[:-8]),
        (UTF8_ORIGINAL, True, False, "text/rfc822-headers", "base64", UTF8_ORIGINAL[:-8]),
        # a header that is not UTF-8 either
        (b"Subject: \xe4\r\n\r\nx", False, False, "text/rfc822-headers", "base64", "Subject: \ufffd\r\n".encode()),
        # a message that ends in its header, or has bare line feeds
        (b"Subject: a\r\n", False, False, "text/rfc822-headers", "7bit", b"Subject: a\r\n"),
        (b"Subject: a\n\nbody\n", False, False, "text/rfc822-headers", "7bit", b"Subject: a\r\n"),
    ],
)
def test_the_original_is_returned_in_the_form_that_its_header_allows(
    original: bytes, full: bool, utf8: bool, media_type: str, encoding: str, content: bytes
) -> None:
    """QUEUE-103, QUEUE-104"""
    message = compose(dsn(), original=original, full=full, utf8=utf8)
    found = scan(message).root.parts[2]
    header = message[: found.body].rpartition(b"\r\n--")[2].decode()
    assert f"\r\nContent-Type: {media_type}" in header
    assert f"\r\nContent-Transfer-Encoding: {encoding}\r\n" in header
    assert "Content-Disposition" not in header
    assert decode(message[found.body : found.end], found.encoding) == content


def test_the_text_for_people_tells_each_outcome() -> None:
    """QUEUE-102"""
    recipients = (
        DSNRecipient(
            final_recipient="a@b.example",
            action=Action.DELAYED,
            status="4.4.1",
            status_comment="timeout",
            remote_mta="mx.b.example",
            diagnostic="450 busy\n450 later",
            will_retry_until=AT,
        ),
        DSNRecipient(final_recipient="c@d.example", action=Action.FAILED, status="5.1.1", diagnostic="550 no"),
        DSNRecipient(final_recipient="e@f.example", action=Action.RELAYED, status="2.0.0"),
    )
    text = """\
Your message to a@b.example hasn't been delivered yet; the server will keep trying.

Error: timeout

Response from mx.b.example:
  450 busy
  450 later

The server will keep trying until Fri, 20 Nov 2026 07:00:00 +0000.

Your message to c@d.example couldn't be delivered, and the server won't try again.

Response from the remote server:
  550 no

Your message to e@f.example was sent to a server that doesn't send delivery receipts.
"""
    assert part(compose(DSN(reporting_mta="m", recipients=recipients)), 0) == text.replace("\n", "\r\n")
    assert part(compose(DSN(reporting_mta="m", recipients=recipients), text="As told.\n"), 0) == "As told.\r\n"


def test_each_recipient_has_a_group_of_fields() -> None:
    """QUEUE-102: RFC 3464 §2.1, a blank line before each; facts that are not known have no field (§2.3)."""
    first = DSNRecipient(
        final_recipient="a@b", action=Action.EXPANDED, status="2.0.0", remote_mta="r", final_log_id="q1"
    )
    message = compose(DSN(reporting_mta="m", recipients=(first, RECIPIENT), received_from_mta="c"))
    assert part(message, 1).split("\r\n") == [
        "Reporting-MTA: dns; m",
        "Received-From-MTA: dns; c",
        "",
        "Final-Recipient: rfc822;a@b",
        "Action: expanded",
        "Status: 2.0.0",
        "Remote-MTA: dns; r",
        "Final-Log-ID: q1",
        "",
        "Final-Recipient: rfc822;joe@example.org",
        "Action: failed",
        "Status: 5.1.1",
        "",
    ]


@given(st.text(st.sampled_from('ab ü日()"\\\r\n\0'), max_size=3000), st.booleans())
def test_a_comment_of_any_text_ends_where_it_should(comment: str, utf8: bool) -> None:
    """QUEUE-102: a status with half a comment is malformed (RFC 5322 §3.2.2)."""
    recipient = DSNRecipient(final_recipient="a@b", action=Action.FAILED, status="5.0.0", status_comment=comment)
    message = compose(DSN(reporting_mta="m", recipients=(recipient,)), utf8=utf8)
    [line] = [line for line in part(message, 1).split("\r\n") if line.startswith("Status: ")]
    assert line.count("(") == line.count(")") <= 1
    assert not set(line) & set("\\\r\n\0")
    assert len(line.encode()) <= 998


def test_a_comment_has_as_much_text_as_fits() -> None:
    """QUEUE-102, QUEUE-104: octets count (RFC 5322 §2.1.1, RFC 6532 §3.4), and a character stays whole."""
    for comment in ("x" * 790, "ü" * 390, "x" + "ü" * 390, "\ud800" * 790):
        recipient = DSNRecipient(final_recipient="a@b", action=Action.FAILED, status="5.0.0", status_comment=comment)
        for more in ("", "ü" * 3000):
            longer = msgspec.structs.replace(recipient, status_comment=comment + more)
            message = compose(DSN(reporting_mta="m", recipients=(longer,)), utf8=True)
            assert parse(message).recipients[0].status_comment.startswith(comment.replace("\ud800", "?"))


TEXTS = st.text(st.characters(codec="ascii", exclude_categories=["Cc"], exclude_characters='()"\\'), max_size=40).map(
    lambda text: " ".join(text.split())
)
LOCALPARTS = st.text(st.sampled_from("abc.+=ü日\\-"), min_size=1, max_size=10)


@given(
    st.lists(
        st.builds(
            DSNRecipient,
            final_recipient=LOCALPARTS.map(lambda localpart: f"{localpart}@example.org"),
            action=st.sampled_from(Action),
            status=st.sampled_from(["5.1.1", "4.0.0", "2.0.0"]),
            status_comment=TEXTS,
            remote_mta=st.sampled_from(["", "mx.example.org"]),
            diagnostic=TEXTS,
            last_attempt=st.sampled_from([None, AT]),
            will_retry_until=st.sampled_from([None, AT]),
        ),
        min_size=1,
        max_size=4,
    ),
    st.booleans(),
)
def test_composed_notifications_are_parsed_back(recipients: list[DSNRecipient], utf8: bool) -> None:
    """QUEUE-102, QUEUE-104, QUEUE-106"""
    parsed = parse(compose(DSN(reporting_mta="m.example", recipients=tuple(recipients), arrival=AT), utf8=utf8))
    assert (parsed.reporting_mta, parsed.arrival) == ("m.example", AT)
    for sent, got in zip(recipients, parsed.recipients, strict=True):
        for name in (
            "final_recipient",
            "action",
            "status",
            "status_comment",
            "remote_mta",
            "diagnostic",
            "last_attempt",
            "will_retry_until",
        ):
            assert getattr(got, name) == getattr(sent, name), name


def status(text: str, *, second: str = "message/delivery-status", parts: int = 2) -> bytes:
    body = "".join(
        f"--b\r\nContent-Type: {kind}\r\n\r\n{content}\r\n"
        for kind, content in [("text/plain", "hi"), (second, text.replace("\n", "\r\n")), *[("text/plain", "x")] * 9][
            :parts
        ]
    )
    return f"Content-Type: multipart/report; boundary=b\r\n\r\n{body}--b--\r\n".encode()


GOOD = "Reporting-MTA: dns; m\n\nFinal-Recipient: rfc822;a@b\nAction: failed\nStatus: 5.1.1\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Reporting-MTA: dns; m\n", "no recipients"),
        (GOOD.replace("Final-Recipient", "X-Recipient"), "no recipients"),
        (GOOD.replace("Action: failed\nStatus: 5.1.1\n", ""), "no recipients"),
        (GOOD.replace("failed", "unknown").replace("5.1.1", "five"), "no recipients"),
        (GOOD.replace("failed", "deliverable").replace("5.1.1", "2.1.5"), "no recipients"),
        (GOOD.replace("Action: failed\n", "").replace("5.1.1", "2.1.5"), "no recipients"),
        (GOOD + "\nFinal-Recipient: rfc822;a@b\nAction: failed\nStatus: 5.1.1\n" * MAX_RECIPIENTS, "too many"),
        (GOOD + "X: y\n" * 60_000, "too large"),
    ],
)
def test_a_status_part_that_says_nothing_is_refused(text: str, reason: str) -> None:
    """QUEUE-106: also one that says of a success no more than that."""
    with pytest.raises(DSNError, match=reason):
        parse(status(text))


FIELDS = ("Final-Recipient: rfc822;a@b", "Action: failed", "Status: 5.1.1", "Diagnostic-Code: smtp; 550 no such user")


def odd_status_parts() -> Iterator[str]:
    """Status parts with a field left out, repeated, moved, or cut into lines, as other servers write them."""
    mta = "Reporting-MTA: dns; m"
    for left_out in (mta, FIELDS[1]):
        yield "\n".join(line for line in (mta, "", *FIELDS) if line != left_out)
    for order in permutations(FIELDS):
        yield "\n".join((mta, "", *order))
        yield "\n".join((*order, mta))
    for at in range(1, len(FIELDS) + 1):
        yield "\n".join((mta, "", *FIELDS[:at], "550 second line", *FIELDS[at:], *FIELDS[1:at]))
    for at in range(len(FIELDS)):
        yield "\n".join((*FIELDS[:at], mta, *FIELDS[at:]))
        yield "\n".join((mta, *FIELDS[:at], "X-Other: x", *FIELDS[at:], ""))
    yield "\n".join((mta, "", FIELDS[0], "", *FIELDS[1:]))
    for action in ("undeliverable", "FAILED (no such user)", "error"):
        yield "\n".join((mta, "", *FIELDS)).replace("failed", action)


@pytest.mark.parametrize("text", [*odd_status_parts()])
def test_what_names_a_recipient_and_a_status_is_read(text: str) -> None:
    """QUEUE-106: wherever these are, and whatever else lacks."""
    [recipient] = parse(status(text)).recipients
    assert (recipient.final_recipient, recipient.status, recipient.action) == ("a@b", "5.1.1", Action.FAILED)
    assert recipient.diagnostic == "550 no such user"


def test_all_recipients_of_a_group_are_read() -> None:
    """QUEUE-106: also of the first group; one without an outcome isn't."""
    second = "Final-Recipient: rfc822;c@d\nAction: delayed\nStatus: 4.2.2\n"
    third = "Final-Recipient: rfc822;e@f\nLast-Attempt-Date: today\n"
    parsed = parse(status(GOOD.replace("\n\n", "\n") + second + third))
    assert [(one.final_recipient, one.action) for one in parsed.recipients] == [
        ("a@b", Action.FAILED),
        ("c@d", Action.DELAYED),
    ]


@given(st.randoms(use_true_random=False), st.integers(1, 3), st.sampled_from(["failed", "delayed"]))
def test_a_notification_with_a_field_missing_or_moved_is_read(chance: Random, count: int, action: str) -> None:
    """QUEUE-106: Python's parser shows an address and what became of it, so this one finds both, wherever an empty line
    or a line that is no field stands, and whichever of address, action and status lacks its pair.
    """
    code = "5" if action == "failed" else "4"
    groups = [["Reporting-MTA: dns; m"]]
    for number in range(count):
        address = f"rfc822; r{number}@b.example"
        fields = [f"Original-Recipient: {address}", f"Final-Recipient: {address}", f"Action: {action}"]
        fields += [f"Status: {code}.1.1", f"Diagnostic-Code: smtp; {code}50 {code}.1.1 no", "X-Other: x"]
        chance.shuffle(fields)
        missing = chance.choice(["Original", "Final", "Action", "Status", "Diagnostic", "none of these"])
        groups.append([line for line in fields if not line.startswith(missing)])
    if chance.random() < 0.3:
        groups[:2] = [chance.choice([groups[0] + groups[1], groups[1] + groups[0]])]
    if chance.random() < 0.3:
        groups[0] = [line for line in groups[0] if not line.startswith("Reporting-MTA")]
    for group in groups:
        if group and chance.random() < 0.3:
            group.insert(chance.randrange(1, len(group) + 1), "a second line of a reply")
    text = "\n\n".join("\n".join(group) for group in groups if group) + "\n"
    blocks = [part for part in message_from_bytes(status(text)).walk() if "Final-Recipient" in part or "Action" in part]
    shown = {value for block in blocks for name, value in block.items() if name.endswith("-Recipient")}
    parsed = parse(status(text)).recipients
    assert shown <= {f"rfc822; {one.final_recipient}" for one in parsed}
    assert [one.final_recipient for one in parsed] == [f"r{number}@b.example" for number in range(count)]
    assert {(one.action, one.status) for one in parsed} == {(Action(action), f"{code}.1.1")}


@pytest.mark.parametrize(
    ("action", "reply", "number"),
    [
        ("failed", "550 5.7.1 no", "5.7.1"),
        ("failed", "450 4.7.1 no", "5.0.0"),
        ("delayed", "no answer", "4.0.0"),
        ("relayed", "", "2.0.0"),
    ],
)
def test_a_missing_status_is_made_of_what_is_there(action: str, reply: str, number: str) -> None:
    """QUEUE-106"""
    text = GOOD.replace("failed", action).replace("Status: 5.1.1\n", f"Diagnostic-Code: smtp; {reply}\n")
    [recipient] = parse(status(text)).recipients
    assert (recipient.action, recipient.status) == (Action(action), number)


RETURNED = b"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <o@example.com>\r\n"


@pytest.mark.parametrize("kind", ["report", "mixed", "related"])
@pytest.mark.parametrize("order", [*permutations("sht")])
@pytest.mark.parametrize("within", [False, True])
def test_the_status_part_is_looked_for(kind: str, order: tuple[str, ...], within: bool) -> None:
    """QUEUE-106, STORE-57: in a multipart of any kind, at any place, and behind the footer of a list."""
    report = f"Content-Type: message/delivery-status\r\n\r\n{GOOD}".replace("\n", "\r\n").replace("\r\r", "\r").encode()
    parts = {"s": report, "h": RETURNED, "t": b"Content-Type: text/plain\r\n\r\nhi\r\n"}
    octets = multipart(kind, *[parts[one] for one in order], parts["t"], boundary="b")
    if within:
        octets = multipart("mixed", multipart("report", *[parts[one] for one in order], boundary="b"), parts["t"])
    parsed = parse(octets)
    assert ([one.status for one in parsed.recipients], parsed.returned_message_id) == (["5.1.1"], "<o@example.com>")


def test_a_report_that_lost_its_delimiters_is_read() -> None:
    """QUEUE-106, STORE-57: as forwarders and archives leave it; fields are found below the words for people."""
    octets = status(GOOD)
    for lost in (octets.replace(b"boundary=b", b"boundary=other"), re.sub(rb"(?m)^--b.*\r\n", b"", octets)):
        [recipient] = parse(lost).recipients
        assert (recipient.final_recipient, recipient.status) == ("a@b", "5.1.1")


def multipart(kind: str, *parts: bytes, boundary: str = "c") -> bytes:
    mark = b"--" + boundary.encode()
    header = f"Content-Type: multipart/{kind}; boundary={boundary}\r\n\r\n".encode()
    return header + b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"


def test_other_mail_is_no_notification() -> None:
    """QUEUE-106"""
    assert parse(status(GOOD, second="message/global-delivery-status")).recipients
    for message in (status(GOOD, parts=1), status(GOOD, second="text/plain"), b"Subject: x\r\n\r\n"):
        with pytest.raises(DSNError, match="not a"):
            parse(message)


EXIM = (
    b"X-Failed-Recipients: joe@example.org,\r\n  ann@example.org\r\nAuto-Submitted: auto-replied\r\n"
    b"Subject: Mail delivery failed\r\n\r\nThis message was created automatically by mail delivery software.\r\n\r\n"
    b"  joe@example.org\r\n    Unrouteable address\r\n  ann@example.org\r\n    host mx [192.0.2.1]\r\n"
    b"    SMTP error after RCPT TO:<ann@example.org>:\r\n    550 5.1.1 no such\r\n    user\r\n\r\n"
    b"------ This is a copy of the message, including all the headers. ------\r\n\r\n"
    b"Return-path: <a@example.com>\r\nMessage-ID: <o@example.com>\r\nSubject: hi\r\n\r\nbody\r\n"
)


def test_recipients_that_the_header_names_failed_where_the_status_part_has_none() -> None:
    """QUEUE-106: as Google writes it of an address whose server it can't log in to."""
    octets = EXIM[: EXIM.index(b"\r\n") + 2].replace(b",\r\n", b"\r\n").replace(b"  ann@example.org\r\n", b"")
    parsed = parse(octets + status("\n").replace(b"\r\n\r\nhi", b"\r\n\r\njoe@example.org\r\n    no AUTH"))
    assert [(one.final_recipient, one.action, one.status_comment) for one in parsed.recipients] == [
        ("joe@example.org", Action.FAILED, "no AUTH")
    ]


def test_recipients_that_exim_names_in_the_header_failed() -> None:
    """QUEUE-106"""
    parsed = parse(EXIM)
    assert {one.action for one in parsed.recipients} == {Action.FAILED}
    assert [(one.final_recipient, one.status, one.code) for one in parsed.recipients] == [
        ("joe@example.org", "5.0.0", 500),
        ("ann@example.org", "5.1.1", 550),
    ]
    said = [one.diagnostic or one.status_comment for one in parsed.recipients]
    assert said == ["Unrouteable address", "550 5.1.1 no such user"]
    assert parsed.returned_message_id == "<o@example.com>"
    short = EXIM[: EXIM.index(b"------")]
    assert parse(short).returned_message_id == ""
    for wrong in (b"", b" , ,", b"a@b," * (MAX_RECIPIENTS + 1)):
        with pytest.raises(DSNError, match="no recipients"):
            parse(b"X-Failed-Recipients: %s\r\n\r\nhi\r\n" % wrong)


def test_notifications_of_others_are_read() -> None:
    """QUEUE-106"""
    parsed = parse(
        status(
            "Reporting-MTA: dns;mx.example.org (a (nested) comment)\nReceived-From-MTA: dns; c "
            "(192.0.2.9)\nX-Queue: 1\n"
            "Arrival-Date: Fri, 20 Nov 2026 07:00:00 +0000\n \n\n\nFinal-Recipient: RFC822; <Joe+x@Example.org> (Joe)\n"
            "Original-Recipient: utf-8;j\\x{F6}e\\x{2B}x@example.org\nAction: Failed (no)\nStatus: "
            "5.7.1 (denied)\nRemote-MTA: dns; r\n"
            "Diagnostic-Code: smtp; 554 5.7.1 denied\n (see http://x)\nX-Extra: kept\n"
        )
    )
    [recipient] = parsed.recipients
    assert (parsed.reporting_mta, parsed.received_from_mta, parsed.received_from_ip) == (
        "mx.example.org",
        "c",
        "192.0.2.9",
    )
    assert parsed.extra == (("X-Queue", "1"),)
    assert parsed.arrival == AT
    assert (recipient.final_type, recipient.final_recipient) == ("rfc822", "Joe+x@Example.org")
    assert (recipient.original_type, recipient.original_recipient) == ("utf-8", "jöe+x@example.org")
    assert (recipient.status, recipient.status_comment, recipient.action) == ("5.7.1", "denied", Action.FAILED)
    assert recipient.diagnostic == "554 5.7.1 denied (see http://x)"
    assert recipient.extra == (("X-Extra", "kept"),)


@pytest.mark.parametrize(
    ("diagnostic", "number", "code"),
    [
        ("554 5.7.1 x", "5.0.0", 554),
        ("450-x", "5.0.0", 450),
        ("", "5.1.1", 500),
        ("x", "4.1.1", 400),
        ("", "2.0.0", 250),
        ("5541", "5.0.0", 500),
    ],
)
def test_the_code_comes_from_the_diagnostic_else_the_status(diagnostic: str, number: str, code: int) -> None:
    """QUEUE-95"""
    recipient = DSNRecipient(final_recipient="a@b", action=Action.FAILED, status=number, diagnostic=diagnostic)
    assert recipient.code == code


@given(st.text(alphabet='Reporting-MTA: dns;\n()\\"x{}FinalctoSus5.1', max_size=150))
def test_any_status_part_is_parsed_or_refused(text: str) -> None:
    """QUEUE-106"""
    for prefix in ("", GOOD):
        try:
            parse(status(prefix + text))
        except DSNError:
            pass


def test_a_message_id_that_fits_into_no_line_is_left_out() -> None:
    """SMTP-155a: a megabyte of blanks as Message-ID was folded, blank by blank, for two fields of the notice."""
    assert answer_fields("<1@a.example>") == [b"In-Reply-To: <1@a.example>\r\n", b"References: <1@a.example>\r\n"]
    assert answer_fields("") == []
    began = time.thread_time()
    assert answer_fields("<" + " x" * 500_000 + ">") == []
    assert time.thread_time() - began < 0.005


# --- notices of other servers ---


def read(recipient: str = "", *, message: str = "") -> DSNRecipient:
    """Parse a notice about a recipient with these further fields."""
    text = f"Reporting-MTA: dns; m\n{message}\nFinal-Recipient: rfc822;a@b\nAction: failed\nStatus: 5.1.1\n{recipient}"
    [found] = parse(status(text)).recipients
    return found


def test_facts_that_a_notice_does_not_have_are_empty() -> None:
    """QUEUE-106: RFC 3464 §2.2 and §2.3 require just a few fields."""
    assert parse(status(GOOD)) == DSN(
        reporting_mta="m",
        recipients=(DSNRecipient(final_recipient="a@b", action=Action.FAILED, status="5.1.1", diagnostic_type=""),),
    )


def test_all_fields_are_read_whatever_the_case_of_their_names() -> None:
    """QUEUE-106: RFC 3464 §2.2, §2.3; names of fields and types have no case (RFC 5322 §1.2.2, RFC 3464 §2.1.2)."""
    text = (
        "Original-Envelope-Id: env\nReporting-MTA: dns; m\nDSN-Gateway: dns; g\nReceived-From-MTA: dns; f [192.0.2.3]\n"
        "Arrival-Date: Fri, 20 Nov 2026 07:00:00 +0000\nFuture-Release-Request: for;60\n\n"
        "Original-Recipient: RFC822; o@b\nFinal-Recipient: X400; /S=a/\nAction: relayed\nStatus: 2.1.9\n"
        "Remote-MTA: dns; r (2001:db8::1)\nDiagnostic-Code: X-Local ; no: (such) user\n"
        "Last-Attempt-Date: Fri, 20 Nov 2026 07:00:01 +0000\nFinal-Log-ID: q1\n"
        "Will-Retry-Until: Fri, 20 Nov 2026 07:00:02 +0000\n"
    )
    expected = DSN(
        reporting_mta="m",
        envelope_id="env",
        received_from_mta="f [192.0.2.3]",
        received_from_ip="192.0.2.3",
        arrival=AT,
        future_release_request="for;60",
        recipients=(
            DSNRecipient(
                final_recipient="/S=a/",
                final_type="x400",
                original_recipient="o@b",
                action=Action.RELAYED,
                status="2.1.9",
                remote_mta="r",
                remote_ip="2001:db8::1",
                diagnostic_type="x-local",
                diagnostic="no: (such) user",
                last_attempt=AT + 1_000_000,
                final_log_id="q1",
                will_retry_until=AT + 2_000_000,
            ),
        ),
    )
    values = [line.partition(":") for line in text.split("\n")]
    for case in (str, str.upper, str.lower):
        assert parse(status("\n".join(case(name) + colon + value for name, colon, value in values))) == expected


@pytest.mark.parametrize(
    ("field", "kind", "address"),
    [
        ("rfc822; joe+40@example.org", "rfc822", "joe+40@example.org"),
        ("joe@example.org", "rfc822", "joe@example.org"),  # not by the RFC, but some hosts write so
        ('rfc822;"a;b"@example.org', "rfc822", '"a;b"@example.org'),
        ("rfc822;<joe@example.org>", "rfc822", "joe@example.org"),
        ("rfc822;<joe@example.org", "rfc822", "<joe@example.org"),
        ("rfc822;joe@example.org>", "rfc822", "joe@example.org>"),
        ("rfc822;j\\x{F6}@example.org", "rfc822", "j\\x{F6}@example.org"),  # the escape is one of utf-8 only
        ('rfc822; "a(b)\\"c"@example.org (x\\)y)', "rfc822", '"a(b)\\"c"@example.org'),
        ("UTF-8; jö+40@example.org", "utf-8", "jö+40@example.org"),
        ("utf-8;joe+40@exämple.org", "utf-8", "joe+40@exämple.org"),
        ("utf-8;j\\x{F6}\\x{2B}40@example.org", "utf-8", "jö+40@example.org"),
        ("utf-8;\\x{1f600}\\x{10FFFF}@example.org", "utf-8", "\U0001f600\U0010ffff@example.org"),
    ],
)
def test_addresses_are_decoded_by_their_type(field: str, kind: str, address: str) -> None:
    """QUEUE-106: RFC 3464 §2.3.1; RFC 6533 §3, where `+` is a character like others in an utf-8-address, and in the
    other forms is written as an escape.
    """
    recipient = read(f"Original-Recipient: {field}\n")
    assert (recipient.original_type, recipient.original_recipient) == (kind, address)


@pytest.mark.parametrize("number", ["00", "0D", "0A", "1F", "D800", "DFFF", "110000", "FFFFFF"])
def test_an_escape_that_is_no_character_is_replaced(number: str) -> None:
    """QUEUE-106: RFC 6533 §3 has no surrogates and nothing beyond Unicode; RFC 5321 §4.1.2 no controls."""
    assert read(f"Original-Recipient: utf-8;a\\x{{{number}}}b@c\n").original_recipient == "a\ufffdb@c"


@pytest.mark.parametrize("number", [0x20, 0x2B, 0x7E, 0xD7FF, 0xE000, 0x10FFFF])
def test_the_first_and_last_characters_can_be_escaped(number: int) -> None:
    """QUEUE-106"""
    assert read(f"Original-Recipient: utf-8;a\\x{{{number:X}}}b@c\n").original_recipient == f"a{chr(number)}b@c"


ADDRESSES = st.builds(
    "{}@{}".format,
    st.text(
        st.characters(exclude_categories=["Cc", "Cs", "Z"], exclude_characters='()"\\<>@;'), min_size=1, max_size=30
    ),
    st.sampled_from(["example.org", "xn--exmple-cua.org"]),
)


@given(ADDRESSES, ADDRESSES, st.sampled_from(["rfc822", "utf-8"]), st.booleans())
def test_any_address_comes_back_as_it_was(final: str, original: str, kind: str, utf8: bool) -> None:
    """QUEUE-104, QUEUE-106: with either form, so that a notice is found to be about an address with `+20`, too."""
    recipient = DSNRecipient(
        final_recipient=final, action=Action.FAILED, status="5.1.1", original_recipient=original, original_type=kind
    )
    [found] = parse(compose(DSN(reporting_mta="m", recipients=(recipient,)), utf8=utf8)).recipients
    assert (found.final_recipient, found.original_recipient) == (final, original)


@pytest.mark.parametrize(
    ("field", "name", "ip"),
    [
        ("dns; mx.example.org (192.0.2.1)", "mx.example.org", "192.0.2.1"),
        ("dns;mx.example.org (2001:db8::1)", "mx.example.org", "2001:db8::1"),
        ("dns; [IPv6:2001:DB8::1]", "[IPv6:2001:DB8::1]", "2001:db8::1"),
        ("dns; [192.0.2.1]", "[192.0.2.1]", "192.0.2.1"),
        ("mx.example.org", "mx.example.org", ""),
        ("dns; mx.example.org (a bad (dead) host [192.0.2.1])", "mx.example.org", "192.0.2.1"),
        ("dns; mx.example.org (feed)", "mx.example.org", ""),
        ("dns; mx.example.org (192.0.2.256)", "mx.example.org", ""),
        ("x-local; queue (one) of (two)", "queue  of", ""),
        ("dns; a) (unclosed", "a)", ""),
    ],
)
def test_the_name_and_address_of_a_host_are_read(field: str, name: str, ip: str) -> None:
    """QUEUE-106: RFC 3464 §2.1.2, §2.2.4, comments of RFC 5322 §3.2.2, address literals of RFC 5321 §4.1.3."""
    recipient = read(f"Remote-MTA: {field}\n")
    assert (recipient.remote_mta, recipient.remote_ip) == (name, ip)


@pytest.mark.parametrize(
    ("field", "number", "comment"),
    [
        ("5.1.1", "5.1.1", ""),
        ("4.999.999 (x (y) z)", "4.999.999", "x (y) z"),
        ("2.0.0\n (folded\n\tcomment)", "2.0.0", "folded comment"),
        ("5.7.1(no)", "5.7.1", "no"),
        ("5.7.1 ( no )", "5.7.1", "no"),
        ("5.7.1 no", "5.7.1", ""),
    ],
)
def test_a_status_has_three_numbers_and_perhaps_a_comment(field: str, number: str, comment: str) -> None:
    """QUEUE-106: RFC 3464 §2.3.4, RFC 3463 §2."""
    recipient = parse(status(GOOD.replace("5.1.1", field))).recipients[0]
    assert (recipient.status, recipient.status_comment) == (number, comment)


@pytest.mark.parametrize("field", ["1.1.1", "3.0.0", "5.1", "5..1", "x5.1.1", "5.\u0663.1", "(5.1.1)", "550"])
def test_other_status_codes_are_none(field: str) -> None:
    """QUEUE-106: RFC 3463 §2 has the classes 2, 4 and 5, and ASCII digits."""
    assert parse(status(GOOD.replace("5.1.1", field))).recipients[0].status == "5.0.0"
    with pytest.raises(DSNError, match="status"):
        parse(status(GOOD.replace("5.1.1", field).replace("failed", "unknown")))


def test_digits_of_other_scripts_are_no_code() -> None:
    """QUEUE-95"""
    assert read("Diagnostic-Code: smtp; 5\u0663\u0663 no\n").code == 500
    assert read("Diagnostic-Code: x-unix; 550 no\n").code == 500


def test_folded_fields_are_joined() -> None:
    """QUEUE-106: RFC 5322 §2.2.3; lines that are blank but for blanks separate groups (RFC 3464 §2.1)."""
    recipient = read("Diagnostic-Code: smtp;\n 550-no\n\t550 such   \n   user  \n")
    assert recipient.diagnostic == "550-no 550 such user"
    text = (
        "\n \nReporting-MTA:\n dns; m\n\t\n \n\nFinal-Recipient\t: rfc822;\n a@b\nAction: failed\nStatus: 5.1.1\n\n\n"
    )
    assert parse(status(text)) == parse(status(GOOD))
    assert parse(status(" " + GOOD)) == parse(status(GOOD))


def test_an_endless_field_is_cut() -> None:
    """QUEUE-106: 256 KiB of short lines made one field."""
    began = time.thread_time()
    recipient = read("Diagnostic-Code: smtp; 550\n" + " x\n" * 60_000)
    assert time.thread_time() - began < 1
    assert recipient.diagnostic.startswith("550 x x x")
    assert len(recipient.diagnostic) < 10_000
    assert read("Diagnostic-Code: smtp; 550\n" + " x\n" * 4000).diagnostic == "550" + " x" * 4000


def test_the_largest_notice_is_read() -> None:
    """QUEUE-106: 1,000 recipients, 256 KiB."""
    group = "\nFinal-Recipient: rfc822;a@b\nAction: failed\nStatus: 5.1.1\n"
    text = "Reporting-MTA: dns; m\n" + group * MAX_RECIPIENTS
    filled = text + "X: " + "y" * (MAX_STATUS - len(text.replace("\n", "\r\n")) - 3)
    parsed = parse(status(filled))
    assert len(parsed.recipients) == MAX_RECIPIENTS
    with pytest.raises(DSNError, match="too large"):
        parse(status(filled + "y"))


def test_an_encoded_status_part_is_read() -> None:
    """QUEUE-106: RFC 6533 §4 allows each transfer encoding, and RFC 3464 hosts use them all the same."""
    for filler in ("", "X: " + "y" * 250_000 + "\n"):
        text = base64.encodebytes((filler + GOOD + "Diagnostic-Code: x;y\n").encode()).decode()
        message = status(text).replace(b"-status\r\n", b"-status\r\nContent-Transfer-Encoding: base64\r\n")
        assert parse(message).recipients == parse(status(GOOD + "Diagnostic-Code: x;y\n")).recipients


def test_octets_that_are_not_utf8_are_replaced() -> None:
    """QUEUE-106: hosts copy replies of any charset."""
    message = status(GOOD + "Diagnostic-Code: smtp; 550 refus\u00e9\n").replace("é".encode(), b"\xe9")
    assert parse(message).recipients[0].diagnostic == "550 refus\ufffd"


def test_unknown_fields_are_kept() -> None:
    """QUEUE-106: extension fields (RFC 3464 §2.4), repeated or not; fields of the other group are read there."""
    text = GOOD.replace("\n\n", "\nX-A: 1\nx-a:2\nStatus: 5.0.0\n\n") + "Reporting-MTA: dns; n\nX-B : c : d\n"
    parsed = parse(status(text))
    assert (parsed.reporting_mta, parsed.extra) == ("m", (("X-A", "1"), ("x-a", "2")))
    assert [(one.status, one.extra) for one in parsed.recipients] == [("5.1.1", (("X-B", "c : d"),))]


@pytest.mark.parametrize("name", ["Final-Recipient", "Action: failed\nStatus"])
def test_required_fields_without_a_text_are_missing(name: str) -> None:
    """QUEUE-106"""
    text = GOOD.replace("Status: 5.1.1", "Status: ") if "Status" in name else GOOD.replace("rfc822;a@b", "")
    text = text.replace("Action: failed", "Action: ") if "Status" in name else text
    with pytest.raises(DSNError, match="no recipients"):
        parse(status(text))


@pytest.mark.parametrize("text", ["", "soon", "Fri, 99 Nov 2026 07:00:00 +0000"])
def test_a_malformed_date_is_unknown(text: str) -> None:
    """QUEUE-106: the rest of the notice is read all the same."""
    recipient = read(f"Last-Attempt-Date: {text}\nWill-Retry-Until: {text}\n", message=f"Arrival-Date: {text}\n")
    assert (recipient.last_attempt, recipient.will_retry_until) == (None, None)


def returned(content: bytes, media_type: str) -> str:
    """Message-ID in the third part of a notice."""
    third = b"\r\n--b\r\nContent-Type: " + media_type.encode() + b"\r\n\r\n" + content + b"\r\n--b--\r\n"
    return parse(status(GOOD).removesuffix(b"\r\n--b--\r\n") + third).returned_message_id


@pytest.mark.parametrize(
    ("content", "media_type", "message_id"),
    [
        (ORIGINAL, "message/rfc822", "<o@example.com>"),
        (ORIGINAL, "text/rfc822-headers", "<o@example.com>"),
        (UTF8_ORIGINAL, "message/global", "<ö@x>"),
        (UTF8_ORIGINAL, "message/global-headers", "<ö@x>"),
        (b"Message-ID: <\xe4@x>\r\n", "text/rfc822-headers", "<\ufffd@x>"),
        (b"Subject: hi\r\n", "text/rfc822-headers", ""),
        (b"Message-ID:\r\n", "text/rfc822-headers", ""),
        (ORIGINAL, "text/plain", ""),
    ],
)
def test_the_message_id_of_the_returned_message_is_read(content: bytes, media_type: str, message_id: str) -> None:
    """QUEUE-95, QUEUE-106: RFC 3462 §2, RFC 6533 §5."""
    assert returned(content, media_type) == message_id


def test_a_returned_header_of_any_size_is_read_in_part() -> None:
    """QUEUE-106: a header of a megabyte takes no more memory than one of 256 KiB."""
    field = b"X-Filler: " + b"y" * 60 + b"\r\n"
    assert returned(field * 100 + ORIGINAL, "text/rfc822-headers") == "<o@example.com>"
    assert returned(field * 15_000 + ORIGINAL, "text/rfc822-headers") == ""


@given(
    st.lists(st.sampled_from(["(", ")", '"', "\\", "a", ";", "<", ">", "\\x{A}", "\\x{0D}", "utf-8;", "\n x", "\r"]))
)
def test_no_field_of_a_notice_has_a_line_feed(pieces: list[str]) -> None:
    """QUEUE-106: neither folding nor an escape brings one in, since others take these texts for one line."""
    text = "".join(pieces)
    names = ("Original-Recipient: utf-8;", "Remote-MTA: ", "Diagnostic-Code: ", "Final-Log-ID: ", "X: ")
    recipient = read("".join(f"{name}{text}\n" for name in names))
    texts = [value for value in msgspec.structs.astuple(recipient) if isinstance(value, str)]
    assert not any("\n" in value for value in (*texts, *recipient.extra[0]))
