"""Checking and storing scripts: the one way for ManageSieve, web apps and command line (IMAP-141)."""

from __future__ import annotations

import trio

from moxlite.store.changelog.account import Account
from moxlite.store.delivery.scripts import put_script
from moxlite.store.errors import StoreError


class BadScriptName(StoreError):
    """A script cannot have this name (RFC 5804 §1.6)."""

    def __init__(self) -> None:
        super().__init__("the name of a script has 1 to 128 characters, without control characters")


async def check_script(text: bytes) -> bytes:
    """The packed form of a script, checked in a thread. Raises proto.sieve.errors.ScriptError."""
    return await trio.to_thread.run_sync(_packed, text)


def _packed(text: bytes) -> bytes:
    from moxlite.proto.sieve.checker import check  # 1 MB that a server without scripts saves
    from moxlite.proto.sieve.script import pack

    return pack(check(text))


async def keep_script(account: Account, name: str, text: bytes) -> None:
    """Check and store a script, in place of one with this name.

    Raises:
      ScriptError, BadScriptName, TooManyScripts, StorageFull, …: nothing is changed.
    """
    from moxlite.proto.sieve.validation import is_script_name

    if not is_script_name(name):
        raise BadScriptName
    packed = await check_script(text)
    await account.write(lambda tx: put_script(tx, name, text, packed))
