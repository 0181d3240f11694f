"""What an installation can carry: its parts of `bench_scale.py`, a module each."""
