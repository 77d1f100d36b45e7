"""Where children are trained: plans and digests go in, digests and measurements come out."""
