"""Performs the operations about DNS in the running server (`moxlite.operations.dns`)."""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from functools import partial
from ipaddress import ip_address
from typing import Final, TypeVar

import msgspec
import trio

from moxlite.admin.accounts import Refused
from moxlite.admin.commandedits import change_file
from moxlite.admin.dns.hostrotation import HostKeyRotation
from moxlite.admin.dns.publishing import NoProvider, Plans, Publishing, make_stored
from moxlite.admin.dns.rotation import KeyRotation, Keys
from moxlite.admin.dns.update import NoAnswer, UpdateRefused
from moxlite.admin.dns.wanted import GROUPS, HeldKeys
from moxlite.admin.dns.zones import Located
from moxlite.admin.dnsproviders.accounts import KNOWN, RFC2136, Busy, ProviderFailed
from moxlite.admin.domains.changes import require_domain, set_strict
from moxlite.autotls.hostkeys import HostKeyState
from moxlite.config.holder import ConfigHolder
from moxlite.lazyimport import Lazy
from moxlite.net.control.server import Command, CommandFailed
from moxlite.net.dns.client import PORT
from moxlite.operations import dns as operations
from moxlite.operations.performing import commands
from moxlite.proto.address import Domain

T = TypeVar("T")

SERVER: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::([0-9]{1,5}))?")
"""An address in brackets, as in URLs, or of IPv4, with a port or without."""

REPLACING: Final = "cancel and select “Replace different records”"
"""How the admin app replaces records that differ."""

CHANGED: Final = "The records have changed. Review the changes again."

WORDS: Final[dict[operations.Stage, str]] = {
    "resting": "signing with the current key until the next scheduled rotation",
    "publishing": "publishing the next key's record",
    "waiting": "next key published; signing starts when DNS caches have expired",
    "retiring": "signing with the next key; keeping the previous record for mail in transit",
}

HOST_WORDS: Final[dict[operations.HostStage, str]] = {
    "resting": "using the current key until the next scheduled rotation",
    "publishing": "publishing the next key's TLSA record",
    "waiting": "next key published; waiting for DNS caches to expire",
    "ordering": "ordering a certificate for the next key; still using the current key",
    "retiring": "using the next key; keeping the previous record for a day",
}


class DNSOperations:
    """The operations.

    Args:
      held: keys that the server read before it gave up its privileges.
      rotation, host_rotation: made at their first use.
    """

    def __init__(
        self,
        config: ConfigHolder,
        held: HeldKeys,
        rotation: Lazy[KeyRotation],
        host_rotation: Lazy[HostKeyRotation],
    ) -> None:
        self._config = config
        self._held = held
        self._rotation = rotation
        self._host_rotation = host_rotation
        self._publishing = trio.CapacityLimiter(1)  # a plan is minutes of a provider's patience

    def registry(self) -> Mapping[str, Command]:
        """All operations by name."""
        return commands(
            operations.ListProviders.bind(self.providers),
            operations.ShowProvider.bind(self.show),
            operations.SetProvider.bind(self.set),
            operations.RemoveProvider.bind(self.remove),
            operations.PlanRecords.bind(self.plan),
            operations.PublishRecords.bind(self.publish),
            operations.ShowRotation.bind(self.rotation),
            operations.StopRotation.bind(self.stop),
            operations.StartRotation.bind(self.start),
            operations.RotateNow.bind(self.rotate),
            operations.ShowHostRotation.bind(self.host_rotations),
            operations.StopHostRotation.bind(partial(self._change_host, stopped=True)),
            operations.StartHostRotation.bind(partial(self._change_host, stopped=False)),
            operations.RotateHostNow.bind(partial(self._change_host, asked=True, stopped=False)),
        )

    async def providers(self, args: operations.ListProviders) -> list[operations.DNSProvider]:
        """All that are known."""
        await trio.lowlevel.checkpoint()
        return [
            operations.DNSProvider(
                usable_provider.name,
                usable_provider.title,
                usable_provider.rights,
                [operations.Question(ask.option, ask.words, ask.secret) for ask in usable_provider.asked],
            )
            for usable_provider in KNOWN.values()
        ]

    async def show(self, args: operations.ShowProvider) -> operations.ProviderInUse:
        """The provider of a domain."""
        return await self._run(args.domain, _in_use)

    async def set(self, args: operations.SetProvider) -> operations.ProviderInUse:
        """Try a provider, and keep it."""
        known = KNOWN.get(args.provider)
        answers = {name: text.strip() for name, text in args.secrets.items()}
        if (
            known is None
            or {provider_question.option for provider_question in known.asked} != answers.keys()
            or not all(answers.values())
        ):
            raise CommandFailed("badRequest", "Choose a provider and fill in all fields.", "provider")
        if args.provider == RFC2136 and "#" not in answers["server"]:
            answers["server"] = _place(answers["server"])

        def work(publishing: Publishing, domain: Domain) -> operations.ProviderInUse:
            stored = msgspec.structs.replace(make_stored(domain, args.provider, answers), enforce=args.enforce)
            publishing.try_out(domain, stored)
            publishing.files.set_provider(domain, stored)
            return _in_use(publishing, domain)

        return await self._run(args.domain, work)

    async def remove(self, args: operations.RemoveProvider) -> None:
        """Forget a provider."""
        await self._run(args.domain, lambda publishing, domain: publishing.files.set_provider(domain, None))

    async def plan(self, args: operations.PlanRecords) -> operations.RecordPlan:
        """Plan a change, and show it."""

        def work(publishing: Publishing, domain: Domain) -> operations.RecordPlan:
            _, plans = _plans(publishing, domain, args)
            groups = [
                operations.RecordGroup(GROUPS[group], group == "rules", lines)
                for group, lines in plans.groups().items()
            ]
            return operations.RecordPlan(plans.lines(), groups, plans.notes(REPLACING))

        return await self._run(args.domain, work)

    async def publish(self, args: operations.PublishRecords) -> list[str]:
        """Make the change that was shown."""
        if args.lenient:
            shown = operations.PlanRecords(domain=args.domain, addresses=args.addresses, replace=args.replace)
            plan = await self.plan(shown)
            if plan.lines != args.lines:
                raise CommandFailed("busy", CHANGED)
            await change_file(self._config, set_strict, args.domain, False)
            args = msgspec.structs.replace(args, lines=(await self.plan(shown)).lines)

        def work(publishing: Publishing, domain: Domain) -> list[str]:
            located, plans = _plans(publishing, domain, args)
            if plans.lines() != args.lines:
                raise CommandFailed("busy", CHANGED)
            make = publishing.undo if args.undo else publishing.make
            return make(domain, located, plans)

        return await self._run(args.domain, work)

    async def rotation(self, args: operations.ShowRotation) -> operations.Rotation:
        """The rotation of a domain's key."""
        domain = self._domain(args.domain)
        return _told(domain, await (await self._rotation.get()).show(domain))

    async def stop(self, args: operations.StopRotation) -> operations.Rotation:
        """Stop it."""
        return await self._change(args.domain, stopped=True)

    async def start(self, args: operations.StartRotation) -> operations.Rotation:
        """Go on."""
        return await self._change(args.domain, stopped=False)

    async def rotate(self, args: operations.RotateNow) -> operations.Rotation:
        """Begin at once."""
        return await self._change(args.domain, asked=True, stopped=False)

    async def _change(self, name: str, **changes: bool) -> operations.Rotation:
        domain = self._domain(name)
        try:
            return _told(domain, await (await self._rotation.get()).change(domain, **changes))
        except OSError as error:
            raise CommandFailed("failed", f"couldn't save the key rotation: {error.strerror or error}") from None

    async def host_rotations(self, args: operations.ShowHostRotation) -> list[operations.HostRotation]:
        """The rotation of each host's key."""
        rotation = await self._host_rotation.get()
        return [_told_host(host, await rotation.show(host)) for host in rotation.hosts]

    async def _change_host(self, args: operations.HostRotating, **changes: bool) -> operations.HostRotation:
        rotation = await self._host_rotation.get()
        host = args.host.lower().rstrip(".")
        if host not in rotation.hosts:
            known = ", ".join(rotation.hosts) or ("(host keys require a listener with SMTP and ACME certificates)")
            raise CommandFailed("notFound", f"no host key found for {args.host}; hosts with keys: {known}")
        try:
            return _told_host(host, await rotation.change(host, **changes))
        except OSError as error:
            raise CommandFailed("failed", f"couldn't save the key rotation: {error.strerror or error}") from None

    def _domain(self, name: str) -> Domain:
        try:
            return require_domain(self._config.current, name)[0]
        except Refused as error:
            raise CommandFailed("notFound", str(error)) from None

    async def _run(self, name: str, work: Callable[[Publishing, Domain], T]) -> T:
        """Run work in a thread, with errors for people. What a provider has begun goes on without the caller."""
        domain = self._domain(name)
        publishing = Publishing(self._config.current, self._config.path, self._held)
        try:
            return await trio.to_thread.run_sync(
                work, publishing, domain, abandon_on_cancel=True, limiter=self._publishing
            )
        except (NoAnswer, Busy) as error:
            raise CommandFailed("busy", str(error)) from None
        except (NoProvider, UpdateRefused, ProviderFailed) as error:
            raise CommandFailed("badRequest", str(error)) from None
        except msgspec.DecodeError as error:
            raise CommandFailed("failed", f"DNS data is damaged: {error}") from None
        except OSError as error:
            raise CommandFailed("failed", f"couldn't read or write DNS data: {error.strerror or error}") from None


def _place(text: str) -> str:
    """A name server as a person writes it, ``192.0.2.1:53`` or ``[2001:db8::1]``, in the form of the file. Raises
    CommandFailed.
    """
    match = SERVER.fullmatch(text)
    host, port = (match[1] or match[2], int(match[3] or PORT)) if match is not None else (text, PORT)
    try:
        if 0 < port < 65536:
            return f"{ip_address(host)}#{port}"
    except ValueError:
        pass
    raise CommandFailed("badRequest", "Enter the name server's IP address, with or without a port.", "provider")


def _in_use(publishing: Publishing, domain: Domain) -> operations.ProviderInUse:
    try:
        stored = publishing.stored(domain)
    except NoProvider:
        return operations.ProviderInUse("", "", "", False, 0)
    steps = publishing.steps(domain)
    return operations.ProviderInUse(stored.provider, KNOWN[stored.provider].title, stored.zone, stored.enforce, steps)


def _plans(
    publishing: Publishing, domain: Domain, args: operations.PlanRecords | operations.PublishRecords
) -> tuple[Located, Plans]:
    located = publishing.located(domain)
    if args.undo:
        return located, publishing.plan_undo(domain, located) or Plans(())
    return located, publishing.plan(domain, located, addresses=args.addresses, replace=args.replace)


def _told(domain: Domain, state: Keys) -> operations.Rotation:
    return operations.Rotation(
        domain=domain.unicode,
        stage=state.stage,
        words=f"stopped; {WORDS[state.stage]}" if state.stopped else WORDS[state.stage],
        since=_moment(state.since),
        until=_moment(state.until),
        new=state.new,
        old=list(state.old),
        stopped=state.stopped,
        todo=list(state.todo),
        problem=state.problem,
    )


def _told_host(host: str, state: HostKeyState) -> operations.HostRotation:
    return operations.HostRotation(
        host=host,
        stage=state.stage,
        words=f"stopped; {HOST_WORDS[state.stage]}" if state.stopped else HOST_WORDS[state.stage],
        since=_moment(state.since),
        until=_moment(state.until),
        made_here=bool(state.present),
        stopped=state.stopped,
        todo=list(state.todo),
        problem=state.problem,
    )


def _moment(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds") if seconds else ""
