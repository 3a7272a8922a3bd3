"""Own addresses of a user: one idea of them wherever a decision or an answer asks for it (SMTP-68a)."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from moxlite.groupware.people import account_of, is_me, user_of
from moxlite.proto.address import Address
from moxlite.store.delivery.vacation import patch_form
from moxlite.store.forms import VacationChange
from moxlite.store.mail.links import Given
from moxlite.submission.authors import offered_addresses, owner_of
from moxlite.web.composing.answering import own_of
from tests.session.smtpd_harness import DOMAINS, MESSAGE, STATIC, Smtp, clock, serving

pytestmark = pytest.mark.served

__all__ = ["clock"]

MORE: Final = """
[domains."ours.example".aliases.voice]
addresses = ["mia@ours.example", "bo@ours.example"]
post_public = true
allow_msg_from = true
[domains."ours.example".tlsrpt]
account = "mia"
localpart = "reports"
mailbox = "Reports"
[domains."all.example"]
[accounts.mia.destinations."@all.example"]
"""

NAMED: Final = {"mia@ours.example", "Mia+shop@ours.example", "Filed@ours.example"}
REST: Final = {"anything@all.example", "postmaster@all.example"}
AWAY: Final = {"mia@off.example"}
OWN: Final = NAMED | REST | AWAY
SHARED: Final = {"team@ours.example", "voice@ours.example"}
VOICE: Final = {"voice@ours.example"}
OTHERS: Final = {
    *("bo@ours.example", "nobody@ours.example", "mia@remote.example"),
    *("reports@ours.example", "postmaster@ours.example", "postmaster@mail.ours.example"),
}
"""Addresses of others and of nobody, and those whose mail mia gets in an office."""


async def may_submit(smtp: Smtp, address: str) -> bool:
    async with smtp.user() as client:
        await client.send(f"MAIL FROM:<{address}>\r\n".encode())
        return (await client.reply()).startswith(("250", "451"))


async def gets_vacation_reply(smtp: Smtp, address: str) -> bool:
    before = len(await smtp.carried())
    sender = f"ann+{address.replace('@', '-')}@remote.example"
    async with smtp.connect(trusted=True) as client:
        await client.play(f"C: MAIL FROM:<{sender}>\nS: 250")
        await client.send(f"RCPT TO:<{address}>\r\n".encode())
        if not (await client.reply()).startswith("250"):
            return False
        await client.play("C: DATA\nS: 354")
        await client.send(MESSAGE.replace(b"mia@ours.example", address.encode()) + b".\r\n")
        if not (await client.reply()).startswith("250"):
            return False
    return len(await smtp.carried()) > before


async def is_invited(smtp: Smtp, address: str) -> bool:
    return is_me(smtp.context.config.current, "mia", address)


async def is_in_event(smtp: Smtp, address: str) -> bool:
    return address.lower() in user_of(smtp.context.config.current, "mia", [address]).addresses


async def is_person(smtp: Smtp, address: str) -> bool:
    return account_of(smtp.context.config.current, address) == "mia"


async def is_answered_as_own(smtp: Smtp, address: str) -> bool:
    own = own_of(smtp.context.config.current, "mia", "mia@ours.example", Given())
    return own.is_own(Address.parse(address))


async def is_kept_by_delegates(smtp: Smtp, address: str) -> bool:
    return owner_of(smtp.context.config.current, Address.parse(address)) == "mia"


async def logs_in(smtp: Smtp, address: str) -> bool:
    recipient = smtp.context.config.current.login(address)
    return recipient is not None and recipient.account == "mia"


PLACES: Final[dict[Callable[[Smtp, str], Awaitable[bool]], set[str]]] = {
    logs_in: OWN,
    is_answered_as_own: OWN,
    may_submit: OWN | VOICE,
    is_in_event: OWN | VOICE,
    is_invited: OWN | SHARED,
    gets_vacation_reply: OWN - AWAY,
    is_person: NAMED,
    is_kept_by_delegates: NAMED | AWAY,
}
"""What each place takes for the user's. Aliases are added where the user may speak for one or gets its mail; a catchall
isn't a person whom others look up."""


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
async def test_places_agree_about_own_addresses(tmp_path: Path, place: Callable[[Smtp, str], Awaitable[bool]]) -> None:
    """SMTP-68a, SMTP-161, DAV-30: named in the file, with a separator, by a catchall; none of an office."""
    async with serving(tmp_path, static=STATIC, domains=DOMAINS + MORE) as smtp:
        async with smtp.context.accounts.use("mia") as account:
            await account.write(lambda tx: patch_form(tx, VacationChange(enabled=True, text="away")))
        asked = sorted(OWN | SHARED | OTHERS)
        assert {address for address in asked if await place(smtp, address)} == PLACES[place]


async def test_identities_are_own_addresses_or_aliases(tmp_path: Path) -> None:
    """SMTP-68a: what pages and JMAP offer may be used, and belongs to the user or to an alias."""
    async with serving(tmp_path, domains=DOMAINS + MORE) as smtp:
        snapshot = smtp.context.config.current
        async with smtp.context.accounts.use("mia") as account:
            offered = await account.read(partial(offered_addresses, snapshot=snapshot, name="mia"), op="test")
        whole = {address for address in offered if not address.startswith("@")}
        own = {address for address in whole if snapshot.owner(Address.parse(address)) is not None}
        assert whole - own == VOICE
        assert all(snapshot.may_send_as("mia", Address.parse(address)) for address in whole)
