"""Base class of the arguments of commands. Nothing heavy is imported here: the command line must start fast."""

import msgspec


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of a command; unknown ones are refused (ADMIN-24)."""


class NoArguments(Request, frozen=True):
    """Arguments of a command that takes no arguments."""
