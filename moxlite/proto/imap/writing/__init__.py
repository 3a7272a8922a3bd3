"""Commands of a client into octets (RFC 9051 §9), for our own client and tests. Responses are not here."""
