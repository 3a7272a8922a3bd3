"""HTTP/1.1 on Trio streams: h11 driven for one connection, requests and responses as types (RFC 9110, RFC 9112).

Knows nothing of mail, accounts or routes: `web.serve` gives it one handler. HTTP/2 would come beside `connection.py`,
behind the same `Request` and `ResponseWriter`.
"""
