"""Sieve scripts (WEB-158, IMAP-141)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from moxlite.acceptance.sieve.keeping import check_script, keep_script
from moxlite.proto.sieve.errors import ScriptError
from moxlite.proto.sieve.limits import MAX_SCRIPT
from moxlite.store.delivery.scripts import (
    NoSuchScript,
    activate_script,
    delete_script,
    failures,
    rename_script,
    script_text,
    scripts,
)
from moxlite.store.file.transaction import Reader
from moxlite.web.account.calls.common import AccountCalls, moment
from moxlite.web.account.mailtypes import Script, ScriptFailure, ScriptFault, Scripts
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, FieldError, FieldErrors
from moxlite.wording import worded

Name = Annotated[str, Meta(max_length=200)]
Text = Annotated[str, Meta(max_length=MAX_SCRIPT)]


class ScriptCalls(AccountCalls):
    """The calls about Sieve scripts."""

    @call()
    async def script_list(self, caller: Caller) -> Scripts:
        """All scripts by name, and errors when they ran."""
        from moxlite.proto.sieve.validation import EXTENSIONS

        async with self._open(caller) as account:
            found = await account.read(scripts, op="scripts")
            failed = await account.read(failures, op="scripts")
        return Scripts(
            [Script(one.name, one.size, one.active, moment(one.changed)) for one in found],
            [ScriptFailure(moment(one.moment), one.script, one.line, one.text) for one in failed],
            list(EXTENSIONS),
        )

    @call()
    async def script_get(self, caller: Caller, name: Name) -> str:
        """The text of a script."""
        async with self._open(caller) as account:
            text = await account.read(lambda r: script_text(r, name), op="scripts")
        return text.decode("utf-8", "replace")

    @call()
    async def script_check(self, caller: Caller, text: Text) -> list[ScriptFault]:
        """The faults of a script, at most 20. Nothing is stored."""
        caller.require()
        try:
            await check_script(text.encode())
        except ScriptError as error:
            return [ScriptFault(one.line, one.column, one.text) for one in error.faults]
        return []

    @call(audit="script saved", confirm=True)
    async def script_save(self, caller: Caller, name: Name, old: Text | None, text: Text, activate: bool) -> None:
        """Store a script, and make it the active one if that is wanted. A conflict if its text is no longer the old
        one; ``old`` is null for a new script.
        """

        def present(r: Reader) -> str | None:
            try:
                return script_text(r, name).decode("utf-8", "replace")
            except NoSuchScript:
                return None

        async with self._open(caller) as account:
            if await account.read(present, op="scripts") != old:
                raise Conflict(
                    worded("there is a script {name} already: choose another name", name=repr(name))
                    if old is None
                    else "the script was changed meanwhile, and nothing was saved: load the page again"
                )
            try:
                await keep_script(account, name, text.encode())
            except ScriptError as error:
                raise FieldErrors([FieldError("text", str(one)) for one in error.faults]) from error
            if activate:
                await account.write(lambda tx: activate_script(tx, name))

    @call(audit="script activated", confirm=True)
    async def script_activate(self, caller: Caller, name: Name) -> None:
        """Make a script the active one; "" for none."""
        async with self._open(caller) as account:
            await account.write(lambda tx: activate_script(tx, name))

    @call(audit="script renamed")
    async def script_rename(self, caller: Caller, name: Name, new_name: Name) -> None:
        """Give a script another name."""
        from moxlite.proto.sieve.validation import is_script_name

        if not is_script_name(new_name):
            raise FieldErrors([FieldError("new_name", "has 1 to 128 characters, without control characters")])
        async with self._open(caller) as account:
            await account.write(lambda tx: rename_script(tx, name, new_name))

    @call(audit="script deleted")
    async def script_delete(self, caller: Caller, name: Name) -> None:
        """Delete a script, which must not be the active one."""
        async with self._open(caller) as account:
            await account.write(lambda tx: delete_script(tx, name))
