"""TLS on Trio: certificates, handshakes, streams and the kinds of failure (SMTP-34, IMAP-13). Policies (DANE, MTA-STS)
do not belong here.
"""
