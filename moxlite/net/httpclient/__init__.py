"""HTTP/1.1 to other web servers (RFC 9110, RFC 9112).

- `client`: one request with a bounded answer to a stranger's server; a connection whose requests and answers pass in
  pieces
- `pool`: idle connections to the servers that requests are forwarded to

Requests that come to us are in `web.http`.
"""

from moxlite.net.httpclient.client import MAX_BODY, BadCertificate, HTTPClient, HTTPError, HTTPResponse, NoHost, Roots

__all__ = ["MAX_BODY", "BadCertificate", "HTTPClient", "HTTPError", "HTTPResponse", "NoHost", "Roots"]
