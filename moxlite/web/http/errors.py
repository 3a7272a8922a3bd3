"""What can go wrong between a client and a handler, each with the status that it is answered with."""

__all__ = ["BadRequest", "BodyTimeout", "BodyTooLarge", "ClientGone", "HTTPError"]


class HTTPError(Exception):
    """A request that ends with an error page.

    ``status`` is the code of RFC 9110 §15, ``text`` one plain sentence for the person or program at the other end,
    ``headers`` go with it.
    """

    def __init__(self, status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(f"{status} {text}")
        self.status = status
        self.text = text
        self.headers = headers


class BadRequest(HTTPError):
    """The octets are no request that we understand; the connection cannot go on (RFC 9112 §2.2, §6.3)."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(status, text)


class BodyTooLarge(HTTPError):
    """The body is over what this endpoint takes."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"The request body is larger than {limit} octets.")
        self.limit = limit


class BodyTimeout(HTTPError):
    """The client stopped in the middle of its body."""

    def __init__(self) -> None:
        super().__init__(408, "The request body did not arrive in time.")


class ClientGone(Exception):
    """The client closed, or took nothing for too long: there is no one to answer."""
