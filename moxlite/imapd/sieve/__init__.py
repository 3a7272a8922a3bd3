"""ManageSieve (RFC 5804): mail programs store the Sieve scripts of an account (IMAP-141).

- `connection`: octets in and out, deadlines, STARTTLS
- `session`: what each command does

The syntax is `proto.managesieve`; scripts are checked and stored by `acceptance.sieve.keeping`.
"""
