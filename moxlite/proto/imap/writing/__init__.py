"""Encoders of a client's commands (RFC 9051 §9), for our own client and tests. Responses do not belong here."""
