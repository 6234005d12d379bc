from django.db import migrations

# The jury's probability rests on the scales of its judges. Those of a first calibration that leaves
# probabilities as they are change nothing.
ASK = """
    CREATE FUNCTION curation_asks_at_calibrations() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO signal_request (comparison_id, family)
        SELECT DISTINCT judgment.comparison_id, 'judges'
        FROM added JOIN judgment ON judgment.annotator_id = added.annotator_id
                                AND judgment.project_id = added.project_id
        WHERE added.method <> 'none' OR added.number > 1
        ORDER BY 1
        ON CONFLICT (family, comparison_id) DO UPDATE SET queued_at = now(), tries = 0, error = '';
        RETURN NULL;
    END $$;
    CREATE TRIGGER curation_asks_at_calibrations AFTER INSERT ON calibration
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION curation_asks_at_calibrations();
"""
UNASK = """
    DROP TRIGGER curation_asks_at_calibrations ON calibration;
    DROP FUNCTION curation_asks_at_calibrations();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0002_judges_and_feedback"),
        ("curation", "0008_routing_is_asked_for"),
    ]

    operations = [migrations.RunSQL(ASK, UNASK)]
