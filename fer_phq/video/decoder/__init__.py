"""The decoder process: its protocol, the containers it reads and how it decodes."""
