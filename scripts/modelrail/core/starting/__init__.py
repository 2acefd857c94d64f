"""What `modelrail init` decides: the first modelrail.yaml, and another model in one that is there."""
