"""What `modelrail doctor` finds: facts in, findings out."""
