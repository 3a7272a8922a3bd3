"""The running server's report about itself, and a test that it runs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from moxlite import __version__, lazyimport
from moxlite.admin.doctor.requests import LookUp, QueueState, Running, Sent
from moxlite.config.holder import ConfigHolder
from moxlite.net.resolver import Resolver
from moxlite.process.keys.signing import SigningKeys
from moxlite.store import metrics
from moxlite.store.accounts.accounts import Accounts
from moxlite.supervision import Supervisor


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Sources of the server's own state.

    faults: all that keeps it from being healthy, except tasks and certificates. orders: problems of certificates by
    ACME. queue: returns None while no queue runs. look_up: finds a message in the queue. update: the newer version, ""
    if unknown. keys, resolver: sign the test message, and verify it.
    """

    config: ConfigHolder
    accounts: Accounts
    tree: Supervisor
    faults: Callable[[], list[str]]
    orders: Callable[[], list[str]]
    queue: Callable[[], Awaitable[QueueState | None]]
    look_up: LookUp
    update: Callable[[], str]
    keys: SigningKeys
    resolver: Resolver


async def look(sources: Sources) -> Running:
    """Read the server's state at this moment."""
    return Running(
        version=__version__,
        tasks={name: down.error for name, down in sources.tree.down.items()},
        orders=sources.orders(),
        faults=sources.faults(),
        accounts=dict(sources.accounts.broken()),
        queue=await sources.queue(),
        last_backup=metrics.BACKUP_LAST_SUCCESS.value,
        update=sources.update(),
    )


async def try_mail(sources: Sources, send_to: str = "") -> Sent:
    """Send the test message, signed, and read it; with `send_to`, submit another one to that address."""
    for module in ("mailtest", "signatures"):
        await lazyimport.load(f"moxlite.admin.doctor.{module}")
    from moxlite.admin.doctor.mailtest import Signing, send_and_read
    from moxlite.admin.doctor.signatures import problems_of

    snapshot = sources.config.current
    signing = Signing(partial(sources.keys.sign_own, snapshot), partial(problems_of, resolver=sources.resolver))
    return await send_and_read(snapshot, sources.accounts, sources.look_up, send_to, signing=signing)
