"""The calls of the admin app in groups, one module for each page.

The changes that they ask for are not here but in `admin` and the components that own the data.
"""
