"""The decoder process: its protocol, the containers it reads and its two decoding backends."""
