"""The running product: settings, media files, durable jobs, HTTP routes and the command line."""
