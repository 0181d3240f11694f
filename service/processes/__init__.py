"""The long-running processes: started, watched and started again; waiting for a database that is away."""
