"""Embedding and duplicates over folders of Parquet shards, on one machine or many.

    python -m curation.pipeline --help

The steps are the classes that the workers' drains use too; no Django, no database.
"""
