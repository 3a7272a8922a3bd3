"""A SASL exchange of any protocol: the mechanism's steps from proto/sasl, with credentials and records from `Logins`.

SMTP and IMAP wrap the octets (base64, ``334``, ``+``) and translate the exceptions; everything between is here::

    with await start_exchange(logins, request, "SCRAM-SHA-256", hostname=…, bindings=…, certificate=…) as exchange:
        outcome = await exchange.step(initial_response)
        while isinstance(outcome, Challenge):
            outcome = await exchange.step(await answer_to(outcome.data))

The attempt is counted as a failure as soon as the user name is known, before anything is checked (SMTP-138). If the
client disconnects in the middle, the failure stays counted when it had already sent a proof.
"""

from types import TracebackType
from typing import Self, assert_never

from moxlite.config.snapshot import AccountRecipient
from moxlite.logins.guessing import Attempt
from moxlite.logins.identity import (
    BadChannelBinding,
    BadExchange,
    Candidate,
    ForeignIdentity,
    Identity,
    LoginRefused,
    LoginRequest,
    NoSecrets,
    WrongCredentials,
)
from moxlite.logins.logins import Logins
from moxlite.proto.sasl import (
    NO_BINDINGS,
    AuthenticationFailed,
    AuthorizationFailed,
    Challenge,
    ChannelBindingFailed,
    ChannelBindings,
    CheckCertificate,
    CheckPassword,
    Done,
    NeedCredentials,
    SASLError,
    SecretsMissing,
    ServerMechanism,
    Step,
    Withheld,
    server_mechanism,
)
from moxlite.store.errors import StoreError


class UnknownMechanism(LoginRefused):
    """No mechanism of this name is served, or it isn't offered on this connection."""


async def start_exchange(
    logins: Logins,
    request: LoginRequest,
    mechanism: str,
    *,
    hostname: str,
    bindings: ChannelBindings = NO_BINDINGS,
    plus_announced: bool = True,
    certificate: Identity | None = None,
) -> "Exchange":
    """Begin an exchange, after the checks and the delay of `Attempts.admit`.

    Args:
      mechanism: as the client named it; whether it's allowed without TLS is the caller's rule.
      hostname: for the challenge of CRAM-MD5.
      bindings: what SCRAM-…-PLUS can be bound to on this TLS connection.
      plus_announced: whether these mechanisms are announced where there are bindings.
      certificate: identity of the client's certificate, if that is known: EXTERNAL uses it, other mechanisms must be
        for the same account.

    Raises:
      RateLimited, UnknownMechanism: see there.
    """
    state = server_mechanism(mechanism, hostname=hostname, bindings=bindings, plus_announced=plus_announced)
    if state is None:
        raise UnknownMechanism("unknown mechanism")
    await logins.attempts.admit(request)
    return Exchange(logins, request, state, certificate)


class Exchange:
    """One exchange, for a ``with`` block. It ends with an `Identity` or an exception, and cannot be used again."""

    def __init__(
        self, logins: Logins, request: LoginRequest, mechanism: ServerMechanism, certificate: Identity | None
    ) -> None:
        self._logins = logins
        self._request = request
        self._mechanism = mechanism
        self._certificate = certificate
        self._variant = mechanism.name.lower()
        self._username = ""
        self._candidates: list[Candidate] = []
        self._attempt: Attempt | None = None
        self._proof = False  # the client has sent a proof, which is checked against the candidates

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, StoreError):
            self._proof = False  # it could not be checked
        self._close()

    def _close(self) -> None:
        """Settle the attempt if it is still undecided: a failure if the client has sent a proof, else not counted."""
        if self._attempt is None:
            return
        if self._proof:
            self._attempt.fail()
        else:
            self._attempt.give_back()

    async def step(self, data: bytes | None) -> Challenge | Identity:
        """Take what the client sent (None: no initial response); returns the challenge to send, or the client's
        identity.

        Raises:
          RateLimited: see there.
          WrongCredentials, BadChannelBinding, BadExchange, NoSecrets, LoginDisabled, NotPermitted: see there; already
            recorded.
        """
        # The first message names the user; what comes after that is a proof. A client that leaves before it has guessed
        # nothing.
        self._proof = self._attempt is not None
        try:
            step: Step = self._mechanism.step(data)
            if isinstance(step, NeedCredentials):
                self._username = step.username
                self._attempt = await self._logins.attempts.book(self._request, step.username)
                self._candidates = await self._logins.candidates(self._request, step.username)
                step = self._mechanism.credentials(*[candidate.secrets for candidate in self._candidates])
        except Withheld:
            recipient = self._known(self._logins.login(self._username))
            raise self._logins.withhold(
                self._request, self._variant, self._username, recipient, self._attempt
            ) from None
        except SASLError as error:
            raise self._refuse(_translate(error)) from None
        match step:
            case Challenge():
                return step
            case CheckPassword(username, password):
                self._username = username
                self._require_same_account(self._logins.login(username))
                return await self._logins.verify_password(self._request, username, password, mechanism=self._variant)
            case CheckCertificate(authzid):
                return await self._external(authzid)
            case Done(username, chosen):
                self._username = username
                recipient = self._known(self._logins.login(username))
                used = self._candidates[chosen]
                return await self._logins.accept_candidate(
                    self._request, self._variant, username, recipient, used, self._attempt
                )
            case NeedCredentials():  # a mechanism asks once
                raise self._refuse(BadExchange("duplicate request for credentials"))
            case _:
                assert_never(step)

    def abort(self) -> None:
        """Record that the client has given up (``*``)."""
        self._close()
        self._logins.attempts.refuse(
            self._request, self._variant, self._username, BadExchange("aborted"), result="aborted"
        )

    async def _external(self, authzid: str) -> Identity:
        """Log in by EXTERNAL, as the address of the certificate or another one of its account (SMTP-58, IMAP-49)."""
        if self._certificate is None:
            raise self._refuse(WrongCredentials("no user's client certificate"))
        self._username = authzid or self._certificate.address
        return await self._logins.use_certificate(self._request, self._username, mechanism=self._variant)

    def _known(self, recipient: AccountRecipient | None) -> AccountRecipient:
        """Return the account of this user name; refuse an unknown name, or an account other than the certificate's."""
        if recipient is None:
            raise self._refuse(WrongCredentials("bad user or password"))
        self._require_same_account(recipient)
        return recipient

    def _require_same_account(self, recipient: AccountRecipient | None) -> None:
        """With a client certificate, refuse every account but the certificate's (SMTP-61)."""
        if self._certificate is not None and (recipient is None or recipient.account != self._certificate.account):
            raise self._refuse(WrongCredentials("the client certificate belongs to another account"), recipient)

    def _refuse(self, error: LoginRefused, recipient: AccountRecipient | None = None) -> LoginRefused:
        recipient = recipient or (self._logins.login(self._username) if self._username else None)
        attempt = self._attempt
        return self._logins.attempts.refuse(
            self._request, self._variant, self._username, error, recipient, attempt=attempt
        )


def _translate(error: SASLError) -> LoginRefused:
    text = str(error)
    match error:
        case ChannelBindingFailed():
            return BadChannelBinding(text)
        case AuthorizationFailed():
            return ForeignIdentity(text)
        case AuthenticationFailed():
            return WrongCredentials(text)
        case SecretsMissing():
            return NoSecrets("this mechanism isn't available until you set the account's password again")
        case _:
            return BadExchange(text)
