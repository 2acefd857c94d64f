"""The record of versions and stages: tags, ledger, what they fold to, and what a command adds to them."""
