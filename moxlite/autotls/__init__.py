"""Certificates by ACME (RFC 8555): which names want one, when it is renewed, how it is ordered, where it lies on disk
(docs/spec/web.md §9).

The libraries `acme` and `josepy` are imported by `child` alone, a process that lives for one order: it is given the
account's key and a request for a certificate (CSR), no private key of a certificate and no socket. All else is here, in
the server: `manager` decides and keeps the files, `challenges` holds what is shown to the CA, `process.ports` and the
web room show it.
"""
