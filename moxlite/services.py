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
from moxlite.lazyimport import Lazy
from moxlite.logins.sites import SiteLogins
from moxlite.net.admission import ConnectionInfo, Gate
from moxlite.net.httpclient import HTTPClient
from moxlite.net.listeners import Handler
from moxlite.operations import Role
from moxlite.operations.performing import performer
from moxlite.process.localserve import ACCOUNT
from moxlite.process.ports import connection_gate
from moxlite.process.startup import Endpoint
from moxlite.queue.context import local_addresses
from moxlite.queue.queue import Queue
from moxlite.smtpd.context import BounceLimit, Context as SMTPContext
from moxlite.store.accounts.accounts import account_findings
from moxlite.store.changelog.account import Account
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.actions import Defer
from moxlite.store.delivery.submission import Submission, Submit
from moxlite.store.errors import StorageBroken
from moxlite.store.mail.links import links
from moxlite.submission.outgoing import not_asked
from moxlite.web.context import Apps, make_context
from moxlite.web.discovery.service import Discovery, Policies
from moxlite.web.health import Health
from moxlite.web.http.hsts import StrictTransport
from moxlite.web.serve import serve_connection as serve_http
from moxlite.wiring import Components

if TYPE_CHECKING:
    from moxlite.admin.delivery.forwarding import Forwarding
    from moxlite.admin.providerpeople import ProviderPeople
    from moxlite.web.account.app import AccountApp
    from moxlite.web.account.consent import Consent
    from moxlite.web.admin.app import AdminApp
    from moxlite.web.dav.app import DAVApp
    from moxlite.web.exports import BrowserExports
    from moxlite.web.importing.browser import BrowserImports
    from moxlite.web.jmap.app import JMAP
    from moxlite.web.webapi.app import WebAPI
    from moxlite.web.webmail.app import Webmail


class ServedProtocol(msgspec.Struct, frozen=True):
    """Protocol of a port, and the handler of its connections."""

    handler: Handler
    gate: Gate


def handlers(components: Components, queue: Queue | None) -> Mapping[Protocol, Callable[[Endpoint], ServedProtocol]]:
    """For each service, what serves one of its ports; the server goes on without a queue."""

    def forwarding() -> "Forwarding":
        return components.forwarding(queue.submit if queue else None)

    smtp = _smtp(
        components,
        Lazy(forwarding),
        queue.submit if queue else refuse_submission,
        queue.defer if queue else None,
        queue.deliveries.was_sent if queue else None,
    )
    imap, web = _imap(components), _web(components, queue, forwarding)

    def https(endpoint: Endpoint) -> ServedProtocol:
        """Mail programs may use the https port as well, and say so by ALPN (WEB-27)."""
        by_alpn = {
            "imap": imap(endpoint).handler,
            "smtp": smtp(msgspec.structs.replace(endpoint, service="submissions")).handler,
        }
        otherwise = web(endpoint)

        async def handle(stream: trio.abc.Stream, info: ConnectionInfo) -> None:
            # The handshake has decided: ALPN names no protocol that this listener has not offered (`TLSPorts`).
            alpn = info.tls.alpn if info.tls is not None else None
            await by_alpn.get(alpn or "", otherwise.handler)(stream, info)

        return ServedProtocol(handle, otherwise.gate)

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
    components: Components, forwarding: "Lazy[Forwarding]", submit: Submit, defer: Defer | None, sent: AskSent | None
) -> Callable[[Endpoint], ServedProtocol]:
    # One gate for all ports: a network's limit must not grow with the listeners.
    gate, bounce_limit = connection_gate(components.static.rate_limits), BounceLimit()
    peers = Peers(components.config, components.network.resolver, local_addresses(components.static))

    def handler(endpoint: Endpoint) -> ServedProtocol:
        assert endpoint.service in ("smtp", "submission", "submissions")
        context = SMTPContext(
            service=endpoint.service,
            accounts=components.files.accounts,
            config=components.config,
            logins=components.services.logins,
            submit=submit,
            keys=components.started.keys,
            defer=defer,
            sent=sent,
            srs=components.srs,
            bounce_limit=bounce_limit,
            senders=components.services.senders,
            gate=gate,
            received_id=components.services.received_id,
            spools=components.files.spools,
            resolver=components.network.resolver,
            reports=None if components.local else components.files.reports,
            forwarding=forwarding,
            masked=None
            if components.local
            else MaskedAddresses(components.config, components.files.accounts, components.files.auth.masked),
            peers=None if components.local else peers,
            starttls=None if endpoint.tls else components.network.tls.of(endpoint.listener, endpoint.service),
            default_account=ACCOUNT if components.local else "",
        )
        return ServedProtocol(partial(_serve_smtp, context=context), gate)

    return handler


async def _serve_smtp(stream: trio.abc.Stream, info: ConnectionInfo, *, context: SMTPContext) -> None:
    """`serve_connection` of SMTP; the first connection loads it."""
    await lazyimport.load("moxlite.smtpd.connection")
    from moxlite.smtpd.connection import serve_connection

    await serve_connection(stream, info, context)


async def refuse_submission(submission: Submission, spool: Spool) -> list[int]:
    """In place of the queue's own function while there is no queue."""
    raise StorageBroken("the queue isn't available; see the server log")


def imap_context(components: Components) -> IMAPContext:
    """Context that all IMAP sessions share; listeners differ in the rest."""
    return IMAPContext(
        accounts=components.files.accounts,
        auth=components.files.auth,
        logins=components.services.logins,
        config=components.config,
        sessions=components.services.imap_sessions,
        gate=connection_gate(components.static.rate_limits),
        spools=components.files.spools,
    )


def _imap(components: Components) -> Callable[[Endpoint], ServedProtocol]:
    """IMAP and ManageSieve: the same log-ins and limits."""
    common = imap_context(components)

    def handler(endpoint: Endpoint) -> ServedProtocol:
        services: dict[Protocol, Literal["imap", "imaps", "imaphttps", "managesieve"]]
        services = {"imap": "imap", "https": "imaphttps", "managesieve": "managesieve"}
        service = services.get(endpoint.service, "imaps")
        listener = components.static.listeners[endpoint.listener]
        context = msgspec.structs.replace(
            common,
            service=service,
            require_tls=listener.managesieve.require_tls if service == "managesieve" else listener.imap.require_tls,
            starttls=None if endpoint.tls else components.network.tls.of(endpoint.listener, "imap"),
        )
        serve = _serve_managesieve if service == "managesieve" else _serve_imap
        return ServedProtocol(partial(serve, context=context), context.gate)

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


def _admin_app(components: Components, people: "Lazy[ProviderPeople | None]") -> "AdminApp":
    from moxlite.admin.dns.network import Internet
    from moxlite.admin.dns.wanted import HeldKeys
    from moxlite.web.admin.app import AdminApp
    from moxlite.web.admin.dependencies import Dependencies, ExternalChecks, ProcessHandles

    external = None
    if not components.local:
        http = components.network.https_client(allow_internal=components.static.allow_private_mx)
        external = ExternalChecks(
            resolver=components.network.resolver,
            network=Internet(components.static.hostname.ascii, components.network.trust, http),
            held=HeldKeys(components.started.keys.key, components.started.acme_keys.hosts),
        )
    dependencies = Dependencies(
        holder=components.config,
        accounts=components.files.accounts,
        auth=components.files.auth,
        reports=components.files.reports,
        logins=components.services.logins,
        factors=components.factor_changes,
        commands=components.registry.get,
        perform=performer(components.registry.get, Role.ADMIN | Role.PAGES),
        certificates=components.network.tls.in_use,
        people=trio.from_thread.run(people.get),
        provider_client=partial(_provider_client, components),
        external=external,
        process=ProcessHandles(
            listings=components.network.listings,
            log=components.started.log_handler,
            cid_of=components.services.received_id.decode,
            measure=components.measure,
            backups=components.backups,
            tree=components.tree,
        ),
    )
    return AdminApp(dependencies)


def _provider_client(components: Components, allow_internal: bool) -> HTTPClient:
    network = components.network
    roots, purpose = network.roots, "login provider"
    return HTTPClient(network.resolver, allow_internal=allow_internal, hosts_file=True, roots=roots, purpose=purpose)


def _apps(components: Components, queue: Queue | None, forwarding: "Callable[[], Forwarding]") -> Apps:
    """The web apps; the first request of each makes it, in a thread."""
    config, files, services = components.config, components.files, components.services
    keys, tmp = components.started.keys, components.static.data_dir / "tmp"
    deliveries = queue.deliveries if queue else None

    def make_transfers() -> "tuple[BrowserExports, BrowserImports]":
        from moxlite.web.exports import BrowserExports
        from moxlite.web.importing.browser import BrowserImports

        return BrowserExports(files.accounts, tmp), BrowserImports(files.imports, config)

    # Of both apps. Each is made in a thread, and asks the loop from there: `Lazy` has its lock on the loop.
    transfers = Lazy(make_transfers)

    def make_people() -> "ProviderPeople | None":
        settings = components.static.oidc
        if settings is None:
            return None
        from moxlite.admin.providerpeople import ProviderPeople
        from moxlite.logins.provider import LoginProvider

        provider = LoginProvider(settings, _provider_client(components, settings.allow_internal))
        return ProviderPeople(
            settings,
            provider,
            config=config,
            accounts=files.accounts,
            auth=files.auth,
            logins=services.logins,
            factors=components.factor_changes,
            forgetters=components.forgetters,
        )

    people = Lazy(make_people)  # of all apps: discovery document and keys are fetched once

    def make_webmail() -> "Webmail":
        from moxlite.web.webmail.app import Webmail

        exports, imports = trio.from_thread.run(transfers.get)
        allow_internal = components.static.allow_private_webhooks
        return Webmail(
            config=config,
            config_dir=config.path.parent,
            accounts=files.accounts,
            auth=files.auth,
            logins=services.logins,
            factors=components.factor_changes.factors,
            exports=exports,
            imports=imports,
            sandbox=services.sandbox,
            keys=keys,
            perform=performer(components.registry.get, Role.USER),
            deliveries=deliveries,
            http=components.network.https_client(allow_internal=allow_internal, purpose="unsubscribe"),
            assure=queue.assure if queue else not_asked,
            notices=services.notices,
            people=trio.from_thread.run(people.get),
        )

    def make_account() -> "AccountApp":
        from moxlite.web.account.app import AccountApp
        from moxlite.web.account.calls.common import Server

        exports, imports = trio.from_thread.run(transfers.get)
        server = Server(
            config=config,
            perform=performer(components.registry.get, Role.USER),
            edit=config.edit,
            accounts=files.accounts,
            auth=files.auth,
            passwords=Passwords(files.accounts, services.logins, services.end_sessions),
            queue=queue,
            certificate=components.network.tls.certificate,
            copies=components.background_imports,
            links=components.links,
            calendar_copies=components.calendar_copies,
            logins=services.logins,
            factors=components.factor_changes,
            imports=imports,
            notices=services.notices,
        )
        trio.from_thread.run_sync(config.on_change, server.reconfigured)
        known = trio.from_thread.run(people.get)
        return AccountApp(config_dir=config.path.parent, server=server, exports=exports, people=known)

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
            edit=config.edit,
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

        app = DAVApp(config=config, accounts=files.accounts, auth=files.auth, logins=services.logins)
        components.forgetters.append(app.forget)
        return app

    def make_consent() -> "Consent":
        from moxlite.web.account.consent import Consent

        return Consent(Lazy(forwarding), components.static.rate_limits.exempt)

    return Apps(
        webmail=Lazy(make_webmail),
        account=Lazy(make_account),
        admin=Lazy(partial(_admin_app, components, people)),
        webapi=Lazy(make_webapi),
        dav=Lazy(make_dav),
        jmap=Lazy(make_jmap),
        discovery=Discovery(config, components.network.tls.certificate),
        policies=Policies(config),
        consent=Lazy(make_consent),
    )


def _web(
    components: Components, queue: Queue | None, forwarding: "Callable[[], Forwarding]"
) -> Callable[[Endpoint], ServedProtocol]:
    tls = components.network.tls
    strict = StrictTransport(
        components.config,
        components.static.data_dir,
        lambda: ((one.listener, one.pair) for one in tls.in_use()),
        components.network.trust,
    )
    components.tree.start("web.hsts", strict.serve)

    def notes() -> list[str]:
        broken = [finding.text for finding in account_findings(components.files.accounts)]
        return [note() for note in components.notes] + broken

    context = make_context(
        components.config,
        _apps(components, queue, forwarding),
        health=Health(components.problems, components.measure, notes),
        challenge=components.network.challenges.answer,
        backends=components.network.backends,
        sites=SiteLogins(components.services.logins.attempts),
        strict=strict,
        opaque_id=components.services.received_id.encode,
    )

    def handler(endpoint: Endpoint) -> ServedProtocol:
        return ServedProtocol(partial(serve_http, context=context), context.gates[endpoint.listener])

    return handler


async def attend_links(components: Components, account: Account) -> None:
    """Run the links of an account; what they need is loaded where there are some. Raises StoreError."""
    if await account.read(links, op="links"):
        await lazyimport.load("moxlite.migration.links")
        await components.links.attend(account)
