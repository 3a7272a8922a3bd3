"""Errors between a client and a handler, each with its HTTP status."""


class HTTPError(Exception):
    """A request that ends with an error page.

    ``status`` is the code of RFC 9110 §15. ``text`` is one plain sentence for the user or program. ``headers`` are
    fields of the answer. ``words`` is the text by which translations are found, if it is not ``text`` (WEBMAIL-143).
    """

    def __init__(
        self, status: int, text: str, headers: tuple[tuple[str, str], ...] = (), *, words: str | None = None
    ) -> None:
        super().__init__(f"{status} {text}")
        self.status = status
        self.text = text
        self.words = text if words is None else words
        self.headers = headers


class BadRequest(HTTPError):
    """The octets are not a valid request; the connection must close (RFC 9112 §2.2, §6.3)."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(status, text)


class BodyTooLarge(HTTPError):
    """The body is larger than the limit of the endpoint."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"The request body is larger than {limit} octets.")
        self.limit = limit


class BodyTimeout(HTTPError):
    """The client stopped sending in the middle of its body."""

    def __init__(self) -> None:
        super().__init__(408, "The request body did not arrive in time.")


class ClientGone(Exception):
    """The client closed the connection, or read nothing for too long. It gets no answer."""
