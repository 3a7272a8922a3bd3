"""Salvaging mail from a damaged account file (STORE-188): the page format, the rows, the new file."""

__all__: list[str] = []
