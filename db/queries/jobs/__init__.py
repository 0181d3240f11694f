"""Jobs, their leases, and the workers that hold them."""
