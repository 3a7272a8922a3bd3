"""Rules of addresses: which one takes a message, and a dry run on the mail that came in.

The settings of a rule are not here but in `config.domains`; running a Sieve script belongs to `acceptance.sieve`.
"""
