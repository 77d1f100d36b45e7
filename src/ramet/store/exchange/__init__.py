"""What travels between systems: push and pull, exported paths."""
