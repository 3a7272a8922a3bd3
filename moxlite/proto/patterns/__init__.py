"""Patterns of users, whose search takes time in proportion to the text (STORE-65): pure, for rules and for Sieve.

`dialect` writes a pattern in the syntax of RE2, with the meaning that it has for the package `regex`; `linear` compiles
and searches.
"""
