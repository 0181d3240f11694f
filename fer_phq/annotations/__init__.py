"""What happens when in a recording, as documents of the programs in which people code: ELAN, Praat, BORIS and BIDS."""
