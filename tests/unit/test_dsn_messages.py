"""Delivery status notifications."""

import time

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.dsn import DSN, MAX_RECIPIENTS, Action, DSNError, DSNRecipient, compose_dsn, parse_dsn
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
    assert scan(message, strict=True).is_dsn


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
        ("X: y\n\nFinal-Recipient: rfc822;a@b\nAction: failed\nStatus: 5.1.1\n", "Reporting-MTA"),
        ("Reporting-MTA: dns; m\n", "no recipients"),
        (GOOD.replace("Final-Recipient", "X-Recipient"), "final-recipient"),
        (GOOD.replace("Action: failed\n", ""), "action"),
        (GOOD.replace("failed", "exploded"), "unknown action"),
        (GOOD.replace("Status: 5.1.1\n", ""), "status"),
        (GOOD.replace("5.1.1", "five"), "status"),
        (GOOD.replace("Action: failed\n", "Action: failed\naction: failed\n"), "duplicate"),
        (GOOD + "no field\n", "malformed"),
        (GOOD + "\nFinal-Recipient: rfc822;a@b\nAction: failed\nStatus: 5.1.1\n" * MAX_RECIPIENTS, "too many"),
        (GOOD + "X: y\n" * 60_000, "too large"),
    ],
)
def test_a_broken_status_part_is_refused(text: str, reason: str) -> None:
    """QUEUE-106"""
    with pytest.raises(DSNError, match=reason):
        parse(status(text))


def test_only_reports_of_two_or_three_parts_are_notifications() -> None:
    """QUEUE-106"""
    assert parse(status(GOOD, parts=3)).recipients
    assert parse(status(GOOD, second="message/global-delivery-status")).recipients
    for message in (
        status(GOOD, parts=1),
        status(GOOD, parts=4),
        status(GOOD, second="text/plain"),
        b"Subject: x\r\n\r\n",
    ):
        with pytest.raises(DSNError):
            parse(message)


def test_notifications_of_others_are_read() -> None:
    """QUEUE-106"""
    parsed = parse(
        status(
            "Reporting-MTA: dns;mx.example.org (a (nested) comment)\nReceived-From-MTA: dns; c "
            "(192.0.2.9)\nX-Queue: 1\n"
            "Arrival-Date: Fri, 20 Nov 2026 07:00:00 +0000\n \n\n\nFinal-Recipient: RFC822; <Joe+x@Example.org> (Joe)\n"
            "Original-Recipient: utf-8;j\\x{F6}e+40x@example.org\nAction: Failed (no)\nStatus: "
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
    assert (recipient.original_type, recipient.original_recipient) == ("utf-8", "jöe@x@example.org")
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
