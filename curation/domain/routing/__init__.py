"""Who judges a comparison: rules, chances, what they would do, and whether they may be trusted."""
