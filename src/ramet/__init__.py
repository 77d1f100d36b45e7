"""ramet grows one multitask image classification system for ever (µ2Net+, arXiv 2209.07326)."""

__version__ = "0.1.0"
