"""Agents: the evolutionary search of paths for a task, generation by generation, cycle by cycle."""
