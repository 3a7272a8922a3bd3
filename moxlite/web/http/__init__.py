"""HTTP/1.1 on Trio streams: h11 for one connection, requests and responses as types (RFC 9110, RFC 9112).

The package has nothing about mail, accounts or routes: `web.serve` passes one handler. HTTP/2 would be a module beside
`connection.py`, with the same `Request` and `ResponseWriter`.
"""
