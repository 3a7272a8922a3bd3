"""SMTP codecs (RFC 5321): `server` and `client`; the other modules are shared parts. Sockets and policy do not belong
here.
"""
