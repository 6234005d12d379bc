"""Reading foreign files: every line becomes a checked record, or a refusal that names the rule."""
