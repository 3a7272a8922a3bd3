"""The calls of the admin app in groups, one module for each page."""
