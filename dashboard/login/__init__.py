"""The page on which a person logs in, and the routes that open and end a login."""
