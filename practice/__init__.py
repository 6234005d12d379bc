"""A judge without a model: a small server that speaks chat completions and errs on command.

It knows nothing of Quorum but the form of its requests, and nothing of Quorum knows it.
"""
