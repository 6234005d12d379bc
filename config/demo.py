"""The whole demo: annotation's projects and people, and a first version of each dataset."""

from datetime import datetime
from pathlib import Path

from django.db import transaction

from annotation.models import Project
from annotation.services import demo
from curation.services import datasets, versioning

FOLDER = Path(__file__).resolve().parent.parent / "demo"


def seed(now: datetime) -> dict[str, str]:
    """Make the demo, all or nothing; returns the passwords of the logins that it made."""
    with transaction.atomic():
        passwords = demo.seed_demo(folder=FOLDER, now=now)
        for project in Project.objects.filter(slug__in=[each.slug for each in demo.PROJECTS]):
            dataset = datasets.default_dataset(project=project, now=now)
            if not dataset.versions.exists():
                versioning.request_version(dataset=dataset, now=now)
    return passwords
