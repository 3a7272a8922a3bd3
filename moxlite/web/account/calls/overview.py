"""The overview of an account (WEB-62)."""

from __future__ import annotations

import trio

from moxlite.acceptance.sieve.keeping import sorting_notices
from moxlite.admin.offer import Server, offer_for
from moxlite.admin.publicpages import public_page
from moxlite.config.checks.accounts import old_patterns
from moxlite.config.domains import Account
from moxlite.config.snapshot import AliasRecipient, Snapshot, jmap_session
from moxlite.proto.address import Address as MailAddress, AddressError, Domain
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.web.account.calls.common import AccountCalls, now
from moxlite.web.account.types import Address, Apps, MailingList, MailServer, OldPattern, Overview, Program
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.wording import remark


class OverviewCalls(AccountCalls):
    """The calls of the first page."""

    @call(public=True)
    async def apps(self, caller: Caller) -> Apps:
        """Paths of the other apps at this address, or the addresses where they are open to the internet."""
        elsewhere = public_page(self._server.config.current, "webmail")
        return Apps(caller.siblings.get("webmail") or elsewhere or "")

    @call()
    async def overview(self, caller: Caller) -> Overview:
        """Addresses, mailing lists, storage, and the settings for mail programs."""
        session = caller.require()
        snapshot, settings = self._server.config.current, self._settings(caller)
        async with self._open(caller) as account:
            state = await account.read(mailbox_rows.state, op="account_overview")
            boxes = await account.read(mailbox_rows.mailboxes, op="account_overview")
            quota = account.config.quota
            sorting = await sorting_notices(account, snapshot.passed_on(session.account), now())
        return Overview(
            login_address=session.address,
            account=session.account,
            full_name=settings.full_name,
            storage_used=state.total_size,
            storage_limit=quota,
            messages=sum(box.total for box in boxes),
            addresses=[
                Address(
                    address=address,
                    catchall=address.startswith("@"),
                    domain_disabled=_disabled(snapshot, address),
                    full_name=destination.full_name,
                    mailbox=destination.mailbox,
                    rules=len(destination.rulesets),
                    refused=destination.smtp_error or "",
                )
                for address, destination in settings.destinations.items()
            ],
            lists=[_list(alias_recipient) for alias_recipient in snapshot.derived.aliases_of.get(session.account, ())],
            program=program_of(snapshot, session.address),
            app_passwords_required=settings.require_app_passwords,
            sorting=sorting,
            # In a thread: each pattern is compiled to judge it.
            old_patterns=await trio.to_thread.run_sync(_old_patterns, settings),
        )


def _old_patterns(settings: Account) -> list[OldPattern]:
    found = []
    for path, text in old_patterns(settings):
        section, address = path[:2]
        found.append(OldPattern(str(address) if section == "destinations" else "", remark(text)))
    return found


def program_of(snapshot: Snapshot, address: str) -> Program:
    """Settings of a mail program for an address of the account."""
    try:
        offer = offer_for(snapshot, MailAddress.parse(address).domain)
    except AddressError:  # an address that is no longer valid has no settings
        return Program(address, [], [])
    imap, submission = [_server(server) for server in offer.imap], [_server(server) for server in offer.submission]
    jmap = [jmap_session(server.host, server.port) for server in offer.jmap[:1]]
    return Program(address, imap, submission, *jmap)


def _server(server: Server) -> MailServer:
    return MailServer(server.host.unicode, server.port, server.security)


def _disabled(snapshot: Snapshot, address: str) -> bool:
    domain_config = snapshot.domain(Domain.parse(address.rpartition("@")[2]))
    return domain_config is None or domain_config.disabled


def _list(alias_recipient: AliasRecipient) -> MailingList:
    members = (
        [*(member.canonical for member in alias_recipient.members), *alias_recipient.external]
        if alias_recipient.alias.list_members
        else []
    )
    return MailingList(
        address=str(alias_recipient.canonical),
        members_shown=alias_recipient.alias.list_members,
        members=[str(member) for member in members],
        public=alias_recipient.alias.post_public,
        may_send=alias_recipient.alias.allow_msg_from,
    )
