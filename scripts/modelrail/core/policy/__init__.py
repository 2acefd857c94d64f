"""What a policy demands: gates, checks, waivers; whose rules decide, and what a change does to them."""
