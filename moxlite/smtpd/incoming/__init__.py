"""An incoming message after its last octet: checks, plans, storing, notices, reports, log (SMTP-73..110). Submission
is not here."""
