"""What can be taken away from a page: reports and tables."""
