"""Programs of the user's own, in the user's environment; what they are given and what they leave behind."""
