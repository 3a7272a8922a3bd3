"""What an API call answers when it does not succeed (WEB-55, WEBMAIL-23)."""

from typing import ClassVar

__all__ = [
    "APIError",
    "AlreadySent",
    "BadAuth",
    "Conflict",
    "LoginFailed",
    "NoAuth",
    "NotAllowed",
    "NotFound",
    "RateLimited",
    "ServerFailed",
    "StorageRefused",
    "TooLarge",
    "Unavailable",
    "UserError",
]


class APIError(Exception):
    """A refused call: ``code`` is for programs, ``text`` for the person; ``headers`` go with the answer."""

    code: ClassVar[str] = "server:error"
    status: ClassVar[int] = 500

    def __init__(self, text: str, *headers: tuple[str, str]) -> None:
        super().__init__(text)
        self.text = text
        self.headers = headers


class UserError(APIError):
    """The request asks for something that cannot be."""

    code = "user:error"
    status = 400


class NoAuth(APIError):
    """There is no session."""

    code = "user:noAuth"
    status = 401


class BadAuth(APIError):
    """The session or its CSRF token is wrong or over."""

    code = "user:badAuth"
    status = 401


class LoginFailed(APIError):
    """These credentials open nothing."""

    code = "user:loginFailed"
    status = 401


class NotAllowed(APIError):
    """The rights that the user has there do not permit it (WEBMAIL-62)."""

    code = "user:notAllowed"
    status = 403


class NotFound(APIError):
    """An id names nothing (or nothing of this account)."""

    code = "user:notFound"
    status = 404


class Conflict(APIError):
    """It is there already, or has changed meanwhile."""

    code = "user:conflict"
    status = 409


class AlreadySent(Conflict):
    """The message went out before, and stands in Sent."""

    code = "user:sent"


class RateLimited(APIError):
    """Too many failed log-ins from this network."""

    code = "user:rateLimited"
    status = 429


class StorageRefused(APIError):
    """No space: the account's quota or the disk (RFC 4918 §11.5)."""

    code = "user:error"
    status = 507


class TooLarge(APIError):
    """More octets than are taken."""

    code = "user:error"
    status = 413


class ServerFailed(APIError):
    """Our fault."""


class Unavailable(ServerFailed):
    """Not at the moment, and not by the caller's doing."""

    status = 503
