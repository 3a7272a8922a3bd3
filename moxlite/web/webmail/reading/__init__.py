"""Opening a message: parsed, as a page, as parts, as HTML made harmless, as the original of an answer. Lists of
messages are not here."""
