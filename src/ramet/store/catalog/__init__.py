"""The SQL catalog of a system: tasks, paths, agents and their children, leases, experiments."""
