"""DMARC: what the owner of a From domain asks for, and whether a message is the owner's (RFC 9989).

`record` reads records, `discovery` finds them and the organizational domains, `evaluate` says what holds for a message.
"""
