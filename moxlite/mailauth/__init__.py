"""Authentication of senders and mail hosts: SPF, DKIM, DMARC, ARC, DANE, MTA-STS, DNSBL, iprev (docs/spec/mailauth.md).

Evaluators take a `Resolver` and values, and return values of `results`. Sockets, the store and sessions do not belong
here. The effect of a verdict on a delivery is decided in `moxlite.acceptance`. Codecs of headers and reports are in
`moxlite.proto`.
"""
