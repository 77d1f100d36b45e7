"""The method as data and pure functions: search space, mutation, selection, score, presets. No tensors, no files."""
