"""Commands that set a server up: quickstart, domains and aliases, their DNS, keys of client certificates. The changes
themselves are not here but in `admin`.
"""
