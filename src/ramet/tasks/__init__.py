"""Tasks: where images come from, how they are split, cached and augmented."""
