"""Commands that set a server up: quickstart, domains and aliases, their DNS records, keys and listeners. The changes
themselves are not here but in `admin`.
"""
