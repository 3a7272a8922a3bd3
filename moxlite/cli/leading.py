"""What leads on after a name that isn't there: the command that lists what there is, and the name that was likely
meant (ADMIN-18c). The failures themselves come from wherever the name is looked up.
"""

import re
import shlex
from contextlib import suppress
from typing import Any, Final, NamedTuple

import click

from moxlite.cli.common import Failure, call, load_config
from moxlite.config.checks.accounts import account_name_problem
from moxlite.config.toml.decode import near
from moxlite.operations.accounts import AccountInfo
from moxlite.operations.domains import DomainInfo


class Listing(NamedTuple):
    """A command that lists what there is of a kind.

    Attributes:
      failure: pattern for the failures that it helps with.
      names: what it lists.
      command: with arguments in braces, which the failed command's own replace.
    """

    failure: str
    names: str
    command: str


LISTINGS: Final = (
    Listing("^IMAP session not found", "sessions", "imap sessions"),
    Listing("^alias not found", "aliases", "config alias list"),
    Listing("^certificate not found", "certificates", "config tlspubkey list"),
    Listing("^app password not found", "app passwords", "account app-password list {account}"),
    Listing("^token not found", "tokens", "admin token list"),
    Listing("^calendar not found", "calendars", "calendar list {account}"),
    Listing("^address book not found", "address books", "contacts list {account}"),
    Listing("^linked account not found", "linked accounts", "link list {account}"),
    Listing("folder not found|^mailbox .* no longer exists", "mailboxes", "account mailboxes {account}"),
    Listing("^script not found", "scripts", "account sieve list {account}"),
    Listing("^rule .* not found", "rules", "account rule list {account} {address}"),
    Listing("^scheduled message not found", "scheduled messages", "account later list {account}"),
    Listing("^hold rule not found", "hold rules", "queue holdrules list"),
    Listing("^finished message not found", "finished messages", "queue retired list"),
    Listing("^message .* isn't in the queue", "queued messages", "queue list"),
    Listing("^finished webhook not found", "finished webhooks", "queue webhook retired list"),
    Listing("^webhook not found", "webhooks", "queue webhook list"),
    Listing("isn't on account .* suppression list", "suppressed addresses", "queue suppress list --account {account}"),
    Listing("^report not found", "reports", "reports list {kind}"),
    Listing("isn't connected to ", "connected users", "account provider list {account}"),
    Listing("isn't a domain on this server", "domains", "config domain list"),
    Listing(
        "^account not found"
        "|^account .* doesn't exist"
        "|isn't an account on this server"
        "|doesn't belong to (an|this) account",
        "accounts and addresses",
        "account list",
    ),
)
"""Commands that list, by the failures that they help with."""


SHUT: Final = (
    "its domains are disabled, or their catchall belongs to another account: see moxlite config domain list "
    "and moxlite account list"
)
"""Why an account has no domain for new addresses."""


def way_on(failure: Failure) -> str:
    """What leads on, to go behind the text of a failure; "" if nothing is known, or the text says it itself."""
    text = str(failure)
    if "\n" in text or "run: " in text:
        return ""
    if hint := _hint(text, failure) or _swapped(text, failure.context):
        return _joined(text, hint)
    listing = next((listing for listing in LISTINGS if re.search(listing.failure, text)), None)
    if listing is None:
        return ""
    words = {name: shlex.quote(word) for name, word in _arguments(failure.context).items()}
    command = listing.command.format_map(_Words(words))
    meant = "" if "did you mean" in text else _meant(text, listing, failure.context)
    return _joined(text, meant, f"to list {listing.names}, run: moxlite {command}")


NOT_VALID: Final = r"""["']([^"']+)["'] isn't a valid (domain|address): |invalid address ["']([^"']+)["']: """
"""An error about what was typed, which it quotes."""


def _hint(text: str, failure: Failure) -> str:
    """Hint after failures of one kind; "" for others."""
    if re.search("^unknown transport ", text):
        return _transports(failure)
    if re.search("isn't a backup repository$", text):
        folder = text.removesuffix(" isn't a backup repository")
        return f"to create one, run: moxlite backup init --repo {shlex.quote(folder)}"
    if re.search("in a domain that accepts mail", text):
        return SHUT
    if re.search("is over quota: ", text):
        account = shlex.quote(_arguments(failure.context).get("account", "ACCOUNT"))
        return f"to change the quota, run: moxlite config account set {account} quota SIZE"
    if name := re.search("""^["']([^"']+)["'] isn't a valid account name""", text):
        return _account_name(name[1])
    if word := re.search(NOT_VALID, text):
        return _whole(word[1] or word[3], word[2] or "address", failure.context)
    if re.search("^an alias must have a localpart", text):
        return "for mail to unknown addresses, run: moxlite config address add @DOMAIN ACCOUNT"
    return ""


def _joined(text: str, *hints: str) -> str:
    """The hints with what goes before each: a question ends a sentence."""
    said = text
    for hint in filter(None, hints):
        said += f" {hint[:1].upper()}{hint[1:]}" if said.endswith("?") else f"; {hint}"
    return said[len(text) :]


def _account_name(text: str) -> str:
    """A hint at a name of an account for what was typed: a person's name, or an address."""
    name = re.sub(r"[^a-z0-9._-]+", ".", text.partition("@")[0].strip().lower()).strip("._-")
    return f'did you mean "{name}"?' if name and account_name_problem(name) is None else ""


def _whole(word: str, kind: str, context: click.Context | None) -> str:
    """A hint at the domain or address in what was typed: a URL, an address with a name, or only an account's name or a
    part before the @.
    """
    if kind == "domain":
        if word.endswith(".") and "." in word.strip("."):
            return f'did you mean "{word.strip(".")}"?'
        inner = DOMAIN_IN.search(word)
        return f'did you mean "{inner[1] or inner[2]}"?' if inner else ""
    if inner := ADDRESS_IN.search(word):
        return f'did you mean "{inner[1] or inner[2]}"?'
    if context is None or "@" in word:
        return ""
    with suppress(Failure), context.scope(cleanup=False):
        accounts: list[AccountInfo] = call("config account list", {}, list[AccountInfo])
        own = [account.addresses[0] for account in accounts if account.account == word and account.addresses]
        domains: list[DomainInfo] = call("config domain list", {}, list[DomainInfo])
        return "".join(f'did you mean "{address}"?' for address in [*own, *(f"{word}@{d.domain}" for d in domains)][:1])
    return ""


DOMAIN_IN: Final = re.compile(r"^[a-z]+://([^/:@]+)|@([^@/]+)$")
"""A URL or an address, with its domain."""

ADDRESS_IN: Final = re.compile(r"^[^<>]{0,500}<([^<>@ ]+@[^<>@ ]+)>$|^mailto:(\S+)$")
"""An address with a name."""


def _swapped(text: str, context: click.Context | None) -> str:
    """The command with an account and an address in the right order, if they were typed the other way round."""
    words = _arguments(context)
    account, address = words.get("account", ""), words.get("address", "")
    if context is None or not text.startswith("account not found") or "@" not in account or "@" in (address or "@"):
        return ""
    right = {account: address, address: account}
    line = shlex.join([right[word] for word in words.values() if word in right][:2])
    return f"the words are in the wrong order; run: {context.command_path} {line}"


class _Words(dict[str, str]):
    """Arguments of a command; one that isn't known keeps the name it has in the help."""

    def __missing__(self, name: str) -> str:
        return name.upper()


def _arguments(context: click.Context | None) -> dict[str, str]:
    """The arguments of the failed command, by the names that listings have for them: NAME is an account's where
    there's no ACCOUNT.
    """
    if context is None:
        return {}
    words = {
        parameter.make_metavar(context).lower().strip("[]."): context.params.get(parameter.name or "")
        for parameter in context.command.params
        if isinstance(parameter, click.Argument)
    }
    words.setdefault("account", words.get("name"))
    return {name: word for name, word in words.items() if isinstance(word, str)}


def _meant(text: str, listing: Listing, context: click.Context | None) -> str:
    """A hint at the name that was likely meant, of those that the running server lists."""
    name = re.search(r"""["'](.+)["']""", text)
    operation = listing.command.removesuffix(" {account}")
    account = _arguments(context).get("account")
    if name is not None and context is not None and operation == "config domain list":
        with suppress(Failure), context.scope(cleanup=False):
            domains: list[DomainInfo] = call(operation, {}, list[DomainInfo])
            return near(name[1], [domain.domain for domain in domains])
    if name is None or context is None or account is None or operation == listing.command:
        return ""
    kind: Any = list[dict[str, Any]] | dict[str, Any]
    with suppress(Failure), context.scope(cleanup=False):
        listed: Any = call(operation, {"account": account}, kind)
        rows = listed.get("scripts", []) if isinstance(listed, dict) else listed
        return near(name[1], [row["name"] for row in rows if "name" in row])
    return ""


def _transports(failure: Failure) -> str:
    """The transports in moxlite.toml."""
    if failure.context is None:
        return ""
    try:
        with failure.context.scope(cleanup=False):
            names = load_config().static.transports
    except Failure:
        return ""
    return f"use one of {', '.join(names)}" if names else NO_TRANSPORT


NO_TRANSPORT: Final = "moxlite.toml has no [transports.NAME]; to learn about them, run: moxlite help smarthost.md"
