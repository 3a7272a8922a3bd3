"""The services that a port may have, each made from the parts of the server (docs/architecture.md §5).

The parts are opened in `wiring`; what serves them runs in `server`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Literal

import msgspec
import trio

from moxlite import lazyimport
from moxlite.acceptance.bounces import AskSent
from moxlite.admin.delivery.peers import Peers
from moxlite.admin.masked import MaskedAddresses
from moxlite.admin.passwords import Passwords
from moxlite.config.listeners import Protocol
from moxlite.imapd.session.context import Context as IMAPContext
from moxlite.lazyimport import Late
from moxlite.logins.sites import SiteLogins
from moxlite.net.admission import Gate
from moxlite.net.connections import ConnectionInfo
from moxlite.net.listeners import Handler
from moxlite.operations import Role
from moxlite.operations.performing import performer
from moxlite.process.localserve import ACCOUNT
from moxlite.process.ports import connection_gate
from moxlite.process.startup import Endpoint
from moxlite.queue.context import local_addresses
from moxlite.queue.queue import Queue
from moxlite.smtpd.context import Context as SMTPContext, Homes
from moxlite.store.changelog.account import Account
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.actions import Defer
from moxlite.store.delivery.submission import Submission, Submit
from moxlite.store.errors import StorageBroken
from moxlite.store.mail.links import links
from moxlite.submission.letter import not_asked
from moxlite.web.context import Apps, make_context
from moxlite.web.discovery.service import Discovery, Policies
from moxlite.web.health import Health
from moxlite.web.http.hsts import StrictTransport
from moxlite.web.serve import serve_connection as serve_http
from moxlite.wiring import House

if TYPE_CHECKING:
    from moxlite.admin.delivery.forwarding import Forwarding
    from moxlite.web.account.app import AccountApp
    from moxlite.web.account.consent import Consent
    from moxlite.web.admin.app import AdminApp
    from moxlite.web.dav.app import DAVApp
    from moxlite.web.exports import BrowserExports
    from moxlite.web.importing.browser import BrowserImports
    from moxlite.web.jmap.app import JMAP
    from moxlite.web.webapi.app import WebAPI
    from moxlite.web.webmail.app import Webmail


class Served(msgspec.Struct, frozen=True):
    """Protocol of a port, and the handler of its connections."""

    handler: Handler
    gate: Gate


def handlers(house: House, queue: Queue | None) -> Mapping[Protocol, Callable[[Endpoint], Served]]:
    """For each service, what serves one of its ports; the server goes on without a queue."""

    def forwarding() -> "Forwarding":
        return house.forwarding(queue.submit if queue else None)

    smtp = _smtp(
        house,
        Late(forwarding),
        queue.submit if queue else refuse_submission,
        queue.defer if queue else None,
        queue.deliveries.was_sent if queue else None,
    )
    imap, web = _imap(house), _web(house, queue, forwarding)

    def https(endpoint: Endpoint) -> Served:
        """Mail programs may use the https port as well, and say so by ALPN (WEB-27)."""
        by_alpn = {
            "imap": imap(endpoint).handler,
            "smtp": smtp(msgspec.structs.replace(endpoint, service="submissions")).handler,
        }
        otherwise = web(endpoint)

        async def handle(stream: trio.abc.Stream, info: ConnectionInfo) -> None:
            alpn = info.tls.alpn if info.tls is not None else None
            await by_alpn.get(alpn or "", otherwise.handler)(stream, info)

        return Served(handle, otherwise.gate)

    return {
        "smtp": smtp,
        "submission": smtp,
        "submissions": smtp,
        "imap": imap,
        "imaps": imap,
        "managesieve": imap,
        "http": web,
        "https": https,
    }


def _smtp(
    house: House, forwarding: "Late[Forwarding]", submit: Submit, defer: Defer | None, sent: AskSent | None
) -> Callable[[Endpoint], Served]:
    gate, homes = connection_gate(house.static.rate_limits), Homes()
    peers = Peers(house.config, house.network.resolver, local_addresses(house.static))

    def handler(endpoint: Endpoint) -> Served:
        assert endpoint.service in ("smtp", "submission", "submissions")
        context = SMTPContext(
            service=endpoint.service,
            accounts=house.files.accounts,
            config=house.config,
            logins=house.services.logins,
            submit=submit,
            keys=house.started.keys,
            defer=defer,
            sent=sent,
            srs=house.srs,
            homes=homes,
            senders=house.services.senders,
            gate=gate,
            received_id=house.services.received_id,
            spools=house.files.spools,
            resolver=house.network.resolver,
            reports=None if house.local else house.files.reports,
            forwarding=forwarding,
            masked=None
            if house.local
            else MaskedAddresses(house.config, house.files.accounts, house.files.auth.masked),
            peers=None if house.local else peers,
            starttls=None if endpoint.tls else house.network.tls.of(endpoint.listener, endpoint.service),
            default_account=ACCOUNT if house.local else "",
        )
        return Served(partial(_serve_smtp, context=context), gate)

    return handler


async def _serve_smtp(stream: trio.abc.Stream, info: ConnectionInfo, *, context: SMTPContext) -> None:
    """`serve_connection` of SMTP; the first connection loads it."""
    await lazyimport.load("moxlite.smtpd.connection")
    from moxlite.smtpd.connection import serve_connection

    await serve_connection(stream, info, context)


async def refuse_submission(submission: Submission, spool: Spool) -> list[int]:
    """In place of the queue's own function while there is no queue."""
    raise StorageBroken("the queue cannot be used, see the server's log")


def imap_context(house: House) -> IMAPContext:
    """Context that all IMAP sessions share; listeners differ in the rest."""
    return IMAPContext(
        accounts=house.files.accounts,
        auth=house.files.auth,
        logins=house.services.logins,
        config=house.config,
        sessions=house.services.imap_sessions,
        gate=connection_gate(house.static.rate_limits),
        spools=house.files.spools,
    )


def _imap(house: House) -> Callable[[Endpoint], Served]:
    """IMAP and ManageSieve: the same log-ins and limits."""
    common = imap_context(house)

    def handler(endpoint: Endpoint) -> Served:
        services: dict[Protocol, Literal["imap", "imaps", "imaphttps", "managesieve"]]
        services = {"imap": "imap", "https": "imaphttps", "managesieve": "managesieve"}
        service = services.get(endpoint.service, "imaps")
        listener = house.static.listeners[endpoint.listener]
        context = msgspec.structs.replace(
            common,
            service=service,
            require_tls=listener.managesieve.require_tls if service == "managesieve" else listener.imap.require_tls,
            starttls=None if endpoint.tls else house.network.tls.of(endpoint.listener, "imap"),
        )
        serve = _serve_managesieve if service == "managesieve" else _serve_imap
        return Served(partial(serve, context=context), context.gate)

    return handler


async def _serve_imap(stream: trio.abc.Stream, info: ConnectionInfo, *, context: IMAPContext) -> None:
    """`serve_connection` of IMAP; the first connection loads it."""
    await lazyimport.load("moxlite.imapd.connection")
    from moxlite.imapd.connection import serve_connection

    await serve_connection(stream, info, context)


async def _serve_managesieve(stream: trio.abc.Stream, info: ConnectionInfo, *, context: IMAPContext) -> None:
    """`serve_managesieve`; the first connection loads it."""
    await lazyimport.load("moxlite.imapd.sieve.connection")
    from moxlite.imapd.sieve.connection import serve_managesieve

    await serve_managesieve(stream, info, context)


def _admin_app(house: House) -> "AdminApp":
    from moxlite.admin.dns.network import Internet
    from moxlite.admin.dns.wanted import HeldKeys
    from moxlite.web.admin.app import AdminApp
    from moxlite.web.admin.surroundings import Machinery, Outside, Surroundings

    outside = None
    if not house.local:
        http = house.network.https_client(allow_internal=house.static.allow_private_mx)
        outside = Outside(
            resolver=house.network.resolver,
            network=Internet(house.static.hostname.ascii, house.network.trust, http),
            held=HeldKeys(house.started.keys.key, house.started.acme_keys.hosts),
        )
    surroundings = Surroundings(
        holder=house.config,
        accounts=house.files.accounts,
        auth=house.files.auth,
        reports=house.files.reports,
        logins=house.services.logins,
        factors=house.factor_changes,
        commands=house.registry.get,
        perform=performer(house.registry.get, Role.ADMIN | Role.PAGES),
        certificates=house.network.tls.in_use,
        outside=outside,
        machinery=Machinery(
            listings=house.network.listings,
            log=house.started.log_handler,
            cid_of=house.services.received_id.decode,
            measure=house.measure,
            backups=house.backups,
            tree=house.tree,
        ),
    )
    return AdminApp(surroundings)


def _apps(house: House, queue: Queue | None, forwarding: "Callable[[], Forwarding]") -> Apps:
    """The web apps; the first request of each makes it, in a thread."""
    config, files, services = house.config, house.files, house.services
    keys, tmp = house.started.keys, house.static.data_dir / "tmp"
    deliveries = queue.deliveries if queue else None

    def make_transfers() -> "tuple[BrowserExports, BrowserImports]":
        from moxlite.web.exports import BrowserExports
        from moxlite.web.importing.browser import BrowserImports

        return BrowserExports(files.accounts, tmp), BrowserImports(files.imports, config)

    transfers = Late(make_transfers)  # of both apps

    def make_webmail() -> "Webmail":
        from moxlite.web.webmail.app import Webmail

        exports, imports = trio.from_thread.run(transfers.get)
        allow_internal = house.static.allow_private_webhooks
        return Webmail(
            config=config,
            config_dir=config.path.parent,
            accounts=files.accounts,
            auth=files.auth,
            logins=services.logins,
            factors=house.factor_changes.factors,
            exports=exports,
            imports=imports,
            sandbox=services.sandbox,
            keys=keys,
            edit=config.edit,
            deliveries=deliveries,
            http=house.network.https_client(allow_internal=allow_internal, purpose="unsubscribe"),
            assure=queue.assure if queue else not_asked,
            notices=services.notices,
        )

    def make_account() -> "AccountApp":
        from moxlite.web.account.app import AccountApp
        from moxlite.web.account.calls.common import Server

        exports, imports = trio.from_thread.run(transfers.get)
        server = Server(
            config=config,
            edit=config.edit,
            accounts=files.accounts,
            auth=files.auth,
            passwords=Passwords(files.accounts, services.logins, services.end_sessions),
            queue=queue,
            certificate=house.network.tls.certificate,
            copies=house.background_imports,
            links=house.links,
            calendar_copies=house.calendar_copies,
            forwarding=forwarding(),
            logins=services.logins,
            factors=house.factor_changes,
            imports=imports,
        )
        return AccountApp(config_dir=config.path.parent, server=server, exports=exports)

    def make_webapi() -> "WebAPI":
        from moxlite.web.webapi.app import WebAPI

        return WebAPI(
            config=config,
            accounts=files.accounts,
            logins=services.logins,
            keys=keys,
            queue=queue,
            tmp=tmp,
            auth=files.auth,
        )

    def make_jmap() -> "JMAP":
        from moxlite.web.jmap.app import JMAP
        from moxlite.web.jmap.methods import Server as JMAPServer

        server = JMAPServer(
            config=config,
            accounts=files.accounts,
            auth=files.auth,
            keys=keys,
            sandbox=services.sandbox,
            queue=queue,
            deliveries=deliveries,
            programs=services.programs,
            tmp=tmp,
        )
        return JMAP(server, services.logins)

    def make_dav() -> "DAVApp":
        from moxlite.web.dav.app import DAVApp

        return DAVApp(
            config=config,
            accounts=files.accounts,
            auth=files.auth,
            logins=services.logins,
            sandbox=services.sandbox,
        )

    def make_consent() -> "Consent":
        from moxlite.web.account.consent import Consent

        return Consent(Late(forwarding), house.static.rate_limits.exempt)

    return Apps(
        webmail=Late(make_webmail),
        account=Late(make_account),
        admin=Late(partial(_admin_app, house)),
        webapi=Late(make_webapi),
        dav=Late(make_dav),
        jmap=Late(make_jmap),
        discovery=Discovery(config, house.network.tls.certificate),
        policies=Policies(config),
        consent=Late(make_consent),
    )


def _web(house: House, queue: Queue | None, forwarding: "Callable[[], Forwarding]") -> Callable[[Endpoint], Served]:
    tls = house.network.tls
    strict = StrictTransport(
        house.config,
        house.static.data_dir,
        lambda: ((one.listener, one.pair) for one in tls.in_use()),
        house.network.trust,
    )
    house.tree.start("web.hsts", strict.serve)
    broken = house.files.accounts.broken

    def notes() -> list[str]:
        return [note() for note in house.notes] + [f"account {name}: {why}" for name, why in sorted(broken().items())]

    context = make_context(
        house.config,
        _apps(house, queue, forwarding),
        health=Health(house.problems, house.measure, notes),
        challenge=house.network.challenges.answer,
        backends=house.network.backends,
        sites=SiteLogins(house.services.logins.attempts),
        strict=strict,
        opaque_id=house.services.received_id.encode,
    )

    def handler(endpoint: Endpoint) -> Served:
        return Served(partial(serve_http, context=context), context.gates[endpoint.listener])

    return handler


async def attend_links(house: House, account: Account) -> None:
    """Run the links of an account; what they need is loaded where there are some. Raises StoreError."""
    if await account.read(links, op="links"):
        await lazyimport.load("moxlite.migration.links")
        await house.links.attend(account)
