"""Forwarding of an account's mail: which addresses, and the questions to their owners (SMTP-159, SMTP-160a, QUEUE-179).

The configuration and the active script have the addresses, the account what has become of each. Mail is sent only to
those whose owners have agreed, by a button on the page behind a link that they get, or by answering the mail.
"""

from __future__ import annotations

import logging
import time
from typing import Final

import msgspec

from moxlite.admin.delivery.consent import account_of, answer_address, make_code
from moxlite.admin.notices import send_to_others
from moxlite.admin.publicpages import consent_page
from moxlite.config.snapshot import CurrentConfig, Snapshot, owns
from moxlite.process.keys import SigningKeys
from moxlite.proto.address import Address, AddressKey, Localpart
from moxlite.proto.mime.compose import address_field
from moxlite.proto.mime.types import MailAddress
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.delivery.forwarding import (
    Target,
    answer_target,
    ask_target,
    confirm_target,
    covering,
    linked_target,
    named_targets,
    start_again,
    target_key,
    targets,
)
from moxlite.store.delivery.scripts import script_targets
from moxlite.store.delivery.submission import Submit
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.options import DAY

logger = logging.getLogger("moxlite.admin.delivery.forwarding")

QUESTION: Final = """\
{name} wants to forward mail for {own} to you.

To agree, reply "yes" to this email within a week{page}

You won't get any mail unless you agree. If you don't know this person or don't want this mail, reply "no" or ignore
this email.
"""

UNNAMED: Final = "The owner of this address"
"""Stands for a name that isn't known: an address in its place would look like phishing."""

PAGE: Final = """, or choose "Confirm forwarding" on this page:

    {url}"""


QUESTIONS_PER_DAY: Final = 10
"""Addresses whose owners are asked in 24 hours without a wish of the account's owner for each: as many as `forward_to`
may have. A client with a password for ManageSieve could have any number of strangers written to otherwise.
"""


class PassedOn(msgspec.Struct, frozen=True, kw_only=True):
    """An address to which an account sends mail on.

    Attributes:
      target: what has become of it; None where it never was of use.
      alias: the alias that it is a member of. script: the name of the script that names it, "" for none.
      ran: a script named it while it ran: variables make the address.
    """

    address: str
    target: Target | None
    alias: Address | None = None
    script: str = ""
    ran: bool = False

    @property
    def is_new(self) -> bool:
        """Whether its owner was never asked, and mail waits for that."""
        return self.target is None or not (self.target.asked or self.target.confirmed)


class NoWayToAsk(Exception):
    """The owner of an address cannot be asked; the text says why."""


class Question(msgspec.Struct, frozen=True):
    """A question that is still to be answered: `own` is the address whose mail would be sent on to `target`."""

    own: str
    target: str


class Forwarding:
    """Forwarding of all accounts.

    Args:
      submit: `queue.submit`; None without a queue.
    """

    def __init__(self, *, config: CurrentConfig, accounts: Accounts, keys: SigningKeys, submit: Submit | None) -> None:
        self._config = config
        self._accounts = accounts
        self._keys = keys
        self._submit = submit

    async def look(self, name: str) -> list[PassedOn]:
        """The addresses that the configuration names, then the targets of the script, each with what has become of it.
        Raises StoreError.
        """
        snapshot = self._config.current
        now = time.time_ns() // 1000

        def read(r: Reader) -> tuple[list[Target], dict[str, str], list[Target]]:
            return targets(r), script_targets(r), named_targets(r, now)

        async with self._accounts.use(name) as account:
            found, scripts, named = await account.read(read, op="forwarding")
        known = {one.key: one for one in found}
        looked = {
            one.lower(): PassedOn(address=one, target=covering(known, one, of_alias=alias is not None), alias=alias)
            for one, alias in snapshot.passed_on(name).items()
        }
        for address, script in scripts.items():
            if not owns(snapshot, name, Address.parse(address)):
                looked.setdefault(address, PassedOn(address=address, target=known.get(address), script=script))
        for target in named:
            looked.setdefault(target.address, PassedOn(address=target.address, target=target, ran=True))
        return list(looked.values())

    async def find(self, name: str, address: str) -> PassedOn | None:
        """The address as `look` has it; None for one to which no mail is sent on. Raises StoreError."""
        key = AddressKey.parse(address)
        return next(
            (passed_on for passed_on in await self.look(name) if AddressKey.parse(passed_on.address) == key), None
        )

    async def ask_new(self, name: str) -> list[str]:
        """Ask the owners of the addresses that were not asked yet; returns why some were not. Raises StoreError."""
        looked = await self.look(name)
        since = (time.time_ns() // 1000) - DAY
        left = QUESTIONS_PER_DAY - sum(one.target is not None and one.target.asked > since for one in looked)
        problems = []
        for one in looked:
            if not one.is_new or one.ran:
                continue
            try:
                if left <= 0:
                    raise NoWayToAsk(
                        f"already sent {QUESTIONS_PER_DAY} confirmation emails today; you can resend this one manually"
                    )
                await self.ask(name, one.address)
                left -= 1
            except (NoWayToAsk, StoreError) as error:
                problems.append(f"couldn't email {one.address}: {error}")
        return problems

    async def ask(self, name: str, address: str) -> None:
        """Send the owner of an address the question. Raises NoWayToAsk, AskedJustNow, StoreError."""
        snapshot = self._config.current
        alias = snapshot.passed_on(name).get(address)
        own, base = alias or _own_address(snapshot, name), consent_page(snapshot)
        if own is None:
            raise NoWayToAsk("the account doesn't have an address to send the confirmation email from")
        if self._submit is None:
            raise NoWayToAsk("the outgoing queue isn't available")
        async with self._accounts.use(name) as account:
            token = await account.write(lambda tx: ask_target(tx, target_key(address, of_alias=alias is not None)))
        settings = snapshot.account(name)
        full_name = settings.full_name if settings is not None and alias is None else ""
        code = make_code(name, token)
        page = "." if base is None else PAGE.format(url=f"{base}{code}")
        await self._send(snapshot, name, own, Address.parse(address), full_name, code, page)
        logger.info("forwarding confirmation sent", extra={"kv": {"account": name}})

    async def question(self, code: str) -> Question | None:
        """The question behind a code; None unless a question waits for its answer. Raises StoreError."""
        snapshot = self._config.current
        name, token = account_of(snapshot, code) or ("", "")
        if not name:
            return None
        async with self._accounts.use(name) as account:
            now = time.time_ns() // 1000
            target = await account.read(lambda r: linked_target(r, token, now), op="forwarding")
        found = None if target is None else await self.find(name, target.address)
        # Its owner agrees to what was asked: not to all mail, where an alias was the reason.
        if target is None or found is None or (found.alias is not None) != target.of_alias:
            return None
        return Question(str(found.alias or _own_address(snapshot, name) or name), found.address)

    async def answer(self, code: str, *, agree: bool) -> bool:
        """Answer the question behind a code, once; returns whether it was still to be answered. Raises StoreError."""
        # The configuration may have changed since: agreeing to mail that no one sends would let it begin later unasked.
        if await self.question(code) is None:
            return False
        name, token = account_of(self._config.current, code) or ("", "")
        async with self._accounts.use(name) as account:
            answered = await account.write(lambda tx: answer_target(tx, token, agree=agree))
        if answered:
            logger.info("forwarding confirmation answered", extra={"kv": {"account": name, "agree": agree}})
        return answered

    async def _send(
        self, snapshot: Snapshot, name: str, own: Address, address: Address, full_name: str, code: str, page: str
    ) -> None:
        assert self._submit is not None
        answers = answer_address(code, own.domain)
        # The owner's server may take only ASCII addresses (RFC 6531 §3.2), and would never get the question.
        author = Address(Localpart("postmaster"), own.domain) if own.needs_smtputf8 else own
        text = QUESTION.format(name=full_name or UNNAMED, own=own, page=page)
        await send_to_others(
            snapshot,
            self._keys,
            self._submit,
            name,
            (author, address),
            (f"Confirm forwarding from {own}", text),
            full_name=full_name,
            fields=(address_field("Reply-To", (MailAddress("", answers.localpart, answers.domain.ascii),)),),
            unsigned=True,
        )

    async def start(self, name: str, address: str) -> bool:
        """Send mail again to an address that was stopped; returns whether it was. Raises StoreError."""
        key = await self._key(name, address)
        async with self._accounts.use(name) as account:
            return await account.write(lambda tx: start_again(tx, key))

    async def confirm(self, name: str, address: str) -> None:
        """Send mail to an address without asking its owner, on the administrator's word. Raises StoreError."""
        key = await self._key(name, address)
        async with self._accounts.use(name) as account:
            await account.write(lambda tx: confirm_target(tx, key))
        logger.info("forwarding address confirmed by administrator", extra={"kv": {"account": name}})

    async def _key(self, name: str, address: str) -> str:
        """The key of the target whose agreement counts, or would count. Raises StoreError."""
        found = await self.find(name, address)
        if found is not None and found.target is not None:
            return found.target.key
        return target_key(address, of_alias=found is not None and found.alias is not None)


def _own_address(snapshot: Snapshot, name: str) -> Address | None:
    settings = snapshot.account(name)
    configured = (
        next((destination for destination in settings.destinations if not destination.startswith("@")), "")
        if settings
        else ""
    )
    return Address.parse(configured) if configured else None
