"""Metrics: `catalog` says what each is, `names` what people call it, without numpy; the others compute."""
