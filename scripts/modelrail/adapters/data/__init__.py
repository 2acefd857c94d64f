"""Tables: fetched by DVC, read, checked, and kept beside the records of an evaluation."""
