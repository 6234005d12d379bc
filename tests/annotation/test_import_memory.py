import gzip
import json
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection

from annotation.domain.vocabulary import ImportKind
from annotation.models import Import
from annotation.services.importing import uploads

MB = 1024  # in KB, as the kernel counts
TEXT = "lorem ipsum " * 240

RUN_AND_TELL_MEMORY = """
import re, sys
from pathlib import Path
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
import django
django.setup()
from django.utils.timezone import now
from annotation.services.importing import running
running.run_import(import_id=int(sys.argv[2]), now=now())
# Not ru_maxrss: a child starts with the size of its parent there.
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.fixture
def peak_of(make_project, noon):
    """Import a file in a process of its own; returns its largest resident size in KB."""

    def peak_of(path):
        upload = uploads.register_file(
            project=make_project(overlap=1),
            kind=ImportKind.ITEMS,
            path=path,
            mapping={},
            now=noon,
        )
        arguments = [connection.settings_dict["NAME"], str(upload.id)]
        done = subprocess.run(
            [sys.executable, "-c", RUN_AND_TELL_MEMORY, *arguments],
            env={
                "DJANGO_SETTINGS_MODULE": "config.settings",
                "QUORUM_VAR": str(settings.VAR),
                "PATH": "/usr/bin:/bin",
            },
            cwd=settings.ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        return int(done.stdout)

    return peak_of


def write_items(path, n):
    with path.open("w") as file:
        for number in range(n):
            responses = [{"id": mark, "text": f"{number} {TEXT}"} for mark in "ab"]
            item = {"id": f"item {number}", "prompt": TEXT, "responses": responses}
            file.write(json.dumps(item) + "\n")
    return path


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestMemory:
    def test_does_not_grow_with_the_number_of_rows(self, peak_of, tmp_path):
        few = peak_of(write_items(tmp_path / "few.jsonl", 1_000))
        many = peak_of(write_items(tmp_path / "many.jsonl", 7_000))

        # The 6,000 items between the two are 52 MB as a file and over twice that as records.
        assert many - few < 30 * MB
        assert many < 300 * MB

    def test_stays_low_under_hostile_files(self, peak_of, tmp_path):
        hostile = {
            "long.jsonl": b"x" * (100 * 2**20),
            "empty.jsonl": b"\n" * (4 * 2**20),
            "bomb.jsonl.gz": gzip.compress(b"\0" * (200 * 2**20), compresslevel=1),
            "nested.jsonl": b"[" + b"[]," * (4 * 2**20 // 3 - 2) + b"[]]",
        }
        for name, content in hostile.items():
            path = tmp_path / name
            path.write_bytes(content)

            assert peak_of(path) < 300 * MB, name
            assert Import.objects.order_by("id").last().state == "done", name
