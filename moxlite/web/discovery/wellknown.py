"""Answers below ``/.well-known/``: our own MTA-STS policies (WEB-127, RFC 8461 §3.2), and the http-01 challenge, by
which a CA validates that a name is ours (RFC 8555 §8.3; WEB-113).
"""

from collections.abc import Callable
from typing import Final

from moxlite.admin.dns.policies import allowed_patterns
from moxlite.config.snapshot import CurrentConfig
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.exchange import Request, ResponseWriter
from moxlite.web.http.messages import Response
from moxlite.web.http.paths import Host

# Serving our own MTA-STS policies (WEB-127, RFC 8461 §3.2).


POLICY_PATH: Final = "/.well-known/mta-sts.txt"
LABEL: Final = "mta-sts."


class Policies:
    """Serves the policies of all domains. Disabled domains keep theirs, because senders have cached them."""

    def __init__(self, config: CurrentConfig) -> None:
        self._config = config

    def concerns(self, host: Host) -> bool:
        """Whether the host is the ``mta-sts.`` name of a domain."""
        return host.name is not None and host.name.startswith(LABEL)

    async def handle(self, request: Request, writer: ResponseWriter) -> None:
        """Answer GET and HEAD with the policy of the domain in the host's name."""
        if request.method not in ("GET", "HEAD"):
            raise HTTPError(405, "This can only be fetched.", (("allow", "GET, HEAD"),))
        snapshot = self._config.current
        name = (request.host.name or "").removeprefix(LABEL)
        domain = snapshot.derived.domains.get(name)
        if domain is None or domain.mtasts is None:
            raise HTTPError(404, "There is no policy for this domain.")
        policy = domain.mtasts
        lines = ["version: STSv1", f"mode: {policy.mode}"]
        lines += [f"mx: {host}" for host in allowed_patterns(snapshot, policy)]
        lines.append(f"max_age: {int(policy.max_age)}")
        headers = (("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-cache, max-age=0"))
        await writer.respond(Response(200, headers, "".join(f"{line}\r\n" for line in lines).encode("ascii")))


# Answers to the http-01 challenge, by which a CA validates that a name is ours (RFC 8555 §8.3; WEB-113).


CHALLENGE_PATH: Final = "/.well-known/acme-challenge/"


NOT_SNIFFED: Final = ("x-content-type-options", "nosniff")


class ChallengeAnswers:
    """Answers challenges of the certificate orders that are under way.

    Args:
      answer: to a host (A-labels) and a token; None for nothing.
    """

    def __init__(self, answer: Callable[[str, str], str | None]) -> None:
        self._answer = answer

    async def handle(self, request: Request, writer: ResponseWriter) -> None:
        """Answer GET and HEAD."""
        token = request.path.removeprefix(CHALLENGE_PATH)
        text = self._answer(request.host.name or "", token)
        if text is None or request.method not in ("GET", "HEAD"):
            raise HTTPError(404, "There is nothing at this address.")
        await writer.respond(Response(200, (("content-type", "application/octet-stream"), NOT_SNIFFED), text.encode()))
