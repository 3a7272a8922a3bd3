"""Mail about events that a user sends by hand: answers, other times, and what the user's calendar has of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.compose.draft import File
from moxlite.groupware.carrying import EntryChange, by_language
from moxlite.groupware.entries import BadEntry, TooBusy
from moxlite.groupware.letters import answer_words
from moxlite.groupware.people import account_of, given_addresses, is_me, user_of
from moxlite.proto.address import Address, AddressError, one_spelling
from moxlite.proto.cards.calendarobject import BadObject
from moxlite.proto.cards.components import BadComponents
from moxlite.proto.mime.compose import new_message_id
from moxlite.sandbox.messages import Refused
from moxlite.sandbox.processes import JobFailed
from moxlite.web.composing.sending import send
from moxlite.web.composing.uploads import Party, Written
from moxlite.web.cookies import Caller
from moxlite.web.errors import StorageRefused, Unavailable, UserError
from moxlite.web.webmail.calls.entries import EntryCalls
from moxlite.web.webmail.holders import number_of
from moxlite.wording import worded

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot
    from moxlite.proto.cards.invitation import Event, Moment, Person
    from moxlite.store.auth.sessions import Session
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.groupware.scheduling import User

TRIES: Final = 5
"""Attempts to send an answer while other programs change its entry."""


class EntryChanged(Exception):
    """The entry was changed since the change to it was made."""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A message about an event. `to`: its reader; `me`: the address in the event that speaks, `name`: its name;
    `title`, `times`: the event's, start and end; `said`: of `letters.SAID`; `text`: the calendar; `note`: the user's.
    `message_id`: of the mail that it answers, 0 for none; `in_reply_to`: that one's Message-ID.
    """

    to: Person
    me: str
    name: str
    title: str
    times: tuple[Moment | None, Moment | None]
    method: str
    said: str
    text: str
    note: str
    message_id: int = 0
    in_reply_to: str = ""


class EventMailCalls(EntryCalls):
    """Calls that send mail about events."""

    async def _send_stored(
        self,
        caller: Caller,
        letter: Letter,
        submit_id: str,
        changed: Callable[[], Awaitable[EntryChange | None]],
        noted: Callable[[AccountTx], object] | None = None,
    ) -> None:
        """Send a message together with what the user's calendar has of it, in one unit: neither is there without the
        other. `changed` makes the change of the calendar.

        Raises UserError: the calendar can't take the event, and nothing is sent.
        """
        for _ in range(TRIES):
            try:
                change = await changed()
            except (Refused, BadEntry, BadObject, BadComponents) as e:
                raise UserError(
                    worded("couldn't add the event to your calendar, so your reply wasn't sent: {reason}", reason=e)
                ) from e
            except (JobFailed, TooBusy) as error:
                raise Unavailable("the server is busy; try again in a moment") from error

            def also(tx: AccountTx, change: EntryChange | None = change) -> None:
                if change is not None and not change.store(tx):
                    raise EntryChanged
                if noted is not None:
                    noted(tx)

            with suppress(EntryChanged):
                return await self._send(caller, letter, submit_id, also)
        raise Unavailable("the server is busy; try again in a moment")

    async def _send(
        self, caller: Caller, letter: Letter, submit_id: str, also: Callable[[AccountTx], None] | None = None
    ) -> None:
        """Send a message about an event, as an answer to the mail that has it, if there is one. `also`: as in
        `SendOptions`.

        It comes from the address that speaks in the event: another one would tell the reader whose it is.
        """
        session, server = caller.require(), self._server
        octets = letter.text.encode("utf-8", "replace")
        reply = File(
            name="reply.ics",
            media_type="text/calendar",
            size=len(octets),
            blocks=lambda: [octets],
            parameters=(("method", letter.method), ("charset", "utf-8")),
            place="alternative",
        )
        options = msgspec.structs.replace(self._send_options(caller), submit_id=bytes.fromhex(submit_id), also=also)
        with suppress(AddressError):
            way = await options.way_of(Address.parse(letter.me))
            if way is None or way.owner:
                raise UserError(worded("you can't reply because you can't send from {address}", address=letter.me))
        original = letter.message_id if not number_of(letter.message_id) else 0
        async with self._accounts.use(session.account) as account:
            # Of the reader's newest mail, which may be large.
            [language] = await account.scan(lambda r: by_language(r, [letter.to.address]), op="invitation")
        name = letter.name or letter.me
        subject, html = answer_words(language, letter.said, name, letter.title, letter.times, letter.note)
        written = Written(
            from_=Party(letter.name, letter.me),
            to=[Party(letter.to.name, letter.to.address)],
            cc=[],
            bcc=[],
            reply_to=[],
            subject=subject,
            text="",
            html=html,
            uploads=[],
            message_id=new_message_id(server.config.current.static.hostname.ascii),
            in_reply_to=letter.in_reply_to,
            references=[letter.in_reply_to] if letter.in_reply_to else [],
            original_id=original,
            original_flag="answered" if original else "",
        )
        try:
            async with self._accounts.use(session.account) as account:
                await send(
                    self._accounts,
                    account,
                    server.keys,
                    server.sandbox,
                    written,
                    options,
                    server.tmp,
                    server.deliveries,
                    [reply],
                )
        except OSError as e:
            raise StorageRefused("the server's disk is full") from e

    async def _invited(self, session: Session, event: Event) -> str:
        """The user's address among the participants, as it is written there; "" for none. It may be a masked address,
        or the address of a linked mailbox.
        """
        snapshot, account = self._server.config.current, session.account
        people = [attendee.address for attendee in event.attendees]
        invited = [address for address in people if is_me(snapshot, account, address)]
        if not invited:
            async with self._accounts.use(account) as opened:
                given = await opened.read(lambda r: given_addresses(r, people), op="invitation")
            return next(iter(given), "")
        # In person before as a member of an alias.
        return next((address for address in invited if account_of(snapshot, address) == account), invited[0])


def calendar_user(snapshot: Snapshot, account: str, me: str, people: Iterable[str] = ()) -> User:
    """The user of an account, who is `me` in an event with these people."""
    user = user_of(snapshot, account, people)
    return msgspec.structs.replace(user, addresses=user.addresses | {one_spelling(me)})
