"""The settings of the store, from the configuration."""

import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import trio

from moxlite.admin.commandedits import named_account
from moxlite.config.domains import JunkFilter
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import CurrentConfig, FixedConfig, Snapshot
from moxlite.config.static import InitialMailboxes, Static
from moxlite.findings import Finding
from moxlite.process.stopped import stopped
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.content.body import Compression
from moxlite.store.junkflags import Grams, JunkFlagRules, JunkParams
from moxlite.store.options import SECOND, AccountConfig, AccountConfigs, Options
from moxlite.store.types import SpecialUse

USES: Final = {
    "archive": SpecialUse.ARCHIVE,
    "draft": SpecialUse.DRAFTS,
    "junk": SpecialUse.JUNK,
    "sent": SpecialUse.SENT,
    "trash": SpecialUse.TRASH,
}
"""Names in ``initial_mailboxes.special_use``."""


def store_options(
    config: CurrentConfig,
    *,
    degraded: Callable[[str, Path, str], None] | None = None,
    copied: Callable[[Path], None] | None = None,
    replicated: Callable[[Path], bool] = lambda _: False,
    permitted: Callable[[Path], None] | None = None,
    steady: Callable[[], bool] = lambda: True,
) -> Options:
    """The store's options. Each look-up of an account uses the present configuration. `degraded`, `copied`,
    `replicated`, `permitted`, `steady`: as in `Options`.
    """
    settings = config.current.static.store
    return Options(
        account_config=AccountConfigs(config, account_config),
        min_free_space=settings.min_free_space,
        expunged_retention=int(settings.expunged_retention * SECOND),
        undelete_grace=int(settings.undelete_grace * SECOND),
        check_on_close=settings.check_on_close,
        migrate_without_copy=settings.migrate_without_copy,
        search_index=settings.search_index,
        degraded=degraded,
        copied=copied,
        replicated=replicated,
        permitted=permitted,
        steady=steady,
    )


def permitting(conditions: Sequence[Callable[[Path], None]]) -> Callable[[Path], None] | None:
    """All of these conditions of `Options.permitted` in one; None without any."""

    def permitted(path: Path) -> None:
        for condition in conditions:
            condition(path)

    return permitted if conditions else None


def full_disk(static: Static) -> list[Finding]:
    """A finding if the disk with the data accepts no mail (STORE-157). Blocks."""
    path, wanted = static.data_dir, static.store.min_free_space
    try:
        free = shutil.disk_usage(path).free
    except OSError as error:
        text = f"{path}: {error.strerror or error}"
        return [Finding(grade="error", code="disk-low", about=f"{path}", text=text, commands=(f"df {path}",))]
    if free >= wanted:
        return []
    text = f"{path}: {free >> 20} MiB free, less than {wanted >> 20} MiB (store.min_free_space); mail isn't accepted"
    return [Finding(grade="error", code="disk-low", about=f"{path}", text=text, commands=space_commands(path))]


def space_commands(path: Path) -> tuple[str, ...]:
    """Commands that show what fills the disk with this data directory."""
    return f"du -xh --max-depth=2 {path} | sort -h | tail", "moxlite store stats"


def compression(snapshot: Snapshot) -> Compression:
    """The setting ``store.compress`` (STORE-182)."""
    return Compression[snapshot.static.store.compress.upper()]


def account_config(snapshot: Snapshot, name: str) -> AccountConfig | None:
    """The store's settings of an account; None if the configuration has no account of this name."""
    account = snapshot.account(name)
    if account is None:
        return None
    initial: InitialMailboxes = snapshot.static.initial_mailboxes
    junk = account.automatic_junk_flags
    names = {use: getattr(initial.special_use, key) for key, use in USES.items()}
    return AccountConfig(
        login_disabled=account.login_disabled or "",
        initial_special_use={use: name for use, name in names.items() if name},
        initial_regular=initial.regular,
        quota=snapshot.quota(name),
        junk_flags=JunkFlagRules(
            enabled=junk.enabled,
            junk_mailbox_regexp=junk.junk_mailbox_regexp or "",
            neutral_mailbox_regexp=junk.neutral_mailbox_regexp or "",
            not_junk_mailbox_regexp=junk.not_junk_mailbox_regexp or "",
            introbox=account.introbox or "",
        ),
        expire_after={name: int(age * SECOND) for name, age in account.expire_after.items()},
        junk_filter=None if account.junk_filter is None else junk_params(account.junk_filter),
        queue_mailbox=account.queue_mailbox,
    )


def junk_params(settings: JunkFilter) -> JunkParams:
    """The store's settings for the table ``junk_filter``."""
    return JunkParams(
        threshold=settings.threshold,
        grams=Grams(settings.onegrams, settings.twograms, settings.threegrams),
        max_power=settings.max_power,
        top_words=settings.top_words,
        ignore_words=settings.ignore_words,
        rare_words=settings.rare_words,
        file_unsure=settings.file_unsure,
    )


# The accounts that a command works on, and the accounts of a stopped server (ADMIN-19).

T = TypeVar("T")


def named_accounts(config: ConfigHolder, accounts: Accounts, name: str) -> list[str]:
    """The account of that name, or without a name all configured accounts that have files. Raises CommandFailed."""
    if not name:
        return [one for one in accounts.names() if config.current.account(one) is not None]
    named_account(config, name)
    return [name]


def on_files(snapshot: Snapshot, work: Callable[[Accounts], Awaitable[T]]) -> T:
    """Run `work` on the files of a stopped server.

    Raises:
      Locked: another process uses the data directory.
      OSError: the data directory cannot be used.
    """

    async def main() -> T:
        accounts = Accounts(snapshot.static.data_dir, store_options(FixedConfig(snapshot)))
        try:
            return await work(accounts)
        finally:
            with trio.CancelScope(shield=True):  # bounded: accounts without users
                await accounts.aclose()

    with stopped(snapshot.static.data_dir):
        return trio.run(main)
