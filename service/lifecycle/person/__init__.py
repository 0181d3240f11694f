"""A person as a whole: export, merging with another label, removal of words, heads that learned from them."""
