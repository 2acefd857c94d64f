"""What stands on the rows of a test set: keys, labels, predictions and groups, as tables and as arrays."""
