"""modelrail.yaml: its strict reading, its JSON schema, and the resolved form the rest works with."""
