"""Errors of API calls, with their codes and HTTP status (WEB-55, WEBMAIL-23)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

import msgspec

from moxlite.net.control.server import CommandFailed
from moxlite.wording import reason_of


class APIError(Exception):
    """A refused call. ``code`` is for programs, ``text`` for the user, ``headers`` are fields of the answer."""

    code: ClassVar[str] = "server:error"
    status: ClassVar[int] = 500

    def __init__(self, text: str, *headers: tuple[str, str]) -> None:
        super().__init__(text)
        self.text = text
        self.headers = headers


class UserError(APIError):
    """The request is not valid, or asks for something impossible."""

    code = "user:error"
    status = 400


class FieldError(msgspec.Struct, frozen=True):
    """A mistake in one value. ``field``: its name or path in the form, "" for the form as a whole."""

    field: str
    text: str


class FieldErrors(UserError):
    """Values of a form are not valid. The answer has the mistakes as ``fields`` (WEB-55)."""

    code = "user:fields"

    def __init__(self, fields: Sequence[FieldError], text: str = "") -> None:
        super().__init__(text or "; ".join(f"{field.field} {field.text}".strip() for field in fields))
        self.fields = tuple(fields)


class Gone(APIError):
    """The object was used up, or its time is over."""

    code = "user:gone"
    status = 410


class NoAuth(APIError):
    """The request has no session."""

    code = "user:noAuth"
    status = 401


class BadAuth(APIError):
    """The session or its CSRF token is wrong or expired."""

    code = "user:badAuth"
    status = 401


class ConfirmNeeded(APIError):
    """The call is sensitive: the user has to give the password or a second factor again first (WEB-63a)."""

    code = "user:confirm"
    status = 403


class LoginFailed(APIError):
    """The credentials are wrong."""

    code = "user:loginFailed"
    status = 401


class NotAllowed(APIError):
    """The user's rights at the mailbox do not permit the call (WEBMAIL-62)."""

    code = "user:notAllowed"
    status = 403


class NotFound(APIError):
    """The account has nothing with this id."""

    code = "user:notFound"
    status = 404


class Conflict(APIError):
    """The object exists already, or has changed meanwhile."""

    code = "user:conflict"
    status = 409


class Unknown(Conflict):
    """An earlier call with this id was cut off; whether it was done is not known."""

    code = "user:unknown"


class Done(Conflict):
    """An earlier call with this id, and with other values, was done."""

    code = "user:done"


class AlreadySent(Conflict):
    """The message was sent before, and is in Sent."""

    code = "user:sent"


class RateLimited(APIError):
    """The network had too many failed log-ins, or the account began too many at other servers."""

    code = "user:rateLimited"
    status = 429


class StorageRefused(APIError):
    """The account's quota or the disk is full (RFC 4918 §11.5)."""

    code = "user:error"
    status = 507


class TooLarge(APIError):
    """The content is larger than the limit."""

    code = "user:error"
    status = 413


class ServerFailed(APIError):
    """The server failed."""


class Unavailable(ServerFailed):
    """The server cannot answer now, for a reason that is not the caller's."""

    status = 503


@contextmanager
def translated(**fields: str) -> Iterator[None]:
    """Turn the refusal of an operation into an error of the API, at the fields that are wrong
    (WEB-64a). `fields`: names of the operation's fields in the call.
    """
    try:
        yield
    except CommandFailed as error:
        reason = reason_of(error)
        if error.fields:
            raise FieldErrors(
                [FieldError(fields.get(name, name), text) for name, text in error.fields], reason
            ) from None
        match error.code:
            case "notFound":
                raise NotFound(reason) from None
            case "notAllowed":
                raise NotAllowed(reason) from None
            case "conflict":
                raise Conflict(reason) from None
            case "busy":
                raise Unavailable(reason) from None
            case "readOnly":
                raise StorageRefused(reason) from error.__cause__
            case "failed":
                raise ServerFailed(reason) from error.__cause__
            case _:
                raise UserError(reason) from None
