"""Who sent a message: SPF, DKIM, DMARC, ARC, DANE, MTA-STS, DNSBL, iprev (docs/spec/mailauth.md).

Evaluators take a `Resolver` and values, and return values of `results`. Here is nothing of sockets, of the store and of
sessions; what a verdict means for a delivery is decided in `moxlite.acceptance`. Codecs of headers and reports are in
`moxlite.proto`.
"""
