"""Experiments: method variants, compared fairly on branches of their own, and what comes of them."""
