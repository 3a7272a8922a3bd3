"""Envelope senders that are unique per recipient, so that a bounce identifies its recipient (SMTP-118, QUEUE-6)."""

import secrets
from typing import Final

import msgspec

from moxlite.proto.address import Address, Localpart
from moxlite.store.delivery.submission import SubmissionRecipient
from moxlite.submission.errors import SubmissionRefused
from moxlite.submission.letter import Letter

RANDOM_OCTETS: Final = 16
"""Random octets in a FROMID or Message-Id: 22 characters of base64url, all allowed in an atom (SMTP-112, SMTP-118)."""


def with_from_ids(letter: Letter) -> tuple[SubmissionRecipient, ...]:
    """Return the recipients, each with its own envelope sender if the log-in address asks for FROMID. Raises
    SubmissionRefused.
    """
    separator = _separator(letter)
    if not separator:
        return letter.recipients
    sender = letter.mail_from
    assert sender is not None
    base, found, own = sender.localpart.partition(separator)
    if found and letter.own_from_id and not _is_login(letter, sender):
        if len(letter.recipients) > 1:
            text = "a sender id of your own is possible with one recipient only"
            raise SubmissionRefused(554, "5.5.3", text, "badmessage")
        return (msgspec.structs.replace(letter.recipients[0], mail_from=sender, from_id=own),)
    made: list[SubmissionRecipient] = []
    for recipient in letter.recipients:
        from_id = secrets.token_urlsafe(RANDOM_OCTETS)
        unique = Address(Localpart(f"{base}{separator}{from_id}"), sender.domain)
        made.append(msgspec.structs.replace(recipient, mail_from=unique, from_id=from_id))
    return tuple(made)


def _separator(letter: Letter) -> str:
    """The separator before a FROMID in the sender's localpart; "" without FROMID."""
    address = letter.mail_from
    identity = letter.identity
    if address is None or not _is_login(letter, identity.login or Address.parse(identity.address)):
        return ""
    domain = letter.snapshot.domain(address.domain)
    return domain.localpart_separators[0] if domain is not None and domain.localpart_separators else ""


def _is_login(letter: Letter, address: Address) -> bool:
    """Whether an address, including the part after a separator, is one whose log-ins ask for FROMID."""
    settings = letter.snapshot.account(letter.identity.account)
    if settings is None:
        return False
    wanted = letter.snapshot.folded(address)
    return any(letter.snapshot.folded(login) == wanted for login in settings.from_id_login_addresses)
