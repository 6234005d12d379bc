"""Prompts on a plane: where each lies, and which are about the same."""
