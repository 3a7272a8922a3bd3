"""The reputation of a new message's sender by the account's earlier mail (SMTP-88; STORE-91..93).

The first method that finds data decides. A message that proves no author says nothing about the one whom it names, and
gets nothing by earlier mail of that one: forgers choose authors who are known. Some domains are shared by strangers,
whose mail says nothing about each other: the mailbox providers, and domains of signatures and of MAIL FROM that are not
the author's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec

from moxlite.acceptance.providers import PROVIDERS
from moxlite.proto.publicsuffix import organizational_domain
from moxlite.store.delivery.reputation import JudgedMessage, Key, history
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.contacts import is_contact
from moxlite.store.mail.recipients import wrote_to, wrote_to_domain, wrote_to_orgdomain
from moxlite.store.options import DAY
from moxlite.store.rows.mailboxes import mailbox_by_name, mailbox_by_use
from moxlite.store.types import MailboxID, SpecialUse

Named = Literal[
    "contact",
    "msgfromfull",
    "msgtofull",
    "msgfromdomain",
    "msgtodomain",
    "msgfromorgdomain",
    "msgtoorgdomain",
    "dkimspf",
    "ip1",
    "ip2",
    "ip3",
    "none",
]
"""Names of the methods of SMTP-88."""

WRITTEN: Final = 3 * 365 * DAY
WRITTEN_DOMAIN: Final = 2 * 365 * DAY
"""Microseconds for which having written to an address counts."""

LOCALPARTS: Final = 3
"""Different authors of a domain whose junk makes it conclusive: a single one may have been taken over."""

ENOUGH: Final = {Key.IP1: 2, Key.IP2: 5, Key.IP3: 10}
"""Messages from a network that make its history conclusive."""

LOOKED_AT: Final = 20
"""Maximum messages of one author that are looked at, to find two of the same state."""

BY_NETWORK: Final = """
SELECT 1 FROM (SELECT ip1, ip2, ip3 FROM message_smtp INDEXED BY message_smtp_msgfrom_address
WHERE msgfrom_domain = ? AND msgfrom = ? AND verdict = 0 AND received > ? AND received <= ? ORDER BY received DESC
LIMIT 100) WHERE ip1 = ? OR ip2 = ? OR ip3 = ? LIMIT 1"""


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """The sender of a message. Domains in U-labels; "" for values that a forwarder hides (SMTP-84).

    Attributes:
      localpart, domain: of From, "" without one; validated: that domain.
      signers: domains of passing signatures.
      mail_from: localpart and domain, where SPF passes; ehlo: the same.
      networks: ip1, ip2, ip3. is_list: the message has List-Id or List-Post.
    """

    localpart: str
    domain: str
    validated: bool
    signers: tuple[str, ...] = ()
    mail_from: tuple[str, str] = ("", "")
    ehlo: str = ""
    networks: tuple[str, str, str] = ("", "", "")
    is_list: bool = False

    @property
    def organization(self) -> str:
        """The organizational domain of From."""
        return organizational_domain(self.domain) if self.domain else ""

    @property
    def shared(self) -> bool:
        """Whether strangers share that domain."""
        return self.domain in PROVIDERS


class Reputation(msgspec.Struct, frozen=True, kw_only=True):
    """Result of a look-up in history.

    Attributes:
      method: the method that decided. junk: whether earlier mail was junk, None if mixed. conclusive: it decides alone.
      indirect: the reason to assume a mailing list or forwarder, or "" (SMTP-85).
      wanted_list: it is a mailing list whose mail was wanted, whatever its author.
      junk_mailbox: name of the account's mailbox for junk.
    """

    method: Named = "none"
    junk: bool | None = None
    conclusive: bool = False
    indirect: str = ""
    wanted_list: bool = False
    junk_mailbox: str = "Junk"


def reputation(r: Reader, sender: Sender, mailbox: str, now: int) -> Reputation:
    """The reputation for a mailbox to which mail of that sender would go; `now` in µs UTC. For `account.read`."""
    box = mailbox_by_name(r, mailbox)
    junk_box = mailbox_by_use(r, SpecialUse.JUNK)
    found = _first(r, sender, None if box is None else box.id, now)
    indirect = _indirect(r, sender, None if box is None else box.id, now)
    return msgspec.structs.replace(
        found,
        indirect=indirect,
        wanted_list=sender.is_list and bool(indirect) and box is not None and _is_wanted(r, sender, box.id, now),
        junk_mailbox="Junk" if junk_box is None else junk_box.name,
    )


def _first(r: Reader, sender: Sender, box: MailboxID | None, now: int) -> Reputation:
    for method in _methods(r, sender, box, now):
        if method is not None:
            return method
    return Reputation()


def _methods(r: Reader, sender: Sender, box: MailboxID | None, now: int) -> Iterator[Reputation | None]:
    """The methods, in the order of SMTP-88; each runs only if the earlier ones have found nothing."""
    if sender.domain:
        author = None if box is None else _author(r, sender, box, now)
        yield _of_contact(author) if sender.validated and is_contact(r, sender.localpart, sender.domain) else author
        if sender.validated and _lately(wrote_to(r, sender.localpart, sender.domain), now, WRITTEN):
            yield _written("msgtofull")
        if not sender.shared:
            yield from _domains(r, sender, box, now)
    if box is not None:
        yield _authenticated(r, sender, box, now)
        for key, method, value in zip((Key.IP1, Key.IP2, Key.IP3), ("ip1", "ip2", "ip3"), sender.networks, strict=True):
            if value:
                yield _network(history(r, key, value, box, now=now), method, sender, ENOUGH[key])  # type: ignore[arg-type]  # a method's name


def _is_wanted(r: Reader, sender: Sender, box: MailboxID, now: int) -> bool:
    """Whether mail by these proven domains was wanted. The author's own history is no proof here (SMTP-88): a list
    changes the messages it forwards, so the author's signature does not verify.
    """
    found = _authenticated(r, sender, box, now)
    return found is not None and found.conclusive and found.junk is False


def _domains(r: Reader, sender: Sender, box: MailboxID | None, now: int) -> Iterator[Reputation | None]:
    if box is not None:
        yield _domain(history(r, Key.MSGFROM_DOMAIN, sender.domain, box, now=now), "msgfromdomain", sender)
    if sender.validated and _lately(wrote_to_domain(r, sender.domain), now, WRITTEN_DOMAIN):
        yield _written("msgtodomain")
    organization = sender.organization
    if organization != sender.domain:
        if box is not None:
            yield _domain(history(r, Key.MSGFROM_ORGDOMAIN, organization, box, now=now), "msgfromorgdomain", sender)
        if sender.validated and _lately(wrote_to_orgdomain(r, organization), now, WRITTEN_DOMAIN):
            yield _written("msgtoorgdomain")


def _written(method: Named) -> Reputation:
    """Reputation of a proven author, or a proven domain, that the account wrote to."""
    return Reputation(method=method, junk=False, conclusive=True)


def _lately(sent: int | None, now: int, age: int) -> bool:
    return sent is not None and now - sent <= age


def _author(r: Reader, sender: Sender, box: MailboxID, now: int) -> Reputation | None:
    past = history(r, Key.MSGFROM, sender.domain, box, now=now, localpart=sender.localpart, limit=LOOKED_AT)
    proven = [judged_message for judged_message in past if judged_message.msgfrom_ok][:2]
    if not sender.validated:
        return _pretended(proven, "msgfromfull")
    if not proven:
        return None
    return Reputation(method="msgfromfull", junk=all(proven_message.spam for proven_message in proven), conclusive=True)


def _of_contact(author: Reputation | None) -> Reputation:
    """Reputation of a proven author who is a contact, from that by the author's mail: wanted, but for an author whose
    mail was junk twice. Then content decides: the account of a contact may have been taken over.
    """
    if author is not None and author.junk:
        return msgspec.structs.replace(author, conclusive=False)
    return Reputation(method="contact", junk=False, conclusive=True)


def _pretended(proven: Sequence[JudgedMessage], method: Named) -> Reputation | None:
    """Reputation of a message without proof in the name of a sender who had proof before."""
    # A sender who always had proof and now has none is most likely another one, but a forwarder breaks proofs as
    # well: so it is conclusive only for mail that was junk even with proof.
    if not proven:
        return None
    return Reputation(method=method, junk=True, conclusive=all(judged_message.spam for judged_message in proven[:2]))


def _domain(past: Sequence[JudgedMessage], method: Named, sender: Sender) -> Reputation | None:
    proven = [judged_message for judged_message in past if judged_message.msgfrom_ok]
    if not sender.validated:
        return _pretended(proven, method)
    if not proven:
        return None
    wanted = sum(not judged_message.spam for judged_message in proven)
    if wanted > 0.8 * len(proven):
        return Reputation(method=method, junk=False, conclusive=True)
    if not wanted:
        return Reputation(
            method=method,
            junk=True,
            conclusive=len({judged_message.msgfrom for judged_message in proven}) >= LOCALPARTS,
        )
    return Reputation(method=method)


def _authenticated(r: Reader, sender: Sender, box: MailboxID, now: int) -> Reputation | None:
    """Reputation by the domains that SPF and DKIM have proven."""
    # (share of spam, number of messages, whether the domain is the author's own)
    shares: list[tuple[float, int, bool]] = []
    for domain, past in _proven(r, sender, box, now):
        if past and domain not in PROVIDERS:
            own = bool(sender.domain) and organizational_domain(domain) == sender.organization
            shares.append((sum(judged_message.spam for judged_message in past) / len(past), len(past), own))
    if not shares:
        return None
    if all(share < 0.1 for share, _, _ in shares):
        return Reputation(method="dkimspf", junk=False, conclusive=True)
    if all(share > 0.9 for share, _, _ in shares):
        conclusive = any(own and count > 1 for _, count, own in shares)
        return Reputation(method="dkimspf", junk=True, conclusive=conclusive)
    return Reputation(method="dkimspf")


def _proven(r: Reader, sender: Sender, box: MailboxID, now: int) -> Iterator[tuple[str, list[JudgedMessage]]]:
    for domain in sender.signers:
        yield domain, history(r, Key.DKIM_DOMAIN, domain, box, now=now)
    localpart, domain = sender.mail_from
    if domain:
        past = history(r, Key.MAILFROM, domain, box, now=now, localpart=localpart)
        past = past or history(r, Key.MAILFROM_DOMAIN, domain, box, now=now)
        yield domain, [judged_message for judged_message in past if judged_message.mailfrom_ok]
    elif sender.ehlo:
        yield (
            sender.ehlo,
            [
                judged_message
                for judged_message in history(r, Key.EHLO_DOMAIN, sender.ehlo, box, now=now)
                if judged_message.ehlo_ok
            ],
        )


def _network(past: Sequence[JudgedMessage], method: Named, sender: Sender, enough: int) -> Reputation | None:
    if not past:
        return None
    share = sum(judged_message.spam for judged_message in past) / len(past)
    junk = False if share < 0.25 else True if share > 0.75 else None
    conclusive = len(past) >= enough and (share <= 0.1 or share >= 0.9) and not sender.shared
    return Reputation(method=method, junk=junk, conclusive=conclusive)


def _indirect(r: Reader, sender: Sender, box: MailboxID | None, now: int) -> str:
    """The evidence for a mailing list or a forwarder between the author and this server (RFC 9989 §7.4), or ""."""
    if sender.is_list and box is not None:
        for domain, past in _proven(r, sender, box, now):
            if any(not judged_message.spam for judged_message in past):
                return f"list by {domain}"
    if sender.domain and any(sender.networks):
        args = (sender.domain, sender.localpart, now - WRITTEN, now, *sender.networks)
        if r.row(BY_NETWORK, *args) is not None:
            return "author by this network"
    return ""
