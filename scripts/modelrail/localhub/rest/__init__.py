"""REST under /api/v3, one module a family of routes: check the token, call the domain, shape the answer."""
