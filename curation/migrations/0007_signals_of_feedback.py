from django.db import migrations

# As in 0002: the database asks for signals beside the fact, so that annotation need not know of
# curation. See docs/decisions/0009-curation-is-told-by-the-database.md.
ASK = """
    CREATE FUNCTION curation_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO signal_request (comparison_id, family)
        SELECT DISTINCT judgment.comparison_id, 'votes'
        {comparisons}
        ORDER BY 1
        ON CONFLICT (family, comparison_id) DO UPDATE SET queued_at = now(), tries = 0, error = '';
        RETURN NULL;
    END $$;
    CREATE TRIGGER curation_{name} AFTER {event} ON {table}
    REFERENCING {tables} FOR EACH STATEMENT EXECUTE FUNCTION curation_{name}();
"""
UNASK = "DROP TRIGGER curation_{name} ON {table}; DROP FUNCTION curation_{name}();"
OF_KIND = """
        FROM added
        {before}
        JOIN weak_judgment ON weak_judgment.kind = added.kind
        JOIN judgment ON judgment.id = weak_judgment.judgment_id
         AND judgment.project_id = added.project_id
"""
# A weight that moves by less than this changes no signal that anybody could tell apart.
MOVED = "JOIN gone ON gone.id = added.id AND abs(gone.weight - added.weight) > 0.005"
TRIGGERS = [
    {
        "name": "asks_at_feedback",
        "event": "INSERT",
        "table": "weak_judgment",
        "tables": "NEW TABLE AS added",
        "comparisons": "FROM added JOIN judgment ON judgment.id = added.judgment_id",
    },
    {
        "name": "asks_at_trust",
        "event": "INSERT",
        "table": "feedback_trust",
        "tables": "NEW TABLE AS added",
        "comparisons": OF_KIND.format(before=""),
    },
    {
        "name": "asks_at_new_trust",
        "event": "UPDATE",
        "table": "feedback_trust",
        "tables": "OLD TABLE AS gone NEW TABLE AS added",
        "comparisons": OF_KIND.format(before=MOVED),
    },
]


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0003_feedback_on_many_pairs"),
        ("curation", "0006_routing"),
    ]

    operations = [
        migrations.RunSQL(ASK.format(**trigger), UNASK.format(**trigger)) for trigger in TRIGGERS
    ]
