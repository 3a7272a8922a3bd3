"""Dependencies and base class of the webmail's calls."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from moxlite.groupware.files import ImportResult
from moxlite.logins.identity import Identity
from moxlite.net.httpclient import HTTPClient
from moxlite.process.keys import SigningKeys
from moxlite.sandbox.processes import Sandbox
from moxlite.submission.authors import ways_of
from moxlite.submission.outgoing import Assure
from moxlite.web.composing.sending import SendOptions
from moxlite.web.cookies import Caller
from moxlite.web.importing.browser import BrowserImports
from moxlite.web.notices.service import Notices
from moxlite.web.sessions import Sessions
from moxlite.web.webmail.holders import Holders
from moxlite.web.webmail.live.openstreams import Streams
from moxlite.web.webmail.reading.views import Views

if TYPE_CHECKING:
    from moxlite.config.snapshot import CurrentConfig
    from moxlite.operations.performing import Perform
    from moxlite.store.delivery.status import Deliveries


class Dependencies(msgspec.Struct, frozen=True, kw_only=True):
    """Dependencies of the calls.

    Attributes:
      config: returns the current configuration.
      perform: the operations for users.
      holders: opens the user's own account and accounts that share mailboxes.
      tmp: directory for temporary files of long messages.
      sandbox: processes for expensive work on strangers' mails.
      streams: the streams of open pages.
      views: limits the messages that each account is shown at a time.
      keys: DKIM keys of the domains that sign submitted mail.
      deliveries: state of submitted messages; None while there is no queue.
      http: requests to the servers of senders, by the address rules of webhooks (WEBMAIL-136).
      notices: tells devices of new mail (WEBMAIL-122).
      imports: imports of files, shared with the account app.
      assure: finds how well mail to a domain would be protected.
      file_imports: running imports of calendars and contacts, by account and upload.
    """

    config: CurrentConfig
    perform: Perform
    holders: Holders
    tmp: Path
    sandbox: Sandbox
    views: Views
    streams: Streams
    keys: SigningKeys
    deliveries: Deliveries | None
    http: HTTPClient
    imports: BrowserImports
    assure: Assure
    notices: Notices
    file_imports: dict[tuple[str, str], ImportResult] = {}


class AccountCalls:
    """A page of calls that use the account of a session."""

    def __init__(self, sessions: Sessions, dependencies: Dependencies) -> None:
        self._sessions = sessions
        self._server = dependencies
        self._holders = dependencies.holders
        self._accounts = dependencies.holders.accounts

    def _send_options(self, caller: Caller) -> SendOptions:
        """The circumstances under which the user of a call sends a message."""
        session, request, snapshot = caller.require(), caller.request, self._server.config.current
        return SendOptions(
            snapshot=snapshot,
            identity=Identity(session.account, session.address),
            way_of=ways_of(self._accounts, snapshot, session.account),
            listener=request.info.listener,
            secure=request.scheme == "https",
            remote=request.client_ip,
        )
