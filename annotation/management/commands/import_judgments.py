from annotation.domain.vocabulary import ImportKind
from annotation.management.importing import ImportCommand


class Command(ImportCommand):
    help = "Import judgments (JSON Lines, CSV or Parquet, packed with gzip or not) into a project."
    kind = ImportKind.JUDGMENTS
