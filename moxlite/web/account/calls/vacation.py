"""Answers while the owner is away (WEBMAIL-131)."""

from __future__ import annotations

import datetime as dt

from moxlite.store.delivery.scripts import scripts
from moxlite.store.delivery.vacation import VacationForm, answered, load_form, save_form
from moxlite.store.file.transaction import Tx
from moxlite.web.account.calls.common import AccountCalls, moment, now
from moxlite.web.account.mailtypes import AnsweredSender, Vacation, VacationFields
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, FieldError, FieldErrors


class VacationCalls(AccountCalls):
    """The calls about answers while the owner is away."""

    @call()
    async def vacation(self, caller: Caller) -> Vacation:
        """The form, and the senders that got an answer."""
        async with self._open(caller) as account:
            form = await account.read(load_form, op="vacation")
            told = await account.read(answered, op="vacation")
            known = await account.read(scripts, op="vacation")
        return Vacation(
            _fields(form),
            form.is_active(now()),
            [AnsweredSender(one.address, moment(one.sent)) for one in told],
            any(one.active for one in known),
        )

    @call(audit="vacation saved")
    async def vacation_save(self, caller: Caller, old: VacationFields, changed: VacationFields) -> None:
        """Save the form. A conflict if it is no longer the old one."""
        before, after = _form(old), _form(changed)
        mistakes = []
        if after.enabled and not after.text.strip():
            mistakes.append(FieldError("text", "is empty: write the answer"))
        if after.end and after.end <= after.start:
            mistakes.append(FieldError("end", "is before the start"))
        if after.enabled and after.end and after.end <= now():
            mistakes.append(FieldError("end", "has passed already"))
        if mistakes:
            raise FieldErrors(mistakes)

        def unit(tx: Tx) -> None:
            if _fields(load_form(tx)) != _fields(before):
                raise Conflict("the form was changed meanwhile, and nothing was saved: load the page again")
            save_form(tx, after)

        async with self._open(caller) as account:
            await account.write(unit)


def _fields(form: VacationForm) -> VacationFields:
    return VacationFields(
        enabled=form.enabled,
        start=moment(form.start) if form.start else None,
        end=moment(form.end) if form.end else None,
        subject=form.subject,
        text=form.text,
        known_only=form.known_only,
    )


def _form(fields: VacationFields) -> VacationForm:
    """The form as the store has it. Raises FieldErrors."""
    return VacationForm(
        enabled=fields.enabled,
        start=_micros("start", fields.start),
        end=_micros("end", fields.end),
        subject=fields.subject.strip(),
        text=fields.text,
        known_only=fields.known_only,
    )


def _micros(name: str, when: dt.datetime | None) -> int:
    if when is None:
        return 0
    if when.tzinfo is None:
        raise FieldErrors([FieldError(name, "has no time zone")])
    return int(when.timestamp()) * 1_000_000
