"""The calls of the account app about the user's settings, and about rules that are not saved yet (WEB-64, WEB-65)."""

from __future__ import annotations

from functools import partial
from typing import Any, Final, TypeAlias

from moxlite.acceptance.rules import mail_to, try_rules
from moxlite.acceptance.sieve.converting import as_sieve
from moxlite.admin.accountforms import rulesets_of, save
from moxlite.config.domains import Account, Destination
from moxlite.config.fields import fields_of
from moxlite.config.toml.decode import encode
from moxlite.operations.rules import AddressText, Rules
from moxlite.processor import off_loop
from moxlite.store.mail.labels import labels_of
from moxlite.web.account.calls.common import AccountCalls, moment
from moxlite.web.account.mailtypes import LeftOutRule, RulesAsSieve
from moxlite.web.account.types import RuleLabel, TriedMessage, TriedRules
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import FieldError, FieldErrors, NotFound, UserError
from moxlite.wording import worded

LATEST: Final = 1000
"""Messages that a dry run looks at (WEB-65)."""

TOO_SLOW: Final = "takes too long on your mail and would be skipped on delivery. Simplify its patterns"

Settings: TypeAlias = dict[str, Any]
"""Values of settings by their keys, in the form of domains.toml. A save checks them, as it does the file."""

OWN: Final = tuple(field.name for field in fields_of(Account) if field.owner)
"""Settings that the user of an account changes: those that name themselves in `config.domains.Account`."""


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
        await save(self._server.edit, Account, ("accounts", caller.require().account), old, changed, OWN)

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
