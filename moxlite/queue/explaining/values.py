"""Values of the answer to `queue explain` (QUEUE-182).

Nothing else is imported here: a command has to start fast (ADMIN-83).
"""

import msgspec


class Waiting(msgspec.Struct, frozen=True):
    """Waiting mail for a domain: number of messages, number on hold, when the oldest was queued (RFC 3339, "" for
    none), and the reason if known.
    """

    messages: int = 0
    held: int = 0
    oldest: str = ""
    why: str = ""


class MTASTS(msgspec.Struct, frozen=True, kw_only=True):
    """The MTA-STS policy of a domain. `mode`: "" for none. `source`: `kept`, or `fetched` for this answer; "" without a
    policy. `fetched`, `until`: RFC 3339. `problem`: the error of the look-up.
    """

    mode: str = ""
    mx: tuple[str, ...] = ()
    source: str = ""
    fetched: str = ""
    until: str = ""
    problem: str = ""


class Met(msgspec.Struct, frozen=True, kw_only=True):
    """A connection to a host: its address, greeting, EHLO keywords, TLS, and the satisfied policies (`clear` without
    TLS). `error`: why no message would be sent over it.
    """

    ip: str
    greeting: str
    keywords: tuple[str, ...]
    tls: str
    policies: str
    error: str


class HostPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The delivery plan for one host.

    Attributes:
      addresses: in the order of delivery.
      policies: its TLS policies (``dane sts``), or ``opportunistic``.
      demand: the demands on its TLS, a sentence.
      tlsa: usable TLSA records, as in zone files. tlsa_name: their owner name. tlsa_problem: the error of their
        look-up.
      refusal: why no message would be sent to it, "" if it would.
      pause: why it is paused now, "" if it is not.
      met: the connection to it, with ``--connect``; None if there was none.
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
      sender, account: the sender and account whose routes apply; "" for the global routes.
      course: nowhere, loopback, relay, local or direct. transport: its name, "" for none.
      way: the course in words.
      suppressed: why the account sends nothing to the address, "" if it does.
      stopped: why the account sends nothing at all (SMTP-170), "" if it does.
      error: why no host can be found, or why the message would wait. permanent: the message would fail for good.
      dnssec: DNSSEC authenticates the names of the hosts.
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
