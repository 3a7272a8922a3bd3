"""A web server of aiohttp that sends bodies back; see `_echoservers`. Run with its port as argument."""

import asyncio
import sys
from contextlib import suppress

from aiohttp import web

numbers: dict[asyncio.Transport, int] = {}


async def echo(request: web.Request) -> web.StreamResponse:
    """Answer as the query says."""
    transport, how = request.transport, request.query.get("how")
    assert transport is not None
    if how == "early":
        refused = web.Response(status=413, body=b"big")
        refused.force_close()
        return refused
    body = await request.read()
    cut = int(request.query.get("cut", sys.maxsize))
    if cut < 0:
        transport.abort()
        return web.Response()
    response = web.StreamResponse()
    response.headers["x-connection"] = str(numbers.setdefault(transport, len(numbers) + 1))
    if how == "chunks":
        response.enable_chunked_encoding()
    else:
        response.content_length = len(body)
    if how == "close":
        response.force_close()
    with suppress(ConnectionError):
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        size = int(request.query.get("size", "10000"))
        for at in range(0, len(body), size):
            if at >= cut:
                transport.abort()
                return response
            await response.write(body[at : at + size])
        if len(body) > cut:
            transport.abort()
            return response
        await response.write_eof()
    return response


def main() -> None:
    """Serve until killed."""
    application = web.Application(client_max_size=1 << 30)
    application.router.add_route("*", "/{path:.*}", echo)
    web.run_app(
        application,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        keepalive_timeout=600,
        access_log=None,
        print=lambda *_: None,
    )


if __name__ == "__main__":
    main()
