"""How a message to an address would leave, as `queue explain` tells it (QUEUE-182): values only.

Nothing else is imported here: a command has to start fast (ADMIN-83).
"""

import msgspec

__all__ = ["MTASTS", "Explanation", "HostPlan", "Met", "Waiting"]


class Waiting(msgspec.Struct, frozen=True):
    """What waits for a domain: how many messages, how many of them on hold, since when the oldest (RFC 3339, "" for
    none), and for what, where that is known.
    """

    messages: int = 0
    held: int = 0
    oldest: str = ""
    why: str = ""


class MTASTS(msgspec.Struct, frozen=True, kw_only=True):
    """The MTA-STS policy of a domain. `mode`: "" for none. `source`: `kept`, or `fetched` for this answer; "" without a
    policy. `fetched`, `until`: RFC 3339. `problem`: what went wrong with getting it.
    """

    mode: str = ""
    mx: tuple[str, ...] = ()
    source: str = ""
    fetched: str = ""
    until: str = ""
    problem: str = ""


class Met(msgspec.Struct, frozen=True, kw_only=True):
    """What a host has said to a connection: address, greeting, keywords of EHLO, TLS with the policies that were
    satisfied (`clear` without). `error`: why no message would go over it.
    """

    ip: str
    greeting: str
    keywords: tuple[str, ...]
    tls: str
    policies: str
    error: str


class HostPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A host, in its place in the order.

    Attributes:
      addresses: in the order to try them.
      policies: that hold for it (``dane sts``), or ``opportunistic``.
      demand: what TLS it must show, a sentence.
      tlsa: usable TLSA records, as in zone files; tlsa_name: the name that they stand under; tlsa_problem.
      refusal: why nothing would be sent to it.
      pause: why it is left alone at this moment.
      met: what it said, with ``--connect``; None where it was not asked.
    """

    name: str
    addresses: tuple[str, ...] = ()
    policies: str = ""
    demand: str = ""
    tlsa: tuple[str, ...] = ()
    tlsa_name: str = ""
    tlsa_problem: str = ""
    refusal: str = ""
    pause: str = ""
    met: Met | None = None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer.

    Attributes:
      sender, account: by whose routes; "" for those of all.
      course: nowhere, loopback, relay, local or direct. transport: its name, "" for none.
      way: the course in words.
      suppressed: why the account sends nothing there, "" where it does.
      stopped: why the account sends nothing at all (SMTP-170), "" where it does.
      error: why no host can be found, or the message would wait. permanent: it would fail for good.
      dnssec: the names of the hosts are vouched for.
    """

    recipient: str
    sender: str
    account: str
    course: str
    transport: str
    way: str
    suppressed: str = ""
    stopped: str = ""
    waiting: Waiting = Waiting()
    error: str = ""
    permanent: bool = False
    dnssec: bool = False
    mtasts: MTASTS | None = None
    hosts: tuple[HostPlan, ...] = ()
