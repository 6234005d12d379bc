from django.db import migrations, models
from django.db.models import Q

# A comparison that is made later of items that were read long ago has its vectors already, and
# nothing else would ask for the signals that rest on them.
ASK = """
    CREATE OR REPLACE FUNCTION curation_asks_at_comparisons() RETURNS trigger
    LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO signal_request (comparison_id, family)
        SELECT id, 'text' FROM added
        UNION ALL
        SELECT id, 'vectors' FROM added
        WHERE EXISTS (SELECT FROM item_texts WHERE item_texts.item_id = added.item_id)
        ORDER BY 1, 2
        ON CONFLICT (family, comparison_id) DO UPDATE SET queued_at = now(), tries = 0, error = '';
        RETURN NULL;
    END $$;
"""
ASIDE = Q(tries__gte=5)


class Migration(migrations.Migration):
    dependencies = [("curation", "0004_signals_by_version")]

    operations = [
        migrations.AddIndex(
            model_name="embeddingrequest",
            index=models.Index(fields=["generation", "id"], name="embedding_request_oldest"),
        ),
        migrations.AddIndex(
            model_name="signalrequest",
            index=models.Index(fields=["id"], condition=ASIDE, name="signal_request_aside"),
        ),
        migrations.AddIndex(
            model_name="duplicaterequest",
            index=models.Index(fields=["id"], condition=ASIDE, name="duplicate_request_aside"),
        ),
        migrations.RunSQL(ASK, migrations.RunSQL.noop),
    ]
