"""An account's Sieve script and vacation form decide about its incoming mail (SMTP-160, SMTP-161, IMAP-142)."""

import email
import time
from email.header import decode_header, make_header
from email.message import Message
from functools import partial

import msgspec
import pytest

from moxlite.net.resolver import FakeResolver
from moxlite.proto.sieve.checker import check
from moxlite.proto.sieve.script import pack
from moxlite.store.delivery.forwarding import confirm_target, named_targets
from moxlite.store.delivery.scripts import activate_script, failures, put_script, script_targets
from moxlite.store.delivery.vacation import answered, patch_form
from moxlite.store.forms import BadForm, VacationChange
from moxlite.store.mail.mailboxes import add_system_mailbox
from moxlite.store.rows.mailboxes import subscriptions
from tests.session.smtpd_harness import MESSAGE, Smtp, clock, smtp

pytestmark = pytest.mark.served

__all__ = ["clock", "smtp"]

AGAIN = MESSAGE.replace(b"Subject: hello", b"Subject: again")


async def install(smtp: Smtp, text: str, account: str = "mia", name: str = "main") -> None:
    """Make a script the active one."""
    packed = pack(check(text.encode()))
    async with smtp.context.accounts.use(account) as one:
        await one.write(partial(put_script, name=name, text=text.encode(), packed=packed))
        await one.write(partial(activate_script, name=name))


async def agree(smtp: Smtp, address: str = "dora@remote.example", account: str = "mia") -> None:
    """The owner of an address agrees to get the account's mail."""
    async with smtp.context.accounts.use(account) as one:
        await one.write(partial(confirm_target, address=address))


async def failed(smtp: Smtp, account: str = "mia") -> list[str]:
    async with smtp.context.accounts.use(account) as one:
        return [failure.text for failure in await one.read(failures, op="test")]


async def deliver(smtp: Smtp, message: bytes = MESSAGE, *, trusted: bool = False, **more: str) -> str:
    async with smtp.connect(trusted=trusted) as client:
        return await client.deliver(message=message, **more)


async def test_fileinto_replaces_the_mailbox_of_the_destination(smtp: Smtp) -> None:
    """SMTP-160: with flags; the reason names the script."""
    await install(
        smtp,
        'require ["fileinto", "mailbox", "imap4flags"];\n'
        'if header :is "subject" "hello" { fileinto :create :flags ["\\\\Seen", "work"] "Work/New"; }',
    )
    assert (await deliver(smtp)).startswith("250")
    assert (await deliver(smtp, AGAIN, to="filed@ours.example")).startswith("250")
    assert len(await smtp.messages(mailbox="Work/New")) == 1
    assert await smtp.messages() == []
    assert len(await smtp.messages(mailbox="Filed")) == 1  # the implicit keep: the mailbox of the address
    async with smtp.context.accounts.use("mia") as account:
        query = "SELECT flags & 1, keywords FROM message ORDER BY id LIMIT 1"
        assert await account.read(lambda r: r.row(query), op="test") == (1, "work")


async def test_raw_text_is_compared_in_the_charset_of_the_texts(smtp: Smtp) -> None:
    """IMAP-142, STORE-56: of a field, and of a part that has no charset."""
    await install(
        smtp,
        'require ["fileinto", "mailbox", "body", "variables"];\n'
        'if allof (header :is "x-odd" "Отчёт", body :text :contains "Май") { fileinto :create "Odd"; }',
    )
    odd = (
        "X-Odd: Отчёт\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nМай\r\n"
        "--b\r\nContent-Type: text/plain; charset=windows-1251\r\n\r\nx\r\n--b--\r\n"
    ).encode("windows-1251")
    assert (await deliver(smtp, MESSAGE.replace(b"\r\n\r\ntext\r\n", b"\r\n" + odd))).startswith("250")
    assert len(await smtp.messages(mailbox="Odd")) == 1


async def test_a_regular_expression_files_by_its_groups(smtp: Smtp) -> None:
    """IMAP-142e: a variable whose text is not an expression keeps the message, and its owner is told."""
    script = (
        'require ["fileinto", "mailbox", "regex", "variables"];\n'
        'set "words" "HEL+(O|A)"; if header :regex "subject" "again" { set "words" "("; }\n'
        'if header :regex "subject" "^${words}$" { fileinto :create "Lists/${1}"; }'
    )
    await install(smtp, script)
    await deliver(smtp)
    await deliver(smtp, AGAIN)
    assert len(await smtp.messages(mailbox="Lists/o")) == 1
    assert len(await smtp.messages()) == 1
    [fault] = await failed(smtp)
    assert "unsupported regular expression '^($'" in fault


async def test_several_actions_are_one_plan(smtp: Smtp) -> None:
    """SMTP-160, IMAP-63: a copy here, a copy there; each mailbox gets it once, and a new one is subscribed."""
    await install(
        smtp, 'require ["fileinto", "copy", "mailbox"]; fileinto :copy :create "A"; fileinto :create "A"; keep;'
    )
    await deliver(smtp)
    assert [len(await smtp.messages(mailbox=name)) for name in ("Inbox", "A")] == [1, 1]
    async with smtp.context.accounts.use("mia") as account:
        assert "A" in await account.read(subscriptions, op="test")


async def test_discard_keeps_nothing(smtp: Smtp) -> None:
    """SMTP-160: the client gets 250."""
    await install(smtp, "discard;")
    assert (await deliver(smtp)).startswith("250")
    assert await smtp.messages() == []


async def test_an_error_keeps_the_message_and_is_told(smtp: Smtp) -> None:
    """SMTP-160, IMAP-142: nothing else is done; the same failure is told once."""
    await install(
        smtp, 'require ["fileinto", "mailbox", "variables"]; fileinto :create "A"; redirect "${none}";', name="odd"
    )
    await deliver(smtp)
    await deliver(smtp, AGAIN)
    assert len(await smtp.messages()) == 2
    assert await smtp.messages(mailbox="A") == []
    assert await failed(smtp) == ["'' isn't a valid address"]


async def test_the_same_error_is_told_once_a_day(smtp: Smtp) -> None:
    """IMAP-142c: a stranger chooses how often it happens, also with two errors in turn."""
    await install(
        smtp,
        'require ["variables", "ihave"]; if header "subject" "hello" { error "a"; } redirect "${none}";',
    )

    async def moments() -> list[int]:
        async with smtp.context.accounts.use("mia") as one:
            return [failure.moment for failure in await one.read(failures, op="test")]

    await deliver(smtp)
    await deliver(smtp, AGAIN)
    before = await moments()
    for message in (MESSAGE, AGAIN):
        await deliver(smtp, message + b"more\r\n")
    assert await moments() == before
    async with smtp.context.accounts.use("mia") as one:
        await one.write(lambda tx: tx.execute("UPDATE sieve_failure SET moment = moment - 90_000_000_000"))
    await deliver(smtp, MESSAGE + b"late\r\n")
    late = await moments()
    assert len(late) == 2
    assert late[0] >= before[0]


async def test_a_mailbox_that_is_gone_keeps_the_message(smtp: Smtp) -> None:
    """SMTP-160: and the owner is told."""
    await install(smtp, 'require "fileinto"; fileinto "Gone";')
    await deliver(smtp)
    assert len(await smtp.messages()) == 1
    assert await failed(smtp) == ["folder “Gone” doesn't exist, so the message was kept"]


async def test_reject_is_said_in_the_session(smtp: Smtp) -> None:
    """SMTP-160: for the only recipient, whoever the sender is."""
    await install(smtp, 'require "reject"; reject "No,\r\nthank you.";')
    assert (await deliver(smtp)).startswith("550-5.7.1 No,\n550 5.7.1 thank you.")
    assert await smtp.messages() == []
    assert await smtp.carried() == []


async def test_a_member_rejects_no_mail_for_an_alias(smtp: Smtp) -> None:
    """SMTP-160: the others have it, and the notice would be in the name of all."""
    await install(smtp, 'require "ereject"; ereject "Not me.";')
    assert (await deliver(smtp, trusted=True, to="team@ours.example")).startswith("250")
    assert [len(await smtp.messages(account=name)) for name in ("mia", "bo")] == [1, 1]
    assert await smtp.carried() == []


async def test_reject_among_others_needs_a_proven_sender(smtp: Smtp) -> None:
    """SMTP-160: a notice to an address that may be forged is not sent; the message is kept."""
    await install(smtp, 'require "ereject"; ereject "No.";')
    lines = "C: MAIL FROM:<ann@remote.example>\nS: 250\n"
    lines += "C: RCPT TO:<mia@ours.example>\nS: 250\nC: RCPT TO:<bo@ours.example>\nS: 250\nC: DATA\nS: 354"
    async with smtp.connect() as client:
        await client.play(lines)
        await client.send(MESSAGE + b".\r\n")
        assert (await client.reply()).startswith("250")
    assert await smtp.carried() == []
    assert len(await smtp.messages()) == 1
    async with smtp.connect(trusted=True) as client:
        await client.play(lines)
        await client.send(AGAIN + b".\r\n")
        assert (await client.reply()).startswith("250")
    [notice] = await smtp.carried()
    assert notice.submission.mail_from is None
    assert len(await smtp.messages()) == 1
    assert len(await smtp.messages("bo")) == 2


async def test_a_redirect_goes_to_the_queue(smtp: Smtp) -> None:
    """SMTP-160a: with a copy here, from the own address, to which bounces come; the owner's trace fields stay here."""
    await install(smtp, 'require "copy"; redirect :copy "dora@remote.example";')
    await agree(smtp)
    await deliver(smtp)
    [sent] = await smtp.carried()
    assert [str(one.address) for one in sent.submission.recipients] == ["dora@remote.example"]
    assert str(sent.submission.mail_from) == "mia@ours.example"
    assert sent.octets.endswith(MESSAGE)
    assert sent.message["Return-Path"] is None
    assert sent.message["Delivered-To"] == "mia@ours.example"
    assert len(await smtp.messages()) == 1


async def test_a_redirect_alone_keeps_nothing_here(smtp: Smtp) -> None:
    """SMTP-160: the outbox holds the content until the queue has it."""
    await install(smtp, 'redirect "dora@remote.example";')
    await agree(smtp)
    await deliver(smtp)
    [sent] = await smtp.carried()
    assert sent.octets.endswith(MESSAGE)
    assert await smtp.messages() == []


async def test_a_redirect_in_a_circle_keeps_the_message(smtp: Smtp) -> None:
    """SMTP-160a: an address that is in Delivered-To already, or the owner's own."""
    await install(smtp, 'redirect "dora@remote.example";')
    await deliver(smtp, b"Delivered-To: dora@remote.example\r\n" + MESSAGE)
    await install(smtp, 'redirect "mia@ours.example";')
    await deliver(smtp, AGAIN)
    assert await smtp.carried() == []
    assert len(await smtp.messages()) == 2
    assert all("loop" in text for text in await failed(smtp))


async def test_a_ring_of_three_redirects_ends_where_it_began(smtp: Smtp) -> None:
    """SMTP-160a: each account sends the message on once, the third one at another server; the first one keeps it then,
    and is told.
    """
    await install(smtp, 'redirect "bo@ours.example";')
    await install(smtp, 'redirect "dora@remote.example";', account="bo")
    await agree(smtp, "bo@ours.example")
    await agree(smtp, account="bo")
    message = MESSAGE
    for account, to in (("mia", "bo@ours.example"), ("bo", "dora@remote.example")):
        assert (await deliver(smtp, message, to=f"{account}@ours.example")).startswith("250")
        [sent] = await smtp.carried()
        smtp.queued.clear()
        assert [str(one.address) for one in sent.submission.recipients] == [to]
        message = sent.submission.prefix + sent.octets
    assert (await deliver(smtp, b"Delivered-To: dora@remote.example\r\n" + message)).startswith("250")
    assert await smtp.carried() == []
    assert [len(await smtp.messages(account)) for account in ("mia", "bo")] == [1, 0]
    assert await failed(smtp) == ["a redirect to bo@ours.example would loop, so the message was kept"]


@pytest.mark.parametrize("to", ["filed@ours.example", "mia+1@ours.example", "MIA+lists+2@Ours.Example"])
async def test_a_redirect_to_another_own_address_is_a_circle(smtp: Smtp, to: str) -> None:
    """SMTP-160a: all addresses of an account are one, whatever is behind the separator: one mail made 299 copies."""
    await install(smtp, f'redirect "{to}";')
    await agree(smtp, to)
    await deliver(smtp)
    assert await smtp.carried() == []
    assert len(await smtp.messages()) == 1
    assert "loop" in (await failed(smtp))[0]


async def test_a_message_that_has_passed_under_a_subaddress_is_kept(smtp: Smtp) -> None:
    """SMTP-160a: wherever the script would send it."""
    await install(smtp, 'require ["copy", "variables"]; set "n" "eva+2"; redirect :copy "${n}@far.example";')
    await agree(smtp, "eva+2@far.example")
    await deliver(smtp, b"Delivered-To: mia+1@ours.example\r\n" + MESSAGE)
    assert await smtp.carried() == []
    assert len(await smtp.messages()) == 1


async def test_a_redirect_waits_for_the_agreement_of_its_target(smtp: Smtp) -> None:
    """SMTP-160a: the script is stored, mail is kept, and the owner is told; also of an address that variables make."""
    await install(
        smtp,
        'require ["copy", "fileinto", "mailbox", "variables"]; set "n" "dora"; redirect "${n}@remote.example";\n'
        'if header :is "subject" "again" { fileinto :copy :create "A"; }',
    )
    await deliver(smtp)
    await deliver(smtp, AGAIN)
    assert await smtp.carried() == []
    assert (len(await smtp.messages()), len(await smtp.messages(mailbox="A"))) == (1, 1)  # kept, once
    assert all("isn't confirmed" in text for text in await failed(smtp))
    async with smtp.context.accounts.use("mia") as account:
        [named] = await account.read(partial(named_targets, now=time.time_ns() // 1000), op="test")
    assert (named.address, named.asked, named.confirmed) == ("dora@remote.example", 0, None)
    await agree(smtp)
    await deliver(smtp, MESSAGE.replace(b"hello", b"third"))
    assert len(await smtp.carried()) == 1
    assert len(await smtp.messages()) == 1


async def test_a_script_that_names_many_addresses_notes_the_newest(smtp: Smtp) -> None:
    """SMTP-160a: strangers' mail may choose what variables make."""
    await install(
        smtp, 'require "variables"; if header :matches "subject" "*" { redirect "${1}@remote.example"; }', name="open"
    )
    for number in range(25):
        await deliver(smtp, MESSAGE.replace(b"hello", b"n%d" % number))
    async with smtp.context.accounts.use("mia") as account:
        named = await account.read(partial(named_targets, now=time.time_ns() // 1000), op="test")
    assert len(named) == 20
    assert "n24@remote.example" in {one.address for one in named}
    assert len(await smtp.messages()) == 25


async def test_a_redirect_beyond_the_limit_keeps_the_message(smtp: Smtp) -> None:
    """SMTP-160a: 500 in 24 hours, with what `forward_to` sends on."""
    await install(smtp, 'redirect "dora@remote.example";')
    await agree(smtp)
    async with smtp.context.accounts.use("mia") as account:
        await account.write(lambda tx: tx.execute("UPDATE forward_target SET began = ?, sent = 499", tx.now))
    await deliver(smtp)
    await deliver(smtp, AGAIN)
    assert len(await smtp.carried()) == 1
    assert len(await smtp.messages()) == 1
    assert "500 messages" in (await failed(smtp))[0]


async def test_a_null_sender_is_never_redirected(smtp: Smtp) -> None:
    """SMTP-160: a notice that is sent on could go in circles; it is kept."""
    await install(smtp, 'redirect "dora@remote.example";')
    await agree(smtp)
    await deliver(smtp, sender="")
    assert await smtp.carried() == []
    assert len(await smtp.messages()) == 1


async def test_duplicates_are_found_in_later_messages(smtp: Smtp) -> None:
    """IMAP-142: RFC 7352, in the account's file."""
    await install(smtp, 'require "duplicate"; if duplicate { discard; }')
    message = b"Message-ID: <1@remote.example>\r\n" + MESSAGE
    await deliver(smtp, message)
    await deliver(smtp, message)
    assert len(await smtp.messages()) == 1


async def test_included_scripts_come_from_the_account(smtp: Smtp) -> None:
    """IMAP-142: RFC 6609."""
    await install(smtp, 'require ["fileinto", "mailbox"]; fileinto :create "A";', name="inner")
    await install(smtp, 'require "include"; include "inner";')
    await deliver(smtp)
    assert len(await smtp.messages(mailbox="A")) == 1


# Vacation


def answer_of(octets: bytes) -> Message:
    return email.message_from_bytes(octets)


async def test_vacation_answers_once(smtp: Smtp) -> None:
    """SMTP-161: RFC 3834 §3, RFC 5230 §5; to the envelope's sender, from the recipient, with a null path."""
    await install(smtp, 'require "vacation"; vacation "Ich bin am Meer. Grüße";')
    message = b"Message-ID: <1@remote.example>\r\n" + MESSAGE
    for _ in range(2):
        await deliver(smtp, message, trusted=True)
    [sent] = await smtp.carried()
    answer = answer_of(sent.octets)
    assert sent.submission.mail_from is None
    assert (answer["From"], answer["To"]) == ("<mia@ours.example>", "<ann@remote.example>")
    assert answer["Subject"] == "Auto: hello"
    assert answer["Auto-Submitted"] == "auto-replied (vacation)"
    assert answer["In-Reply-To"] == answer["References"] == "<1@remote.example>"
    payload = answer.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode().strip() == "Ich bin am Meer. Grüße"
    assert len(await smtp.messages()) == 2
    async with smtp.context.accounts.use("mia") as account:
        assert [one.address for one in await account.read(answered, op="test")] == ["ann@remote.example"]


@pytest.mark.parametrize(
    ("field", "sender"),
    [
        (b"Auto-Submitted: auto-generated\r\n", "ann@remote.example"),
        (b"List-Id: <l.remote.example>\r\n", "ann@remote.example"),
        (b"List-Unsubscribe: <mailto:x@remote.example>\r\n", "ann@remote.example"),
        (b"Precedence: bulk\r\n", "ann@remote.example"),
        (b"X-Auto-Response-Suppress: All\r\n", "ann@remote.example"),
        (b"", ""),
        (b"", "noreply@remote.example"),
        (b"", "list-request@remote.example"),
        (b"", "owner-list@remote.example"),
        (b"", "MAILER-DAEMON@remote.example"),
        (b"", "mia@ours.example"),
    ],
)
async def test_vacation_never_answers_programs(smtp: Smtp, field: bytes, sender: str) -> None:
    """SMTP-161: null senders, lists, bulk and automatic mail."""
    await install(smtp, 'require "vacation"; vacation "away";')
    await deliver(smtp, field + MESSAGE, trusted=True, sender=sender)
    assert await smtp.carried() == []


async def test_an_answer_belongs_to_the_thread_and_has_names(smtp: Smtp) -> None:
    """SMTP-161: RFC 5322 §3.6.4; the sender's name in To, and that of `:from`, decoded and written anew."""
    await install(smtp, 'require "vacation"; vacation :from "=?utf-8?q?M=C3=ADa?= <other@ours.example>" "away";')
    message = b"Message-ID: <3@remote.example>\r\nReferences: <1@Remote.example>\r\n <2@remote.example>\r\n" + MESSAGE
    await deliver(smtp, message.replace(b"From: <ann", "From: Änn <ann".encode()), trusted=True)
    [sent] = await smtp.carried()
    answer = answer_of(sent.octets)
    assert answer["In-Reply-To"] == "<3@remote.example>"
    assert str(answer["References"]).split() == ["<1@Remote.example>", "<2@remote.example>", "<3@remote.example>"]
    named = [str(make_header(decode_header(answer[field]))) for field in ("From", "To")]
    assert named == ["Mía <mia@ours.example>", "Änn <ann@remote.example>"]


async def test_an_answer_names_a_sender_of_others_and_decodes_its_subject(smtp: Smtp) -> None:
    """SMTP-161: the name in Sender, if that sent it; encoded words of the script are not encoded again."""
    await install(smtp, 'require "vacation"; vacation :subject "=?utf-8?q?Gr=C3=BC=C3=9Fe?= away" "away";')
    fields = b"From: Ben <ben@remote.example>\r\nSender: Ann Other <ann@remote.example>"
    lines = MESSAGE.split(b"\r\n")
    at = next(number for number, line in enumerate(lines) if line.startswith(b"From:"))
    await deliver(smtp, b"\r\n".join([*lines[:at], fields, *lines[at + 1 :]]), trusted=True)
    [sent] = await smtp.carried()
    answer = answer_of(sent.octets)
    assert answer["To"] == "Ann Other <ann@remote.example>"
    assert str(make_header(decode_header(answer["Subject"]))) == "Grüße away"


async def test_an_answer_to_raw_fields_has_encoded_words(smtp: Smtp) -> None:
    """SMTP-161: a subject and names in raw UTF-8 are quoted, and each server takes the answer."""
    await install(smtp, 'require ["vacation", "variables"]; vacation "away";')
    subject = "Größe ☃ " * 30
    lines = [line for line in MESSAGE.split(b"\r\n") if not line.startswith((b"From:", b"Subject:"))]
    fields = [f"From: Jörg Müß <ann@remote.example>\r\nSubject: {subject}".encode()]
    await deliver(smtp, b"\r\n".join([*fields, *lines]), trusted=True)
    [sent] = await smtp.carried()
    assert sent.octets.isascii()
    assert not sent.submission.smtputf8
    assert max(map(len, sent.octets.split(b"\r\n"))) <= 998
    answer = answer_of(sent.octets)
    assert str(make_header(decode_header(answer["To"]))) == "Jörg Müß <ann@remote.example>"
    assert "Größe ☃ Größe" in str(make_header(decode_header(answer["Subject"])))


async def test_an_address_of_utf8_is_answered(smtp: Smtp) -> None:
    """SMTP-161, SMTP-29: a header of UTF-8, and a message that needs SMTPUTF8; the mail itself was taken."""
    await install(smtp, 'require "vacation"; vacation "away";')
    async with smtp.connect(trusted=True) as client:
        await client.play("C: MAIL FROM:<jö@remote.example> SMTPUTF8\nS: 250 2.1.0\nC: RCPT TO:<mia@ours.example>")
        await client.play("S: 250 2.1.5\nC: DATA\nS: 354")
        await client.send(MESSAGE + b".\r\n")
        assert (await client.reply()).startswith("250")
    [sent] = await smtp.carried()
    assert "To: <jö@remote.example>\r\n".encode() in sent.octets
    assert sent.submission.smtputf8


async def test_an_answer_to_a_reply_names_the_message_before(smtp: Smtp) -> None:
    """SMTP-161: In-Reply-To in place of References, if it has one id."""
    await install(smtp, 'require "vacation"; vacation "away";')
    for number, before in enumerate((b"<1@remote.example>", b"<1@remote.example> <2@remote.example>")):
        head = b"Message-ID: <3@remote.example>\r\nIn-Reply-To: " + before + b"\r\n"
        await deliver(smtp, head + MESSAGE, trusted=True, sender=f"ann{number}@remote.example")
    references = [str(answer_of(sent.octets)["References"]).split() for sent in await smtp.carried()]
    assert references == [["<1@remote.example>", "<3@remote.example>"], ["<3@remote.example>"]]


async def test_own_addresses_never_answer_each_other(smtp: Smtp) -> None:
    """SMTP-161: those that `:addresses` names; a header that suppresses nothing does not suppress an answer."""
    await install(smtp, 'require "vacation"; vacation :addresses "Ann@remote.example" "away";')
    await deliver(smtp, trusted=True)
    assert await smtp.carried() == []
    await deliver(smtp, b"X-Auto-Response-Suppress: None\r\n" + MESSAGE, trusted=True, sender="dora@remote.example")
    assert len(await smtp.carried()) == 1


async def test_keep_and_fileinto_of_one_mailbox_file_once(smtp: Smtp) -> None:
    """SMTP-160, IMAP-142d: with the flags of the last command (RFC 5228 §2.10.3)."""
    await install(smtp, 'require ["fileinto", "imap4flags"]; fileinto :flags "a" "INBOX"; keep :flags "b";')
    await deliver(smtp)
    async with smtp.context.accounts.use("mia") as account:
        assert await account.read(lambda r: r.rows("SELECT keywords FROM message"), op="test") == [("b",)]


async def test_vacation_answers_only_mail_to_the_owner_by_a_proven_sender(smtp: Smtp) -> None:
    """SMTP-161: To or Cc names the owner, and the sender is no forgery."""
    await install(smtp, 'require "vacation"; vacation :addresses "m@other.example" "away";')
    await deliver(smtp, MESSAGE)  # nothing proves the sender
    await deliver(smtp, MESSAGE.replace(b"To: <mia@ours", b"To: <crowd@ours"), trusted=True)
    assert await smtp.carried() == []
    await deliver(smtp, MESSAGE.replace(b"mia@ours.example", b"M@other.example"), trusted=True)
    assert len(await smtp.carried()) == 1


@pytest.mark.parametrize(
    ("recipient", "field", "author"),
    [
        # Of mail to an alias an answer tells only what the sender has written.
        ("team@ours.example", b"To: team@ours.example", ""),
        ("team+x@ours.example", b"To: team+x@ours.example\r\nCc: bo@ours.example", ""),
        ("team@ours.example", b"To: team@ours.example\r\nCc: Filed@ours.example", "Filed@ours.example"),
        ("team@ours.example", b"Cc: mia+shop@ours.example", "mia+shop@ours.example"),
        # An own address may be another one than that of the envelope.
        ("mia@ours.example", b"To: filed@ours.example", "mia@ours.example"),
        ("mia+shop@ours.example", b"To: mia+shop@ours.example", "mia@ours.example"),
        ("mia@ours.example", b"To: team@ours.example", ""),
        ("mia@ours.example", b"To: crowd@remote.example", ""),
    ],
)
async def test_vacation_answers_only_where_the_owner_is_named(
    smtp: Smtp, recipient: str, field: bytes, author: str
) -> None:
    """SMTP-161: a member's answer to a team's mail would tell outsiders who is behind the alias."""
    async with smtp.context.accounts.use("mia") as account:
        await account.write(lambda tx: patch_form(tx, VacationChange(enabled=True, text="away")))
    message = MESSAGE.replace(b"To: <mia@ours.example>", field)
    await deliver(smtp, message, trusted=True, to=recipient)
    assert [answer_of(sent.octets)["From"] for sent in await smtp.carried()] == ([f"<{author}>"] if author else [])


async def test_a_script_answers_for_an_alias_that_it_names(smtp: Smtp) -> None:
    """SMTP-161, RFC 5230 §4.5: `:addresses`."""
    await install(smtp, 'require "vacation"; vacation :addresses "team@ours.example" "away";')
    message = MESSAGE.replace(b"To: <mia@ours", b"To: <team@ours")
    await deliver(smtp, message, trusted=True, to="team@ours.example")
    assert len(await smtp.carried()) == 1


async def test_the_form_answers_for_an_alias_that_it_names(smtp: Smtp) -> None:
    """WEBMAIL-131, SMTP-161: no other member's form does; what is no address is refused, and so are too many."""
    message = MESSAGE.replace(b"To: <mia@ours", b"To: <team@ours")
    async with smtp.context.accounts.use("mia") as account:
        await account.write(lambda tx: patch_form(tx, VacationChange(enabled=True, text="away")))
        await deliver(smtp, message, trusted=True, to="team@ours.example")
        assert await smtp.carried() == []
        named = VacationChange(addresses=("Team@Ours.example",))
        assert (await account.write(lambda tx: patch_form(tx, named))).addresses == ("Team@Ours.example",)
        again = AGAIN.replace(b"To: <mia@ours", b"To: <team@ours")
        await deliver(smtp, again, trusted=True, to="team@ours.example")
        assert len(await smtp.carried()) == 1
        for wrong in (("team",), ("a@b.example",) * 21):
            with pytest.raises(BadForm) as caught:
                await account.write(lambda tx, wrong=wrong: patch_form(tx, VacationChange(addresses=wrong)))  # type: ignore[misc]  # a default binds the loop's value
            assert caught.value.field == "addresses"


async def test_vacation_answers_no_other_own_address(smtp: Smtp) -> None:
    """SMTP-161: in any form of it."""
    await install(smtp, 'require "vacation"; vacation "away";')
    await deliver(smtp, trusted=True, sender="Filed+x@ours.example")
    assert await smtp.carried() == []


async def test_the_form_answers_between_its_times(smtp: Smtp) -> None:
    """WEBMAIL-131: with a subject; a script that answers itself comes first."""
    async with smtp.context.accounts.use("mia") as account:
        await account.write(lambda tx: patch_form(tx, VacationChange(enabled=True, text="away")))
        await account.write(lambda tx: tx.execute("UPDATE vacation_form SET data = json_set(data, '$.end', 1)"))
        await deliver(smtp, trusted=True)
        assert await smtp.carried() == []
        await account.write(lambda tx: patch_form(tx, VacationChange(end=0, subject="Gone")))
        await deliver(smtp, AGAIN, trusted=True)
        [sent] = await smtp.carried()
        assert answer_of(sent.octets)["Subject"] == "Gone"
    await install(smtp, 'require "vacation"; vacation :handle "h" "by script";')
    await deliver(smtp, MESSAGE + b"more\r\n", trusted=True)
    assert len(await smtp.carried()) == 2
    assert len(await smtp.messages()) == 3


@pytest.mark.parametrize(
    "script",
    [
        'vacation :mime "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\nX-Own: 1\r\n\r\n<b>away</b>";',
        'vacation :mime "Content-Type: text/html\r\n\r\n<b>away</b>";',
        'vacation :mime "<b>away</b>";',
        "",
    ],
)
async def test_an_answer_has_each_field_of_mime_once(smtp: Smtp, script: str) -> None:
    """SMTP-161, WEBMAIL-131: of a script's entity what describes the content; a form with HTML."""
    if script:
        await install(smtp, f'require "vacation"; {script}')
    else:
        async with smtp.context.accounts.use("mia") as account:
            await account.write(lambda tx: patch_form(tx, VacationChange(enabled=True, html="<b>away</b>")))
    await deliver(smtp, trusted=True)
    [sent] = await smtp.carried()
    answer = answer_of(sent.octets)
    assert [answer.get_all(name) for name in ("MIME-Version", "X-Own")] == [["1.0"], None]
    assert len(answer.get_all("Content-Type") or []) == 1
    text = [part.get_payload(decode=True) for part in answer.walk() if not part.is_multipart()][-1]
    assert isinstance(text, bytes)
    assert text.strip() == b"<b>away</b>"


async def test_the_form_may_answer_known_people_only(smtp: Smtp) -> None:
    """WEBMAIL-131: people to whom the owner has written."""
    async with smtp.context.accounts.use("mia") as account:
        form = VacationChange(enabled=True, text="away", known_only=True)
        await account.write(lambda tx: patch_form(tx, form))
        await deliver(smtp, trusted=True)
        assert await smtp.carried() == []
        insert = "INSERT INTO recipient (message_id, localpart, domain, orgdomain, name, sent) "
        await account.write(
            lambda tx: tx.execute(insert + "SELECT id, 'ann', 'remote.example', '', '', 1 FROM message")
        )
        await deliver(smtp, AGAIN, trusted=True)
    assert len(await smtp.carried()) == 1


async def test_a_forged_author_is_no_known_person(smtp: Smtp) -> None:
    """WEBMAIL-131: else the sender of the envelope, which is proven, would get the answer by naming an acquaintance."""
    world: dict[str, dict[str, object]] = {
        "TXT": {"evil.example": ["v=spf1 +all"]},
        "A": {"evil.example": ["192.0.2.1"]},
    }
    context = msgspec.structs.replace(smtp.context, resolver=FakeResolver(world))  # type: ignore[arg-type]  # as read from a file
    insert = (
        "INSERT INTO recipient (message_id, localpart, domain, orgdomain, name, sent) VALUES (1, 'ann', ?, '', '', 1)"
    )
    async with smtp.context.accounts.use("mia") as account:
        form = VacationChange(enabled=True, text="away", known_only=True)
        await account.write(lambda tx: patch_form(tx, form))
        async with smtp.connect(context=context, hello="EHLO evil.example") as client:
            assert (await client.deliver(message=MESSAGE, sender="eve@evil.example")).startswith("250")
            for domain in ("remote.example", "evil.example"):
                await account.write(lambda tx, domain=domain: tx.execute(insert, domain))  # type: ignore[misc]  # a default binds the loop's value
            assert (await client.deliver(message=AGAIN, sender="eve@evil.example")).startswith("250")
            assert await smtp.carried() == []
            own = AGAIN.replace(b"ann@remote.example", b"ann@evil.example")
            assert (await client.deliver(message=own, sender="eve@evil.example")).startswith("250")
    assert len(await smtp.carried()) == 1


async def test_at_most_50_answers_in_a_day(smtp: Smtp) -> None:
    """SMTP-161."""
    await install(smtp, 'require "vacation"; vacation "away";')
    async with smtp.connect(trusted=True) as client:
        for number in range(55):
            await client.deliver(message=MESSAGE, sender=f"ann{number}@remote.example")
    assert len(await smtp.carried()) == 50


@pytest.mark.parametrize("name", ["Lists/", "a//b", "#a", "../a", "a" * 300, "/".join("a" * 40)])
async def test_a_mailbox_that_cannot_be_made_keeps_the_message(smtp: Smtp, name: str) -> None:
    """SMTP-160: a name that variables make of a message must not send the message back."""
    await install(smtp, f'require ["fileinto", "mailbox"]; fileinto :create "{name}";')
    assert (await deliver(smtp)).startswith("250")
    assert len(await smtp.messages()) == 1
    assert await failed(smtp) == [f"folder “{name}” doesn't exist, so the message was kept"]


@pytest.mark.parametrize("name", ["Outgoing", "Outgoing/A"])
async def test_a_script_files_nothing_into_a_mailbox_of_the_server(smtp: Smtp, name: str) -> None:
    """SMTP-160, IMAP-162: the message is kept."""
    async with smtp.context.accounts.use("mia") as account:
        await account.write(partial(add_system_mailbox, name="Outgoing"))
    await install(smtp, f'require ["fileinto", "mailbox"]; fileinto :create "{name}";')
    assert (await deliver(smtp)).startswith("250")
    assert len(await smtp.messages()) == 1


async def test_keywords_that_are_too_long_are_left_out(smtp: Smtp) -> None:
    """IMAP-142, STORE-22: as flags that cannot be set."""
    await install(smtp, f'require "imap4flags"; keep :flags ["{"k" * 129}", "{"l" * 128}", "[a"];')
    assert (await deliver(smtp)).startswith("250")
    async with smtp.context.accounts.use("mia") as account:
        keywords = await account.read(lambda r: r.value("SELECT keywords FROM message"), op="test")
    assert keywords.split() == ["[a", "l" * 128]


async def test_mailboxes_are_found_by_names_as_people_write_them(smtp: Smtp) -> None:
    """IMAP-142d, STORE-12: macOS decomposes letters, and emoji have joiners."""
    await install(
        smtp, 'require ["fileinto", "mailbox", "copy"]; fileinto :create "Bu\u0308ro"; fileinto :create "👨\u200d👩";'
    )
    assert (await deliver(smtp)).startswith("250")
    assert [len(await smtp.messages(mailbox=name)) for name in ("B\u00fcro", "👨\u200d👩")] == [1, 1]


async def test_an_address_with_a_phrase_is_asked(smtp: Smtp) -> None:
    """IMAP-142d, SMTP-160a: as one without."""
    await install(smtp, 'redirect "Dora <dora@remote.example>"; keep;')
    async with smtp.context.accounts.use("mia") as account:
        assert "dora@remote.example" in await account.read(script_targets, op="test")
