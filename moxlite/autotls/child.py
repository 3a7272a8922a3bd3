"""The process that speaks with a CA (`own_program`): one job from stdin, events to stdout.

The only module that imports `acme` and `josepy` (30 MB, and blocking). The process inherits only its two pipes from the
server. Its memory and its time are limited, because a CA may send anything.
"""

import datetime as dt
import json
import ssl
import sys
import time
from email.utils import parsedate_to_datetime
from typing import Any, Final, NoReturn

import msgspec
import requests
from acme import challenges, client, errors, jws, messages
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from josepy.errors import Error as JoseError
from josepy.json_util import field
from josepy.jwa import ES256
from josepy.jwk import JWK, JWKEC
from josepy.util import ComparableECKey

from moxlite import __version__
from moxlite.autotls.messages import (
    MAX_LINE,
    PROVED,
    Authority,
    Event,
    Failed,
    Issued,
    Job,
    KeyChange,
    KeyChanged,
    Order,
    Ping,
    Pong,
    Prove,
    Registered,
    Window,
    Windows,
    WindowsAsked,
)
from moxlite.encoding import from_json, to_json
from moxlite.prctl import bound_child
from moxlite.wording import plain_reason

SECONDS: Final = 240
"""Seconds after which the system ends the process: longer than the server waits."""
MEMORY: Final = 768 << 20
"""Octets of address space; 250 MB are in use with all libraries loaded."""
ORDER_SECONDS: Final = 120
"""Seconds from the order to the certificate. Let's Encrypt takes some seconds."""

REQUEST_SECONDS: Final = 30
"""Seconds for one request: an authority under load answers late, and the order as a whole has its own bound."""

NONCES: Final = 20
"""Times that a request is repeated because the CA rejects its nonce (RFC 8555 §6.5)."""
CLOCK: Final = 300.0
"""Seconds of difference between the CA's clock and ours above which it is reported."""
TEXT: Final = 1000
"""Characters of an error's text."""
ASK_AGAIN: Final = 6 * 3600.0
"""Seconds after which renewal information is requested again if the CA gives no time (RFC 9773 §4.3.2)."""


@challenges.ChallengeResponse.register
class TLSALPNResponse(challenges.KeyAuthorizationChallengeResponse):
    """The response to tls-alpn-01 (RFC 8737); the library has dropped its own."""

    typ = "tls-alpn-01"


@challenges.Challenge.register
class TLSALPN(challenges.KeyAuthorizationChallenge):
    """The challenge tls-alpn-01 (RFC 8737 §3). The server makes the certificate."""

    response_cls = TLSALPNResponse
    typ = TLSALPNResponse.typ

    def validation(self, account_key: JWK, **_: Any) -> NoReturn:
        """Not used here."""
        raise NotImplementedError


class ReplacingOrder(messages.NewOrder):
    """An order that names the certificate it replaces (RFC 9773 §5)."""

    replaces: str | None = field("replaces", omitempty=True)


class CertificateWindow(msgspec.Struct):
    """The renewal window of a certificate (RFC 9773 §4.2)."""

    start: dt.datetime
    end: dt.datetime


class RenewalInfo(msgspec.Struct, rename={"window": "suggestedWindow"}):
    """The response of the renewalInfo resource (RFC 9773 §4.2)."""

    window: CertificateWindow


class Network(client.ClientNetwork):
    """The library's connection. It also notes the CA's clock and Retry-After, and repeats requests with a rejected
    nonce.
    """

    retry_after: float | None = None
    clock: float | None = None
    status: int = 0

    def post(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request, repeated with another nonce as long as the CA rejects it (RFC 8555 §6.5)."""
        for _ in range(NONCES - 1):
            try:
                return self._post_once(*args, **kwargs)
            except messages.Error as error:
                if error.code != "badNonce":
                    raise
        return self._post_once(*args, **kwargs)

    def _send_request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        response = super()._send_request(method, url, *args, **kwargs)
        self.status = response.status_code
        if response.status_code in (429, 503):
            self.retry_after = retry_after(response, None)
        try:
            ahead = parsedate_to_datetime(response.headers["Date"]).timestamp() - time.time()
        except (KeyError, ValueError, TypeError):
            ahead = 0.0
        self.clock = ahead if abs(ahead) > CLOCK else None
        return response


def retry_after(response: requests.Response, default: float | None) -> float | None:
    """Seconds in the field Retry-After (RFC 9110 §10.2.3)."""
    text = response.headers.get("Retry-After", "")
    if text.isdecimal() and len(text) < 10:
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return default


class Conversation:
    """All requests to one CA."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._key = account_key(authority.account_key)
        self.net = Network(
            self._key,
            alg=ES256,
            verify_ssl=authority.ca_file or system_roots(),  # type: ignore[arg-type]  # requests takes a path as well
            user_agent=f"moxlite/{__version__}",
            timeout=REQUEST_SECONDS,
        )

    def open(self) -> messages.Directory:
        """Fetch the directory (RFC 8555 §7.1.1)."""
        self.directory = messages.Directory.from_json(self.net.get(self._authority.directory).json())
        self._acme = client.ClientV2(self.directory, self.net)
        return self.directory

    def register(self) -> None:
        """Find our account, or create it (RFC 8555 §7.3)."""
        uri = self._account(self._key)
        self._log_in(uri)
        tell(Registered(uri))

    def change_key(self, new: JWKEC) -> KeyChanged:
        """Put our account under a new key (RFC 8555 §7.3.5).

        The CA is asked which key has the account before, since an earlier change may have lost its answer, and after
        an error. Raises the error if neither key has the account then.
        """
        if uri := self._existing(new):
            return KeyChanged(uri)
        uri = self._existing(self._key)
        if not uri:
            return KeyChanged("")
        url = self.directory.to_partial_json().get("keyChange")
        if url is None:
            return KeyChanged(uri, "the CA doesn't support account key changes")
        self._log_in(uri)
        former = self._key.public_key().to_partial_json()
        content = json.dumps({"account": uri, "oldKey": former}).encode()
        try:
            self._post(url, jws.JWS.sign(content, key=new, alg=ES256, nonce=None, url=url))
        except (errors.Error, messages.Error) as error:
            reason = words(error, self.net)[:TEXT]
            if self._existing(new):
                return KeyChanged(uri)
            if not self._existing(self._key):
                raise
            return KeyChanged(uri, reason)
        return KeyChanged(uri)

    def _existing(self, key: JWKEC) -> str:
        """The URI of the account that a key has, "" if it has none (RFC 8555 §7.3.1)."""
        try:
            return self._account(key, existing=True)
        except messages.Error as error:
            if error.code == "accountDoesNotExist":
                return ""
            raise

    def _account(self, key: JWKEC, *, existing: bool | None = None) -> str:
        """Find the account of a key, or create it unless it has to exist; returns its URI."""
        binding = None
        if self._authority.eab_kid:
            binding = messages.ExternalAccountBinding.from_data(
                key.public_key(), self._authority.eab_kid, self._authority.eab_key, self.directory
            )
        wanted = messages.NewRegistration.from_data(
            email=self._authority.contact,
            terms_of_service_agreed=True,
            external_account_binding=binding,
            only_return_existing=existing,
        )
        self.net.key, self.net.account = key, None
        return str(self._post(self.directory["newAccount"], wanted).headers["Location"])

    def _log_in(self, uri: str) -> None:
        """Sign what follows with the present key, for the account."""
        self.net.key = self._key
        self.net.account = messages.RegistrationResource(body=messages.Registration(), uri=uri)

    def order(self, job: Order) -> Issued:
        """Order a certificate, from the request to the download (RFC 8555 §7.4)."""
        order = self._new_order(job)
        for authorization in order.authorizations:
            if authorization.body.status == messages.STATUS_PENDING:
                self._prove(authorization.body, job)
        deadline = dt.datetime.now() + dt.timedelta(seconds=ORDER_SECONDS)  # noqa: DTZ005  as the library counts
        order = self._acme.poll_authorizations(order, deadline)
        return Issued(self._acme.finalize_order(order, deadline).fullchain_pem)

    def windows(self, ids: tuple[str, ...]) -> Windows:
        """Fetch renewal windows (RFC 9773 §4.1). A missing answer is no error: renewal times have a fallback."""
        try:
            base = str(self.directory["renewalInfo"]).rstrip("/")
        except KeyError:
            return Windows((None,) * len(ids), supported=False)
        return Windows(tuple(self._window(f"{base}/{one}") for one in ids), supported=True)

    def _window(self, url: str) -> Window | None:
        try:
            response = self.net.get(url)
            info = from_json(response.content, RenewalInfo)
        except (errors.Error, messages.Error, requests.RequestException, ValueError):
            return None
        again = retry_after(response, ASK_AGAIN)
        assert again is not None
        return Window(info.window.start.timestamp(), info.window.end.timestamp(), again)

    def _new_order(self, job: Order) -> messages.OrderResource:
        csr = x509.load_pem_x509_csr(job.csr.encode())
        names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        wanted = [
            messages.Identifier(typ=messages.IDENTIFIER_FQDN, value=name)
            for name in names.get_values_for_type(x509.DNSName)
        ]
        replaces = job.replaces if "renewalInfo" in self.directory.to_partial_json() else ""
        try:
            response = self._new_order_of(wanted, job.profile, replaces)
        except (errors.ConflictError, messages.Error) as error:
            if not replaces or (isinstance(error, messages.Error) and error.code == "rateLimited"):
                raise
            # alreadyReplaced (RFC 9773 §7.4), or a certificate of another account: order without the field
            response = self._new_order_of(wanted, job.profile, "")
        body = messages.Order.from_json(response.json())
        found = [
            messages.AuthorizationResource(body=messages.Authorization.from_json(self._post(url).json()), uri=url)
            for url in body.authorizations
        ]
        return messages.OrderResource(
            body=body, uri=response.headers["Location"], authorizations=found, csr_pem=job.csr.encode()
        )

    def _new_order_of(self, wanted: list[messages.Identifier], profile: str, replaces: str) -> requests.Response:
        order = ReplacingOrder(identifiers=wanted, profile=profile, replaces=replaces)
        return self._post(self.directory["newOrder"], order)

    def _prove(self, authorization: messages.Authorization, job: Order) -> None:
        """Have the server show the proof for the best challenge that the CA offers."""
        offered = {one.chall.typ: one for one in authorization.challenges}
        kind = next((kind for kind in job.kinds if kind in offered), None)
        if kind is None:
            raise ValueError(f"the CA only offers unsupported challenges: {', '.join(map(str, offered))}")
        challenge = offered[kind]
        proof = challenge.chall.key_authorization(self._key)
        tell(Prove(kind, authorization.identifier.value, challenge.chall.encode("token"), proof))
        # The CA may look within milliseconds of the answer, and a failed look costs a whole order.
        if sys.stdin.buffer.readline(len(PROVED)) != PROVED:
            raise SystemExit(1)  # the server is gone
        self._acme.answer_challenge(challenge, challenge.chall.response(self._key))

    def _post(self, url: str, content: Any = None) -> requests.Response:
        return self.net.post(url, content, new_nonce_url=self.directory["newNonce"])


def account_key(pem: str) -> JWKEC:
    """The key of an account."""
    key = load_pem_private_key(pem.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return JWKEC(key=ComparableECKey(key))


def system_roots() -> str | bool:
    """The system's root certificates, or the ones that SSL_CERT_FILE and SSL_CERT_DIR name."""
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.capath or True


def tell(event: Event) -> None:
    """Write an event to stdout."""
    sys.stdout.buffer.write(to_json(event) + b"\n")
    sys.stdout.buffer.flush()


def words(error: Exception, net: Network) -> str:
    """Text for an exception, in the CA's words if it sent any."""
    match error:
        case errors.ValidationError():
            return "; ".join(
                f"{authorization.body.identifier.value} ({challenge.chall.typ}): {problem(challenge.error)}"
                for authorization in error.failed_authzrs
                for challenge in authorization.body.challenges
                if challenge.error is not None
            )
        case errors.IssuanceError():
            return problem(error.error)
        case messages.Error():
            return problem(error)
        case errors.TimeoutError():
            return f"the CA didn't complete the order within {ORDER_SECONDS} s"
        case requests.RequestException():
            return f"can't reach the certificate authority (CA): {unreachable(error)}"
        case errors.Error() if net.status >= 400:
            return f"the CA returned HTTP status {net.status}"
        case MemoryError():
            return "the CA's response is too large"
        case _:
            return f"unexpected response from the CA: {plain_reason(error)}"


def unreachable(error: requests.RequestException) -> str:
    """The system's reason without the names of Python's objects, which requests wraps around it twice."""
    inner = error.args[0] if error.args else error
    reason = getattr(inner, "reason", inner)
    text = plain_reason(reason) if isinstance(reason, BaseException) else str(reason)
    return text.partition("): ")[2] or text


def is_unreachable(error: Exception) -> bool:
    """Whether the CA could not connect to the place of the proofs (RFC 8555 §6.7, ``connection``)."""
    if not isinstance(error, errors.ValidationError):
        return False
    found = [challenge.error for authorization in error.failed_authzrs for challenge in authorization.body.challenges]
    return any(one is not None and one.code == "connection" for one in found)


def problem(error: messages.Error) -> str:
    """Text of a problem document (RFC 7807), with its subproblems for single names (RFC 8555 §6.7.1)."""
    parts = [error.detail or error.title or error.description or "the CA didn't give a reason"]
    parts += [problem(subproblem) for subproblem in error.subproblems or ()]
    return "; ".join(parts)


def work(job: Job) -> Event:
    """Do a job; returns the last event."""
    if isinstance(job, Ping):
        return Pong()
    conversation = Conversation(job.authority)
    net = conversation.net
    try:
        conversation.open()
        if isinstance(job, WindowsAsked):
            return conversation.windows(job.ids)
        if isinstance(job, KeyChange):
            return conversation.change_key(account_key(job.new_key))
        conversation.register()
        return conversation.order(job)
    except (
        *(errors.Error, messages.Error, JoseError, requests.RequestException),
        *(ValueError, LookupError, TypeError, AttributeError, AssertionError, MemoryError, OSError),
    ) as error:
        return Failed(words(error, net)[:TEXT], net.retry_after, net.clock, is_unreachable(error))


def main() -> None:
    """Do the one job of this process."""
    bound_child(SECONDS, MEMORY)
    job: Job = from_json(sys.stdin.buffer.readline(MAX_LINE), Job)
    tell(work(job))
