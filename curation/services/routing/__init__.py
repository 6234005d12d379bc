"""Routes comparisons to people and judges, and watches what comes of it."""
