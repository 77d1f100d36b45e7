"""What a system keeps: immutable objects, and the catalog of paths, history and refs."""
