"""A system's own story: segment by segment what which method did to it, and the graph that it has grown into."""
