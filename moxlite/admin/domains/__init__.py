"""Domains and aliases: changes of domains.toml, and the commands of the control socket about them (ADMIN-12, 13,
17)."""
