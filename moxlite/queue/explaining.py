"""Explanation of a message's route, hosts and TLS, without sending it (QUEUE-182). Decisions about delivery are not
here.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import trio

from moxlite.config.snapshot import AccountRecipient
from moxlite.mailauth import dane
from moxlite.net.resolver import DNSError
from moxlite.operations.queue import MTASTS, Explanation, HostPlan, Met, Waiting
from moxlite.proto.address import Address, AddressError, Path
from moxlite.proto.smtp.conversation import TLSMode
from moxlite.proto.smtp.errors import SMTPError
from moxlite.queue.context import Context
from moxlite.queue.data.rows import Message
from moxlite.queue.errors import BadFilter
from moxlite.queue.schedule import SECOND, rfc3339
from moxlite.queue.sending.direct import destination_of, goes_elsewhere, relay_of, waits_for_policy
from moxlite.queue.sending.onehost import Destination, Host, HostCheck, addresses_for, policy_for, visit
from moxlite.queue.sending.routing import AttemptRoute, ConnectOptions, course_of, direct_way
from moxlite.queue.tls.hostpolicy import HostPolicy
from moxlite.queue.tls.policies import EffectivePolicy, STSPolicyRow
from moxlite.store.delivery.submission import DSNNotify
from moxlite.store.file.transaction import Reader

LOOK_UP_SECONDS: Final = 90.0
"""Seconds for all look-ups in DNS and on the web: the first fetch of a policy takes a minute at most."""

VISIT_SECONDS: Final = 60.0
"""Seconds for one host: half for connecting, half for a slow greeting."""

MAX_VISITS: Final = 3
"""Maximum number of hosts to connect to until one is good; a person waits for the answer."""

MAX_TEXT: Final = 500
"""Characters shown of a greeting or an error."""

WAITING: Final = """
SELECT count(*), coalesce(sum(hold), 0), min(queued) FROM msg
WHERE rcpt_domain = ? AND dsn_due IN ('', 'delayed')"""


def message_to(ctx: Context, recipient: str, sender: str) -> Message:
    """Make a message as the queue would hold it before its first attempt. Raises BadFilter for a bad address."""
    to, by = _path(recipient), _path(sender) if sender else None
    account = ""
    if by is not None:
        found = ctx.config.current.lookup(by)
        account = found.account if isinstance(found, AccountRecipient) else ""
    now = ctx.clock()
    return Message(
        id=0,
        base_id=0,
        queued=now,
        account=account,
        login_address="",
        sender_localpart="" if by is None else str(by.localpart),
        sender_domain="" if by is None else _domain(by),
        from_id="",
        rcpt_localpart=str(to.localpart),
        rcpt_domain=_domain(to),
        message_id="",
        subject="",
        attempts=1,
        max_attempts=0,
        last_attempt=now,
        dialed_ips={},
        results=(),
        transport="",
        future_release_request="",
        has8bit=False,
        smtputf8=False,
        is_dmarc_report=False,
        is_tls_report=False,
        size=0,
        require_tls=None,
        extra={},
        dsn_notify=DSNNotify(0),
        dsn_ret="",
        dsn_envid="",
        dsn_orcpt="",
        content_id=0,
        hold=False,
        next_attempt=now,
        prefix=b"",
        priority=0,
        deliver_by="",
        dsn_due="",
        dsn_next=0,
        guarded=False,
    )


def _path(text: str) -> Path:
    try:
        path = Path.parse(text)
    except AddressError as exc:
        raise BadFilter(f"invalid address {text!r}: {exc}") from exc
    if path.host is None:
        raise BadFilter(f"invalid address {text!r}: missing domain")
    return path


def _domain(path: Path) -> str:
    """The domain as in the column of the database (QUEUE-2)."""
    address = path.address
    return address.domain.unicode if isinstance(address, Address) else path.pack(False).rpartition("@")[2]


def waiting_for(r: Reader, domain: str, why: str) -> Waiting:
    """Count the messages that wait for a domain, given in lower-case U-labels."""
    row = r.row(WAITING, domain)
    assert row is not None
    messages, held, oldest = row
    return Waiting(messages, held, "" if oldest is None else rfc3339(oldest), why)


async def explain(ctx: Context, message: Message, *, connect: bool) -> Explanation:
    """Explain the route of a message, its hosts and the TLS they must have; with `connect` also their replies.

    Raises nothing: errors are in the answer.
    """
    course = course_of(ctx.config.current, message, 0, localserve=ctx.loopback is not None)
    explanation = Explanation(
        recipient=message.recipient_address,
        sender=message.sender_address,
        account=message.account,
        course=course.kind,
        transport=course.name,
        way=_way_words(ctx, course),
    )
    if course.error is not None:
        return _failed(explanation, course.error)
    if course.kind != "direct":
        return explanation
    try:
        with trio.fail_after(LOOK_UP_SECONDS):
            explanation, hosts = await _directly(ctx, message, course, explanation)
    except SMTPError as exc:
        return _failed(explanation, exc)
    except trio.TooSlowError:
        return msgspec.structs.replace(explanation, error=f"DNS lookups took more than {LOOK_UP_SECONDS:.0f} s")
    plans = await _met_by(ctx, message, hosts) if connect else [plan for plan, _ in hosts]
    return msgspec.structs.replace(explanation, hosts=tuple(plans))


def _failed(explanation: Explanation, error: SMTPError) -> Explanation:
    return msgspec.structs.replace(explanation, error=str(error)[:MAX_TEXT], permanent=error.permanent)


def _way_words(ctx: Context, course: AttemptRoute) -> str:
    match course.kind:
        case "nowhere":
            return "not sent"
        case "loopback":
            return "to localserve's own listener"
        case "local":
            return "to an account on this server"
        case "link":
            return "to a linked account's submission server"
        case "relay":
            assert course.transport is not None
            relay = relay_of(course.transport)
            assert relay is not None
            smarthost, port, mode = relay
            tls = {
                TLSMode.IMMEDIATE: "implicit TLS",
                TLSMode.REQUIRED_STARTTLS: "STARTTLS demanded",
            }.get(mode, "without TLS")
            unchecked = mode is TLSMode.SKIP or smarthost.starttls_insecure_skip_verify
            check = "" if mode is TLSMode.SKIP else ", any certificate" if unchecked else ", certificate checked"
            login = "with login" if smarthost.auth is not None else "without login"
            return f"to the smarthost {smarthost.host.ascii} port {port}, {tls}{check}, {login}"
        case _:
            return f"to the recipient domain's hosts{_source_words(ctx, direct_way(ctx, course.transport), course)}"


def _source_words(ctx: Context, way: ConnectOptions, course: AttemptRoute) -> str:
    """Words about the EHLO name, the proxy and the source addresses of our connections."""
    words = f", as {way.ehlo_name}"
    if course.transport is not None and course.transport.socks is not None:
        return f"{words}, through the proxy {course.transport.socks.address}"
    own = [str(one) for one in (ctx.local_addresses.ipv4, ctx.local_addresses.ipv6) if one is not None]
    if own:
        words += f", from {' and '.join(own)}"
    if way.family is not None:
        return f"{words}, over IPv{way.family} only"
    if way.avoid_ipv6:
        return f"{words}, over IPv4 if available, because this server has no IPv6 address with matching reverse DNS"
    return f"{words}, over IPv6 first"


async def _directly(
    ctx: Context, message: Message, course: AttemptRoute, explanation: Explanation
) -> tuple[Explanation, list[tuple[HostPlan, Host]]]:
    """Look up DNS and the MTA-STS policy, then plan each host, in the order of delivery. Raises SMTPError."""
    domain = message.recipient.address.domain if message.recipient.address is not None else None
    before = None if domain is None else await ctx.policies.kept(domain)
    destination = await destination_of(ctx, message)
    if destination.domain is not None:
        after = await ctx.policies.kept(destination.domain)
        mtasts = _mtasts(destination.standing, before, after, ctx.clock())
        waits = waits_for_policy(destination.standing, message, destination.domain)
        explanation = msgspec.structs.replace(explanation, mtasts=mtasts)
        if waits is not None:
            explanation = _failed(explanation, waits)
    way = direct_way(ctx, course.transport)
    hosts: dict[str, tuple[HostPlan, Host]] = {}

    async def look(name: str) -> None:
        hosts[name] = await _plan(ctx, message, name, way, destination)

    async with trio.open_nursery() as nursery:  # concurrently, in case the name server is slow
        for name in destination.hosts.names:
            nursery.start_soon(look, name)
    explanation = msgspec.structs.replace(explanation, dnssec=destination.hosts.authentic)
    return explanation, [hosts[name] for name in destination.hosts.names]


async def _met_by(ctx: Context, message: Message, hosts: Sequence[tuple[HostPlan, Host]]) -> list[HostPlan]:
    """Connect to hosts until one is good; returns their plans with the replies."""
    plans: list[HostPlan] = []
    visits = MAX_VISITS
    for plan, host in hosts:
        if visits and not plan.refusal and not plan.pause:
            seen = await _visit(ctx, message, host)
            plans.append(msgspec.structs.replace(plan, met=_met(seen)))
            visits = visits - 1 if goes_elsewhere(seen.error) else 0
        else:
            plans.append(plan)
    return plans


def _mtasts(standing: EffectivePolicy, before: STSPolicyRow | None, after: STSPolicyRow | None, now: int) -> MTASTS:
    problem = str(standing.failure) if standing.failure is not None else ""
    if standing.unknown:
        problem = "can't look up the policy in DNS"
    policy = standing.policy
    if policy is None:
        return MTASTS(problem=problem)
    known = before is not None and before.valid_end > now and before.mode != ""
    source = (
        "kept"
        if known and before is not None and after is not None and before.last_update == after.last_update
        else "fetched"
    )
    row = after or before
    return MTASTS(
        mode=policy.mode,
        mx=policy.mx,
        source=source,
        fetched=rfc3339(row.last_update if row is not None else now),
        until=rfc3339(row.valid_end if row is not None else now + policy.max_age * SECOND),
        problem=problem,
    )


async def _plan(
    ctx: Context, message: Message, name: str, way: ConnectOptions, destination: Destination
) -> tuple[HostPlan, Host]:
    """Plan one host; returns the plan and the values for connecting to it, without addresses if it cannot be connected
    to.
    """
    try:
        addresses, _ = await addresses_for(ctx, message, name, way, destination)
    except SMTPError as exc:
        plan = HostPlan(name=name, refusal=str(exc)[:MAX_TEXT])
        return plan, Host(name, way, HostPolicy(words="opportunistic"))
    secure = addresses if destination.domain is not None and destination.hosts.authentic else None
    policy, records = await policy_for(ctx, message, name, secure, destination)
    host = Host(name, way, policy, addresses.ips)
    usable = records.usable if isinstance(records, dane.HostRecords) else ()
    plan = HostPlan(
        name=name,
        addresses=tuple(map(str, addresses.ips)),
        policies=policy.words,
        demand=_demand(policy),
        tlsa=tuple(f"{tlsa.usage} {tlsa.selector} {tlsa.matching} {tlsa.data.hex()}" for tlsa in usable),
        tlsa_name=records.base if isinstance(records, dane.HostRecords) else "",
        tlsa_problem=_tlsa_problem(records),
        refusal="" if policy.refusal is None else policy.refusal.text,
        pause=ctx.load.pause_of(host.key, ctx.clock()),
    )
    return plan, host


def _tlsa_problem(records: dane.HostRecords | DNSError | None) -> str:
    if isinstance(records, DNSError):
        return f"can't look up TLSA records: {records}"[:MAX_TEXT]
    if records is not None and records.others:
        return f"unusable TLSA records: {records.others}"
    return ""


def _demand(policy: HostPolicy) -> str:
    """The demands on the host's TLS, in words."""
    if policy.mode is TLSMode.OPPORTUNISTIC:
        return "TLS if offered, with any certificate, otherwise plain text"
    demands = []
    if policy.records:
        demands.append(f"a certificate that matches the TLSA records (name {policy.server_name})")
    if policy.pkix == "enforce":
        demands.append("a certificate from a trusted CA for its name")
    return "TLS, with " + " and ".join(demands) if demands else "TLS with any certificate"


async def _visit(ctx: Context, message: Message, host: Host) -> HostCheck:
    with trio.move_on_after(VISIT_SECONDS):
        return await visit(ctx, message, host)
    late = SMTPError(False, 0, "4.4.2", "session", f"timed out after {VISIT_SECONDS:.0f} s")
    return HostCheck("", "", (), "", "", late)


def _met(seen: HostCheck) -> Met:
    return Met(
        ip=seen.ip,
        greeting=seen.greeting[:MAX_TEXT],
        keywords=seen.keywords,
        tls=seen.tls,
        policies=seen.policies or ("clear" if seen.keywords else ""),
        error="" if seen.error is None else str(seen.error)[:MAX_TEXT],
    )
