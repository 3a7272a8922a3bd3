"""Rules of addresses: which one takes a message, and a dry run on the mail that came in."""
