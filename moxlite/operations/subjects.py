"""The subjects of operations, each a module of this package. From the list are made the calls of the apps, the groups
of ``moxlite account`` and, where nothing but accounts is needed, the table of the control socket.

A subject is imported when its operations are asked for: a command has to start fast (ADMIN-83).
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Final, Literal

import msgspec

from moxlite.operations import Description, Role, described_in


class Subject(msgspec.Struct, frozen=True):
    """A module of operations.

    Attributes:
      name: of the module.
      about: whose it is. Operations of "user" are on pages of users alone, not of the admin app; "both" has operations
        for users among others.
      calls: the app that has the operations for users. The webmail names those that it has.
      groups: help of the groups below ``moxlite account`` that are made of the operations, by their words.
      performed: ``MODULE:CLASS`` of the implementations that need no more than the configuration and the accounts.
    """

    name: str
    about: Literal["server", "both", "user"] = "server"
    calls: Literal["account", "webmail"] = "account"
    groups: Mapping[str, str] = {}
    performed: tuple[str, ...] = ()

    @property
    def operations(self) -> tuple[Description, ...]:
        """Its operations, in order."""
        return described_in(import_module(f"{__package__}.{self.name}"))


SUBJECTS: Final = (
    Subject("queue", "both"),
    Subject("webhooks"),
    Subject("reports"),
    Subject("accounts"),
    Subject("domains"),
    Subject("dns"),
    Subject(
        "sieve",
        "user",
        performed=(
            "moxlite.acceptance.sieve.commands:SieveCommands",
            "moxlite.acceptance.sieve.commands:SortCommands",
        ),
    ),
    Subject("rules", "user", groups={"rule": "Manage address rules."}),
    Subject("forwards", "user", groups={"forward": "Manage addresses that an account forwards mail to."}),
    Subject("junk", "user", groups={"junk": "Show and change an account's junk settings."}),
    Subject(
        "leaving",
        "user",
        calls="webmail",
        groups={"later": "Manage scheduled messages and those you can still cancel."},
    ),
    Subject("masked", "user"),
    Subject(
        "access",
        "both",
        groups={
            "app-password": "Manage passwords for single devices and apps.",
            "provider": "Manage users who log in with the login provider.",
            "delegate": "Manage who can send from an account's addresses.",
            "share": "Manage mailboxes that an account shares with others.",
        },
    ),
    Subject("links", "user"),
    Subject("server"),
    Subject("store"),
    Subject("imap"),
    Subject("copies"),
    Subject("groupware", "user", calls="webmail"),
    Subject("move"),
    Subject("standby"),
    Subject("why"),
)
"""All subjects, in the order of the apps' calls."""


def for_users() -> tuple[Description, ...]:
    """The calls of the account app that are operations, those last that tokens of the admin API have too."""
    found = (
        one
        for subject in SUBJECTS
        if subject.about != "server" and subject.calls == "account"
        for one in subject.operations
    )
    return tuple(sorted((one for one in found if Role.USER in one.who), key=lambda one: Role.TOKEN in one.who))
