from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0002_judges_and_feedback"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="weakjudgment",
            name="weak_judgment_once_per_event",
        ),
    ]
