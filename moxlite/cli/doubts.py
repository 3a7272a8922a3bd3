"""What a command takes though it is likely a mistake: said on stderr before it's done (ADMIN-18d). What is certainly
wrong is not here: the server refuses it.
"""

import datetime as dt
import difflib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, TypeAlias, TypeVar

from moxlite.cli.common import Failure, call, note
from moxlite.operations import Operation, description
from moxlite.operations.accounts import ListAccounts
from moxlite.operations.domains import ListAliases, ListDomains
from moxlite.operations.store import ListMailboxes

Args: TypeAlias = Mapping[str, Any]
T = TypeVar("T")

ALIKE: Final = 0.85
"""Share of letters in common of two domains of which one may be mistyped."""

ACTORS: Final = {"(admin)", "(cli)", "(editor)"}
"""Actors of the audit log that are no accounts."""


def say_doubts(operation: str, args: Args) -> None:
    """Say what is doubtful about the arguments of an operation. What the server can't be asked is passed over: if it
    doesn't run, the operation says so.
    """
    name = next((name for name in DOUBTS if operation == name or operation.startswith(f"{name} ")), None)
    if name is None:
        return
    with suppress(Failure):
        for doubt in DOUBTS[name](args):
            note(f"note: {doubt}")


def _asked(operation: Operation[T]) -> T:
    """The result of an operation, without a word about mistakes in the configuration: the command itself tells them."""
    known = description(type(operation))
    return call(known.name, operation, known.result, noting=False)  # type: ignore[no-any-return]


def _setting(args: Args) -> Iterator[str]:
    key, value = args["key"], args["value"]
    if not value:
        yield f'{key} will be empty. To remove it from the file, use the value "default".'
    if key in TEXTS and value in ("true", "false"):
        yield f'{key} will be the text "{value}". To remove it, use the value "default".'
    if key == "forward_to":
        yield from _recipients([part.strip() for part in value.split(",")])


TEXTS: Final = ("full_name", "description")
"""Settings of accounts that take any text."""


def _members(args: Args) -> Iterator[str]:
    yield from _recipients(args["members"])


def _new_alias(args: Args) -> Iterator[str]:
    yield from _members(args)
    yield from _star(args["alias"])
    yield from _alike(args["alias"])


def _recipients(addresses: Iterable[str]) -> Iterator[str]:
    """Doubts about addresses that get mail: other servers' domains have a dot, and a domain that is almost one of this
    server or of a large provider is mistyped.
    """
    from moxlite.admin.domains.changes import PUBLIC

    known = {item.domain for item in _asked(ListDomains())} | PUBLIC
    for address in addresses:
        local, at, domain = address.rpartition("@")
        if at and "." not in domain:
            yield f'the domain "{domain}" doesn\'t have a dot. Is "{address}" complete?'
        elif at and domain.lower() not in known and (meant := _almost(domain.lower(), known)):
            yield f'the domain "{domain}" is almost the same as {meant}. Is it "{local}@{meant}"?'


def _almost(domain: str, known: Iterable[str]) -> str:
    """The known domain that is spelled almost like this one, or ""."""
    return next(iter(difflib.get_close_matches(domain, list(known), n=1, cutoff=ALIKE)), "")


def _forwards(args: Args) -> Iterator[str]:
    yield from _recipients(args["forward_to"])


def _rule(args: Args) -> Iterator[str]:
    yield from _recipients(args.get("forward_to") or ())
    for key in ("mailbox", "accept_rejects_to_mailbox"):
        if args.get(key):
            yield from _new_mailbox(args["account"], args[key], "The first matching message creates it.")


def _import(args: Args) -> Iterator[str]:
    yield from _new_mailbox(args["account"], args["mailbox"], "The import creates it.")


def _new_mailbox(account: str, mailbox: str, when: str) -> Iterator[str]:
    from moxlite.config.toml.decode import near

    names = [box.name for box in _asked(ListMailboxes(account=account))]
    name = mailbox.strip("/")
    if name in names or name.upper() == "INBOX":
        return
    meant = near(name, names)
    hint = f" {meant[:1].upper()}{meant[1:]}" if meant else ""
    yield f'account {account} doesn\'t have a mailbox "{name}". {when}{hint}'


def _new_account(args: Args) -> Iterator[str]:
    yield from _star(args["address"])
    yield from _alike(args["address"])


def _new_address(args: Args) -> Iterator[str]:
    address = args["address"]
    yield from _star(address, f"; for those, run: moxlite config address add {address[1:]} {args['account']}")
    yield from _alike(address, args["account"])
    if address.startswith("@"):
        yield (
            f"this gives {args['account']} mail to every unknown address {address}; to undo this, run: "
            f"moxlite config address rm {address}"
        )


def _star(address: str, way: str = "") -> Iterator[str]:
    """Doubts about an address with a star, as other servers write a catchall."""
    local, _, domain = address.rpartition("@")
    if local == "*":
        yield f"{address} is a single address, not all addresses in {domain}{way}"


def _alike(address: str, name: str = "") -> Iterator[str]:
    """Doubts about an address that people could take for another one. `name`: of the account that gets the address;
    people who take it for another address of this account reach the same person.
    """
    from moxlite.store.rows.personnames import alike

    words = {unicodedata.name(char, "").partition(" ")[0] for char in address.rpartition("@")[0].lower()}
    scripts = [script.capitalize() for script in SCRIPTS if script in words]
    if len(scripts) > 1:
        yield f"{address} has {' and '.join(scripts)} letters, which can look the same"
    known = [other for account in _asked(ListAccounts()) if account.account != name for other in account.addresses]
    known += [alias.alias for alias in _asked(ListAliases())]
    for other in alike([address], known).values():
        yield f"{address} looks like {other}, so people may take one for the other"


SCRIPTS: Final = ("LATIN", "GREEK", "CYRILLIC")
"""Scripts with letters that look the same, by the first word of their letters' names."""


def _domain(args: Args) -> Iterator[str]:
    domain = args["domain"].lower()
    if domain.endswith("."):  # the server refuses it
        return
    host, _, parent = domain.partition(".")
    known_domains = {item.domain for item in _asked(ListDomains())}
    if host in HOSTS and "." in parent:
        way = f"moxlite config domain add {parent} {args['account']}"
        instead = "" if parent in known_domains else f". For you@{parent}, run: {way}"
        yield f"with {domain}, addresses are like you@{domain}{instead}"
    if known := _almost(domain, known_domains - {domain}):
        yield (
            f"{domain} is almost the same as your domain {known}. To undo this, run: moxlite config domain rm {domain}"
        )


HOSTS: Final = {"imap", "mail", "mx", "smtp", "webmail", "www"}
"""Names of hosts, which are rarely a part of an address."""


def _filter(args: Args) -> Iterator[str]:
    """The filter of messages in the queue."""
    chosen = args.get("filter", {})
    for key, option in (("sender", "--from"), ("recipient", "--to")):
        text = chosen.get(key, "")
        if " " in text:
            yield f'{option} "{text}" has a space, so it matches no address'
        elif text and "@" not in text:
            mine = f". For all messages of account {text}, use --account {text}." if text in _accounts() else ""
            yield f'{option} "{text}" isn\'t a complete address, so all addresses that contain it match{mine}'
    yield from _no_account(chosen.get("account", ""))


def _outgoing(args: Args) -> Iterator[str]:
    yield from _no_account(args["account"])


def _hold_rule(args: Args) -> Iterator[str]:
    for key in ("sender", "recipient"):
        if args.get(key) and "@" not in args[key]:
            yield f'--{key} "{args[key]}" is neither an address nor @domain, so it matches nothing'
    yield from _no_account(args.get("account", ""))


def _audit(args: Args) -> Iterator[str]:
    if args["actor"] not in ACTORS:
        yield from _no_account(args["actor"])


def _no_account(name: str) -> Iterator[str]:
    if name and name not in _accounts():
        yield f'there\'s no account "{name}"; to list accounts, run: moxlite account list'


def _accounts() -> set[str]:
    return {one.account for one in _asked(ListAccounts())}


def _masked(args: Args) -> Iterator[str]:
    if args.get("site") == "":
        yield "--for is empty, so the address belongs to no site"
    with suppress(ValueError):
        expires = dt.datetime.fromisoformat(args.get("expires") or "")
        if expires.replace(tzinfo=expires.tzinfo or dt.UTC) < dt.datetime.now(dt.UTC):
            yield f"{args['expires']} has passed, so mail to the address is rejected"


DOUBTS: Final[Mapping[str, Callable[[Args], Iterator[str]]]] = {
    "account forward set": _forwards,
    "account rule": _rule,
    "address add": _masked,
    "address set": _masked,
    "audit list": _audit,
    "config account set": _setting,
    "config account add": _new_account,
    "config address add": _new_address,
    "config alias add": _new_alias,
    "config alias addaddr": _members,
    "config domain add": _domain,
    "import": _import,
    "queue holdrules add": _hold_rule,
    "queue outgoing": _outgoing,
    "queue": _filter,
}
"""Doubts by the operations, or the words with which their names begin."""
