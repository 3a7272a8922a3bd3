"""Output of ``moxlite queue explain`` (QUEUE-182)."""

from collections.abc import Iterator

from moxlite.queue.explaining.values import MTASTS, Explanation, HostPlan, Met, Waiting


def leaves(found: Explanation) -> bool:
    """Whether a message would be tried now, and, as far as hosts were contacted, one would accept it."""
    if found.error or found.suppressed or found.stopped:
        return False
    if not found.hosts:
        return True
    usable = [host for host in found.hosts if not host.refusal and not host.pause]
    met = [host.met for host in usable if host.met is not None]
    return bool(usable) and (not met or any(not one.error for one in met))


def told(found: Explanation) -> Iterator[str]:
    """Format an explanation as lines for people."""
    sender = f" from {found.sender}" if found.sender else ""
    account = f" (account {found.account})" if found.account else ""
    yield f"a message to {found.recipient}{sender}{account}:"
    if found.suppressed:
        yield f"  FAILS AT ONCE: the account sends nothing to this address: {found.suppressed}"
    if found.stopped:
        yield f"  WAITS: the account is stopped: {found.stopped}"
    transport = f" by transport {found.transport}" if found.transport else ""
    yield f"  way{transport}: {found.way}"
    if found.error:
        yield f"  {'FAILS' if found.permanent else 'WAITS'}: {found.error}"
    yield f"  {_waiting(found.waiting)}"
    if found.mtasts is not None:
        yield f"  MTA-STS: {_mtasts(found.mtasts)}"
    if found.hosts:
        yield f"  DNSSEC vouches for the names of the hosts: {'yes' if found.dnssec else 'no'}"
    for number, host in enumerate(found.hosts, 1):
        yield f"  host {number}: {host.name}"
        for line in _host(host):
            yield f"    {line}"


def _waiting(waiting: Waiting) -> str:
    if not waiting.messages:
        return "nothing else waits for that domain" + (f"; {waiting.why}" if waiting.why else "")
    held = f", {waiting.held} of them on hold" if waiting.held else ""
    why = f": {waiting.why}" if waiting.why else ""
    return f"messages that wait for that domain: {waiting.messages}{held}, the oldest since {waiting.oldest}{why}"


def _mtasts(policy: MTASTS) -> str:
    problem = f" ({policy.problem})" if policy.problem else ""
    if not policy.mode:
        return f"no policy{problem}"
    when = f"{policy.source}, of {policy.fetched}, in force until {policy.until}"
    return f"{policy.mode}, hosts {', '.join(policy.mx) or 'none'}; {when}{problem}"


def _host(host: HostPlan) -> Iterator[str]:
    if host.addresses:
        yield f"addresses: {', '.join(host.addresses)}"
    if host.tlsa_name:
        yield f"TLSA at {host.tlsa_name}: {'; '.join(host.tlsa) or 'none that can be used'}"
    if host.tlsa_problem:
        yield host.tlsa_problem
    if host.refusal:
        yield f"NOT USED: {host.refusal}"
        return
    yield f"demanded ({host.policies}): {host.demand}"
    if host.pause:
        yield f"LEFT ALONE: {host.pause}"
    if host.met is not None:
        yield from _met(host.met)


def _met(met: Met) -> Iterator[str]:
    if met.ip:
        yield f"connected to {met.ip}"
    if met.greeting:
        yield f"greeting: {met.greeting}"
    if met.keywords:
        yield f"offers: {' '.join(met.keywords)}"
    if met.policies:
        yield f"TLS: {met.tls or 'none'} ({met.policies})"
    yield f"WOULD FAIL: {met.error}" if met.error else "a message would be sent over this connection"
