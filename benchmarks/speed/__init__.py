"""Measurements that docs/benchmarks.md quotes: each compares ramet with what a user would otherwise run, in one run."""
