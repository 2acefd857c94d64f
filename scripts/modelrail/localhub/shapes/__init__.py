"""Documents as GitHub's JSON: every field that its OpenAPI description requires, with links of this hub."""
