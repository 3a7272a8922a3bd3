"""A field that one interface leaves out is found by the walk of its thing. For each interface a fault is planted in its
own code, above what all share.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import pytest

from moxlite.admin.masked import given
from moxlite.store.forms import VacationChange, VacationForm
from moxlite.store.groupware.collection import CollectionChange
from moxlite.store.names import split_flags
from moxlite.store.types import Flag
from moxlite.web.dav.properties import PROPERTIES
from tests.interfaces import Interface, walk
from tests.session import test_web_interfaces as things, test_web_interfaces_mail as mail
from tests.web_rig import Rig

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/admin/", static=mail.ALL + things.SIEVE)]

Plant = Callable[[pytest.MonkeyPatch], None]


def replaced(name: str, value: object) -> Plant:
    return lambda monkeypatch: monkeypatch.setattr(name, value)


def nothing(*_: Any, **__: Any) -> None:
    """Instead of a change."""


def no_labels(flags: list[str]) -> tuple[Flag, list[str]]:
    return split_flags(flags)[0], []


def no_order(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{{{things.APPLE}}}calendar-order"
    kept = msgspec.structs.replace(PROPERTIES[name], write=lambda _, __: CollectionChange())
    monkeypatch.setitem(PROPERTIES, name, kept)


class Walk(NamedTuple):
    kind: type[msgspec.Struct]
    interfaces: Callable[[Rig, Path], Awaitable[list[Interface]]]
    options: dict[str, Any]


VACATION: Final = Walk(VacationForm, things.vacations, {})
MASKED: Final = Walk(things.OwnMasked, things.masked_addresses, {"samples": things.masked_sample})
SCRIPT: Final = Walk(things.OwnScript, things.scripts, {"samples": things.script_sample})
CALENDAR: Final = Walk(
    things.OwnCalendar,
    lambda rig, _: things.calendars(rig),
    {"samples": things.calendar_sample, "same": things.plainly},
)
MAILBOX: Final = Walk(mail.OwnMailbox, lambda rig, _: mail.mailboxes(rig), {"samples": mail.mailbox_sample})
MESSAGE: Final = Walk(mail.OwnMessage, lambda rig, _: mail.messages(rig), {"samples": mail.message_sample})
QUOTA: Final = Walk(mail.OwnQuota, mail.quotas, {"samples": mail.quota_sample})


@pytest.mark.parametrize(
    ("fault", "walked", "plant"),
    [
        (
            "seen by account app",
            MASKED,
            replaced(
                "moxlite.web.account.calls.sending.given",
                lambda row, now: msgspec.structs.replace(given(row, now), note=""),
            ),
        ),
        (
            "work by webmail",
            MESSAGE,
            replaced("moxlite.web.webmail.api.split_flags", no_labels),
        ),
        ("order by JMAP", MAILBOX, replaced("moxlite.web.jmap.mailboxes._set_order", nothing)),
        ("order by IMAP", MAILBOX, replaced("moxlite.imapd.mailboxes.metadata.set_annotation", nothing)),
        ("active by ManageSieve", SCRIPT, replaced("moxlite.imapd.sieve.session.activate_script", nothing)),
        ("order by DAV", CALENDAR, no_order),
        (
            "work by web API",
            MESSAGE,
            replaced("moxlite.web.webapi.messages.split_flags", no_labels),
        ),
        ("limit by admin API", QUOTA, replaced("moxlite.admin.accounts.set_quota", nothing)),
        (
            "subject by command line",
            VACATION,
            replaced(
                "moxlite.cli.sieve.VacationChange",
                lambda **given: VacationChange(**{name: value for name, value in given.items() if name != "subject"}),
            ),
        ),
    ],
)
async def test_a_field_that_an_interface_leaves_out_is_found(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, walked: Walk, plant: Plant
) -> None:
    """docs/developers/interfaces.md: the walk fails, and names the field and the interface."""
    interfaces = await walked.interfaces(rig, tmp_path)
    plant(monkeypatch)
    with pytest.raises(AssertionError, match=fault):
        await walk(walked.kind, interfaces, **walked.options)
