"""Candidate against baseline: what is measured, what it says, what is drawn of it."""
