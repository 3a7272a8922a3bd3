"""Parsers of a client's commands (RFC 9051 §9). Responses do not belong here."""
