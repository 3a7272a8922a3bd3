"""DKIM: signatures of domains over messages (RFC 6376, RFC 8301, RFC 8463; AUTH-30..45).

`verify` judges the signatures of a message, `sign` makes new ones. Both work on the octets as they were received or
will be sent, and never decode them. What a signature of a domain means for the author of a message is for DMARC.
"""
