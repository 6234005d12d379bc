"""Bringing items and judgments in. A batch is one transaction: all of its good lines, or none."""
