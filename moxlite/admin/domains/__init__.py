"""Domains and aliases: changes of domains.toml, and the commands of the control socket about them (ADMIN-12, 13, 17).
Checks of the configuration as a whole are not here but in `config.checks`.
"""
