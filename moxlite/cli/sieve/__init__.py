"""Sieve on the command line: `files` tries scripts in files, `accounts` keeps the scripts and vacation form of
accounts.
"""
