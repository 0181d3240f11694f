"""Who may reach the installation: the address it listens on, the requests it answers, what an answer carries."""
