"""Verbs that set a server up: quickstart, domains and aliases, their DNS, keys of client certificates."""
