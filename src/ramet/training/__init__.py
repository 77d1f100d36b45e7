"""Trains a generation of children on a task, side by side."""
