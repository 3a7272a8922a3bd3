"""`moxlite sendmail` and a mail server that is played: what may be tried again (QUEUE-144)."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread

import pytest
import trio

from moxlite.cli.sendmail.handing import NotAccepted, hand_in
from moxlite.cli.sendmail.message import OutgoingMessage
from moxlite.cli.sendmail.settings import Settings
from moxlite.proto.address import Address

REFUSED = {"busy": "450 4.2.1 busy", "gone": "550 5.1.1 no such user"}


@contextmanager
def server(replies: Mapping[str, str], *, late: bool = False, sender: list[str] | None = None) -> Iterator[int]:
    """A server for one session, which answers MAIL and RCPT by the localpart; its port.

    late: it judges the sender at RCPT. sender: gets the senders of accepted messages.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rw", newline="") as file:
                file.write("220 mail.example ESMTP\r\n")
                file.flush()
                in_data = False
                mail = ""
                for line in file:
                    command = line.strip().partition(" ")[0].upper()
                    reply = "250 2.0.0 ok"
                    if in_data:
                        if line != ".\r\n":
                            continue
                        in_data = False
                        if sender is not None:
                            sender.append(mail)
                    elif command == "EHLO":
                        reply = "250-mail.example\r\n250 AUTH PLAIN"
                    elif command == "AUTH":
                        reply = "235 2.7.0 ok"
                    elif command in ("MAIL", "RCPT"):
                        name = line.partition("<")[2].rpartition(">")[0].partition("@")[0]
                        mail = name if command == "MAIL" else mail
                        reply = replies.get(mail if late else name, reply) if command == "RCPT" or not late else reply
                    elif command == "DATA":
                        reply, in_data = "354 go on", True
                    elif command == "QUIT":
                        reply = "221 2.0.0 bye"
                    file.write(f"{reply}\r\n")
                    file.flush()

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(60)


@pytest.mark.parametrize(
    ("recipients", "temporary"),
    [(["busy"], True), (["gone"], False), (["busy", "gone"], False), (["good", "busy"], False)],
)
def test_what_is_taken_for_some_is_not_to_be_tried_again(recipients: list[str], temporary: bool) -> None:
    """QUEUE-144: the program that called would send it to the others once more."""
    sender = Address.parse("box@mail.example")
    letter = OutgoingMessage(
        (sender,), tuple(Address.parse(f"{name}@far.example") for name in recipients), b"Subject: hi\r\n\r\nhi\r\n"
    )
    with server(REFUSED) as port:
        settings = Settings("127.0.0.1", "box", "box@mail.example", port=port, tls=False, password="secret")
        with pytest.raises(NotAccepted) as caught:
            trio.run(hand_in, letter, settings)
    assert caught.value.temporary is temporary
    for name in recipients:
        assert (f"{name}@far.example" in str(caught.value)) is (name != "good")
    assert ("accepted for the other recipients" in str(caught.value)) is ("good" in recipients)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    ("given", "accepted"), [("root@box.example", "box"), ("alias@mail.example", "alias"), (None, "box")]
)
def test_a_sender_that_the_server_refuses_is_replaced(given: str | None, accepted: str, late: bool) -> None:
    """QUEUE-142: at MAIL, or at RCPT, as Postfix does; the null sender, too."""
    first = None if given is None else Address.parse(given)
    to = Address.parse("you@far.example")
    letter = OutgoingMessage((first, Address.parse("box@mail.example")), (to, to), b"Subject: hi\r\n\r\nhi\r\n")
    refused = {"root": "553 5.7.1 not owned by user", "": "550 5.7.1 no null sender"}
    senders: list[str] = []
    with server(refused, late=late, sender=senders) as port:
        settings = Settings("127.0.0.1", "box", "box@mail.example", port=port, tls=False, password="secret")
        trio.run(hand_in, letter, settings)
    assert senders == [accepted]


def test_a_host_that_is_no_name_is_told() -> None:
    """QUEUE-144: and the message is kept."""
    address = Address.parse("you@far.example")
    settings = Settings("mail..example", "box", "you@far.example", password="secret", tls_insecure_skip_verify=True)
    with pytest.raises(NotAccepted, match="isn't a server name"):
        trio.run(hand_in, OutgoingMessage((address,), (address,), b""), settings)


def test_a_key_needs_no_user_name_in_ascii() -> None:
    """QUEUE-141, QUEUE-143: the certificate around it has the name as it is."""
    address = Address.parse("you@far.example")
    settings = Settings("mail..example", "größe", "you@far.example", client_auth_ed25519_private_key="A" * 43)
    with pytest.raises(NotAccepted, match="isn't a server name"):
        trio.run(hand_in, OutgoingMessage((address,), (address,), b""), settings)
