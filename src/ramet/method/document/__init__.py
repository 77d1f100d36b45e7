"""A method as text: YAML and settings read into a validated method."""
