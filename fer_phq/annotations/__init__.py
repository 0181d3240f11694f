"""What happens when in a recording, as documents of the programs in which people code (written and read), and BIDS."""
