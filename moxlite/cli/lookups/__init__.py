"""Commands that ask DNS about senders: `asking` has what they share."""
