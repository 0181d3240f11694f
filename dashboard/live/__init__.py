"""Cards of the page Live."""
