"""Comparisons that the docs quote: methods on suites of tasks, and speed against what one would otherwise run."""
