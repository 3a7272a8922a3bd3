"""Commands that let users log in again: second factors, recovery links, limits of failed log-ins."""
