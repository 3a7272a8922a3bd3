"""Settings and keys of a plan, written into domains.toml. Settings that were changed here already stay (MOVE-6)."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import trio

from moxlite.admin.accounts import account_settings
from moxlite.admin.commandedits import edit
from moxlite.admin.dkimkeys import write_new
from moxlite.config.checks.addresses import SELECTOR
from moxlite.config.domains import Account, Destination
from moxlite.config.fields import fields_of
from moxlite.config.holder import ConfigHolder
from moxlite.config.load import DKIM_FOLDER
from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.decode import decode_field, encode, encode_field
from moxlite.config.toml.edit import Document, Keys
from moxlite.config.values import Section
from moxlite.move.plan import Key, User
from moxlite.net.control.server import CommandFailed
from moxlite.proto.address import Domain


def lacking(snapshot: Snapshot, user: User) -> Iterator[tuple[Keys, str, Any, bool]]:
    """The settings of a user that are not here: path in domains.toml, words for it, value, and whether the value
    that is here is no longer that of a new account.
    """
    account = snapshot.account(user.account)
    if account is None:
        return
    here, path = encode(account), ("accounts", user.account)
    fresh = _plain(Account, account_settings(user.address))
    for key, value in _plain(Account, user.settings).items():
        if here.get(key) != value:
            yield (*path, key), f"setting {key}", value, here.get(key) != fresh.get(key)
    addresses = here.get("destinations", {})
    for address, table in user.destinations.items():
        value = _plain(Destination, table)
        if address in addresses and addresses[address] != value:
            yield (*path, "destinations", address), f"rules of {address}", value, addresses[address] != {}


def _plain(section: type[Section], table: Mapping[str, Any]) -> dict[str, Any]:
    """A table as `encode` gives it; what can't be read stays as it is, for the change to refuse it."""
    plain = {}
    names = {field.name for field in fields_of(section)}
    for key, value in table.items():
        decoded, mistakes = decode_field(section, key, value, Path()) if key in names else (None, ["unknown"])
        plain[key] = value if mistakes else encode_field(section, key, decoded)
    return plain


async def take_settings(config: ConfigHolder, user: User) -> list[str]:
    """Write the settings of a user; returns what is wrong with those that did not come. Raises CommandFailed."""
    problems, wanted = [], []
    for path, words, value, changed in lacking(config.current, user):
        if changed:
            problems.append(f"kept a different existing {words}")
        else:
            wanted.append((path, words, value))

    def put(document: Document, snapshot: Snapshot, some: Sequence[tuple[Keys, str, Any]]) -> None:
        for path, _, value in some:
            document.put(path, value)

    try:
        await edit(config, partial(put, some=wanted))
    except CommandFailed as error:
        if error.code != "badConfig":
            raise
        for one in wanted:  # one by one: a wrong one stops no other
            try:
                await edit(config, partial(put, some=[one]))
            except CommandFailed as mistake:
                problems.append(f"can't copy {one[1]}: {mistake}")
    return problems


async def take_keys(config: ConfigHolder, domain: str, keys: Sequence[Key]) -> None:
    """Give a domain that was just added the DKIM keys that it had elsewhere: their records are in DNS, so they sign at
    once, and the new ones are their successors. Raises CommandFailed.
    """
    parsed = Domain.parse(domain)
    folder = config.domains_path.parent

    def write(key: Key) -> str:
        name = f"{key.selector}._domainkey.{parsed.ascii}.moved.privatekey.pkcs8.pem"
        (folder / DKIM_FOLDER / name).unlink(missing_ok=True)  # of a run that ended here
        write_new(folder / DKIM_FOLDER / name, key.pem.encode())
        return f"{DKIM_FOLDER}/{name}"

    def put(document: Document, snapshot: Snapshot, files: dict[str, str]) -> None:
        path = ("domains", parsed.unicode, "dkim")
        for selector, file in files.items():
            document.put((*path, "selectors", selector), {"key_file": file})
        if signing := [key.selector for key in keys if key.signs]:
            document.put((*path, "sign"), signing)

    for key in keys:
        if not SELECTOR.fullmatch(key.selector):  # it becomes the name of a file
            raise CommandFailed("refused", f"DKIM selector {key.selector!r} isn't a valid DNS name")
    try:
        files = {key.selector: await trio.to_thread.run_sync(write, key) for key in keys}
    except OSError as error:
        raise CommandFailed("failed", f"couldn't write DKIM keys: {error.strerror or error}") from None
    await edit(config, partial(put, files=files))
