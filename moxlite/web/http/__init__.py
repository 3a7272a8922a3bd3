"""HTTP/1.1 on Trio streams: h11 for one connection, requests and responses as types (RFC 9110, RFC 9112).

The package has nothing about mail, accounts or routes: `web.serve` passes one handler. `web.http2` serves connections
of HTTP/2 with the same `Request` and `ResponseWriter`; parts of a response are h11's events for both.
"""
