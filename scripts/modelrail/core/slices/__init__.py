"""Which rows a slice holds, and which slices are served worst."""
