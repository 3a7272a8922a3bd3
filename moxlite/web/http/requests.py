"""A `Request` made of a head, with the checks that hold for all versions of HTTP (WEB-4, WEB-6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moxlite.web.http.errors import BadRequest
from moxlite.web.http.exchange import Request
from moxlite.web.http.limits import MAX_FIELDS, MAX_HEAD, MAX_TARGET
from moxlite.web.http.paths import normalise_path, parse_host, split_target

if TYPE_CHECKING:
    from moxlite.net.connections import ConnectionInfo
    from moxlite.web.http.drain import Drain
    from moxlite.web.http.exchange import Body
    from moxlite.web.http.messages import Headers


def make_request(
    *,
    method: str,
    target: str,
    headers: Headers,
    http_version: str,
    info: ConnectionInfo,
    drain: Drain,
    body: Body,
) -> Request:
    """The request. The arguments are as in `Request`; at most one field of `headers` is ``host``.

    Raises BadRequest: 414, 417, 431.
    """
    if len(target) > MAX_TARGET:
        raise BadRequest("The request target is too long.", 414)
    sizes = [len(name) + len(value) + 4 for name, value in headers]
    if len(sizes) > MAX_FIELDS or sum(sizes) > MAX_HEAD:
        raise BadRequest("The request has too many header fields.", 431)
    expect = headers.get("expect")
    if expect is not None and expect.lower() != "100-continue":
        raise BadRequest("Only 100-continue can be expected.", 417)
    authority, path, query = split_target(target)
    return Request(
        method=method,
        target=target,
        path=normalise_path(path),
        query=query,
        host=parse_host(authority if authority is not None else headers.get("host") or ""),
        headers=headers,
        http_version=http_version,
        info=info,
        drain=drain,
        body=body,
    )
