"""Commands that run in the server, or on the files of a stopped one."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from moxlite.cli.common import NOT_RUNNING, Failure, load_config

if TYPE_CHECKING:
    from moxlite.store.accounts.accounts import Accounts

T = TypeVar("T")


def served(through_server: Callable[[], T], directly: Callable[[], T]) -> T:
    """Run a command in the server. If no server runs, work on the files."""
    try:
        return through_server()
    except Failure as failure:
        if failure.code != NOT_RUNNING:
            raise
    return directly()


def on_files(name: str | None, work: "Callable[[Accounts, list[str]], Awaitable[T]]") -> T:
    """Run `work` on the files of an account, or of all that are configured. Raises Failure."""
    from moxlite.admin.storage import settings
    from moxlite.process.lock import Locked

    snapshot = load_config()
    if name and snapshot.account(name) is None:
        raise Failure(snapshot.no_account(name))

    async def on_names(accounts: "Accounts") -> T:
        names = [name] if name else [one for one in accounts.names() if snapshot.account(one) is not None]
        return await work(accounts, names)

    try:
        return settings.on_files(snapshot, on_names)
    except Locked as error:
        raise Failure(str(error)) from None
    except OSError as error:
        raise Failure(f"can't use the data directory {snapshot.static.data_dir}: {error.strerror or error}") from None
