"""Writing versions in training formats."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from annotation.domain.errors import DomainError, NotFound
from annotation.domain.vocabulary import WorkState
from curation.domain.card import card_of, lines_card
from curation.domain.formats import TABLES, Format, Table
from curation.domain.recipes import Recipe, recipe_of
from curation.domain.tables import GROUP
from curation.models import Export, Version
from curation.services import builds, shards, storage
from curation.services.part_files import PartFiles

BUILD_ERRORS = (ArithmeticError, LookupError, OSError, TypeError, ValueError, DomainError)

Progress = Callable[[int, int], None]


class NotBuilt(DomainError):
    """Only a finished version can be exported."""

    code, status = "version_not_done", 409


def format_named(name: str) -> Format:
    """Find a format by its name.

    Raises:
        NotFound: there is none of this name.
    """
    if name not in list(Format):
        raise NotFound(f"There is no format '{name}'; there is {', '.join(Format)}.")
    return Format(name)


def request_export(*, version: Version, format: Format, now: datetime) -> Export:
    """Queue an export, or find the one there is; one that failed is tried again. Safe to repeat.

    Raises:
        NotBuilt: the version is not done.
    """
    if version.state != WorkState.DONE:
        raise NotBuilt(f"Version {version.number} is {version.state}; only a finished one exports.")
    export, _ = Export.objects.get_or_create(
        version=version, format=format, defaults={"created_at": now}
    )
    failed = Export.objects.filter(pk=export.pk, state=WorkState.FAILED)
    if failed.update(state=WorkState.QUEUED, tries=0, error=""):
        export.refresh_from_db()
    return export


def build_export(*, export: Export, now: datetime, progress: Progress | None = None) -> bool:
    """Build a queued export, or one whose builder was killed; its folder appears whole.

    Returns:
        False where another builder has it or it is finished already. Safe to repeat.
    """
    with builds.alone_with(export) as alone:
        if not alone or not builds.begin(export):
            return False
        target = storage.export_path(export)
        storage.clear_unfinished(target)
        try:
            with storage.new_folder(target) as folder:
                written = write_format(
                    export.version, Format(export.format), folder, progress or ignore
                )
        except BUILD_ERRORS as error:
            builds.fail(export, error, now)
            return True
        export.files, export.counts = written["files"], written["counts"]
        export.state, export.error, export.built_at = WorkState.DONE, "", now
        export.save()
    return True


def ignore(done: int, total: int) -> None:
    """Tell nobody how far it is."""


def write_format(
    version: Version, format: Format, folder: Path, progress: Progress
) -> dict[str, Any]:
    """Write a version's rows, card and manifest into a folder: the same bytes every time.

    Returns:
        `{"files": [{"path", "bytes", "sha256", "rows"}], "counts": {table: {"rows", "dropped"}}}`.
    """
    manifest = version.manifest
    recipe = recipe_of(version.recipe)
    counts = {}
    with PartFiles(folder) as parts:
        for table in TABLES[format]:
            records = count_off(shards.records_in(manifest["shards"]), manifest, progress)
            counts[table.name] = write_table(table, records, recipe, parts)
    files = parts.files + write_cards(manifest, format, parts.files, folder)
    summary = {**manifest, "format": format.value, "files": files, "rows": counts}
    write(
        folder / "MANIFEST.json", json.dumps(summary, ensure_ascii=False, indent=2, sort_keys=True)
    )
    return {"files": [*files, described(folder, "MANIFEST.json")], "counts": counts}


def write_cards(
    manifest: Mapping[str, Any], format: Format, tables: list[dict[str, Any]], folder: Path
) -> list[dict[str, Any]]:
    write(folder / "README.md", card_of(manifest, format, tables))
    names = ["README.md"]
    for table in TABLES[format]:
        if table.loads_as_lines:
            names.append(f"{table.lines_folder}/README.md")
            write(folder / names[-1], lines_card(table, tables))
    return [described(folder, name) for name in names]


def write(path: Path, text: str) -> None:
    path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")


def described(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    return {
        "path": name,
        "bytes": path.stat().st_size,
        "sha256": storage.sha256_of(path),
        "rows": None,
    }


def count_off(
    records: Iterator[Mapping[str, Any]], manifest: Mapping[str, Any], progress: Progress
) -> Iterator[dict[str, Any]]:
    total = manifest["counts"]["items"]
    for done, record in enumerate(records, start=1):
        yield dict(record)
        if done % GROUP == 0 or done == total:
            progress(done, total)


def write_table(
    table: Table, records: Iterator[dict[str, Any]], recipe: Recipe, parts: PartFiles
) -> dict[str, Any]:
    """Write one table's files and count what was kept and what was dropped, by reason."""
    dropped: Counter[str] = Counter()
    kept = 0
    parts.open(table)
    for record in records:
        for row, reason in table.rows(record, recipe):
            if row is None:
                dropped[reason] += 1
            else:
                kept += 1
                parts.add(record[table.part], row)
    parts.close()
    return {"rows": kept, "dropped": dict(sorted(dropped.items()))}
