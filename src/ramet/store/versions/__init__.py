"""Commits, branches and tags: what a system published, publishes, and how two lines are joined."""
