"""DKIM: signatures of domains over messages (RFC 6376, RFC 8301, RFC 8463; AUTH-30..45).

`verify` verifies the signatures of a message, `sign` makes new ones. Both work on the octets as they were received or
will be sent, and never decode them. Alignment of a signature with the author belongs to `moxlite.mailauth.dmarc`.
"""
