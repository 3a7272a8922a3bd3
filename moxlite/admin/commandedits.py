"""Changes of domains.toml by commands, with errors for the control socket, and the account that a command names."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from moxlite.admin.accounts import Refused
from moxlite.config.domains import Account
from moxlite.config.holder import Change, ChangedMeanwhile, ConfigHolder
from moxlite.config.load import ConfigError
from moxlite.config.snapshot import CurrentConfig, Snapshot
from moxlite.net.control.server import CommandFailed


def named_account(config: CurrentConfig, name: str) -> Account:
    """The settings of the account that a command names. Raises CommandFailed if there is no such account."""
    if not name:
        raise CommandFailed("badRequest", "`account` is missing")
    account = config.current.account(name)
    if account is None:
        raise CommandFailed("notFound", config.current.no_account(name))
    return account


async def edit(config: ConfigHolder, change: Change) -> Snapshot:
    """Make a change; returns the configuration in use after it. Raises CommandFailed."""
    with translated():
        return await config.edit(change)


@contextmanager
def translated() -> Iterator[None]:
    """Turn the errors of a change of domains.toml into CommandFailed."""
    try:
        yield
    except Refused as error:
        raise CommandFailed("refused", str(error), error.field) from None
    except ConfigError as error:  # the first alone: others are often its consequences
        raise CommandFailed("badConfig", str(error.problems[0])) from None
    except ChangedMeanwhile as error:
        raise CommandFailed("busy", str(error)) from None
    except OSError as error:
        raise CommandFailed("failed", f"can't write domains.toml: {error.strerror or error}") from None


async def change_file(config: ConfigHolder, change: Callable[..., None], *args: Any) -> None:
    """Make a change by a function that takes `args` after document and snapshot. Raises CommandFailed."""
    await edit(config, lambda document, snapshot: change(document, snapshot, *args))
