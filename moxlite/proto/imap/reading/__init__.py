"""Octets of a client into commands (RFC 9051 §9). Responses are not here."""
