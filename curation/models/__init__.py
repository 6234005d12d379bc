from curation.models.datasets import Dataset, Export, Version

__all__ = ["Dataset", "Export", "Version"]
