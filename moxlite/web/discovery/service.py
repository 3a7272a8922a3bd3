"""The handlers of autoconfig, autodiscover and Apple profiles (WEB-123..126, 128)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import trio
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from moxlite import lazyimport
from moxlite.admin.dns.policies import allowed_patterns
from moxlite.admin.offer import Offer, agent_configuration, offer_for
from moxlite.config.snapshot import CurrentConfig
from moxlite.net.tls.certificates import KeyPair
from moxlite.normal import visible
from moxlite.proto.address import Address, AddressError, Domain
from moxlite.web import metrics
from moxlite.web.headers import disposition
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.exchange import Request, ResponseWriter, query_parameters
from moxlite.web.http.messages import Response
from moxlite.web.http.paths import Host

CONFIG_PATHS: Final = (
    "/mail/config-v1.1.xml",
    "/.well-known/autoconfig/mail/config-v1.1.xml",
    "/.well-known/mail-v1.xml",
)
AUTODISCOVER: Final = "/autodiscover/autodiscover.xml"
PROFILE: Final = "/profile.mobileconfig"
AGENTS: Final = "/.well-known/user-agent-configuration.json"

MAX_REQUEST: Final = 2 << 10
"""Octets of an autodiscover request, which is read on the event loop (`ON_LOOP` of DAV); Outlook sends about 400."""

MAX_ADDRESSES: Final = 20
"""Addresses in one profile."""

MAX_NAME: Final = 200
"""Characters of the name in a profile; a visitor chooses it, and a device shows it as sender."""

LABELS: Final = ("autoconfig.", "autodiscover.", "ua-auto-config.")

Certificate = Callable[[str], KeyPair | None]


class Discovery:
    """Serves the settings of mail programs.

    Args:
      config: returns the current configuration.
      certificate: returns the certificate of a listener by its name; it signs profiles.
    """

    def __init__(self, config: CurrentConfig, certificate: Certificate) -> None:
        self._config = config
        self._certificate = certificate

    def concerns(self, host: Host) -> bool:
        """Whether settings are served at this host: a domain of ours, a name below it, or a host in its settings."""
        return host.name is not None and self._domain(host) is not None

    async def autoconfig(self, request: Request, writer: ResponseWriter) -> None:
        """Answer with Mozilla's settings, for an address or for the domain of the host."""
        _only(request, "GET", "HEAD")
        text = _parameter(request, "emailaddress")
        address: str | None
        if text:
            address, offer = self._address(text, "autoconf")
        else:
            domain = self._domain(request.host)
            if domain is None:
                metrics.autoconf_requests.labels(domain="(unknown)").inc()
                raise HTTPError(400, "No mail settings found for this domain.")
            metrics.autoconf_requests.labels(domain=domain.ascii).inc()
            address, offer = None, self._offer(domain)
        await lazyimport.load(DOCUMENTS)
        from moxlite.web.discovery.documents import client_config

        document = client_config(offer, address)
        await writer.respond(Response(200, (("content-type", "text/xml; charset=utf-8"), *NO_STORE), document))

    async def agents(self, request: Request, writer: ResponseWriter) -> None:
        """Answer with the settings of a domain at its name ``ua-auto-config.`` (PACC)."""
        _only(request, "GET", "HEAD")
        domain = self._domain(request.host) if (request.host.name or "").startswith("ua-auto-config.") else None
        metrics.autoconf_requests.labels(domain="(unknown)" if domain is None else domain.ascii).inc()
        if domain is None:
            raise HTTPError(404, "No mail settings found for this domain.")
        document = agent_configuration(self._offer(domain))
        await writer.respond(Response(200, (("content-type", "application/json"), *NO_STORE), document))

    async def autodiscover(self, request: Request, writer: ResponseWriter) -> None:
        """Answer with Outlook's settings. The request is XML with an address."""
        _only(request, "POST")
        body = await request.body.read(MAX_REQUEST)
        await lazyimport.load(DOCUMENTS)
        from moxlite.web.discovery.documents import asked_address, outlook_settings

        try:
            asked = asked_address(body)
        except ValueError as error:
            raise HTTPError(400, str(error)) from None
        address, offer = self._address(asked, "autodiscover")
        document = outlook_settings(offer, address)
        await writer.respond(Response(200, (("content-type", "text/xml; charset=utf-8"), *NO_STORE), document))

    async def profile(self, request: Request, writer: ResponseWriter) -> None:
        """Answer with a profile for Apple's devices, signed if the certificate is issued by a CA."""
        _only(request, "GET", "HEAD")
        asked = [one for one in _parameter(request, "addresses").split(",") if one]
        if not asked or len(asked) > MAX_ADDRESSES:
            raise HTTPError(400, f"Specify 1 to {MAX_ADDRESSES} addresses in the addresses parameter.")
        found = [self._address(one, "autoconf") for one in asked]
        offer = found[0][1]
        if any(one.domain != offer.domain for _, one in found):
            raise HTTPError(400, "All addresses in a profile must have the same domain.")
        name = visible(_parameter(request, "name"), "")[:MAX_NAME]
        addresses = [address for address, _ in found]
        pair = self._certificate(request.info.listener)
        await writer.respond(await profile_response(offer, addresses, name, pair))

    def _domain(self, host: Host) -> Domain | None:
        """The domain of ours that a host belongs to."""
        if host.name is None:
            return None
        # The whole name first: autoconfig.example may be a domain of ours itself.
        settings = self._config.current.derived.client_hosts.get(host.name)
        labels = [host.name.removeprefix(label) for label in LABELS if host.name.startswith(label)]
        for name in (host.name, *labels, *([] if settings is None else [settings])):
            try:
                domain = Domain.parse(name)
            except AddressError:
                continue
            if self._served(domain):
                return domain
        return None

    def _served(self, domain: Domain) -> bool:
        snapshot = self._config.current
        return snapshot.domain(domain) is not None and domain.ascii not in snapshot.derived.reports_only

    def _address(self, text: str, kind: str) -> tuple[str, Offer]:
        """Check an address; returns it in ASCII, and the settings of its domain. Raises HTTPError 400."""
        counter = metrics.autoconf_requests if kind == "autoconf" else metrics.autodiscover_requests
        try:
            address = Address.parse(text)
        except AddressError:
            counter.labels(domain="(unknown)").inc()
            raise HTTPError(400, "This isn't a valid email address.") from None
        # The domain is checked, the address never: the answer would tell strangers which accounts there are.
        if not self._served(address.domain):
            counter.labels(domain="(unknown)").inc()
            raise HTTPError(400, "No mail settings found for this domain.")
        counter.labels(domain=address.domain.ascii).inc()
        return address.pack(smtputf8=not address.localpart.isascii()), self._offer(address.domain)

    def _offer(self, domain: Domain) -> Offer:
        return offer_for(self._config.current, domain)


def _parameter(request: Request, name: str) -> str:
    return next((value for key, value in query_parameters(request).items() if key.lower() == name), "")


def _only(request: Request, *methods: str) -> None:
    if request.method not in methods:
        raise HTTPError(405, f"Use {methods[0]}.", (("allow", ", ".join(methods)),))


# Apple profiles as answers: made when they are asked for, and signed where that can be verified (WEB-126).


DOCUMENTS: Final = "moxlite.web.discovery.documents"
"""Module with XML and CMS: 4 MB that are not loaded before a client asks."""

NO_STORE: Final = (("cache-control", "no-store"), ("x-content-type-options", "nosniff"))

RSA_OR_EC: Final = (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)
"""Types of keys that can sign CMS messages."""


async def profile_response(
    offer: Offer, addresses: Sequence[str], name: str, pair: KeyPair | None, *, password: str = ""
) -> Response:
    """The download of a profile with these addresses, signed if the certificate of the listener is issued by a CA."""
    await lazyimport.load(DOCUMENTS)
    from moxlite.web.discovery.documents import apple_profile, signed

    profile = apple_profile(offer, addresses, name, password)
    # A device cannot verify a signature by a certificate that we signed ourselves.
    if pair is not None and pair.leaf.issuer != pair.leaf.subject and isinstance(pair.key, RSA_OR_EC):
        profile = await trio.to_thread.run_sync(signed, profile, pair)
    headers = (
        ("content-type", "application/x-apple-aspen-config"),
        disposition(f"email-account-{addresses[0]}.mobileconfig"),
        *NO_STORE,
    )
    return Response(200, headers, profile)


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
            raise HTTPError(405, "Use GET to view this.", (("allow", "GET, HEAD"),))
        snapshot = self._config.current
        name = (request.host.name or "").removeprefix(LABEL)
        domain = snapshot.derived.domains.get(name)
        if domain is None or domain.mtasts is None:
            raise HTTPError(404, "No MTA-STS policy found for this domain.")
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
        # For this host alone: another name that a stranger leads here gets no answer with which to prove it.
        text = self._answer(request.host.name or "", token)
        if text is None or request.method not in ("GET", "HEAD"):
            raise HTTPError(404, "Page not found.")
        await writer.respond(Response(200, (("content-type", "application/octet-stream"), NOT_SNIFFED), text.encode()))
