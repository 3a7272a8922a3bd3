"""Fetching MTA-STS policies over HTTPS (RFC 8461 §3.3; AUTH-71)."""

from typing import Final

from moxlite.mailauth.mtasts import MAX_POLICY, Fetch, FetchFailed
from moxlite.net.httpclient import BadCertificate, HTTPClient, HTTPError, NoHost

FETCH_SECONDS: Final = 60.0
"""Seconds for a policy file."""


def fetcher(client: HTTPClient, *, seconds: float = FETCH_SECONDS) -> Fetch:
    """Make the fetch function for `fetch_policy`. It accepts status 200 only, and at most MAX_POLICY octets within
    `seconds` (RFC 8461 §3.3).
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
