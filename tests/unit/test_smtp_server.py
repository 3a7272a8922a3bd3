"""The SMTP server codec by transcripts (SMTP-1, 3, 10..13, 19..33, 37..40, 46, 50, 66, 141..147, 151)."""

import ipaddress
import itertools
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.address import Address, Domain, Localpart, Path
from moxlite.proto.smtp.commands import (
    Auth,
    Bdat,
    Command,
    DeliverBy,
    Ehlo,
    Helo,
    Hold,
    MailFrom,
    RcptTo,
    Rset,
    StartTLS,
    Vrfy,
    decode_xtext,
    encode_xtext,
)
from moxlite.proto.smtp.replies import Response
from moxlite.proto.smtp.server import (
    NEED_DATA,
    AuthData,
    DataChunk,
    DataEnd,
    Event,
    Oversize,
    Refusal,
    ServerConnection,
    ServerLimits,
)

ALL = frozenset(
    ["SIZE", "8BITMIME", "SMTPUTF8", "REQUIRETLS", "DSN", "FUTURERELEASE", "MT-PRIORITY", "DELIVERBY", "CHUNKING"]
)
REPLIES = {"DATA": 354, "STARTTLS": 220, "AUTH": 334, "QUIT": 221}


def take(connection: ServerConnection, octets: bytes = b"", offers: frozenset[str] = ALL) -> list[Event]:
    """All events, every command being granted."""
    connection.receive_data(octets)
    events: list[Event] = []
    while (event := connection.next_event()) is not NEED_DATA:
        events.append(event)
        if isinstance(event, Ehlo):
            connection.offer(offers)
        if isinstance(event, Refusal):
            connection.send(event.response)
            if event.close:
                break
        elif isinstance(event, DataEnd) or (isinstance(event, Command) and not isinstance(event, Bdat)):
            code = REPLIES.get(event.verb, 250) if isinstance(event, Command) else 250
            connection.send(Response(code, "", ("ok",)))
    return events


def mx(*, tolerate_space: bool = False) -> ServerConnection:
    connection = ServerConnection(starttls=True, tolerate_space=tolerate_space)
    take(connection, b"EHLO there.example\r\n")
    return connection


def submission(*, pedantic: bool = False) -> ServerConnection:
    connection = ServerConnection(submission=True, starttls=True, pedantic=pedantic)
    connection.account_known()
    take(connection, b"EHLO there.example\r\n")
    return connection


def one(connection: ServerConnection, octets: bytes) -> Event:
    (event,) = take(connection, octets)
    return event


def code(event: Event) -> str:
    assert isinstance(event, Refusal)
    return f"{event.response.code} {event.response.ecode}" + (" close" if event.close else "")


def path(text: str) -> Path:
    return Path.of(Address.parse(text))


def test_a_whole_transaction_comes_out_as_events() -> None:
    """SMTP-1, 12, 19, 37"""
    connection = ServerConnection()
    events = take(
        connection,
        b"EHLO there.example\r\nmail from:<a@b.example> size=10\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"
        b"Subject: x\r\n\r\n..dot\r\n.\r\nNOOP\r\n",
    )
    assert events[:4] == [
        Ehlo(Domain.parse("there.example"), "there.example"),
        MailFrom(path("a@b.example"), size=10),
        RcptTo(path("c@d.example")),
        events[3],
    ]
    assert events[4:6] == [DataChunk(b"Subject: x\r\n\r\n.dot\r\n"), DataEnd(True, False)]
    assert code(one(connection, b"RCPT TO:<a@b>\r\n")) == "503 5.5.1"
    assert len(events) == 7


SESSION = (
    b"EHLO a.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<>\r\n"
    b"DATA\r\nx: y\r\n\r\n..\r\n.\r\nbogus\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n"
    b"BDAT 5\r\na: b\nBDAT 4 LAST\r\n\r\nxyBDAT 2\r\nabNOOP x\r\nQUIT\r\n"
)


def joined(events: list[Event]) -> list[Event]:
    """With neighbouring chunks in one."""
    result: list[Event] = []
    for event in events:
        if isinstance(event, DataChunk) and result and isinstance(result[-1], DataChunk):
            event = DataChunk(result.pop().data + event.data)  # type: ignore[union-attr]  # it is a chunk
        result.append(event)
    return result


@given(st.lists(st.integers(0, len(SESSION)), max_size=30))
def test_any_split_of_a_session_gives_the_same_events(cuts: list[int]) -> None:
    """SMTP-12, 37, 40, 178"""
    whole, pieces = ServerConnection(), ServerConnection()
    places = [0, *sorted(cuts), len(SESSION)]
    events: list[Event] = []
    for start, stop in itertools.pairwise(places):
        events += take(pieces, SESSION[start:stop])
    assert joined(events) == joined(take(whole, SESSION))


@pytest.mark.parametrize(
    "first", [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01", b"\x00", b"XYZZY\r\n", b"\xff\xfe", b"1\r\n"]
)
def test_a_stranger_gets_one_refusal(first: bytes) -> None:
    """SMTP-11, 141"""
    connection = ServerConnection()
    assert [code(event) for event in take(connection, first + b"EHLO x\r\n" * 3)] == ["500 5.5.2 close"]
    assert connection.next_event() is NEED_DATA


def test_a_later_unknown_command_does_not_end_the_connection() -> None:
    """SMTP-11"""
    assert code(one(mx(), b"XYZZY\r\n")) == "500 5.5.1"


def test_line_ends_and_lengths() -> None:
    """SMTP-10"""
    assert code(one(mx(), b"NOOP " + b"x" * 2043)) == "500 5.5.0 close"
    assert not isinstance(one(mx(), b"NOOP " + b"x" * 2041 + b"\r\n"), Refusal)
    assert code(one(mx(), b"NOOP\n")) == "500 5.5.2 close"
    assert not isinstance(one(submission(), b"NOOP\n"), Refusal)
    assert code(one(submission(pedantic=True), b"NOOP\n")) == "500 5.5.2 close"
    assert code(one(mx(), b"NOOP \0\r\n")) == "501 5.5.2"
    assert code(one(mx(), b"MAIL FROM:<\xff@x>\r\n")) == "501 5.5.2"


def test_trailing_white_space_is_overlooked() -> None:
    """SMTP-13"""
    assert isinstance(one(mx(), b"MAIL FROM:<a@b.example>  \r\n"), MailFrom)
    assert one(mx(), b"RSET \t\r\n") == Rset()
    assert isinstance(one(mx(), b"VRFY X \r\n"), Vrfy)
    assert code(one(mx(), b"NOOP x\x0b \r\n")) == "501 5.5.2"
    assert isinstance(one(submission(pedantic=True), b"MAIL FROM:<a@b.example> \r\n"), MailFrom)


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"MAIL FROM:<>\r\n", ["503 5.5.1"]),
        (b"EHLO x\r\nRCPT TO:<a@b>\r\n", ["503 5.5.1"]),
        (b"EHLO x\r\nDATA\r\n", ["503 5.5.1"]),
        (b"EHLO x\r\nMAIL FROM:<>\r\nDATA\r\n", ["503 5.5.1"]),
        (b"EHLO x\r\nMAIL FROM:<>\r\nMAIL FROM:<>\r\n", ["503 5.5.1"]),
        (b"EHLO x\r\nAUTH PLAIN\r\n", ["503 5.5.1"]),
        (b"STARTTLS\r\n", ["503 5.5.1"]),
        (b"EHLO x\r\nMAIL FROM:<>\r\nRSET\r\nRCPT TO:<a@b>\r\n", ["503 5.5.1"]),
        (b"EHLO x\r\nMAIL FROM:<>\r\nEHLO x\r\nRCPT TO:<a@b>\r\n", ["503 5.5.1"]),
        (b"EHLO x\r\nRSET x\r\nQUIT x\r\nVRFY\r\nEXPN SMTPUTF8\r\n", ["501 5.5.2"] * 3),
        (b"EHLO x\r\nNOOP x\r\nHELP me\r\nVRFY x SMTPUTF8\r\n", []),
        (b"EHLO\r\nHELO \r\n", ["501 5.5.2"] * 2),
    ],
)
def test_commands_out_of_sequence_or_with_bad_arguments_are_refused(octets: bytes, expected: list[str]) -> None:
    """SMTP-19, 20"""
    connection = ServerConnection(starttls=True)
    assert [code(event) for event in take(connection, octets) if isinstance(event, Refusal)] == expected


def test_vrfy_is_a_command_of_its_own() -> None:
    """SMTP-19"""
    assert isinstance(one(mx(), b"VRFY someone\r\n"), Vrfy)


def test_submission_needs_a_login_before_mail() -> None:
    """SMTP-19"""
    connection = ServerConnection(submission=True)
    take(connection, b"EHLO x\r\n")
    assert code(one(connection, b"MAIL FROM:<>\r\n")) == "530 5.7.0"
    connection.account_known()
    assert isinstance(one(connection, b"MAIL FROM:<>\r\n"), MailFrom)


def test_hello_at_mx_names_a_domain_or_literal() -> None:
    """SMTP-23"""
    connection = ServerConnection()
    for good, host in (
        (b"EHLO [192.0.2.1]", ipaddress.ip_address("192.0.2.1")),
        (b"EHLO [IPv6:2001:db8::1] and more", ipaddress.ip_address("2001:db8::1")),
        (b"HELO my-host", Domain.parse("my-host")),
    ):
        event = one(connection, good + b"\r\n")
        assert isinstance(event, Ehlo | Helo)
        assert event.host == host
    for bad in (
        b"HELO my_host",
        b"EHLO [2001:db8::1]",
        b"EHLO [IPv4:192.0.2.1]",
        b"EHLO [x]",
        b"EHLO [192.0.2.1]x",
        b"EHLO a b",
        b"EHLO (",
    ):
        assert code(one(connection, bad + b"\r\n")) == "501 5.5.2"


def test_a_literal_without_its_tag_is_taken_at_submission_unless_pedantic() -> None:
    """SMTP-23"""
    event = one(ServerConnection(submission=True), b"EHLO [2001:db8::1]\r\n")
    assert isinstance(event, Ehlo)
    assert event.host == ipaddress.ip_address("2001:db8::1")
    pedantic = ServerConnection(submission=True, pedantic=True)
    assert code(one(pedantic, b"EHLO [2001:db8::1]\r\n")) == "501 5.5.2"
    assert isinstance(one(pedantic, b"EHLO [IPv6:2001:db8::1]\r\n"), Ehlo)


def test_hello_at_submission_may_be_anything_unless_pedantic() -> None:
    """SMTP-22, 23, 152"""
    for octets in (b"EHLO", b"EHLO (x\x01", b"EHLO [2001:db8::1]", b"EHLO a b"):
        connection = ServerConnection(submission=True)
        event = one(connection, octets + b"\r\n")
        if b"\x01" in octets:
            assert code(event) == "501 5.5.2"
        else:
            assert isinstance(event, Ehlo)
            assert event.name.isascii()
    assert code(one(ServerConnection(submission=True, pedantic=True), b"EHLO a b\r\n")) == "501 5.5.2"


def test_mail_has_parameters_only_after_ehlo() -> None:
    """SMTP-25"""
    connection = ServerConnection()
    take(connection, b"HELO x\r\n")
    assert code(one(connection, b"MAIL FROM:<a@b> SIZE=1\r\n")) == "555 5.5.4"
    assert isinstance(one(connection, b"MAIL FROM:<a@b>\r\n"), MailFrom)


@pytest.mark.parametrize(
    ("parameters", "fields"),
    [
        (b"SIZE=0 BODY=8bitmime AUTH=<>", {"size": 0, "body": "8BITMIME"}),
        (b"REQUIRETLS SMTPUTF8", {"requiretls": True, "smtputf8": True}),
        (b"AUTH=a+40b RET=hdrs ENVID=a+2Bb", {"ret": "HDRS", "envid": "a+b"}),
        (b"HOLDFOR=100", {"hold": Hold("HOLDFOR=100", seconds=100)}),
        (
            b"HOLDUNTIL=2027-01-02T03:04:05Z",
            {"hold": Hold("HOLDUNTIL=2027-01-02T03:04:05Z", until=datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC))},
        ),
        (
            b"MT-PRIORITY=-9 BY=-60;n BODY=7BIT",
            {"priority": -9, "deliver_by": DeliverBy(-60, "N", False), "body": "7BIT"},
        ),
        (b"BY=60;Rt", {"deliver_by": DeliverBy(60, "R", True)}),
    ],
)
def test_mail_parameters_are_parsed(parameters: bytes, fields: dict[str, object]) -> None:
    """SMTP-26, 27, 30, 33, 156, 157"""
    event = one(submission(), b"MAIL FROM:<a@b.example> " + parameters + b"\r\n")
    assert event == MailFrom(path("a@b.example"), **fields)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("parameters", "refusal"),
    [
        (b"SIZE=x", "501 5.5.4"),
        (b"SIZE", "501 5.5.4"),
        (b"SIZE=1 size=1", "501 5.5.4"),
        (b"SMTPUTF8=1", "501 5.5.4"),
        (b"BODY=9BIT", "555 5.5.4"),
        (b"BODY=BINARYMIME", "555 5.5.4"),
        (b"XYZ=1", "555 5.5.4"),
        (b"==", "501 5.5.2"),
        (b"HOLDFOR=0", "501 5.5.4"),
        (b"HOLDFOR=1234567890", "501 5.5.4"),
        (b"HOLDFOR=1 HOLDUNTIL=2027-01-02T03:04:05Z", "501 5.5.4"),
        (b"HOLDUNTIL=2027-13-02T03:04:05Z", "501 5.5.4"),
        (b"HOLDUNTIL=2027-01-02T03:04:05+01:00", "501 5.5.4"),
        (b"MT-PRIORITY=10", "501 5.5.4"),
        (b"BY=0;R", "501 5.5.4"),
        (b"BY=x", "501 5.5.4"),
        (b"RET=ALL", "501 5.5.4"),
        (b"ENVID=a=b", "501 5.5.2"),
        (b"ENVID=a+0Ab", "501 5.5.4"),
        (b"ENVID=" + b"x" * 101, "501 5.5.4"),
        (b"AUTH=a+zz", "501 5.5.4"),
    ],
)
def test_bad_mail_parameters_are_refused(parameters: bytes, refusal: str) -> None:
    """SMTP-26, 27, 33, 41, 156, 157"""
    assert code(one(submission(), b"MAIL FROM:<a@b.example> " + parameters + b"\r\n")) == refusal


def test_parameters_of_extensions_not_announced_are_unknown() -> None:
    """SMTP-25, 30, 33"""
    connection = ServerConnection()
    take(connection, b"EHLO x\r\n", frozenset({"SIZE", "8BITMIME"}))
    for parameter in (b"REQUIRETLS", b"HOLDFOR=5", b"MT-PRIORITY=1", b"BY=60;R", b"RET=FULL"):
        assert code(one(connection, b"MAIL FROM:<> " + parameter + b"\r\n")) == "555 5.5.4"


def test_rcpt_parameters_are_parsed() -> None:
    """SMTP-156"""
    connection = mx()
    take(connection, b"MAIL FROM:<>\r\n")
    event = one(connection, b"RCPT TO:<a@b> NOTIFY=success,failure ORCPT=rfc822;a+2Bb@c\r\n")
    assert event == RcptTo(path("a@b"), notify=("SUCCESS", "FAILURE"), orcpt="rfc822;a+b@c")
    event = one(connection, rb"RCPT TO:<a@b> ORCPT=utf-8;t\x{E9}st@c" + b"\r\n")
    assert isinstance(event, RcptTo)
    assert event.orcpt == "utf-8;tést@c"
    for bad in (
        b"NOTIFY=NEVER,DELAY",
        b"NOTIFY=X",
        b"ORCPT=x",
        b"ORCPT=rfc822;a+0Db",
        b"ORCPT=a;" + b"x" * 500,
        b"NOTIFY=DELAY,DELAY",
    ):
        assert code(one(connection, b"RCPT TO:<a@b> " + bad + b"\r\n")) == "501 5.5.4"


@pytest.mark.parametrize(
    ("parameter", "address"),
    [
        (r"t\x{E9}st\x{2B}20@c", "tést+20@c"),
        (r"test\x{2B}tag@c", "test+tag@c"),  # was refused
        (r"test\x{2B}2024@c", "test+2024@c"),  # was read as "test 24@c"
        ("test+2Btag@c", "test+tag@c"),
        ("t+C3+A9st@c", "tést@c"),
        (r"t+5Cx{E9}st@c", "tést@c"),
    ],
)
def test_an_internationalized_orcpt_is_decoded(parameter: str, address: str) -> None:
    """SMTP-156: RFC 6533 §3, also if the client has encoded the address by RFC 3461 §4.2, instead or as well."""
    connection = mx()
    take(connection, b"MAIL FROM:<>\r\n")
    event = one(connection, f"RCPT TO:<a@b> ORCPT=utf-8;{parameter}\r\n".encode())
    assert isinstance(event, RcptTo)
    assert event.orcpt == f"utf-8;{address}"


@given(st.text(max_size=50))
def test_decoding_encoded_xtext_gives_it_back(text: str) -> None:
    """SMTP-156"""
    text = text.encode("utf-8", "replace").decode()
    assert decode_xtext(encode_xtext(text)) == text


def test_internationalized_addresses_need_smtputf8() -> None:
    """SMTP-28, 151"""
    connection = mx()
    assert code(one(connection, "MAIL FROM:<é@b>\r\n".encode())) == "550 5.6.7"
    take(connection, b"MAIL FROM:<>\r\n")
    assert code(one(connection, "RCPT TO:<é@b>\r\n".encode())) == "553 5.6.7"
    take(connection, b"RSET\r\n")
    assert isinstance(one(connection, "MAIL FROM:<é@é.example> SMTPUTF8\r\n".encode()), MailFrom)
    assert isinstance(one(connection, "RCPT TO:<é@b>\r\n".encode()), RcptTo)
    take(connection, b"RSET\r\nMAIL FROM:<>\r\n")
    assert code(one(connection, "RCPT TO:<é@b>\r\n".encode())) == "553 5.6.7"


@pytest.mark.parametrize(
    "localpart", ["علی\u200cرضا", "क\u094d\u200dष", "e\u0301", '"a@e\u0301"', "a\u202eb", "\u3000"]
)
def test_localparts_of_every_script_are_taken(localpart: str) -> None:
    """SMTP-151: with joiners and marks of direction, and decomposed ones, which are compared in NFC (RFC 6531 §3.3)."""
    connection = mx()
    command = one(connection, f"MAIL FROM:<{localpart}@b.example> SMTPUTF8\r\n".encode())
    assert isinstance(command, MailFrom)
    assert command.path == Path.parse(f"{localpart}@b.example")
    assert command.path.localpart == unicodedata.normalize("NFC", localpart.strip('"'))
    assert code(one(mx(), "MAIL FROM:<a\x85b@b.example> SMTPUTF8\r\n".encode())) == "501 5.5.2"


def test_a_space_before_the_path_is_taken_where_it_may_be() -> None:
    """SMTP-66"""
    assert code(one(mx(), b"MAIL FROM: <a@b>\r\n")) == "501 5.5.2"
    for connection in (mx(tolerate_space=True), submission()):
        event = one(connection, b"MAIL FROM: <a@b>\r\n")
        assert event == MailFrom(path("a@b"), lax=True)
        assert one(connection, b"RCPT TO: <a@b>\r\n") == RcptTo(path("a@b"), lax=True)
        assert one(connection, b"RCPT TO: <postmaster>\r\n") == RcptTo(Path(Localpart("postmaster"), None), lax=True)
    for connection in (mx(), submission(pedantic=True)):
        assert code(one(connection, b"MAIL FROM: <a@b>\r\n")) == "501 5.5.2"
        take(connection, b"MAIL FROM:<a@b>\r\n")
        assert code(one(connection, b"RCPT TO: <a@b>\r\n")) == "501 5.5.2"


def test_misplaced_dots_are_taken_unless_pedantic() -> None:
    """SMTP-3: some mobile carriers assigned such addresses."""
    assert isinstance(one(submission(), b"MAIL FROM:<a..b@c>\r\n"), MailFrom)
    assert code(one(submission(pedantic=True), b"MAIL FROM:<a..b@c>\r\n")) == "501 5.5.2"


@pytest.mark.parametrize(
    "argument",
    [
        b"<a@b",
        b"a@b",
        b"<a b@c>",
        b"<a@b>x",
        b"<a@b>SIZE=1",
        b"",
        b"<a>",
        b"<@b>",
        b'<"a@b>',
        b"<" + b"x" * 129 + b"@b>",
    ],
)
def test_bad_paths_are_refused(argument: bytes) -> None:
    """SMTP-3, 13"""
    assert code(one(mx(), b"MAIL FROM:" + argument + b"\r\n")) == "501 5.5.2"


def test_odd_paths_are_taken() -> None:
    """SMTP-2, 3, 70"""
    connection = mx()
    for argument, expected in (
        (b'<"a > b\\" @"@c>', '"a > b\\" @"@c'),
        (b"<@x,@y:a@b>", "a@b"),
        (b"<a@[192.0.2.1]>", "a@[192.0.2.1]"),
        (b"<>", ""),
    ):
        event = one(connection, b"MAIL FROM:" + argument + b"\r\n")
        assert isinstance(event, MailFrom)
        assert event.path.pack(False) == expected
        take(connection, b"RSET\r\n")
    take(connection, b"MAIL FROM:<>\r\n")
    event = one(connection, b"RCPT TO:<PostMaster> NOTIFY=NEVER\r\n")
    assert event == RcptTo(Path(Localpart("PostMaster"), None), notify=("NEVER",))
    assert code(one(connection, b"RCPT TO:<>\r\n")) == "501 5.5.2"


def begin(connection: ServerConnection) -> ServerConnection:
    take(connection, b"MAIL FROM:<>\r\nRCPT TO:<a@b>\r\n")
    return connection


def test_bdat_takes_exactly_its_octets() -> None:
    """SMTP-40"""
    connection = begin(mx())
    events = take(connection, b"BDAT 6\r\n.\r\nabcBDAT 0 last\r\nNOOP\r\n")
    assert events[:3] == [Bdat(6, False), DataChunk(b".\r\nabc"), DataEnd(False, False)]
    assert events[3:5] == [Bdat(0, True), DataEnd(True, False)]
    assert code(one(connection, b"RCPT TO:<a@b>\r\n")) == "503 5.5.1"


def test_a_refused_chunk_is_read_all_the_same() -> None:
    """SMTP-40"""
    connection = mx()
    events = take(connection, b"BDAT 12 LAST\r\nQUIT\r\nQUIT\r\nNOOP\r\n")
    assert code(events[0]) == "503 5.5.1"
    assert len(events) == 2


def test_data_and_bdat_do_not_mix() -> None:
    """SMTP-40"""
    connection = begin(mx())
    take(connection, b"BDAT 2\r\nab")
    assert code(one(connection, b"DATA\r\n")) == "503 5.5.1"
    assert code(one(connection, b"RCPT TO:<c@d>\r\n")) == "503 5.5.1"


def test_after_a_failed_chunk_only_reset_helps() -> None:
    """SMTP-40"""
    connection = begin(mx())
    connection.receive_data(b"BDAT 2\r\nabBDAT 2 LAST\r\ncd")
    assert isinstance(connection.next_event(), Bdat)
    assert isinstance(connection.next_event(), DataChunk)
    assert isinstance(connection.next_event(), DataEnd)
    connection.send(Response(452, "4.3.1", ("full",)))
    assert code(connection.next_event()) == "503 5.5.1"
    take(connection, b"RSET\r\n")
    assert isinstance(take(begin(connection), b"BDAT 1 LAST\r\nx")[0], Bdat)


def test_bare_cr_in_a_chunk_is_told_at_its_end() -> None:
    """SMTP-40"""
    assert take(begin(mx()), b"BDAT 3 LAST\r\na\rb")[-1] == DataEnd(True, True)


def test_an_absurd_chunk_ends_the_connection() -> None:
    """SMTP-40, 147"""
    assert code(take(begin(mx()), b"BDAT 1000000000000000000 LAST\r\n")[0]) == "552 5.3.4 close"
    assert code(take(begin(mx()), b"BDAT x\r\n")[0]) == "501 5.5.2 close"


def limited(octets: int) -> ServerConnection:
    connection = ServerConnection(limits=ServerLimits(octets))
    take(connection, b"EHLO x\r\n")
    return begin(connection)


def test_too_much_data_is_dropped_up_to_its_end() -> None:
    """SMTP-46, 147"""
    connection = limited(10)
    events = take(connection, b"DATA\r\n1234567890\r\n.\r\nNOOP\r\n")
    assert events[1:3] == [Oversize(), DataEnd(True, False)]
    assert len(events) == 4


def test_endless_data_ends_the_connection() -> None:
    """SMTP-46, 147"""
    connection = limited(10)
    events = (
        take(connection, b"DATA\r\n")
        + take(connection, b"1234567890123")
        + take(connection, b"4567890123")
        + take(connection, b"\r\n.\r\nQUIT\r\n")
    )
    assert events[1:] == [Oversize(), DataEnd(True, False, overrun=True)]


def test_chunks_together_have_the_limit() -> None:
    """SMTP-40, 46"""
    events = take(limited(10), b"BDAT 8\r\n12345678BDAT 8\r\n12345678")
    assert events[-2:] == [Oversize(), DataEnd(False, False)]


def test_auth_is_a_dialogue_of_base64() -> None:
    """SMTP-49, 50"""
    connection = ServerConnection(submission=True)
    take(connection, b"EHLO x\r\n")
    assert one(connection, b"auth plain\r\n") == Auth("PLAIN", None)
    assert one(connection, b"YQBiAGM=\r\n") == AuthData(b"a\0b\0c")
    connection.send(Response(535, "5.7.8", ("no",)))
    assert one(connection, b"AUTH PLAIN =\r\n") == Auth("PLAIN", b"")
    event = one(connection, b"*\r\n")
    assert code(event) == "501 5.5.0"
    assert one(connection, b"AUTH PLAIN   YQ==\r\n") == Auth("PLAIN", b"a")
    assert code(one(connection, b"!\r\n")) == "501 5.5.2"
    assert code(one(connection, b"AUTH PLAIN !\r\n")) == "501 5.5.2"
    take(connection, b"AUTH PLAIN\r\n")
    assert code(one(connection, b"x" * 12288)) == "500 5.5.6 close"


def test_after_a_login_there_is_no_other() -> None:
    """SMTP-19"""
    connection = ServerConnection(submission=True)
    take(connection, b"EHLO x\r\n")
    connection.receive_data(b"AUTH PLAIN YQ==\r\n")
    connection.next_event()
    connection.send(Response(235, "2.7.0", ("in",)))
    assert code(one(connection, b"AUTH PLAIN YQ==\r\n")) == "503 5.5.1"


def test_pedantic_wants_one_space_before_the_initial_response() -> None:
    """SMTP-50"""
    connection = ServerConnection(submission=True, pedantic=True)
    take(connection, b"EHLO x.example\r\n")
    assert code(one(connection, b"AUTH PLAIN  YQ==\r\n")) == "501 5.5.2"
    assert one(connection, b"AUTH PLAIN YQ==\r\n") == Auth("PLAIN", b"a")


def test_what_comes_behind_starttls_is_never_a_command() -> None:
    """SMTP-20, 145"""
    connection = mx()
    events = take(connection, b"STARTTLS\r\nMAIL FROM:<evil@example>\r\n")
    assert events == [StartTLS()]
    assert connection.leftover() == b"MAIL FROM:<evil@example>\r\n"
    connection.tls_started()
    assert connection.tls
    assert code(one(connection, b"MAIL FROM:<>\r\n")) == "503 5.5.1"
    take(connection, b"EHLO x\r\n")
    assert code(one(connection, b"STARTTLS\r\n")) == "503 5.5.1"


def test_a_certificate_login_survives_starttls() -> None:
    """SMTP-20, 59"""
    connection = ServerConnection(submission=True, starttls=True)
    take(connection, b"EHLO x\r\nSTARTTLS\r\n")
    connection.tls_started()
    connection.account_known()
    take(connection, b"EHLO x\r\n")
    assert isinstance(one(connection, b"MAIL FROM:<>\r\n"), MailFrom)


@given(
    st.lists(
        st.sampled_from(
            [b"MAIL FROM:<a@b>", b"RCPT TO:<a@b> ", b"EHLO x", b"DATA", b"BDAT 3", b"\r\n", b"AUTH X", b"\xff", b"<"]
        ),
        max_size=12,
    ),
    st.binary(max_size=30),
)
def test_no_octets_break_the_codec(words: list[bytes], tail: bytes) -> None:
    """SMTP-1, 178"""
    for connection in (mx(), submission()):
        take(connection, b"".join(words) + tail)
