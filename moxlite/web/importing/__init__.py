"""Importing mail by a browser, for the account app and the webmail: the form with files, the running imports, and the
events that pages follow. What an import does is in `moxlite.store.imports`.
"""
