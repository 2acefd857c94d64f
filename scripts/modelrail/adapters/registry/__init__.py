"""Versions and stages in git: tags and ledger, read here, written in one push, signed; and their evidence."""
