"""Fetching the policies of MTA-STS over the internet (RFC 8461 §3.3; AUTH-71)."""

from typing import Final

from moxlite.mailauth.mtasts import MAX_POLICY, Fetch, FetchFailed
from moxlite.net.httpclient import BadCertificate, HTTPClient, HTTPError, NoHost

__all__ = ["fetcher"]

FETCH_SECONDS: Final = 60.0
"""For a policy file."""


def fetcher(client: HTTPClient, *, seconds: float = FETCH_SECONDS) -> Fetch:
    """Fetches over the internet, for `fetch_policy`: status 200 and no other, nothing longer than MAX_POLICY, in so
    many seconds (RFC 8461 §3.3).
    """

    async def fetch(url: str) -> bytes:
        try:
            response = await client.request("GET", url, seconds=seconds, max_body=MAX_POLICY)
        except NoHost as error:
            raise FetchFailed(str(error), missing=True) from error
        except BadCertificate as error:
            raise FetchFailed(str(error), untrusted=True) from error
        except HTTPError as error:
            raise FetchFailed(str(error)) from error
        if response.status != 200:
            raise FetchFailed(f"status {response.status}", missing=response.status == 404)
        if response.cut:
            raise FetchFailed(f"policy has more than {MAX_POLICY} octets")
        return response.body

    return fetch
