"""A session or a person's trend on paper: what a report says, and the same as PDF and as one HTML file."""
