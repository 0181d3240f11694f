"""What pages, reports and tables show, as tidy frames computed once."""
