"""What the commands of ManageSieve do (RFC 5804 §2; IMAP-141)."""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Final, Protocol, TypeAlias

import trio

from moxlite import __version__
from moxlite.acceptance.sieve.keeping import BadScriptName, check_script, keep_script
from moxlite.imapd.session.context import Context
from moxlite.imapd.session.errors import Refused
from moxlite.imapd.session.sessions import SessionFacts
from moxlite.logins.exchange import UnknownMechanism, start_exchange
from moxlite.logins.identity import (
    NO_SCRIPTS,
    Identity,
    LoginRefused,
    LoginRequest,
    RateLimited,
    fingerprint,
    origin_of,
)
from moxlite.net.admission import ConnectionInfo
from moxlite.processor import act_for, calling
from moxlite.proto.managesieve import MAX_STRING, ManageSieveError, Request, capability, quoted, response, string
from moxlite.proto.sasl import NO_BINDINGS, Challenge, ChannelBindings
from moxlite.proto.sieve.errors import ScriptError
from moxlite.proto.sieve.limits import MAX_REDIRECTS
from moxlite.proto.sieve.validation import EXTENSIONS, is_script_name
from moxlite.store.accounts.accounts import IDLE
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.changelog.origin import act_from
from moxlite.store.delivery.scripts import (
    NoSuchScript,
    ScriptActive,
    ScriptExists,
    TooManyScripts,
    activate_script,
    check_space,
    delete_script,
    rename_script,
    script_text,
    scripts,
)
from moxlite.store.errors import StorageFull, StoreError

logger = logging.getLogger("moxlite.imapd.sieve")

MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256")
PLUS: Final = ("SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS")
"""Mechanisms that need TLS. CRAM-MD5 and LOGIN are not offered: no client of ManageSieve needs them."""


class SessionEnded(Exception):  # the end of the session, with BYE
    """The session ends with BYE."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


class _Refused(Exception):
    """The command gets NO. `code`: its response code (RFC 5804 §1.3)."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


class Wire(Protocol):
    """The connection below a session."""

    info: ConnectionInfo

    async def send(self, octets: bytes) -> None:
        """Send octets."""

    async def string(self) -> bytes:
        """A string of the client."""

    @property
    def buffered(self) -> bool:
        """Whether the client has sent more than the current request."""

    async def start_tls(self) -> None:
        """The TLS handshake."""

    def bindings(self) -> ChannelBindings:
        """Channel bindings of the TLS connection."""


class Session:
    """One session; `carry_out` answers one command after the other."""

    def __init__(self, context: Context, wire: Wire) -> None:
        self._context = context
        self._wire = wire
        self._stack = AsyncExitStack()
        self._account: OpenAccount | None = None
        self._certificate: Identity | None = None
        self.identity: Identity | None = None
        self.failures = 0
        self.logged_out = False
        self.ending: SessionEnded | None = None
        self.scope: trio.CancelScope | None = None
        """The wait for the next command."""

    def end(self, text: str, code: str = "TRYLATER") -> None:
        """End the session once its command is done; at once if it waits for one."""
        self.ending = SessionEnded(text, "" if code == "UNAVAILABLE" else code)
        if self.scope is not None:
            self.scope.cancel()

    async def aclose(self) -> None:
        """Release the account."""
        with trio.CancelScope(shield=True):
            await self._stack.aclose()
        self._account = None

    def login_request(self) -> LoginRequest:
        """The origin of a log-in attempt of this session."""
        info = self._wire.info
        tls = info.tls
        return LoginRequest(
            protocol="managesieve",
            remote=info.remote,
            local=info.local,
            tls=f"{tls.version} {tls.cipher}" if tls else "",
            fingerprint=fingerprint(tls.peer_key if tls else None),
            user_agent="",
            failures=self.failures,
        )

    def greeting(self) -> bytes:
        """Capabilities and OK (§1.7)."""
        context, tls = self._context, self._wire.info.tls is not None
        lines = [capability("IMPLEMENTATION", f"moxlite {__version__}" if self.identity is not None else "moxlite")]
        if self.identity is None:
            usable = (*MECHANISMS, *(PLUS if tls else ())) if tls or not context.require_tls else ()
            if self._certificate is not None:  # clients prefer EXTERNAL, whether or not they have a certificate
                usable = (*usable, "EXTERNAL")
            lines.append(capability("SASL", " ".join(context.logins.usable(usable))))
        lines.append(capability("SIEVE", " ".join(EXTENSIONS)))
        if not tls and context.starttls is not None:
            lines.append(capability("STARTTLS"))
        lines += [capability("MAXREDIRECTS", str(MAX_REDIRECTS)), capability("VERSION", "1.0")]
        if self.identity is not None:
            lines += [capability("OWNER", self.identity.account), capability("UNAUTHENTICATE")]
        return b"".join(lines) + response("OK", "moxlite managesieve")

    async def carry_out(self, request: Request) -> bool:
        """Answer a command; returns whether it succeeded. Raises Ended, ManageSieveError."""
        handler = _HANDLERS.get(request.verb)
        try:
            if handler is None:
                raise _Refused("unknown command")
            if request.verb not in _ANY_STATE and self.identity is None:
                raise _Refused("log in first")
            if request.verb in _CHANGES and self.identity is not None and self.identity.read_only:
                # A script can send all mail on to a stranger: more than any change of a message.
                raise _Refused("this app password is read-only")
            if request.verb in _CHANGES and self.identity is not None and not self.identity.scripts:
                raise _Refused(NO_SCRIPTS)
            calling.set(f"managesieve {request.verb}")
            await handler(self, *_arguments(request, pedantic=self._context.pedantic))
        except _Refused as error:
            await self._wire.send(response("NO", str(error), error.code))
            return False
        except ScriptError as error:
            await self._wire.send(response("NO", "\r\n".join(map(str, error.faults))))
            return False
        except StoreError as error:
            refused = _of_store(error)
            await self._wire.send(response("NO", str(refused), refused.code))
            return False
        return True

    async def ok(self, before: bytes = b"", text: str = "", code: str = "") -> None:
        """Tell that the command is done, with lines before."""
        await self._wire.send(before + response("OK", text, code))

    # Log-in, TLS

    async def authenticate(self, mechanism: bytes, initial: bytes | None = None) -> None:
        """AUTHENTICATE — §2.1."""
        name = mechanism.decode("ascii", "replace").upper()
        if self.identity is not None:
            raise _Refused("already logged in")
        if self._wire.info.tls is None and self._context.require_tls:
            raise _Refused("use STARTTLS first", "ENCRYPT-NEEDED")
        if name not in (*MECHANISMS, *PLUS, "EXTERNAL"):
            raise _Refused("unknown mechanism")
        try:
            with await start_exchange(
                self._context.logins,
                self.login_request(),
                name,
                hostname=self._context.hostname,
                bindings=self._wire.bindings() if self._wire.info.tls else NO_BINDINGS,
                certificate=self._certificate,
            ) as exchange:
                outcome = await exchange.step(None if initial is None else _decoded(initial))
                while isinstance(outcome, Challenge):
                    await self._wire.send(string(base64.b64encode(outcome.data)) + b"\r\n")
                    answer = await self._wire.string()
                    if answer == b"*":
                        exchange.abort()
                        raise _Refused("authentication canceled")
                    outcome = await exchange.step(_decoded(answer))
        except UnknownMechanism as error:
            raise _Refused(str(error)) from None
        except LoginRefused as error:
            if error.counted:
                self.failures += 1
            raise _Refused(str(error), "TRYLATER" if isinstance(error, RateLimited) else "") from None
        await self._log_in(outcome)
        await self.ok(text="logged in")

    async def _log_in(self, identity: Identity) -> None:
        act_for(identity.account)
        act_from(origin_of(identity, "managesieve", self._wire.info.remote))
        sessions = self._context.sessions

        def describe() -> SessionFacts:
            return SessionFacts(
                id=self._wire.info.cid,
                identity=identity,
                remote=str(self._wire.info.remote),
                client="ManageSieve",
                owner=identity.account,
                mailbox_id=None,
                received=0,
                sent=0,
                command="",
            )

        try:
            share = sessions.join(identity.account, self.end, describe, expires=identity.app_expires)
        except Refused as error:  # too many sessions of IMAP and ManageSieve
            raise _Refused(error.text, "TRYLATER") from None
        self._stack.callback(sessions.leave, share, self.end)
        self._account = await self._stack.enter_async_context(self._context.accounts.use(identity.account, linger=IDLE))
        self.identity = identity
        self.failures = 0
        self._wire.info.seat.known = True

    async def unauthenticate(self) -> None:
        """UNAUTHENTICATE — §2.14.1."""
        # The account is left as at the end of a connection: another user may log in next.
        await self.aclose()
        self._stack = AsyncExitStack()
        self.identity = None
        await self.ok()

    async def starttls(self) -> None:
        """STARTTLS — §2.2: the handshake follows the OK, then the capabilities come again."""
        if self._wire.info.tls is not None:
            raise _Refused("TLS is already active")
        if self._context.starttls is None:
            raise _Refused("STARTTLS isn't available")
        if self.identity is not None:
            raise _Refused("STARTTLS isn't allowed after login")
        if self._wire.buffered:  # they would count as sent under TLS (CVE-2011-0411)
            raise SessionEnded("unexpected data after STARTTLS")
        await self.ok(text="ready to start TLS")
        await self._wire.start_tls()
        request = self.login_request()
        if request.fingerprint:
            certificate_login = await self._context.logins.certificate(request)
            self._certificate = certificate_login.identity if certificate_login is not None else None
        await self._wire.send(self.greeting())

    async def logout(self) -> None:
        """LOGOUT — §2.3."""
        await self.ok(text="bye")
        self.logged_out = True

    async def capabilities(self) -> None:
        """CAPABILITY — §2.4."""
        await self._wire.send(self.greeting())

    async def noop(self, tag: bytes | None = None) -> None:
        """NOOP — §2.13."""
        await self.ok(text="done", code="" if tag is None else f"TAG {string(_text(tag).encode()).decode()}")

    @property
    def account(self) -> OpenAccount:
        """The account of the user, who is logged in."""
        assert self._account is not None
        return self._account


# Commands about scripts


async def have_space(session: Session, name: bytes, size: int) -> None:
    """HAVESPACE — §2.5."""
    wanted = _name(name)
    if size > MAX_STRING:
        raise _Refused(f"scripts can be up to {MAX_STRING} bytes", "QUOTA/MAXSIZE")
    await session.account.read(lambda r: check_space(r, wanted), op="sieve")
    await session.ok()


async def put_script(session: Session, name: bytes, text: bytes) -> None:
    """PUTSCRIPT — §2.6: refused with all faults, and nothing is changed."""
    wanted = _name(name)
    await keep_script(session.account, wanted, text)
    kv = {"account": session.account.name, "script": wanted, "octets": len(text)}
    logger.info("script saved", extra={"kv": kv})
    await session.ok()


async def list_scripts(session: Session) -> None:
    """LISTSCRIPTS — §2.7."""
    stored_scripts = await session.account.read(scripts, op="sieve")
    lines = [
        quoted(stored_script.name) + (b" ACTIVE\r\n" if stored_script.active else b"\r\n")
        for stored_script in stored_scripts
    ]
    await session.ok(b"".join(lines))


async def set_active(session: Session, name: bytes) -> None:
    """SETACTIVE — §2.8; "" for none."""
    wanted = _name(name) if name else ""
    await session.account.write(lambda tx: activate_script(tx, wanted))
    logger.info("script activated", extra={"kv": {"account": session.account.name, "script": wanted}})
    await session.ok()


async def get_script(session: Session, name: bytes) -> None:
    """GETSCRIPT — §2.9."""
    wanted = _name(name)
    text = await session.account.read(lambda r: script_text(r, wanted), op="sieve")
    await session.ok(string(text) + b"\r\n")


async def remove_script(session: Session, name: bytes) -> None:
    """DELETESCRIPT — §2.10."""
    wanted = _name(name)
    await session.account.write(lambda tx: delete_script(tx, wanted))
    logger.info("script deleted", extra={"kv": {"account": session.account.name, "script": wanted}})
    await session.ok()


async def give_script_name(session: Session, name: bytes, new: bytes) -> None:
    """RENAMESCRIPT — §2.11."""
    wanted, other = _name(name), _name(new)
    await session.account.write(lambda tx: rename_script(tx, wanted, other))
    await session.ok()


async def judge_script(session: Session, text: bytes) -> None:
    """CHECKSCRIPT — §2.12."""
    await check_script(text)
    await session.ok()


def _number(value: bytes | int) -> bytes | int:
    return int(value) if isinstance(value, bytes) and value.isdigit() and len(value) <= 10 else value


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ManageSieveError("expected base64") from None


def _text(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise _Refused("strings must be UTF-8") from None


def _name(octets: bytes) -> str:
    name = _text(octets)
    if not is_script_name(name):
        raise _Refused(str(BadScriptName()))
    return name


def _of_store(error: StoreError) -> _Refused:
    match error:
        case NoSuchScript():
            return _Refused(str(error), "NONEXISTENT")
        case ScriptExists():
            return _Refused(str(error), "ALREADYEXISTS")
        case ScriptActive():
            return _Refused(str(error), "ACTIVE")
        case TooManyScripts():
            return _Refused(str(error), "QUOTA/MAXSCRIPTS")
        case StorageFull():
            return _Refused("no space left", "QUOTA")
        case _:
            logger.warning("command failed", extra={"kv": {"err": error}})
            return _Refused("try again later", "TRYLATER")


Handler: TypeAlias = Callable[..., Awaitable[None]]
"""A command of `Session`, whose arguments `_FORMS` has checked."""

_HANDLERS: Final[Mapping[str, Handler]] = {
    "AUTHENTICATE": Session.authenticate,
    "STARTTLS": Session.starttls,
    "LOGOUT": Session.logout,
    "CAPABILITY": Session.capabilities,
    "HAVESPACE": have_space,
    "PUTSCRIPT": put_script,
    "LISTSCRIPTS": list_scripts,
    "SETACTIVE": set_active,
    "GETSCRIPT": get_script,
    "DELETESCRIPT": remove_script,
    "RENAMESCRIPT": give_script_name,
    "CHECKSCRIPT": judge_script,
    "NOOP": Session.noop,
    "UNAUTHENTICATE": Session.unauthenticate,
}
_CHANGES: Final = frozenset({"PUTSCRIPT", "SETACTIVE", "DELETESCRIPT", "RENAMESCRIPT"})
"""Commands that an app password for reading may not use."""

_ANY_STATE: Final = frozenset({"AUTHENTICATE", "STARTTLS", "LOGOUT", "CAPABILITY", "NOOP"})  # §2

_FORMS: Final[Mapping[str, tuple[tuple[type, ...], int]]] = {
    "AUTHENTICATE": ((bytes, bytes), 1),
    "HAVESPACE": ((bytes, int), 2),
    "PUTSCRIPT": ((bytes, bytes), 2),
    "SETACTIVE": ((bytes,), 1),
    "GETSCRIPT": ((bytes,), 1),
    "DELETESCRIPT": ((bytes,), 1),
    "RENAMESCRIPT": ((bytes, bytes), 2),
    "CHECKSCRIPT": ((bytes,), 1),
    "NOOP": ((bytes,), 0),
}
"""Argument types of a command, and how many are required. Other commands take none."""


def _arguments(request: Request, *, pedantic: bool) -> tuple[bytes | int, ...]:
    """The arguments, if the command takes them; a string may stand for a number unless `pedantic`. Raises _Refused."""
    kinds, least = _FORMS.get(request.verb, ((), 0))
    given = request.arguments
    if not least <= len(given) <= len(kinds):
        raise _Refused("wrong number of arguments")
    if not pedantic:
        given = tuple(_number(one) if kind is int else one for one, kind in zip(given, kinds, strict=False))
    if not all(isinstance(one, kind) for one, kind in zip(given, kinds, strict=False)):
        raise _Refused("expected a string" if int not in kinds else "expected a string and a number")
    return given
