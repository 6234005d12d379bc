from django.db import migrations, models

# As in 0002: the database asks beside the fact, so that no writer need know of routing. Without an
# active policy this costs one look at an index that holds active policies only.
ASK = """
    CREATE FUNCTION curation_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT EXISTS (SELECT FROM routing_policy WHERE state = 'active') THEN
            RETURN NULL;
        END IF;
        INSERT INTO routing_request (comparison_id, project_id)
        SELECT DISTINCT {comparison}, {project}
        {changed}
        WHERE {project} IN (SELECT project_id FROM routing_policy WHERE state = 'active')
        ORDER BY 1
        ON CONFLICT (comparison_id) DO UPDATE SET queued_at = now(), tries = 0, error = '';
        RETURN NULL;
    END $$;
    CREATE TRIGGER curation_{name} AFTER {event} ON {table}
    REFERENCING {tables} FOR EACH STATEMENT EXECUTE FUNCTION curation_{name}();
"""
UNASK = "DROP TRIGGER curation_{name} ON {table}; DROP FUNCTION curation_{name}();"
SIGNALS = {
    "table": "signals",
    "comparison": "added.comparison_id",
    "project": "added.project_id",
}
# Which item stands for a group is known with its members: a group that changes is made anew.
MEMBERS = {
    "table": "duplicate_member",
    "comparison": "comparison.id",
    "project": "comparison.project_id",
    "changed": "FROM changed JOIN comparison ON comparison.item_id = changed.item_id",
}
TRIGGERS = [
    {
        "name": "routes_comparisons",
        "event": "INSERT",
        "table": "comparison",
        "tables": "NEW TABLE AS added",
        "comparison": "added.id",
        "project": "added.project_id",
        "changed": "FROM added",
    },
    {
        **SIGNALS,
        "name": "routes_at_signals",
        "event": "INSERT",
        "tables": "NEW TABLE AS added",
        "changed": "FROM added",
    },
    {
        **SIGNALS,
        "name": "routes_at_new_signals",
        "event": "UPDATE",
        "tables": "OLD TABLE AS gone NEW TABLE AS added",
        "changed": "FROM added JOIN gone ON gone.id = added.id AND gone.values <> added.values",
    },
    {
        **MEMBERS,
        "name": "routes_duplicates",
        "event": "INSERT",
        "tables": "NEW TABLE AS changed",
    },
    {
        **MEMBERS,
        "name": "routes_what_was_a_duplicate",
        "event": "DELETE",
        "tables": "OLD TABLE AS changed",
    },
]


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0002_judges_and_feedback"),
        ("curation", "0007_signals_of_feedback"),
    ]

    operations = [
        migrations.AddField(
            model_name="routingpolicy",
            name="threshold",
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name="routingpolicy",
            name="threshold_fit",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddIndex(
            model_name="routingdecision",
            index=models.Index(fields=["project", "id"], name="routing_decision_page"),
        ),
        *(
            migrations.RunSQL(ASK.format(**trigger), UNASK.format(**trigger))
            for trigger in TRIGGERS
        ),
    ]
