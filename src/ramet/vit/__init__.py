"""Vision transformers as named components: their shapes, their network, their checkpoints, their cost."""
