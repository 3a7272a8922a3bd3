"""Receipts of reading: requests, receipts that come, and receipts that are sent (RFC 8098)."""

import email
import email.policy
import re

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.mdn import (
    MAX_ERRORS,
    MAX_FIELD,
    MAX_ORIGINAL,
    MAX_REQUESTERS,
    MDN,
    ReadMDN,
    compose_mdn,
    original_recipient,
    read_mdn,
    requesters,
)
from moxlite.proto.mime import MailAddress, scan
from moxlite.proto.mime.decode import decode
from moxlite.proto.mime.headers import HeaderSection

AT = 1795158000_000_000
TO = "Disposition-Notification-To: "
OPTIONS = "Disposition-Notification-Options: "
ANN = MailAddress("", "ann", "a.example")
MAX_LINE = 998
"""Octets of a line without its CRLF (RFC 5322 §2.1.1)."""


def section(*fields: str) -> HeaderSection:
    return HeaderSection("".join(f"{field}\r\n" for field in fields).encode() + b"\r\n")


# --- requests ---


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("ann@a.example", [ANN]),
        ('"Ann, the first" <ann@A.Example> (home)', [ANN]),
        ("ann@a.example,\r\n bob@b.example", [ANN, MailAddress("", "bob", "b.example")]),
        ("ann@a.example, Ann <ann@A.example>", [ANN]),
        ("Ann@a.example, ann@a.example", [MailAddress("", "Ann", "a.example"), ANN]),  # RFC 5321 §2.4: they may differ
        ("jö@exämple.org", [MailAddress("", "jö", "xn--exmple-cua.org")]),
        ('"j@h"@a.example', [MailAddress("", "j@h", "a.example")]),
    ],
)
def test_a_request_names_addresses(text: str, addresses: list[MailAddress]) -> None:
    """WEBMAIL-139, WEBMAIL-139b: RFC 8098 §2.1; without their names, each once."""
    assert requesters(section(TO + text)) == tuple(addresses)


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [TO],
        [TO + "<>"],
        [TO + "ann"],
        [TO + "@a.example"],
        [TO + "friends: ann@a.example;"],
        [TO + "ann@a.example, friends:;"],
        [TO + "ann@a.example", TO + "ann@a.example"],
        [TO + "ann@a..example"],
        [TO + "ann@[192.0.2.1]"],
        [TO + "ann@a.example, bob"],
        [TO + "\x00@a.example"],
    ],
)
def test_a_request_that_cannot_be_followed_is_ignored(fields: list[str]) -> None:
    """WEBMAIL-139a"""
    assert requesters(section(*fields)) == ()


def test_a_request_has_up_to_five_addresses() -> None:
    """WEBMAIL-139a: a reader's click sends no mail to a crowd, nor to one address many times."""
    addresses = [f"a{number}@a.example" for number in range(MAX_REQUESTERS + 1)]
    assert len(requesters(section(TO + ", ".join(addresses[:-1])))) == MAX_REQUESTERS
    assert requesters(section(TO + ", ".join(addresses))) == ()
    assert requesters(section(TO + ", ".join(addresses[:1] * (MAX_REQUESTERS + 1)))) == ()


def test_a_request_has_a_limited_length() -> None:
    """WEBMAIL-139a"""
    name = "ann@a.example ("
    longest = name + "x" * (MAX_FIELD - len(name) - 1) + ")"
    assert requesters(section(TO + longest)) == (ANN,)
    assert requesters(section(TO + longest + " ")) in ((), (ANN,))
    assert requesters(section(TO + longest + "x")) == ()


@pytest.mark.parametrize(
    ("options", "followed"),
    [
        ([""], True),
        (["signed-receipt-protocol=optional,pkcs7-signature"], True),
        (["a = OPTIONAL , x,y ; b=optional;"], True),
        (["a=optional"], True),
        (["a=optional,x\r\n ;b=optional,y"], True),
        (["a=optional,x", "b=optional,y"], True),
        (["a=required,x"], False),
        (["a=optional,x;b=required,y"], False),
        (["a=optional,x", "b=required,y"], False),
        (["a=optionally,x"], False),
        (["a"], False),
        (["=optional,x"], False),
        (["a b=optional,x"], False),
        (["a=optional," + "x" * (MAX_FIELD - 11)], True),
        (["a=optional," + "x" * (MAX_FIELD - 10)], False),
    ],
)
def test_options_have_to_be_optional(options: list[str], followed: bool) -> None:
    """WEBMAIL-139a: RFC 8098 §2.2, "if an attribute is required and not known, no MDN is sent"."""
    fields = section(TO + "ann@a.example", *[OPTIONS + text for text in options])
    assert requesters(fields) == ((ANN,) if followed else ())


@given(st.text(st.sampled_from('ann@.exmpl<>,;:()"\\ ö\t=?'), max_size=100))
def test_any_request_gives_whole_addresses_or_none(text: str) -> None:
    """WEBMAIL-139a: what a stranger writes never makes an address that can't be written."""
    for address in requesters(section(TO + text)):
        assert (address.name, bool(address.localpart)) == ("", True)
        assert re.fullmatch(r"[a-z0-9.-]+", address.domain)


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ([], ""),
        (["Original-Recipient: rfc822;ann@a.example"], "rfc822;ann@a.example"),
        (["ORIGINAL-RECIPIENT:  X-y ;\r\n ann=+2B@a.example "], "X-y ; ann=+2B@a.example"),
        (["Original-Recipient: rfc822;" + "x" * (MAX_ORIGINAL - 7)], "rfc822;" + "x" * (MAX_ORIGINAL - 7)),
        (["Original-Recipient: rfc822;" + "x" * (MAX_ORIGINAL - 6)], ""),
        (["Original-Recipient: rfc822;a", "Original-Recipient: rfc822;a"], ""),
        (["Original-Recipient: ann@a.example"], ""),
        (["Original-Recipient: rfc822;"], ""),
        (["Original-Recipient: rfc822;a b"], ""),
        (["Original-Recipient: rfc822;ö@a.example"], ""),
    ],
)
def test_the_original_recipient_is_copied_if_it_is_one(fields: list[str], value: str) -> None:
    """WEBMAIL-139: RFC 8098 §2.3"""
    assert original_recipient(section(*fields)) == value


# --- receipts that come ---

RECEIPT = (
    "Final-Recipient: rfc822; ann@a.example",
    "Disposition: manual-action/MDN-sent-manually; displayed",
)
DISPOSITION = {"actionMode": "manual-action", "sendingMode": "mdn-sent-manually", "type": "displayed"}


def test_the_fields_of_a_receipt_are_read() -> None:
    """JMAP-53: RFC 8098 §3.2, RFC 9007 §2"""
    assert read_mdn(section(*RECEIPT)) == ReadMDN(
        final_recipient="rfc822; ann@a.example", disposition=DISPOSITION, extensions={}
    )
    assert read_mdn(
        section(
            "REPORTING-UA: host.example; Reader 1",
            "MDN-Gateway: dns; gate.example",
            "Original-Recipient: rfc822;all@a.example",
            *RECEIPT,
            "Original-Message-ID: <1@a.example>",
            "Error: first",
            "X-Reason:  because\r\n of this ",
            "error: sec\u00f6nd ",
            "x-reason: another",
            "no field at all",
        )
    ) == ReadMDN(
        reporting_ua="host.example; Reader 1",
        gateway="dns; gate.example",
        original_recipient="rfc822;all@a.example",
        final_recipient="rfc822; ann@a.example",
        original_message_id="<1@a.example>",
        disposition=DISPOSITION,
        errors=("first", "secönd"),
        extensions={"x-reason": "because of this"},
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("automatic-action/MDN-sent-automatically;deleted", ("automatic-action", "mdn-sent-automatically", "deleted")),
        (" Manual-Action / MDN-Sent-Manually ; Dispatched/error", ("manual-action", "mdn-sent-manually", "dispatched")),
        ("manual-action/MDN-sent-manually;\r\n processed", ("manual-action", "mdn-sent-manually", "processed")),
    ],
)
def test_a_disposition_has_three_parts_without_case(text: str, kind: tuple[str, str, str]) -> None:
    """JMAP-53: RFC 8098 §3.2.6"""
    mdn = read_mdn(section(RECEIPT[0], f"Disposition: {text}"))
    assert mdn is not None
    assert tuple(mdn.disposition[name] for name in ("actionMode", "sendingMode", "type")) == kind


@pytest.mark.parametrize(
    "fields",
    [
        [],
        RECEIPT[:1],
        RECEIPT[1:],
        ["Final-Recipient:", RECEIPT[1]],
        [RECEIPT[0], "Disposition: displayed"],
        [RECEIPT[0], "Disposition: manual-action; displayed"],
        [RECEIPT[0], "Disposition: manual-action/MDN-sent-manually;"],
        [RECEIPT[0], "Disposition: x, manual-action/MDN-sent-manually; displayed"],
    ],
)
def test_a_receipt_without_what_it_must_have_is_none(fields: list[str]) -> None:
    """JMAP-53: RFC 8098 §3.2 requires both fields."""
    assert read_mdn(section(*fields)) is None


def test_the_fields_of_a_receipt_are_limited() -> None:
    """JMAP-53"""
    long = "x" * (MAX_FIELD + 1)
    fields = [f"Reporting-UA: {long}", *RECEIPT, *["Error: " + long] * (MAX_ERRORS + 1)]
    mdn = read_mdn(section(*fields, *[f"X-{number}: {long}" for number in range(MAX_ERRORS + 1)]))
    assert mdn is not None
    assert mdn.reporting_ua == long[:MAX_FIELD]
    assert mdn.errors == (long[:MAX_FIELD],) * MAX_ERRORS
    assert mdn.extensions == {f"x-{number}": long[:MAX_FIELD] for number in range(MAX_ERRORS)}


def test_octets_that_are_not_utf8_are_replaced() -> None:
    """JMAP-53: JSON has no other characters."""
    mdn = read_mdn(HeaderSection("\r\n".join([*RECEIPT, "Reporting-UA: \xe4", "Error: \xe4"]).encode("latin-1")))
    assert mdn is not None
    assert (mdn.reporting_ua, mdn.errors) == ("\ufffd", ("\ufffd",))


@given(st.binary(max_size=200))
def test_any_receipt_is_read_or_none(octets: bytes) -> None:
    """JMAP-53: and never has a field without a name."""
    mdn = read_mdn(HeaderSection("\r\n".join(RECEIPT).encode() + b"\r\n" + octets))
    assert mdn is None or all(mdn.extensions)


# --- receipts that are sent ---


BOTH = (MailAddress("", "bob", "b.example"), MailAddress("", "carl", "c.example"))


def receipt(
    mdn: MDN,
    *,
    utf8: bool = False,
    subject: str = "Read: Plan",
    sender: MailAddress = ANN,
    to: tuple[MailAddress, ...] = BOTH,
) -> bytes:
    return compose_mdn(
        mdn,
        sender=sender,
        to=to,
        subject=subject,
        text="Shown.\n",
        message_id="<2@a.example>",
        date=AT,
        utf8=utf8,
    )


def report(message: bytes) -> bytes:
    part = scan(message).root.parts[1]
    return decode(message[part.body : part.end], part.encoding)


def test_a_receipt_is_a_report_of_two_parts() -> None:
    """WEBMAIL-139: RFC 8098 §3, §3.1; it answers the message (RFC 5322 §3.6.4) and says that a program made it."""
    message = receipt(
        MDN(
            reporting_ua="a.example; moxlite",
            final_recipient="ann+x@a.example",
            original_message_id="<1@b.example>",
            original_recipient="rfc822;all@a.example",
        )
    )
    read = email.message_from_bytes(message, policy=email.policy.default)
    assert [(name, str(value)) for name, value in read.items()][:-1] == [
        ("From", "ann@a.example"),
        ("To", "bob@b.example, carl@c.example"),
        ("Subject", "Read: Plan"),
        ("Date", "Fri, 20 Nov 2026 07:00:00 +0000"),
        ("Message-ID", "<2@a.example>"),
        ("In-Reply-To", "<1@b.example>"),
        ("References", "<1@b.example>"),
        ("Auto-Submitted", "auto-replied"),
        ("MIME-Version", "1.0"),
    ]
    assert b"\r\nContent-Type: multipart/report; report-type=disposition-notification;\r\n" in message
    people, machine = read.iter_parts()
    assert people.get_content() == "Shown.\r\n"
    assert machine["Content-Type"] == "message/disposition-notification"
    assert (machine["Content-Transfer-Encoding"], machine["Content-Disposition"]) == ("7bit", None)
    assert report(message).decode("ascii").split("\r\n") == [
        "Reporting-UA: a.example; moxlite",
        "Original-Recipient: rfc822;all@a.example",
        "Final-Recipient: rfc822;ann+x@a.example",
        "Original-Message-ID: <1@b.example>",
        "Disposition: manual-action/MDN-sent-manually; displayed",
        "",
    ]


def test_a_receipt_has_no_fields_for_what_the_message_has_not() -> None:
    """WEBMAIL-139: RFC 8098 §3.2.3, §3.2.5"""
    message = receipt(MDN(reporting_ua="a.example; moxlite", final_recipient="ann@a.example"))
    assert report(message).decode("ascii").split("\r\n") == [
        "Reporting-UA: a.example; moxlite",
        "Final-Recipient: rfc822;ann@a.example",
        "Disposition: manual-action/MDN-sent-manually; displayed",
        "",
    ]
    read = email.message_from_bytes(message)
    assert not {"In-Reply-To", "References"} & set(read.keys())


def test_an_internationalized_receipt_is_written_in_utf8() -> None:
    """WEBMAIL-139: RFC 6533 §6"""
    mdn = MDN(
        reporting_ua="ä.example; moxlite",
        final_recipient="änn@a.example",
        original_message_id="<ö@b.example>",
        original_recipient="utf-8;äll@a.example",
        disposition="manual-action/MDN-sent-manually; displayed",
    )
    message = receipt(
        mdn,
        utf8=True,
        subject="Gelesen: für dich",
        sender=MailAddress("Änn", "änn", "a.example"),
        to=(MailAddress("", "jö", "b.example"),),
    )
    header = message[: message.index(b"\r\n\r\n")].decode()
    for field in (
        'From: "Änn" <änn@a.example>',
        "To: <jö@b.example>",
        "Subject: Gelesen: für dich",
        "In-Reply-To: <ö@b.example>",
    ):
        assert f"{field}\r\n" in header
    assert (
        b"\r\nContent-Type: message/global-disposition-notification\r\nContent-Transfer-Encoding: 8bit\r\n" in message
    )
    assert report(message).decode().split("\r\n") == [
        "Reporting-UA: ä.example; moxlite",
        "Original-Recipient: utf-8;äll@a.example",
        "Final-Recipient: utf-8;änn@a.example",
        "Original-Message-ID: <ö@b.example>",
        "Disposition: manual-action/MDN-sent-manually; displayed",
        "",
    ]
    assert b"Content-Transfer-Encoding: 7bit\r\n" in receipt(MDN(reporting_ua="a", final_recipient="a@b"), utf8=True)


def test_an_address_with_utf8_has_a_seven_bit_form() -> None:
    """WEBMAIL-139: RFC 6533 §3"""
    mdn = MDN(reporting_ua="ä; m", final_recipient="änn@ä.example", original_recipient="x;ä", original_message_id="<ä>")
    message = receipt(mdn, subject="für")
    assert message.isascii()
    assert b"Final-Recipient: utf-8;\\x{E4}nn@xn--4ca.example\r\n" in report(message)


@given(st.text(max_size=2000), st.text(max_size=300), st.booleans())
def test_what_a_message_has_cannot_add_fields(message_id: str, original: str, utf8: bool) -> None:
    """WEBMAIL-139: the ids and addresses of a stranger stay in their fields, and the fields in their lines."""
    mdn = MDN(reporting_ua="m", final_recipient="a@b", original_message_id=message_id, original_recipient=original)
    message = receipt(mdn, utf8=utf8)
    assert max(map(len, message.split(b"\r\n"))) <= MAX_LINE
    names = [line.partition(b":")[0].decode() for line in report(message).split(b"\r\n") if line]
    expected = ["Reporting-UA", "Original-Recipient", "Final-Recipient", "Original-Message-ID", "Disposition"]
    absent = ({"Original-Recipient"} if not original else set()) | (
        {"Original-Message-ID"} if not message_id else set()
    )
    assert names == [name for name in expected if name not in absent]
    header = HeaderSection(message)
    assert set(header.names) <= {
        *(b"from", b"to", b"subject", b"date", b"message-id", b"in-reply-to", b"references", b"auto-submitted"),
        *(b"mime-version", b"content-type"),
    }


@given(st.sampled_from(["ann", "jö", "a+b"]), st.booleans())
def test_a_composed_receipt_is_read_back(localpart: str, utf8: bool) -> None:
    """WEBMAIL-139, JMAP-53"""
    mdn = MDN(reporting_ua="a; m", final_recipient=f"{localpart}@b.example", original_message_id="<1@x>")
    found = read_mdn(HeaderSection(report(receipt(mdn, utf8=utf8))))
    assert found is not None
    assert (found.reporting_ua, found.original_message_id, found.disposition) == ("a; m", "<1@x>", DISPOSITION)
    if utf8 or localpart.isascii():
        assert found.final_recipient.partition(";")[2] == f"{localpart}@b.example"
