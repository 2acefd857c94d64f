"""GitHub by its API: HTTP, what modelrail does there, and the records in the artifact of another run."""
