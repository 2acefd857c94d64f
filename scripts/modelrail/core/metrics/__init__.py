"""Metrics: `catalog` says what each one is (no numpy needed), `confusion` and `rowwise` compute them."""
