"""Keeps each project's groups of duplicates in step with its texts, its policy and decisions."""
