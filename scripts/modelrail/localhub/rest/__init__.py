"""REST under /api/v3, one module a family of routes. Handlers check the token, call the domain, shape the answer."""
