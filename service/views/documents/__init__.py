"""Documents of what pages show, for other programs."""
