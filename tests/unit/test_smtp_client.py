"""The SMTP client codec by transcripts (SMTP-119..130; QUEUE-60..71)."""

import base64
import re
from typing import Any, TypeVar

import msgspec
import pytest

from moxlite.proto import sasl
from moxlite.proto.address import NULL_PATH, Address, Path
from moxlite.proto.smtp.client import ClientConnection
from moxlite.proto.smtp.conversation import (
    ClientAuth,
    Compute,
    Exchange,
    NeedBody,
    Outcome,
    Receive,
    Recipient,
    Send,
    StartTLS,
    TLSFacts,
    TLSMode,
    Transaction,
)
from moxlite.proto.smtp.errors import (
    ConnectionLost,
    EightBitMissing,
    MessageTooLarge,
    NoMechanism,
    ProtocolError,
    RequireTLSMissing,
    SMTPError,
    SMTPUTF8Missing,
    TLSRefused,
    UnsendableMessage,
)

BODY = b"Subject: x\r\n\r\n.text\r\n"


T = TypeVar("T")


class Script:
    """A server by transcript: the client must send the `C:` lines and gets the `S:` lines; then it hangs up."""

    def __init__(self, text: str, body: bytes = BODY) -> None:
        self.lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
        self.body = [body] if body else []
        self.sent = b""  # not matched with C: lines yet
        self.timeouts: dict[str, float] = {}
        self.writes = 0
        self.broken = False  # writing fails

    def play(self, client: ClientConnection, exchange: Exchange[T]) -> T:
        """Run the exchange to its end."""
        try:
            action = next(exchange)
            while True:
                try:
                    outcome = self.act(client, action)
                except SMTPError as error:
                    action = exchange.throw(error)
                else:
                    action = exchange.send(outcome)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]  # the generator's type says what it is

    def act(self, client: ClientConnection, action: object) -> Any:
        match action:
            case Send(data):
                self.writes += 1
                if self.broken:
                    raise ConnectionLost("broken pipe")
                self.sent += data
            case Receive(command, timeout):
                self.timeouts[command] = timeout
                return self.reply(client)
            case StartTLS(leftover):
                self.leftover = leftover
                return TLSFacts({"tls-exporter": b"x" * 32})
            case Compute(call):
                return call()
            case NeedBody():
                return self.body.pop(0) if self.body else b""
        return None

    def reply(self, client: ClientConnection) -> object:
        while (reply := client.next_reply()) is None:
            self.take_sent()
            if not self.lines or not self.lines[0].startswith("S: "):
                assert not self.lines, f"client waits, but there's to come: {self.lines[0]}; sent: {self.sent!r}"
                raise ConnectionLost("connection closed")
            client.receive_data(self.lines.pop(0)[3:].encode() + b"\r\n")
        return reply

    def take_sent(self) -> None:
        while self.lines and self.lines[0].startswith("C: "):
            if self.broken:
                self.lines.pop(0)
                continue
            line, _, self.sent = self.sent.partition(b"\r\n")
            assert line.decode() == self.lines.pop(0)[3:]

    def done(self) -> None:
        """All that is in the transcript has been said."""
        self.take_sent()
        assert self.lines == []
        assert self.sent == b""


def recipients(*addresses: str) -> tuple[Recipient, ...]:
    return tuple(Recipient(Path.of(Address.parse(address))) for address in addresses)


def transaction(*to: str, **more: Any) -> Transaction:
    sender = Path.of(Address.parse("a@b.example"))
    return Transaction(
        **{"mail_from": sender, "recipients": recipients(*(to or ("c@d.example",))), "size": len(BODY), **more}
    )


def connected(*extensions: str, **more: Any) -> ClientConnection:
    client = ClientConnection("me.example", **{"tls_mode": TLSMode.SKIP, **more})
    lines = ["there.example", *extensions]
    ehlo = "\n".join(f"S: 250{' ' if i == len(lines) - 1 else '-'}{line}" for i, line in enumerate(lines))
    script = Script(f"S: 220 hi\nC: EHLO me.example\n{ehlo}")
    script.play(client, client.hello())
    script.done()
    return client


def deliver(client: ClientConnection, text: str, message: Transaction | None = None, body: bytes = BODY) -> Outcome:
    script = Script(text, body)
    outcome = script.play(client, client.deliver(message or transaction()))
    script.done()
    return outcome


def delivered(outcome: Outcome) -> list[bool]:
    return [result.error is None for result in outcome.recipients]


def test_helo_follows_where_ehlo_is_unknown() -> None:
    """SMTP-121; QUEUE-61"""
    client = ClientConnection("me.example", tls_mode=TLSMode.OPPORTUNISTIC)
    script = Script("S: 220 hi\nC: EHLO me.example\nS: 502 what\nC: HELO me.example\nS: 250 there")
    script.play(client, client.hello())
    script.done()
    assert not client.extensions.keywords
    assert client.greeting == "hi"


def test_another_refusal_of_ehlo_is_final() -> None:
    """SMTP-121; QUEUE-61"""
    client = ClientConnection("me.example", tls_mode=TLSMode.SKIP)
    with pytest.raises(SMTPError) as caught:
        Script("S: 220 hi\nC: EHLO me.example\nS: 550 5.7.1 go away").play(client, client.hello())
    assert caught.value.permanent
    assert caught.value.command == "ehlo"


def test_starttls_forgets_what_was_announced_and_hands_over_what_came_behind() -> None:
    """SMTP-119, 121; QUEUE-61"""
    client = ClientConnection("me.example", tls_mode=TLSMode.OPPORTUNISTIC)
    script = Script(
        """
        S: 220 hi
        C: EHLO me.example
        S: 250-there
        S: 250-SIZE 1000
        S: 250 STARTTLS
        C: STARTTLS
        S: 220 go
        C: EHLO me.example
        S: 250 there
        """
    )
    script.play(client, client.hello())
    script.done()
    assert client.tls is not None
    assert client.extensions.size is None
    assert script.leftover == b""


def test_replies_injected_before_tls_are_not_read_as_smtp() -> None:
    """SMTP-145; QUEUE-61"""
    client = ClientConnection("me.example", tls_mode=TLSMode.REQUIRED_STARTTLS)
    exchange = client.hello()
    next(exchange)
    client.receive_data(b"220 hi\r\n")
    exchange.send(client.next_reply())
    exchange.send(None)
    client.receive_data(b"250 there\r\n")
    assert exchange.send(client.next_reply()) == Send(b"STARTTLS\r\n")  # also unannounced: SMTP-120
    exchange.send(None)
    client.receive_data(b"220 go\r\n250 evil\r\n")
    assert exchange.send(client.next_reply()) == StartTLS(b"250 evil\r\n")
    assert client.next_reply() is None


def test_after_tls_there_is_no_helo() -> None:
    """QUEUE-61"""
    client = ClientConnection("me.example", tls_mode=TLSMode.IMMEDIATE, tls=TLSFacts())
    with pytest.raises(SMTPError):
        Script("S: 220 hi\nC: EHLO me.example\nS: 502 what").play(client, client.hello())


def test_refused_starttls_is_an_error_of_its_own() -> None:
    """SMTP-120"""
    client = ClientConnection("me.example", tls_mode=TLSMode.REQUIRED_STARTTLS)
    with pytest.raises(TLSRefused) as caught:
        Script("S: 220 hi\nC: EHLO me.example\nS: 250 there\nC: STARTTLS\nS: 502 no").play(client, client.hello())
    assert not caught.value.permanent
    assert not client.usable


def test_login_takes_the_best_mechanism_and_checks_the_server() -> None:
    """SMTP-123"""
    client = ClientConnection("me.example", tls_mode=TLSMode.SKIP, auth=ClientAuth("user", "pencil"))
    server = sasl.server_mechanism("SCRAM-SHA-256", hostname="x")
    assert server is not None
    exchange = client.hello()
    action = next(exchange)
    secrets = sasl.Secrets(scram_sha_256=sasl.derive_scram("pencil", "sha256"))
    replies = [b"220 hi\r\n", b"250-there\r\n250 AUTH PLAIN SCRAM-SHA-256\r\n"]
    with pytest.raises(StopIteration):  # noqa: PT012  # ends somewhere in the dialogue
        while True:
            outcome: Any = None
            if isinstance(action, Receive):
                client.receive_data(replies.pop(0))
                outcome = client.next_reply()
            elif isinstance(action, Compute):
                outcome = action.call()
            elif isinstance(action, Send) and not action.data.startswith(b"EHLO"):
                step = server.step(base64.b64decode(action.data.split()[-1] if action.data.strip() else b""))
                if isinstance(step, sasl.NeedCredentials):
                    step = server.credentials(secrets)
                done = isinstance(step, sasl.Done)
                challenge = b"" if not isinstance(step, sasl.Challenge) else base64.b64encode(step.data)
                replies.append(b"235 in\r\n" if done else b"334 " + challenge + b"\r\n")
            action = exchange.send(outcome)


def hello_with(auth: ClientAuth, text: str) -> None:
    client = ClientConnection("me.example", tls_mode=TLSMode.SKIP, auth=auth)
    Script("S: 220 hi\nC: EHLO me.example\n" + text).play(client, client.hello())


def test_a_password_in_the_clear_needs_tls_or_leave() -> None:
    """SMTP-123"""
    with pytest.raises(NoMechanism):
        hello_with(ClientAuth("u", "p"), "S: 250-there\nS: 250 AUTH PLAIN LOGIN")
    hello_with(
        ClientAuth("u", "p", allow_clear=True),
        "S: 250-there\nS: 250 AUTH PLAIN LOGIN\nC: AUTH PLAIN AHUAcA==\nS: 235 in",
    )
    hello_with(
        ClientAuth("u", "p", mechanisms=("LOGIN",), allow_clear=True),
        "S: 250-there\nS: 250 AUTH PLAIN LOGIN\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dQ==\nS: 334 VQ==\n"
        "C: cA==\nS: 235 in",
    )


def test_a_refused_login_is_the_servers_error() -> None:
    """SMTP-123"""
    with pytest.raises(SMTPError) as caught:
        hello_with(
            ClientAuth("u", "p", allow_clear=True),
            "S: 250-there\nS: 250 AUTH PLAIN\nC: AUTH PLAIN AHUAcA==\nS: 535 5.7.8 no",
        )
    assert (caught.value.code, caught.value.permanent, caught.value.command) == (535, True, "auth")


@pytest.mark.parametrize("challenge", ["!", "VXNlü5hbWU6"])
def test_own_failure_in_a_login_cancels_it(challenge: str) -> None:
    """SMTP-123"""
    with pytest.raises(ProtocolError):
        hello_with(
            ClientAuth("u", "p", mechanisms=("LOGIN",), allow_clear=True),
            f"S: 250-there\nS: 250 AUTH LOGIN\nC: AUTH LOGIN\nS: 334 {challenge}\nC: *\nS: 501 aborted",
        )


def test_a_password_does_not_show() -> None:
    """QUEUE-72"""
    assert "geheim" not in repr(ClientAuth("u", "geheim"))


def test_a_pipelined_transaction_takes_two_writes() -> None:
    """SMTP-126; QUEUE-60"""
    client = connected("PIPELINING")
    script = Script(
        """
        C: MAIL FROM:<a@b.example>
        C: RCPT TO:<c@d.example>
        C: RCPT TO:<e@d.example>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 550 5.1.1 unknown
        S: 354 go
        C: Subject: x
        C:
        C: ..text
        C: .
        S: 250 kept
        """.replace("C:\n", "C: \n")
    )
    script.lines = [line if line != "C:" else "C: " for line in script.lines]
    outcome = script.play(client, client.deliver(transaction("c@d.example", "e@d.example")))
    script.done()
    assert script.writes == 2
    assert delivered(outcome) == [True, False]
    assert outcome.reply is not None
    assert outcome.reply.text == "kept"
    error = outcome.recipients[1].error
    assert error is not None
    assert (error.permanent, error.command) == (True, "rcpt")
    assert script.timeouts == {"mail": 300, "rcpt": 300, "data": 600}


def test_without_pipelining_each_command_waits() -> None:
    """SMTP-126"""
    outcome = deliver(
        connected(),
        "C: MAIL FROM:<a@b.example>\nS: 250 ok\nC: RCPT TO:<c@d.example>\nS: 250 ok\nC: DATA\nS: 354 go\n"
        "C: ..\nC: .\nS: 250 ok",
        body=b".\r\n",
    )
    assert delivered(outcome) == [True]


def test_many_recipients_go_in_batches() -> None:
    """SMTP-126"""
    addresses = [f"u{i}@d.example" for i in range(120)]
    client = connected("PIPELINING")
    text = "C: MAIL FROM:<a@b.example>\n"
    for start in range(0, 120, 50):
        some = addresses[start : start + 50]
        text += "".join(f"C: RCPT TO:<{address}>\n" for address in some)
        text += (
            ("C: DATA\n" if start == 100 else "") + ("S: 250 ok\n" if start == 0 else "") + "S: 250 ok\n" * len(some)
        )
    outcome = deliver(client, text + "S: 354 go\nC: x\nC: .\nS: 250 ok", transaction(*addresses), b"x\r\n")
    assert delivered(outcome) == [True] * 120


def test_the_parameters_are_those_that_the_server_knows() -> None:
    """SMTP-125; QUEUE-63, 72"""
    message = transaction(mail_from=NULL_PATH, eight_bit=True, ret="HDRS", envid="a+b", priority=3, deliver_by="100;R")
    (recipient,) = message.recipients
    message = msgspec.structs.replace(
        message, recipients=(Recipient(recipient.path, ("SUCCESS", "DELAY"), "rfc822;c+x@d.example"),)
    )
    rest = "C: DATA\nS: 354 go\nC: x\nC: .\nS: 250 ok"
    deliver(
        connected("SIZE 0", "8BITMIME", "DSN", "MT-PRIORITY", "DELIVERBY"),
        f"C: MAIL FROM:<> SIZE={len(BODY)} BODY=8BITMIME RET=HDRS ENVID=a+2Bb MT-PRIORITY=3 BY=100;R\n"
        f"S: 250 ok\n"
        f"C: RCPT TO:<c@d.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;c+2Bx@d.example\nS: 250 ok\n{rest}",
        message,
        b"x\r\n",
    )
    deliver(
        connected(),
        f"C: MAIL FROM:<>\nS: 250 ok\nC: RCPT TO:<c@d.example>\nS: 250 ok\n{rest}",
        msgspec.structs.replace(message, eight_bit=False),
        b"x\r\n",
    )


def test_an_internationalized_orcpt_is_passed_on_in_ascii() -> None:
    """SMTP-156: utf-8-addr-xtext, which each server that has DSN takes (RFC 6533 §3)."""
    message = transaction(mail_from=NULL_PATH)
    (recipient,) = message.recipients
    message = msgspec.structs.replace(message, recipients=(Recipient(recipient.path, (), "utf-8;jö+x@exämple.org"),))
    outcome = deliver(
        connected("DSN"),
        "C: MAIL FROM:<>\nS: 250 ok\n"
        r"C: RCPT TO:<c@d.example> ORCPT=utf-8;j\x{F6}\x{2B}x@ex\x{E4}mple.org"
        "\nS: 250 ok\nC: DATA\nS: 354 go\nC: x\nC: .\nS: 250 ok",
        message,
        b"x\r\n",
    )
    assert delivered(outcome) == [True]


def test_what_cannot_be_sent_is_known_before_mail() -> None:
    """SMTP-125, 127; QUEUE-63, 64, 71"""
    for message, kind, permanent in (
        (transaction(smtputf8=True), SMTPUTF8Missing, False),
        (transaction(requiretls=True), RequireTLSMissing, False),
        (transaction(size=1001), MessageTooLarge, True),
        (transaction(eight_bit=True), EightBitMissing, False),
    ):
        client = connected("SIZE 1000")
        outcome = deliver(client, "", message)
        assert type(outcome.error) is kind
        assert outcome.error is not None
        assert outcome.error.permanent is permanent
        assert client.usable
        assert client.transactions == 0
    outcome = deliver(client, "", body=b"a\nb\r\n")
    assert isinstance(outcome.error, UnsendableMessage)
    assert client.usable


def test_a_refused_mail_is_the_error_of_all_and_the_replies_are_read() -> None:
    """SMTP-126, 130; QUEUE-68, 69"""
    client = connected("PIPELINING")
    outcome = deliver(
        client,
        "C: MAIL FROM:<a@b.example>\nC: RCPT TO:<c@d.example>\nC: DATA\nS: 550 5.7.1 no\nS: 503 5.5.1 seq\n"
        "S: 503 5.5.1 seq",
    )
    assert outcome.error is not None
    assert outcome.error.command == "mail"
    assert outcome.recipients[0].error is outcome.error
    assert client.usable
    again = deliver(
        client,
        "C: RSET\nS: 250 ok\nC: MAIL FROM:<a@b.example>\nC: RCPT TO:<c@d.example>\nC: DATA\nS: 250 ok\n"
        "S: 250 ok\nS: 354 go\n"
        "C: x\nC: .\nS: 250 ok",
        body=b"x\r\n",
    )
    assert delivered(again) == [True]


def test_a_refused_mail_outranks_a_connection_lost_later() -> None:
    """SMTP-126; QUEUE-69"""
    client = connected("PIPELINING")
    outcome = deliver(client, "C: MAIL FROM:<a@b.example>\nC: RCPT TO:<c@d.example>\nC: DATA\nS: 550 5.7.1 no")
    assert outcome.error is not None
    assert (outcome.error.command, outcome.error.code) == ("mail", 550)
    assert not client.usable
    client = connected("PIPELINING")
    script = Script("C: x\nS: 550 5.7.1 no")
    script.broken = True
    outcome = script.play(client, client.deliver(transaction()))
    assert outcome.error is not None
    assert (outcome.error.command, outcome.error.code) == ("mail", 550)


def test_354_without_an_accepted_recipient_is_ended_by_a_dot() -> None:
    """SMTP-126; QUEUE-68"""
    client = connected("PIPELINING")
    outcome = deliver(
        client,
        "C: MAIL FROM:<a@b.example>\nC: RCPT TO:<c@d.example>\nC: DATA\nS: 250 ok\nS: 450 4.2.1 later\nS: 354 go\n"
        "C: .\nS: 554 no recipients",
    )
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.permanent) == (450, False)
    assert client.usable


def test_rset_goes_with_the_transaction_after_one_that_was_refused() -> None:
    """QUEUE-68a, SMTP-126: in one write with MAIL, also after a refusal at the end of the data; not after a message
    that was taken.
    """
    client = connected("PIPELINING")
    refused = "C: MAIL FROM:<a@b.example>\nC: RCPT TO:<c@d.example>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
    assert delivered(deliver(client, refused + "C: x\nC: .\nS: 550 5.7.1 no", body=b"x\r\n")) == [False]
    script = Script(
        "C: RSET\nC: MAIL FROM:<a@b.example>\nC: RCPT TO:<c@d.example>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 250 ok\n"
        "S: 354 go\nC: x\nC: .\nS: 250 ok",
        b"x\r\n",
    )
    assert delivered(script.play(client, client.deliver(transaction()))) == [True]
    assert script.writes == 2
    assert delivered(deliver(client, refused + "C: x\nC: .\nS: 250 ok", body=b"x\r\n")) == [True]


@pytest.mark.parametrize(
    "replies",
    ["S: 503 5.5.1 already have MAIL\nS: 250 ok\nS: 354 go", "S: 250 ok\nS: 550 5.1.1 no\nS: 354 go"],
    ids=["MAIL refused", "no recipient"],
)
def test_data_for_an_earlier_transaction_gets_no_dot(replies: str) -> None:
    """QUEUE-68a, QUEUE-68: a server that goes on with an earlier transaction would deliver an empty message."""
    client = connected("PIPELINING")
    envelope = "C: MAIL FROM:<a@b.example>\nC: RCPT TO:<c@d.example>\nC: DATA\n"
    deliver(client, envelope + "S: 250 ok\nS: 250 ok\nS: 354 go\nC: x\nC: .\nS: 250 ok", body=b"x\r\n")
    outcome = deliver(client, envelope + replies, body=b"x\r\n")
    assert delivered(outcome) == [False]
    assert not client.usable


def test_rset_that_is_refused_ends_the_connection() -> None:
    """QUEUE-68a: whatever follows."""
    client = connected("PIPELINING")
    envelope = "C: MAIL FROM:<a@b.example>\nC: RCPT TO:<c@d.example>\nC: DATA\n"
    deliver(client, envelope + "S: 550 no\nS: 503 no\nS: 503 no")
    outcome = deliver(client, "C: RSET\n" + envelope + "S: 502 5.5.1 unknown")
    assert outcome.error is not None
    assert outcome.error.command == "rset"
    assert not client.usable


def test_a_chunk_waits_for_the_replies_where_an_earlier_transaction_might_take_it() -> None:
    """QUEUE-68a: the second message of a connection; the third goes in one write again."""
    client = connected("PIPELINING", "CHUNKING")
    chunk = "C: BDAT 3 LAST\nC: x\n"
    envelope = "C: MAIL FROM:<a@b.example>\nC: RCPT TO:<c@d.example>\n"
    together = envelope + chunk + "S: 250 ok\nS: 250 ok\nS: 250 ok"
    assert delivered(deliver(client, together, body=b"x\r\n")) == [True]
    in_turn = envelope + "S: 250 ok\nS: 250 ok\n" + chunk + "S: 250 ok"
    assert delivered(deliver(client, in_turn, body=b"x\r\n")) == [True]
    assert delivered(deliver(client, together, body=b"x\r\n")) == [True]


def test_a_close_instead_of_a_reply_to_data_leaves_the_last_refusal() -> None:
    """SMTP-126; QUEUE-69"""
    outcome = deliver(
        connected("PIPELINING"),
        "C: MAIL FROM:<a@b.example>\nC: RCPT TO:<c@d.example>\nC: DATA\nS: 250 ok\nS: 550 5.1.1 unknown",
    )
    assert outcome.error is not None
    assert outcome.error.code == 550


def test_a_lost_connection_is_temporary() -> None:
    """SMTP-128; QUEUE-70"""
    text = "C: MAIL FROM:<a@b.example>\nC: RCPT TO:<c@d.example>\nC: DATA\nS: 250 ok\nS: 250 ok\n"
    for more in ("", "S: 354 go\nC: x\nC: ."):
        client = connected("PIPELINING")
        outcome = deliver(client, text + more, body=b"x\r\n")
        assert isinstance(outcome.error, ConnectionLost)
        assert outcome.recipients[0].error is outcome.error
        assert client.exhausted


@pytest.mark.parametrize(("reply", "permanent"), [("451 4.3.0 later", False), ("554 5.7.1 spam", True)])
def test_the_final_reply_counts_for_all_accepted(reply: str, permanent: bool) -> None:
    """QUEUE-70"""
    outcome = deliver(
        connected("PIPELINING"),
        "C: MAIL FROM:<a@b.example>\nC: RCPT TO:<c@d.example>\nC: RCPT TO:<e@d.example>\nC: DATA\nS: 250 ok\n"
        "S: 250 ok\n"
        f"S: 550 5.1.1 unknown\nS: 354 go\nC: x\nC: .\nS: {reply}",
        transaction("c@d.example", "e@d.example"),
        b"x\r\n",
    )
    assert outcome.error is not None
    assert outcome.error.permanent is permanent
    assert outcome.recipients[0].error is outcome.error
    refused = outcome.recipients[1].error
    assert refused is not None
    assert refused.code == 550


def test_recipients_beyond_the_servers_number_are_to_be_sent_again() -> None:
    """SMTP-128; QUEUE-66, 67"""
    outcome = deliver(
        connected("PIPELINING", "LIMITS RCPTMAX=3"),
        "C: MAIL FROM:<a@b.example>\nC: RCPT TO:<a@d.example>\nC: RCPT TO:<b@d.example>\n"
        "C: RCPT TO:<c@d.example>\nC: DATA\n"
        "S: 250 ok\nS: 250 ok\nS: 552 too many\nS: 452 4.5.3 too many\nS: 354 go\nC: x\nC: .\nS: 250 ok",
        transaction("a@d.example", "b@d.example", "c@d.example", "d@d.example"),
        b"x\r\n",
    )
    assert delivered(outcome) == [True, False, False, False]
    assert [result.again for result in outcome.recipients] == [False, True, True, True]
    assert not any(result.error.permanent for result in outcome.recipients if result.error)


def test_mailmax_is_obeyed() -> None:
    """SMTP-130; QUEUE-66"""
    client = connected("PIPELINING", "LIMITS MAILMAX=1")
    text = (
        "C: MAIL FROM:<a@b.example>\nC: RCPT TO:<c@d.example>\nC: DATA\nS: 250 a\nS: 250 b\nS: 354 c\n"
        "C: x\nC: .\nS: 250 d"
    )
    assert not client.exhausted
    deliver(client, text, body=b"x\r\n")
    assert client.exhausted


def test_a_short_message_goes_as_one_pipelined_chunk() -> None:
    """SMTP-127"""
    client = connected("PIPELINING", "CHUNKING")
    script = Script(
        "C: MAIL FROM:<a@b.example>\nC: RCPT TO:<c@d.example>\nC: BDAT 6 LAST\nC: x\nC: .\nS: 250 a\nS: 250 b\n"
        "S: 250 c",
        b"x\r\n.\r\n",
    )
    assert delivered(script.play(client, client.deliver(transaction()))) == [True]
    script.done()
    assert script.writes == 2


def test_a_refused_chunk_without_recipients_tells_of_the_recipient() -> None:
    """SMTP-127; QUEUE-69"""
    outcome = deliver(
        connected("PIPELINING", "CHUNKING"),
        "C: MAIL FROM:<a@b.example>\nC: RCPT TO:<c@d.example>\nC: BDAT 3 LAST\nC: x\nS: 250 a\n"
        "S: 550 5.1.1 who\nS: 503 seq",
        body=b"x\r\n",
    )
    assert outcome.error is not None
    assert outcome.error.code == 550


def test_a_long_message_goes_in_chunks_of_a_mebibyte() -> None:
    """SMTP-127"""
    line = b"x" * 1022 + b"\r\n"
    client = connected("PIPELINING", "CHUNKING")
    script = Script("", b"")
    script.body = [line * 1000] * 3
    exchange = client.deliver(transaction(size=3 * 1000 * len(line)))
    action, commands, sent = next(exchange), [], 0
    with pytest.raises(StopIteration) as stop:  # noqa: PT012  # ends somewhere in the dialogue
        while True:
            outcome: Any = None
            if isinstance(action, NeedBody):
                outcome = script.act(client, action)
            elif isinstance(action, Send) and (command := re.match(rb"BDAT.*(?=\r)", action.data)):
                commands.append(command[0])
            elif isinstance(action, Send):
                sent += len(action.data) if action.data.startswith(b"x") else 0
            elif isinstance(action, Receive):
                client.receive_data(b"250 ok\r\n")
                outcome = client.next_reply()
            action = exchange.send(outcome)
    assert delivered(stop.value.value) == [True]
    assert commands == [b"BDAT 1048576", b"BDAT 1048576", b"BDAT 974848 LAST"]
    assert sent == 3 * 1000 * len(line)


def test_quit_never_fails() -> None:
    """QUEUE-60"""
    for text in ("C: QUIT\nS: 221 bye", "C: QUIT"):
        client = connected()
        script = Script(text)
        script.play(client, client.quit())
        assert script.timeouts == {"quit": 5}
        assert client.exhausted
