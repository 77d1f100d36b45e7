"""Paths at work: components on a device, stages run once for all that share them, batches."""
