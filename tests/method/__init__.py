"""Tests of the method floor."""
