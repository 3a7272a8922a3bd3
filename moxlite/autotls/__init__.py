"""Certificates by ACME (RFC 8555): names that get one, renewal times, orders, and the files on disk (docs/spec/web.md
§9).

The libraries `acme` and `josepy` are imported by `child` alone, a process that lives for one order. It is given the
account's key and a certificate request (CSR), but no private key of a certificate and no socket. Everything else runs
in the server: `autotls` decides when to order and asks the CA, `reachability` looks whether it will find our
proofs, `files` keeps what must last; `challenges` holds the proofs, which `process.ports` and the component `web`
serve.

Certificates in files of other programs are not here but in `process.keys`.
"""
