"""The calls of the account app about addresses: their rules (WEB-64, WEB-65), and sending mail on to others (SMTP-159,
QUEUE-179, WEB-158a).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from moxlite.acceptance.rules import mail_to, try_rules
from moxlite.acceptance.sieve.converting import as_sieve
from moxlite.admin.delivery.forwarding import NoWayToAsk, PassedOn
from moxlite.config.domains import Account, Destination, Ruleset
from moxlite.config.fields import fields_of
from moxlite.config.toml.decode import decode, dotted, encode
from moxlite.processor import off_loop
from moxlite.store.delivery.scripts import active_script
from moxlite.store.errors import StoreError
from moxlite.store.mail.labels import labels_of
from moxlite.web.account.calls.common import AccountCalls, moment
from moxlite.web.account.forms import DestinationForm, Rule, check_patterns, names_of, shown, table_of
from moxlite.web.account.mailtypes import ForwardForm, Forwards, ForwardTarget, LeftOutRule, RulesAsSieve
from moxlite.web.account.types import DestinationItem, RuleLabel, TriedMessage, TriedRules
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import FieldError, FieldErrors, NotFound, UserError
from moxlite.wording import reason_of, worded

LATEST: Final = 1000
"""Messages that a dry run looks at (WEB-65)."""

TOO_SLOW: Final = "takes too long on your mail and would be skipped on delivery. Simplify its patterns"

AddressText = Annotated[str, Meta(max_length=1000)]

Settings: TypeAlias = dict[str, Any]
"""Values of settings by their keys, in the form of domains.toml. A save checks them, as it does the file."""

OWN: Final = tuple(field.name for field in fields_of(Account) if field.owner)
"""Settings that the user of an account changes: those that name themselves in `config.domains.Account`."""

Rules = Annotated[list[Rule], Meta(max_length=1000)]


class AddressCalls(AccountCalls):
    """The calls about addresses of the account."""

    @call()
    async def settings(self, caller: Caller) -> Settings:
        """The settings of the account that its user changes (`OWN`), in the form of domains.toml."""
        return encode(self._settings(caller), whole=True, only=OWN)

    @call(audit="settings changed")
    async def settings_save(self, caller: Caller, old: Settings, changed: Settings) -> None:
        """Save these settings; one that is missing gets its default. A conflict if they are no longer the old ones."""
        if unknown := (old.keys() | changed.keys()) - set(OWN):
            raise UserError(worded("unknown setting: {name}", name=repr(min(unknown)[:80])))
        await self._change(Account, ("accounts", caller.require().account), old, changed, OWN)

    @call()
    async def destination_list(self, caller: Caller) -> list[DestinationItem]:
        """All addresses with their settings and rules."""
        settings = self._settings(caller)
        return [
            DestinationItem(address, shown(DestinationForm, destination))
            for address, destination in settings.destinations.items()
        ]

    @call(audit="address changed", confirm=True)
    async def destination_save(
        self, caller: Caller, address: AddressText, old: DestinationForm, changed: DestinationForm
    ) -> DestinationItem:
        """Save the settings and rules of an address; returns them as they are now. A conflict if they are no longer the
        old ones. The owners of addresses to which rules forward are asked.
        """
        self._destination(caller, address)
        path = ("accounts", caller.require().account, "destinations", address)
        was, wanted = await off_loop(lambda: (table_of(old), table_of(changed)), kind="rules")
        await off_loop(partial(check_patterns, wanted, self._settings(caller)), kind="rules")
        await self._change(Destination, path, was, wanted, names_of(DestinationForm))
        if any(rule.forward_to for rule in changed.rulesets):
            await self._server.forwarding.ask_new(caller.require().account)
        return DestinationItem(address, shown(DestinationForm, self._destination(caller, address)))

    @call()
    async def rule_labels(self, caller: Caller) -> list[RuleLabel]:
        """The labels that rules can give."""
        async with self._open(caller) as account:
            labels = await account.read(labels_of, op="rule_labels")
        return [RuleLabel(label.keyword, label.name) for label in labels]

    @call()
    async def rules_try(self, caller: Caller, address: AddressText, rules: Rules) -> TriedRules:
        """Find which of these rules would have taken the latest messages to an address. Nothing is saved or moved."""
        self._destination(caller, address)
        name, snapshot = caller.require().account, self._server.config.current
        rulesets = await off_loop(partial(rulesets_of, rules, self._settings(caller)), kind="rules")
        concerns = mail_to(snapshot, name, address)
        async with self._open(caller) as account:
            run = await try_rules(account, rulesets, concerns, limit=LATEST)
        if run.too_slow is not None:
            raise FieldErrors([FieldError(f"rulesets[{run.too_slow}]", TOO_SLOW)])
        return TriedRules(
            [
                TriedMessage(message.id, message.sender, message.subject, moment(message.received), message.rule)
                for message in run.messages
            ],
            run.complete,
        )

    @call()
    async def rules_as_sieve(self, caller: Caller, rules: Rules) -> RulesAsSieve:
        """These rules as a Sieve script, and the indexes of rules that have no counterpart. Nothing is saved."""
        settings = self._settings(caller)
        made = await off_loop(lambda: as_sieve(rulesets_of(rules, settings)), kind="rules")
        return RulesAsSieve(made.script, [LeftOutRule(index, reason) for index, reason in made.left_out])

    def _destination(self, caller: Caller, address: str) -> Destination:
        destination = self._settings(caller).destinations.get(address)
        if destination is None:
            raise NotFound(worded("{address} doesn't belong to this account", address=address))
        return destination


def rulesets_of(rules: list[Rule], settings: Account) -> tuple[Ruleset, ...]:
    """The rules as structs. Raises FieldErrors, also for patterns that the account could not save."""
    form = msgspec.structs.replace(shown(DestinationForm, Destination()), rulesets=rules)
    table = table_of(form)
    check_patterns(table, settings)
    destination, mistakes = decode(Destination, table, Path())
    if mistakes:
        raise FieldErrors([FieldError(dotted(mistake.path), mistake.text) for mistake in mistakes])
    assert destination is not None
    return destination.rulesets


class ForwardCalls(AccountCalls):
    """The calls about forwarding. The owners of the addresses answer on `moxlite.web.account.consent`."""

    @call()
    async def forwards(self, caller: Caller) -> Forwards:
        """The addresses to which mail is sent on, with their states."""
        return await self._forwards(caller, "")

    async def _forwards(self, caller: Caller, problem: str) -> Forwards:
        name = caller.require().account
        found = await self._server.forwarding.look(name)
        async with self._server.accounts.use(name) as account:
            script = await account.read(active_script, op="forwarding")
        return Forwards(shown(ForwardForm, self._settings(caller)), list(map(_target, found)), problem, script)

    @call(confirm=True, audit="forwarding changed")
    async def forward_save(self, caller: Caller, old: ForwardForm, changed: ForwardForm) -> Forwards:
        """Save the addresses, and ask the owners of new ones. A conflict if they are no longer the old ones."""
        name = caller.require().account
        kept = [one.strip() for one in changed.forward_to if one.strip()]
        table = {"keep_copy": changed.keep_copy} | ({"forward_to": kept} if kept else {})
        await self._change(Account, ("accounts", name), table_of(old), table, names_of(ForwardForm))
        # Saved first: the question tells strangers of a setting that must be there when they answer.
        problems = await self._server.forwarding.ask_new(name)
        return await self._forwards(caller, "\n".join(problems))

    @call()
    async def forward_ask(self, caller: Caller, address: AddressText) -> None:
        """Ask the owner of an address again, once a day at most."""
        await self._own(caller, address)
        try:
            await self._server.forwarding.ask(caller.require().account, address)
        except (NoWayToAsk, StoreError) as error:
            raise UserError(reason_of(error)) from error

    @call(audit="forwarding started again")
    async def forward_start(self, caller: Caller, address: AddressText) -> None:
        """Send mail again to an address that was stopped."""
        await self._own(caller, address)
        if not await self._server.forwarding.start(caller.require().account, address):
            raise UserError("forwarding isn't stopped, or the recipient doesn't want this mail")

    async def _own(self, caller: Caller, address: str) -> None:
        if await self._server.forwarding.find(caller.require().account, address) is None:
            raise NotFound(worded("mail is not forwarded to {address}", address=address))


def _target(one: PassedOn) -> ForwardTarget:
    target = one.target
    shown = ForwardTarget(
        address=one.address,
        state="new",
        since=None,
        failing=None,
        error="",
        alias=str(one.alias or ""),
        script=one.script,
        ran=one.ran,
    )
    if target is None or one.is_new:
        return shown
    if target.stopped is not None:
        return replace(shown, state="stopped", since=moment(target.stopped), error=target.error)
    if target.confirmed is None:
        return replace(shown, state="asked", since=moment(target.asked))
    failing = None if target.failing is None else moment(target.failing)
    taken = not target.asked
    return replace(
        shown, state="confirmed", since=moment(target.confirmed), failing=failing, error=target.error, taken_over=taken
    )
