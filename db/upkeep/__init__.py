"""What keeps a database whole and moves it: the search for faults, snapshots."""
