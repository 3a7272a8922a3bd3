"""Commands about the junk filter: retraining, pruning, explaining (STORE-87, STORE-193), on a running server or on the
files of a stopped one. Its settings are in `sorting`.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import trio

from moxlite.admin.storage.settings import named_accounts
from moxlite.config.holder import ConfigHolder
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.operations.performing import commands
from moxlite.operations.store import JunkDone, JunkExplain, JunkExplained, JunkPrune, JunkRetrain, JunkUsedWord
from moxlite.proto.mime.messageid import canonical_message_id
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.content.prepare import MAX_MESSAGE
from moxlite.store.errors import NoSuchMessage, StoreError
from moxlite.store.junk.classify import explain

logger = logging.getLogger("moxlite.admin.junk")

Tell = Callable[[str], Awaitable[None]]

BY_MESSAGEID: Final = "SELECT id FROM message WHERE messageid = ? ORDER BY id DESC LIMIT 1"

TELL_SECONDS: Final = 1.0
"""Seconds between two lines about the progress of one account."""


UNMARKED: Final = "nothing to learn: no messages from others are marked as junk ($Junk) or not junk ($NotJunk)"


class JunkFailed(Exception):
    """The request cannot be carried out; the text is for the person who asked."""


async def retrain_accounts(accounts: Accounts, names: list[str], tell: Tell) -> list[JunkDone]:
    """Rebuild the words of accounts, one after the other, while they stay in use."""
    results = []
    for name in names:
        try:
            async with accounts.use(name) as account:
                if account.config.junk_filter is None:
                    results.append(JunkDone(name, 0, "doesn't have a junk filter"))
                    continue
                told = -TELL_SECONDS
                sender, receiver = trio.open_memory_channel[tuple[int, int]](1)

                def note(done: int, total: int, sender: trio.MemorySendChannel[tuple[int, int]] = sender) -> None:
                    nonlocal told
                    if total and trio.current_time() - told >= TELL_SECONDS:
                        told = trio.current_time()
                        try:
                            sender.send_nowait((done, total))
                        except trio.WouldBlock:
                            pass  # the client reads slowly; the next line says more anyway

                async with trio.open_nursery() as nursery:
                    nursery.start_soon(_tell_all, name, receiver, tell)
                    async with sender:
                        messages = await account.trainer.retrain(note)
                results.append(JunkDone(name, messages, "" if messages else UNMARKED))
        except StoreError as error:
            results.append(JunkDone(name, 0, f"can't be retrained: {error}", failed=True))
    return results


async def _tell_all(name: str, progress: trio.MemoryReceiveChannel[tuple[int, int]], tell: Tell) -> None:
    async with progress:
        async for done, total in progress:
            await tell(f"{name}: {done} of {total} messages")


async def prune_accounts(accounts: Accounts, names: list[str], days: int) -> list[JunkDone]:
    """Delete old words that only a single message had."""
    results = []
    for name in names:
        try:
            async with accounts.use(name) as account:
                results.append(JunkDone(name, await account.trainer.prune(days)))
        except StoreError as error:
            results.append(JunkDone(name, 0, f"can't be pruned: {error}", failed=True))
    return results


async def explain_message(accounts: Accounts, name: str, message: str, octets: bytes) -> JunkExplained:
    """Explain the judgement of a message: the one with the id or Message-ID `message`, or with "" the given octets.

    Raises JunkFailed.
    """
    try:
        async with accounts.use(name) as account:
            what: bytes | int = octets
            if message.isdecimal():
                what = int(message)
            elif message:
                found = await account.read(
                    lambda r: r.value(BY_MESSAGEID, canonical_message_id(message)), op="junk_explain"
                )
                if found is None:
                    raise JunkFailed(
                        f"message {message} not found in account {name}, and there's no file with this name"
                    )
                what = found
            explained = await explain(account, what)
    except NoSuchMessage:
        raise JunkFailed(f"message {message} not found in account {name}") from None
    except StoreError as error:
        raise JunkFailed(f"can't explain this message: {error}") from None
    if explained is None:
        raise JunkFailed(f"account {name} doesn't have a junk filter")
    judgement = explained.judgement
    return JunkExplained(
        probability=judgement.probability,
        threshold=judgement.bounds.junk,
        certain=judgement.bounds.certain,
        opening=judgement.opening,
        opening_threshold=judgement.bounds.opening,
        missing=[str(lack) for lack in judgement.lacks],
        hams=explained.learned.hams,
        spams=explained.learned.spams,
        message_words=explained.message_words,
        known_words=explained.known_words,
        used_words=judgement.used,
        trained={None: "", False: "ham", True: "junk"}[explained.trained],
        words=[JunkUsedWord(word.word, word.ham, word.spam, word.probability) for word in judgement.words],
    )


class JunkCommands:
    """The commands of the control socket."""

    def __init__(self, config: ConfigHolder, accounts: Accounts) -> None:
        self._config = config
        self._accounts = accounts

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return commands(
            JunkRetrain.bind_stream(self.retrain), JunkPrune.bind(self.prune), JunkExplain.bind_stream(self.explain)
        )

    async def retrain(self, args: JunkRetrain, exchange: Exchange) -> list[JunkDone]:
        """Rebuild the words of one account or all."""
        return await retrain_accounts(
            self._accounts, named_accounts(self._config, self._accounts, args.account), exchange.progress
        )

    async def prune(self, args: JunkPrune) -> list[JunkDone]:
        """Delete old words that only a single message had."""
        return await prune_accounts(
            self._accounts, named_accounts(self._config, self._accounts, args.account), args.days
        )

    async def explain(self, args: JunkExplain, exchange: Exchange) -> JunkExplained:
        """Explain the judgement of a message; without an id, its octets follow as a stream."""
        octets = bytearray()
        if not args.message:
            async for chunk in exchange.upload:
                octets += chunk
                if len(octets) > MAX_MESSAGE:
                    raise CommandFailed("badRequest", "message too large")
        named_accounts(self._config, self._accounts, args.account)
        try:
            return await explain_message(self._accounts, args.account, args.message, bytes(octets))
        except JunkFailed as error:
            raise CommandFailed("failed", str(error)) from None
