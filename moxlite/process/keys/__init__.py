"""Keys that the server reads at its start: host keys, DKIM keys, the key of Received ids. Making them is not here."""
