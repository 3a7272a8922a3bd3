"""One transaction of an SMTP client: MAIL, RCPT, and the message by DATA or BDAT (RFC 5321 §3.3, RFC 2920, RFC 3030).

Commands are pipelined if the server supports it, at most `PIPELINE_BATCH` recipients at once, so that the replies fit
into the receive window and neither side blocks on the other.
"""

import re
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from moxlite.proto.smtp.body import BodyEncoder
from moxlite.proto.smtp.commands import encode_xtext
from moxlite.proto.smtp.conversation import (
    BLOCK_TIMEOUT,
    COMMAND_TIMEOUT,
    DATA_TIMEOUT,
    FINAL_TIMEOUT,
    Exchange,
    Outcome,
    Recipient,
    RecipientResult,
    Send,
    SendKind,
    TLSFacts,
    Transaction,
    expect,
    need_body,
    receive,
)
from moxlite.proto.smtp.errors import (
    ConnectionLost,
    EightBitMissing,
    MessageTooLarge,
    ProtocolError,
    RequireTLSMissing,
    SMTPError,
    SMTPUTF8Missing,
)
from moxlite.proto.smtp.replies import Response
from moxlite.proto.statusfields import utf8_xtext

# A client's parser of the extensions in a server's reply to EHLO (RFC 5321 §4.1.1.1; LIMITS RFC 9422).


_KEYWORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_LIMIT: Final = re.compile(r"([A-Za-z0-9-]+)=([!-:<-~]+)")  # RFC 9422 §4
_LIMIT_VALUE: Final = re.compile(r"[0-9]{1,6}")


class Extensions(msgspec.Struct, frozen=True):
    """The announced extensions.

    `size`: octets, 0 without a stated limit, None without SIZE. Limits are None if not given.
    """

    keywords: frozenset[str] = frozenset()
    size: int | None = None
    auth: tuple[str, ...] = ()
    rcptmax: int | None = None
    mailmax: int | None = None

    def __contains__(self, keyword: str) -> bool:
        """Whether the keyword, in upper case, was announced."""
        return keyword in self.keywords


def parse_extensions(lines: Sequence[str]) -> Extensions:
    """Parse the lines of an EHLO reply, the first of which is the server's name.

    Lines that are not a keyword with parameters are skipped, and a LIMITS line with a syntax error or a duplicate key.
    """
    keywords: set[str] = set()
    size: int | None = None
    auth: list[str] = []
    limits: dict[str, int] = {}
    for line in lines[1:]:
        words = line.split()
        if not words:
            continue
        if words[0].upper().startswith("AUTH="):  # before RFC 2554 was final; some servers still announce both
            words = ["AUTH", words[0][5:], *words[1:]]
        if not _KEYWORD.fullmatch(words[0]):
            continue
        keyword = words[0].upper()
        keywords.add(keyword)
        if keyword == "SIZE":
            size = int(words[1]) if len(words) > 1 and words[1].isdecimal() and len(words[1]) <= 20 else 0
        elif keyword == "AUTH":
            auth += [word.upper() for word in words[1:] if word.upper() not in auth]
        elif keyword == "LIMITS":
            limits = _parse_limits(words[1:])
    return Extensions(frozenset(keywords), size, tuple(auth), limits.get("RCPTMAX"), limits.get("MAILMAX"))


def _parse_limits(words: Sequence[str]) -> dict[str, int]:
    limits: dict[str, int] = {}
    seen: set[str] = set()
    for word in words:
        match = _LIMIT.fullmatch(word)
        if not match or match[1].upper() in seen:
            return {}
        seen.add(match[1].upper())
        if _LIMIT_VALUE.fullmatch(match[2]) and int(match[2]) > 0:
            limits[match[1].upper()] = int(match[2])
    return limits


PIPELINE_BATCH: Final = 50  # recipients; replies of up to 512 octets make 25 KiB, less than any receive window
CHUNK: Final = 1 << 20  # octets of one BDAT (SMTP-127)
BAD_SEQUENCE: Final = 503  # RFC 5321 §4.2.3
JOINED: Final = 1 << 16
"""Octets of DATA in one write: most messages with their final dot. Each write is a packet and wakes the server up,
which is a tenth of the cost of a short message.
"""


class Connection(Protocol):
    """The attributes of the connection that a transaction reads and changes."""

    extensions: Extensions
    tls: TLSFacts | None
    transactions: int
    needs_reset: bool
    begins_anew: bool
    usable: bool

    @property
    def exhausted(self) -> bool:
        """Whether no further transaction may begin."""


class Delivery:
    """One transaction in progress."""

    def __init__(self, client: Connection, transaction: Transaction) -> None:
        self._client = client
        self._extensions = client.extensions
        self._transaction = transaction
        self._chunking = "CHUNKING" in self._extensions
        self._encoder = BodyEncoder(dots=not self._chunking)
        rcptmax = self._extensions.rcptmax or len(transaction.recipients)
        self._recipients = transaction.recipients[:rcptmax]
        self._replies: list[Response] = []  # to RCPT, in order
        self._lost: SMTPError | None = None  # an I/O error while replies may still be waiting to be read
        self._data_reply: Response | None = None
        self._first = client.transactions == 0  # the server has no earlier transaction that it could go on with
        self._begun = False  # MAIL was sent
        self._in_body = False  # octets of the message were sent, its end was not

    def run(self, *, reset: bool) -> Exchange[Outcome]:
        """Send the message; see `ClientConnection.deliver`. `reset`: send RSET first."""
        final: Response | None = None
        error: SMTPError | None = None
        try:
            self._check()
            final = yield from self._send(b"RSET\r\n" if reset else b"")
        except SMTPError as failure:
            error = failure
        if self._in_body or (error is not None and not error.usable):
            self._client.usable = False
        if self._begun:
            self._client.transactions += 1
            self._client.needs_reset = final is None
        return Outcome(tuple(self._results(error)), final, error)

    def _check(self) -> None:
        """Raise the SMTPError that the server's announced extensions and limits imply before MAIL (SMTP-125)."""
        # Before MAIL: nothing has begun then that RSET would have to end, no attempt is wasted on a reply that is
        # known, and the queue can turn to another host.
        transaction, extensions = self._transaction, self._extensions
        if self._client.exhausted:
            raise ProtocolError("connection can't be used for another transaction", "mail")
        if transaction.smtputf8 and "SMTPUTF8" not in extensions:
            raise SMTPUTF8Missing
        if transaction.requiretls and ("REQUIRETLS" not in extensions or self._client.tls is None):
            raise RequireTLSMissing
        if extensions.size and transaction.size > extensions.size:
            raise MessageTooLarge(transaction.size, extensions.size)
        if transaction.eight_bit and "8BITMIME" not in extensions:
            raise EightBitMissing

    def _mail(self) -> bytes:
        # Only send optional parameters that the server supports. If a required one, SMTPUTF8 or REQUIRETLS, was
        # missing, `_check` has already ended the transaction.
        transaction, extensions = self._transaction, self._extensions
        words = [f"MAIL FROM:<{transaction.mail_from.pack(transaction.smtputf8)}>"]
        if "SIZE" in extensions:
            words.append(f"SIZE={transaction.size}")
        if "8BITMIME" in extensions and transaction.eight_bit:
            words.append("BODY=8BITMIME")
        if transaction.smtputf8:
            words.append("SMTPUTF8")
        if transaction.requiretls:
            words.append("REQUIRETLS")
        if "DSN" in extensions:
            if transaction.ret:
                words.append(f"RET={transaction.ret}")
            if transaction.envid:
                words.append(f"ENVID={encode_xtext(transaction.envid)}")
        if "MT-PRIORITY" in extensions and transaction.priority is not None:
            words.append(f"MT-PRIORITY={transaction.priority}")
        if "DELIVERBY" in extensions and transaction.deliver_by:
            words.append(f"BY={transaction.deliver_by}")
        return " ".join(words).encode() + b"\r\n"

    def _rcpt(self, recipient: Recipient) -> bytes:
        line = f"RCPT TO:<{recipient.path.pack(self._transaction.smtputf8)}>"
        if "DSN" in self._extensions:
            if recipient.notify:
                line += " NOTIFY=" + ",".join(recipient.notify)
            if recipient.orcpt:
                kind, _, address = recipient.orcpt.partition(";")
                line += f" ORCPT={kind};{utf8_xtext(address) if kind == 'utf-8' else encode_xtext(address)}"
        return line.encode() + b"\r\n"

    def _send(self, reset: bytes) -> Exchange[Response]:
        """Run the transaction up to the final reply. `reset`: the command before MAIL, if any."""
        first = self._encoder.feed((yield from need_body()))  # a bad line end in a short message is found before MAIL
        whole = b""
        # A message is sent before the reply to MAIL only if no earlier transaction could receive it (QUEUE-68a).
        ahead = self._first or (self._client.begins_anew and not reset)
        if ahead and self._chunking and self._transaction.size <= CHUNK and "PIPELINING" in self._extensions:
            whole = yield from self._rest(first)
        self._begun = True
        if "PIPELINING" in self._extensions:
            yield from self._envelope_pipelined(reset, b"BDAT %d LAST\r\n" % len(whole) if whole else b"", whole)
        else:
            yield from self._envelope_in_turn(reset)
        if whole:
            reply = yield from self._reply("data", FINAL_TIMEOUT)
            if not self._accepted():
                raise self._last_refusal()  # the reply to BDAT does not matter then
            return expect("data", reply)
        if not self._accepted() and self._data_reply is None:
            raise self._last_refusal()
        if self._chunking:
            return (yield from self._chunks(first))
        return (yield from self._data(first))

    def _envelope_in_turn(self, reset: bytes) -> Exchange[None]:
        """Send RSET if needed, MAIL, RCPT, …, DATA, each after the reply to the command before."""
        if reset:
            yield Send(reset)
            self._was_reset((yield from receive("rset")))
        yield Send(self._mail())
        expect("mail", (yield from receive("mail")))
        self._mail_taken(reset)
        for recipient in self._recipients:
            yield Send(self._rcpt(recipient))
            self._replies.append((yield from self._reply("rcpt")))
        if self._accepted() and not self._chunking:
            yield Send(b"DATA\r\n")
            self._data_reply = yield from self._reply("data", DATA_TIMEOUT)

    def _envelope_pipelined(self, reset: bytes, bdat: bytes, body: bytes) -> Exchange[None]:
        """Send RSET if needed, MAIL with all RCPTs and DATA (or BDAT and a short body) in as few writes as is safe (RFC
        2920 §3.1). After a refused MAIL no further recipients are sent.
        """
        mail: Response | None = None
        batch = [reset, self._mail()]
        try:
            for start in range(0, len(self._recipients), PIPELINE_BATCH):
                some = self._recipients[start : start + PIPELINE_BATCH]
                batch += map(self._rcpt, some)
                last = start + PIPELINE_BATCH >= len(self._recipients)
                if last:
                    batch.append(bdat or (b"" if self._chunking else b"DATA\r\n"))
                yield from self._try_to_send(b"".join(batch))
                if last and body:
                    yield from self._try_to_send(body, SendKind.DATA)
                batch = []
                if mail is None:
                    if reset:
                        self._was_reset((yield from self._reply("rset")))
                    mail = yield from self._reply("mail")
                for _ in some:
                    self._replies.append((yield from self._reply("rcpt")))
                if last and not self._chunking:
                    self._data_reply = yield from self._reply("data", DATA_TIMEOUT)
                    if not mail.ok and self._data_reply.code == 354:  # an earlier transaction would take the dot
                        self._client.usable = False
                elif last and bdat and not mail.ok:  # the chunk was sent with the recipients, so it has a reply
                    yield from self._reply("data", FINAL_TIMEOUT)
                if not mail.ok:
                    break
        except ConnectionLost:
            self._client.usable = False
            if mail is None or mail.ok:  # else the refusal of MAIL, raised below, says more than the loss
                if len(self._replies) == len(self._recipients) and not self._accepted():
                    raise self._last_refusal() from None  # a server that closes instead of a reply to DATA: QUEUE-69
                raise
        assert mail is not None  # a transaction has recipients
        if not mail.ok:
            raise SMTPError.from_reply("mail", mail) if mail.code >= 400 else ProtocolError("unexpected reply", "mail")
        self._mail_taken(reset)

    def _was_reset(self, reply: Response) -> None:
        """Check the reply to RSET. Raises SMTPError if it failed: the state of the server is then unknown, so the
        connection cannot be used any more.
        """
        if not reply.ok:
            self._client.usable = False
            expect("rset", reply)

    def _mail_taken(self, reset: bytes) -> None:
        """Note that the server has begun another transaction without RSET after the one before."""
        if not self._first and not reset:
            self._client.begins_anew = True

    def _try_to_send(self, data: bytes, kind: SendKind = SendKind.COMMAND) -> Exchange[None]:
        """Send. If that fails, go on to read: a refusal that has already arrived says more than a broken pipe."""
        if self._lost is None:
            try:
                yield Send(data, kind=kind)
            except ConnectionLost as error:
                self._lost = error

    def _reply(self, command: str, timeout: float = COMMAND_TIMEOUT) -> Exchange[Response]:
        """Read the next reply. If the connection is lost, raise its first error."""
        try:
            return (yield from receive(command, timeout))
        except ConnectionLost:
            if self._lost is not None:
                raise self._lost from None
            raise

    def _accepted(self) -> int:
        return sum(reply.ok for reply in self._replies)

    def _last_refusal(self) -> SMTPError:
        reply = self._replies[-1] if self._replies else None
        if reply is None or reply.code < 400:
            return ProtocolError("all recipients were rejected", "rcpt")
        return SMTPError.from_reply("rcpt", reply)

    def _nothing(self) -> Exchange[None]:
        """End a DATA whose message is to be dropped (QUEUE-68): send a lone dot, and ignore the reply."""
        yield Send(b".\r\n", kind=SendKind.DATA)
        yield from receive("data", FINAL_TIMEOUT)

    def _data(self, first: bytes) -> Exchange[Response]:
        reply = self._data_reply
        assert reply is not None
        if not self._accepted():
            if reply.code == 354 and self._first:
                yield from self._nothing()
            elif reply.code == 354:  # recipients of an earlier transaction would get an empty message
                self._client.usable = False
            raise self._last_refusal()
        if reply.code != 354:
            expect("data", reply, 3)
        # From here on an error leaves no choice but to close: a dot would make the part that was sent a whole message,
        # and RSET would be a line of it. The flag stays set then, and `run` gives the connection up.
        self._in_body = True
        block = first
        while data := (yield from need_body()):
            more = self._encoder.feed(data)
            if len(block) + len(more) > JOINED:
                yield Send(block, BLOCK_TIMEOUT, SendKind.DATA)
                block = more
            else:
                block += more
        yield Send(block + self._encoder.end(), BLOCK_TIMEOUT, SendKind.DATA)
        self._in_body = False
        return expect("data", (yield from receive("data", FINAL_TIMEOUT)))

    def _rest(self, first: bytes) -> Exchange[bytes]:
        """Read the rest of a short message; returns it after `first`."""
        blocks = [first]
        while data := (yield from need_body()):
            blocks.append(self._encoder.feed(data))
        blocks.append(self._encoder.end())
        return b"".join(blocks)

    def _chunks(self, first: bytes) -> Exchange[Response]:
        """Send the message in BDAT chunks (RFC 3030 §4.2), each after the reply to the chunk before."""
        pending = bytearray(first)
        ended = not first
        while True:
            while not ended and len(pending) <= CHUNK:
                data = yield from need_body()
                pending += self._encoder.feed(data) if data else self._encoder.end()
                ended = not data
            chunk = bytes(pending[:CHUNK])
            del pending[:CHUNK]
            last = ended and not pending
            # Each chunk waits for the reply to the one before, although RFC 3030 allows to go on: a host that refuses
            # the first megabyte would have to be sent all others.
            yield Send(b"BDAT %d%s\r\n" % (len(chunk), b" LAST" if last else b""))
            yield Send(chunk, BLOCK_TIMEOUT, SendKind.DATA)
            reply = yield from receive("data", FINAL_TIMEOUT if last else COMMAND_TIMEOUT)
            expect("data", reply)
            if last:
                return reply

    def _results(self, error: SMTPError | None) -> Sequence[RecipientResult]:
        """One result per recipient: its own refusal, else the transaction's error."""
        results = []
        accepted = self._accepted()
        # Some servers end the transaction when they refuse a recipient, and forget the others (QUEUE-67).
        ended = any(not reply.ok and reply.code != BAD_SEQUENCE for reply in self._replies)
        for index in range(len(self._transaction.recipients)):
            if index >= len(self._recipients):  # beyond the server's RCPTMAX
                late = SMTPError(False, 452, "4.5.3", "rcpt", "too many recipients for this server")
                results.append(RecipientResult(late, again=True))
                continue
            reply = self._replies[index] if index < len(self._replies) else None
            if reply is None or reply.ok or (error is not None and error.command == "mail"):
                again = ended and error is not None and error.command == "data" and error.code == BAD_SEQUENCE
                results.append(RecipientResult(error, again=again))
                continue
            refusal = SMTPError.from_reply("rcpt", reply) if reply.code >= 400 else ProtocolError("bad reply", "rcpt")
            again = reply.code in {452, 552} and index > 0 and accepted > 0
            again = again or (reply.code == BAD_SEQUENCE and ended)
            results.append(RecipientResult(refusal, again=again))
        return results
