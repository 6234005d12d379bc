"""Signals: named numbers, words and flags about a comparison, each with its meaning and origin."""
