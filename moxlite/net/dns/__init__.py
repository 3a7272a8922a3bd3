"""The resolver that asks name servers, and its messages (RFC 1035; AUTH-2..7). Validation of DNSSEC is not here: a
resolver nearby does it."""
