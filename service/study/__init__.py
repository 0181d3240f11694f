"""A study: the sessions of a filter as open tables, with what a paper must say of them."""
