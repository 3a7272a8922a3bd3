"""HTTP/2 on TLS streams (RFC 9113, WEB-2): h2 and hpack for one connection, the same handlers as HTTP/1.1.

- `connection`: reads a connection's frames, runs a task for each request
- `stream`: writes frames, in turns, as far as the client's windows go; one request and its response, a
  `web.http.exchange.Channel`
- `frames`: whole frames out of octets, with the limits against floods; header fields of requests and responses
- `load`: the limits over all connections; imports nothing heavy

The package is imported with the first connection that asks for it, since h2 and hpack take memory. Routing, limits of
requests, log and metrics are in `web.serve`, as for HTTP/1.1. There is no server push, and HTTP/2 without TLS is not
spoken. Priorities are read and ignored (RFC 9113 §5.3.2).
"""
