"""Rules that neither the linter nor the import contracts can say."""

import ast
import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

ROOT = Path(__file__).resolve().parents[2]
APPS = ("annotation", "curation")
INTERFACES = ("api", "management", "views")
BELOW_INTERFACES = ("domain", "models", "selectors", "services", "forms")


def sources(*folders):
    return sorted(
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if "migrations" not in path.parts
    )


def nodes_in(paths, kind):
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, kind):
                yield node, f"{path.relative_to(ROOT)}:{node.lineno}"


def rooms(*names):
    return [f"{app}/{name}" for app in APPS for name in names if (ROOT / app / name).is_dir()]


def called(node):
    """The last name of what is called: `delay` for `task.delay()`."""
    target = node.func
    return target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")


class TestHouseRules:
    def test_services_take_their_arguments_by_name(self):
        """A service writes at a moment, `now`, and an interface calls it."""
        asked = {name for path in sources("config", *rooms(*INTERFACES)) for name in calls_in(path)}
        positional = [
            f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
            for path in sources(*rooms("services"))
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef)
            if f"{path.stem}.{node.name}" in asked and "now" in names_of(node.args)
            if node.args.args
        ]

        assert len(asked) > 20
        assert positional == []

    def test_nothing_below_the_interfaces_reads_the_clock(self):
        read = [
            where
            for node, where in nodes_in(sources(*rooms(*BELOW_INTERFACES)), ast.Call)
            if called(node) in {"now", "utcnow", "today"} and reads_clock(node)
        ]

        assert read == []

    def test_nobody_publishes_a_task(self):
        published = [
            where
            for node, where in nodes_in(sources("config", *APPS), ast.Call)
            if called(node) in {"delay", "apply_async", "send_task"}
        ]

        assert published == []

    def test_nothing_below_config_catches_everything(self):
        caught = [
            where
            for node, where in nodes_in(sources(*APPS), ast.ExceptHandler)
            if node.type is None or getattr(node.type, "id", "") in {"Exception", "BaseException"}
            if not is_raised_again(node)
        ]

        assert caught == []


def names_of(arguments):
    return {each.arg for each in arguments.args + arguments.kwonlyargs}


def calls_in(path):
    """What a module calls on modules that it imports from services: `queue.claim_slot`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = {
        name.asname or name.name: name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and ".services" in (node.module or "")
        for name in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = getattr(node.func.value, "id", "")
            if owner in modules:
                yield f"{modules[owner]}.{node.func.attr}"


def reads_clock(node):
    owner = getattr(node.func, "value", None)
    return getattr(owner, "id", getattr(owner, "attr", "")) in {"timezone", "datetime", "date"}


def is_raised_again(handler):
    return any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler))


class TestDocumentation:
    def test_names_every_setting_that_is_read(self):
        read = {
            node.args[0].value
            for node, _ in nodes_in(sources("config"), ast.Call)
            if is_reading_of_environment(node) and isinstance(node.args[0], ast.Constant)
        }
        table = (ROOT / "README.md").read_text(encoding="utf-8")

        assert len(read) >= 10
        assert {name for name in read if f"`{name}`" not in table} == set()

    def test_names_no_setting_that_nobody_reads(self):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        section = readme.split("## Settings")[1].split("\n## ")[0]
        code = "".join(path.read_text(encoding="utf-8") for path in sources("config"))

        listed = re.findall(r"^\| `([A-Z_]+)` \|", section, re.MULTILINE)
        assert listed
        assert [name for name in listed if f'"{name}"' not in code] == []

    def test_names_every_command(self):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")

        assert [name for name in own_commands() if f"`{name}" not in readme] == []

    @pytest.mark.parametrize(
        "name", sorted(p.stem for p in ROOT.glob("*/management/commands/[!_]*.py"))
    )
    def test_has_help_for_every_command(self, name):
        command = load_command_class(get_commands()[name], name)

        assert re.match(r"[A-Z].*\.", command.help, re.DOTALL)


def is_reading_of_environment(node):
    owner = ast.unparse(node.func)
    reads = owner.startswith("environment.") and owner != "environment.refuse"
    return bool(node.args) and (reads or owner == "os.environ.get")


def own_commands():
    return {
        path.stem
        for app in ("config", *APPS)
        for path in (ROOT / app / "management" / "commands").glob("[!_]*.py")
    }
