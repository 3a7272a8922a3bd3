"""What a browser is shown, and hears of as it happens: event streams, and the views that they show."""
