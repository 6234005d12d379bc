"""What a process loads before it has anything to do stays in its memory for good."""

import subprocess
import sys

START = """
import django
django.setup()
import annotation.tasks, config.urls, curation.tasks
import sys
print(*sorted({"sklearn", "pandas", "torch"} & set(sys.modules)))
"""


class TestStart:
    def test_loads_no_library_that_only_fits_and_embeddings_need(self):
        told = subprocess.run(
            [sys.executable, "-c", START], check=True, capture_output=True, text=True
        )

        assert told.stdout.split() == []
