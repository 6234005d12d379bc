"""The dataset card: a README.md whose head tells `load_dataset` what lies where."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from curation.domain.formats import DESCRIPTIONS, TABLES, Format, Table
from curation.domain.recipes import SPLITS

LICENSES = {
    "cc by 4.0": "cc-by-4.0",
    "cc-by-4.0": "cc-by-4.0",
    "cc by-nc 4.0": "cc-by-nc-4.0",
    "cc-by-nc-4.0": "cc-by-nc-4.0",
    "mit": "mit",
    "apache-2.0": "apache-2.0",
    "apache 2.0": "apache-2.0",
    "cc0": "cc0-1.0",
    "cc0-1.0": "cc0-1.0",
}
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def card_of(manifest: Mapping[str, Any], format: Format, files: Sequence[Mapping[str, Any]]) -> str:
    """Write the card of an export.

    Args:
        manifest: the version's.
        format: which format the folder holds.
        files: `[{"path", "rows", …}]` of the folder's tables.
    """
    rows = sum(file["rows"] for file in files if file["path"].endswith(".parquet"))
    head = [
        "---",
        f"pretty_name: {quoted(manifest['name'])}",
        f"license: {license_of(manifest['facts']['projects'])}",
        "task_categories: [text-generation]",
        f"size_categories: [{size_of(rows)}]",
        "tags: [preference, human-feedback]",
        *configs(format, files),
        *dataset_info(format),
        "---",
    ]
    return "\n".join([*head, "", *body(manifest, format, files)]) + "\n"


def license_of(projects: Sequence[Mapping[str, Any]]) -> str:
    """Name the one licence of all sources in the Hub's words, else "other"."""
    named = {LICENSES.get(project["license"].strip().lower(), "other") for project in projects}
    return named.pop() if len(named) == 1 else "other"


def size_of(rows: int) -> str:
    return next((name for most, name in SIZES if rows < most), "n>1M")


def configs(format: Format, files: Sequence[Mapping[str, Any]]) -> list[str]:
    """List each table of the format as a configuration, the first one loading unasked."""
    lines = ["configs:"]
    for place, table in enumerate(TABLES[format]):
        lines += [f"- config_name: {table.name}"] + ["  default: true"] * (place == 0)
        lines += data_files(table, f"{table.folder}/", files)
    return lines


def data_files(table: Table, folder: str, files: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say which files make up each split; a split without rows has none."""
    if table.part != "split":
        return ["  data_files:", "  - split: train", f"    path: {quoted(folder + '*')}"]
    lines = ["  data_files:"]
    for split in SPLITS:
        if any(file["path"].startswith(f"{table.folder}/{split}-") for file in files):
            lines += [f"  - split: {split}", f"    path: {quoted(f'{folder}{split}-*')}"]
    return lines


def lines_card(table: Table, files: Sequence[Mapping[str, Any]]) -> str:
    """Write the card inside a folder of JSON Lines, so that it loads with the same columns.

    One folder holds one kind of file for `load_dataset`, so this folder is loaded by itself.
    """
    return "\n".join(
        [
            "---",
            "configs:",
            "- config_name: default",
            *data_files(table, "", files),
            "dataset_info:",
            "- config_name: default",
            *features(table),
            "---",
            "",
            "The same rows as JSON Lines. See the card of the folder above.",
            "",
        ]
    )


def dataset_info(format: Format) -> list[str]:
    lines = ["dataset_info:"]
    for table in TABLES[format]:
        lines += [f"- config_name: {table.name}", *features(table)]
    return lines


def features(table: Table) -> list[str]:
    columns = [feature(column.name, column.type, 2) for column in table.schema]
    return ["  features:", *[line for column in columns for line in column]]


def feature(name: str, kind: pa.DataType, indent: int) -> list[str]:
    """Spell one column as the Hub's feature YAML does."""
    pad = " " * indent
    if pa.types.is_list(kind) and pa.types.is_struct(kind.value_type):
        inner = [
            line
            for place in range(kind.value_type.num_fields)
            for line in feature(
                kind.value_type.field(place).name, kind.value_type.field(place).type, indent + 2
            )
        ]
        return [f"{pad}- name: {name}", f"{pad}  list:", *inner]
    if pa.types.is_list(kind):
        return [f"{pad}- name: {name}", f"{pad}  list: {dtype(kind.value_type)}"]
    return [f"{pad}- name: {name}", f"{pad}  dtype: {dtype(kind)}"]


def dtype(kind: pa.DataType) -> str:
    return {"double": "float64"}.get(str(kind), str(kind))


def body(
    manifest: Mapping[str, Any], format: Format, files: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Say in plain words what the folder is, where it comes from, and what was left out."""
    counts = manifest["counts"]
    lines = [
        f"# {one_line(manifest['name'])}, version {manifest['version']}",
        "",
        manifest["description"] or DESCRIPTIONS[format],
        "",
        DESCRIPTIONS[format] if manifest["description"] else "",
        "",
        f"Cut from {counts['comparisons']} comparisons of {counts['items']} items with "
        f"{counts['judgments']} judgments. Digest of the version: `{manifest['digest']}`.",
        "",
        "| dropped because | comparisons |",
        "| --- | --- |",
        *[f"| {reason} | {number} |" for reason, number in counts["dropped"].items()],
        "",
        "## Sources",
        "",
    ]
    for project in manifest["facts"]["projects"]:
        about = project["license"] or "no licence stated"
        lines += [f"- **{one_line(project['name'])}**: {one_line(about)}"]
        lines += [f"  {one_line(project['attribution'])}"] if project["attribution"] else []
    lines += people_lines(manifest["facts"].get("people", {}))
    lines += ["", "## Files", "", "| file | rows |", "| --- | --- |"]
    return lines + [f"| `{file['path']}` | {file['rows']} |" for file in files]


def people_lines(people: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Tell who judged, as far as they let it be told: counts of ten people or more."""
    if not people:
        return []
    rows = [
        f"| {one_line(question)} | {one_line(answer)} | {n} |"
        for question, answers in people.items()
        for answer, n in answers.items()
    ]
    about = (
        "What annotators told about themselves and let be published, question by question; "
        "answers of fewer than ten people are left out."
    )
    head = [
        "",
        "## Annotators",
        "",
        about,
        "",
        "| question | answer | people |",
        "| --- | --- | --- |",
    ]
    return head + rows


def one_line(text: str) -> str:
    return " ".join(text.split())


def quoted(text: str) -> str:
    """Quote a text for YAML: JSON strings are YAML strings."""
    return json.dumps(one_line(text), ensure_ascii=False)
