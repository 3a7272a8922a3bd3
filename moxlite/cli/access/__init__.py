"""Commands that let users log in again: second factors, recovery links, limits of failed log-ins.

The changes themselves are not here but in `admin.factors`.
"""
