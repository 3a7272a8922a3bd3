"""Sorting new mail of a linked mailbox by the account's own junk filter, rules and script (LINK-31).

The linked server has received the message. So only its place is decided, below the link's name, where the mirror takes
it on the other side, too: nothing is refused, answered or sent on, and nothing counts that needs the proof of a sender,
of which this server has seen nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from ipaddress import IPv4Address
from typing import Final

import msgspec

from moxlite.acceptance.cases import Case, Envelope, Evidence, read_from
from moxlite.acceptance.conditions import RuleFacts, content_of
from moxlite.acceptance.plan import ACCEPTED, Plan
from moxlite.acceptance.producers.wishes import blocked_sender, marked_by_rule, sieve_script
from moxlite.acceptance.rules import first_match, readable_fields
from moxlite.acceptance.sieve.filtering import with_script
from moxlite.config.domains import Destination, Ruleset
from moxlite.config.snapshot import AccountRecipient, CurrentConfig, Snapshot
from moxlite.metrics import Counter
from moxlite.proto.address import NULL_PATH, Address, AddressError, Path
from moxlite.proto.mime.headers import HeaderSection
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.prepare import PreparedMessage
from moxlite.store.content.spoolheader import HeaderTooLarge, look_at, read_header
from moxlite.store.delivery.actions import AnyAction, Delivery, Failed, FileInto, Mark, Redirect, Remember
from moxlite.store.delivery.perform import DeliveryResult, perform
from moxlite.store.delivery.vacation import has_written_to
from moxlite.store.errors import StorageBusy, StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.junk.classify import classify
from moxlite.store.mail.links import Link, is_linked_already
from moxlite.store.names import INBOX, SEPARATOR
from moxlite.store.options import INITIAL_SPECIAL_USE, SECOND
from moxlite.store.rows.mailboxes import mailbox_by_use
from moxlite.store.types import Flag, SpecialUse

logger = logging.getLogger("moxlite.acceptance.linked")

linked_sorted: Final = Counter(
    "moxlite_link_messages_sorted_total", "New messages sorted in linked accounts, by decision.", ["as"]
)

NOWHERE: Final = IPv4Address(0)
"""The client that brought the message: none."""

SKEW: Final = 300 * SECOND
"""Difference of the clocks of both servers, µs."""

JUDGED: Final = Flag.SEEN | Flag.ANSWERED | Flag.FLAGGED | Flag.NOTJUNK
"""Flags of a message whose reader has looked at it: the junk filter leaves it alone."""


class _LinkFacts(msgspec.Struct, frozen=True):
    """The account's names for junk and trash, whether it has the message below the link already, and whether its owner
    has written to the author.
    """

    junk: str
    trash: str
    again: bool
    correspondent: bool


class LinkSorter:
    """Decides about new mail of one link."""

    def __init__(self, config: CurrentConfig, accounts: Accounts, link: Link) -> None:
        self._config = config
        self._accounts = accounts
        self._link = link
        self.since = link.created - SKEW
        """When mail must have come there to be sorted, µs UTC: what is older was moved."""

    async def actions(self, account: Account, ready: PreparedMessage, files: FileInto) -> tuple[AnyAction, ...]:
        """Actions on a message in place of `files`, which keeps it in the link's Inbox: it is always filed
        somewhere. Whatever cannot be read or judged stays in Inbox. Raises OSError.
        """
        snapshot = self._config.current
        try:
            section = await read_header(ready.spool, hint=ready.index.root.hint)
            case = await self._case(snapshot, account.name, ready, section)
            known = await account.read(lambda r: self._known(r, ready, case.evidence.trusted_author), op="link")
            # a test of where the provider puts our mail must stay where the provider has put it (ADMIN-70b)
            mark = (section.text(b"x-moxlite-placement") or b"").strip()
            if known.again or mark == snapshot.static.hostname.ascii.encode():
                return (files,)
            chosen, word = await self._chosen(account, snapshot, case, known, ready, section, files)
        except (StoreError, AddressError, HeaderTooLarge) as error:
            logger.warning("failed to sort linked account mail", extra={"kv": self._who(account) | {"err": str(error)}})
            return (files,)
        linked_sorted.labels(word).inc()
        if word != "kept":
            places = [action.mailbox for action in chosen if isinstance(action, FileInto)]
            kv = self._who(account) | {"msgid": ready.thread.messageid or "", "as": word, "mailbox": ", ".join(places)}
            logger.info("linked account mail sorted", extra={"kv": kv})
        return chosen

    def _who(self, account: Account) -> dict[str, object]:
        return {"account": account.name, "link": self._link.name}

    async def _case(self, snapshot: Snapshot, name: str, ready: PreparedMessage, section: HeaderSection) -> Case:
        """The message on its way to the address of the link, under the rules of the account's first address. Raises
        AddressError.
        """
        address = Address.parse(self._link.address)
        recipient = snapshot.login_of(name)
        if recipient is None:
            recipient = AccountRecipient(
                account=name, destination=Destination(), canonical=address, configured=str(address)
            )
        envelope = Envelope(remote=NOWHERE, hello=None, sender=_return_path(section))
        named = await look_at(section, partial(read_from, shown=ready.index.envelope.from_))
        evidence = Evidence(
            envelope=envelope,
            msg_from=named.author,
            from_fields=section.count(b"from"),
            authors=named.authors,
            doubtful=named.doubtful,
        )
        settings = snapshot.account(name)
        return Case(evidence=evidence, asked=Path.of(address), recipient=recipient, settings=settings, accepted=True)

    def _known(self, r: Reader, ready: PreparedMessage, author: Address | None) -> _LinkFacts:
        def own(use: SpecialUse) -> str:
            box = mailbox_by_use(r, use)
            return INITIAL_SPECIAL_USE[use] if box is None else box.name

        messageid = ready.thread.messageid
        again = messageid is not None and is_linked_already(r, self._link.host, self._link.username, messageid)
        known = author is not None and has_written_to(r, author.localpart, author.domain.unicode)
        return _LinkFacts(own(SpecialUse.JUNK), own(SpecialUse.TRASH), again, known)

    async def _chosen(
        self,
        account: Account,
        snapshot: Snapshot,
        case: Case,
        known: _LinkFacts,
        ready: PreparedMessage,
        section: HeaderSection,
        files: FileInto,
    ) -> tuple[tuple[AnyAction, ...], str]:
        rule = await _matching(case, ready, section)
        if not Flag(files.flags) & JUDGED and await _is_junk(account, case, known, ready):
            accepts = None if rule is None else rule.accept_rejects_to_mailbox
            # the mark keeps the filter from learning its own decision
            junk = msgspec.structs.replace(files, mark=Mark.REJECT, destined=files.mailbox)
            return (self._below(junk, accepts or known.junk, files),), "junk"
        kept = msgspec.structs.replace(files, mailbox=INBOX)
        if rule is not None:
            kept = marked_by_rule(rule, msgspec.structs.replace(kept, mailbox=rule.mailbox or INBOX))
        plan = Plan(word=ACCEPTED, actions=(kept,), reply=None)
        case = await with_script(case, plan, lambda: ready, section, self._accounts, snapshot)
        proposals = sieve_script(case)
        actions = proposals[0].actions if proposals else plan.actions
        placed, word = _placed(actions, kept, known.trash)
        return tuple(
            self._below(action, action.mailbox, files) if isinstance(action, FileInto) else action for action in placed
        ), word

    def _below(self, action: FileInto, mailbox: str, files: FileInto) -> FileInto:
        """Filing into the mailbox of this name below the link's; `files` has the name of its Inbox."""
        below = self._link.name + SEPARATOR
        if mailbox == INBOX:
            mailbox = files.mailbox
        return msgspec.structs.replace(action, mailbox=mailbox if mailbox.startswith(below) else below + mailbox)


async def deliver_linked(
    account: Account,
    ready: PreparedMessage,
    files: FileInto,
    sorter: LinkSorter | None,
    also: Callable[[AccountTx, DeliveryResult], None],
    *,
    received: int | None = None,
    offset: int = 0,
) -> None:
    """Deliver a message that came by a link, once: `also` writes its row in the same unit. What cannot be filed as
    decided is filed as `files` says. Raises as `perform`, OSError.

    Args:
      received: µs UTC, None for now. offset: minutes east of UTC.
    """
    if sorter is not None and (received is None or received >= sorter.since):
        actions = await sorter.actions(account, ready, files)
        delivery = Delivery(actions=actions, received=received, received_offset=offset)
        try:
            await perform(account, ready, delivery, also=also)
            return
        except StorageBusy:
            raise  # it may be committed (NotCopied), and would be here twice; the next look tries it again if it is not
        except StoreError as error:
            logger.warning(
                "failed to sort linked account mail", extra={"kv": {"account": account.name, "err": str(error)}}
            )
    await perform(account, ready, Delivery(actions=(files,), received=received, received_offset=offset), also=also)


def _return_path(section: HeaderSection) -> Path:
    """The envelope's sender, as the linked server has noted it (RFC 5321 §4.4); the null path where it has not."""
    text = (section.text(b"return-path") or b"").decode("utf-8", "replace").strip()
    try:
        return Path.parse(text.removeprefix("<").removesuffix(">").strip())
    except AddressError:
        return NULL_PATH


async def _matching(case: Case, ready: PreparedMessage, section: HeaderSection) -> Ruleset | None:
    rules = case.recipient.destination.rulesets
    evidence = case.evidence
    facts = RuleFacts(
        mail_from=evidence.envelope.sender.pack(True),
        msg_from=None if evidence.msg_from is None else evidence.msg_from.pack(True),
        verified_domains=(),
        headers=await look_at(section, readable_fields) if rules else None,
        content=content_of(ready),
    )
    index = await first_match(rules, facts)
    return None if index is None else rules[index]


async def _is_junk(account: Account, case: Case, known: _LinkFacts, ready: PreparedMessage) -> bool:
    """Whether the owner blocks the sender, or the filter calls the text junk: not of an author to whom the owner has
    written.
    """
    if blocked_sender(case):
        return True
    settings = case.settings
    if known.correspondent or settings is None or settings.junk_filter is None:
        return False
    judgement = await classify(account, ready)
    return judgement is not None and judgement.significant and judgement.is_above


def _placed(actions: Iterable[AnyAction], kept: FileInto, trash: str) -> tuple[list[AnyAction], str]:
    """The actions that have an effect here, and a word for them: what a script would send on is kept, what it discards
    goes into the trash.
    """
    actions = list(actions)
    placed: list[AnyAction] = [action for action in actions if isinstance(action, FileInto | Failed | Remember)]
    if not any(isinstance(action, FileInto) for action in placed):
        if any(isinstance(action, Redirect) for action in actions):
            return [kept, *placed], "kept"
        return [msgspec.structs.replace(kept, mailbox=trash), *placed], "discarded"
    first = next(action for action in placed if isinstance(action, FileInto))
    return placed, "kept" if first.mailbox == INBOX else "filed"
