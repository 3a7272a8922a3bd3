"""Sieve on the command line: `files` tries scripts in files, `accounts` keeps the scripts and vacation form of
accounts.

Running and keeping scripts does not belong here but to `acceptance.sieve`.
"""
