"""Cross checks of the configuration: mistakes that the type of a single value cannot show (ADMIN-9), and warnings
(ADMIN-10)."""
