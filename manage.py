#!/usr/bin/env python
import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.core.management import execute_from_command_line
    from django.db.utils import OperationalError

    from config.embedded import tables
    from config.embedded.postgres import DidNotStart

    try:
        django.setup()
        tables.make_before(sys.argv)
        execute_from_command_line(sys.argv)
    except OperationalError as error:
        if isinstance(error.__cause__, DidNotStart):
            sys.exit(f"quorum: {error}")
        raise


if __name__ == "__main__":
    main()
