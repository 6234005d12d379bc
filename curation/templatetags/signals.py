from django import template

from curation.domain.signals.signal import Value

register = template.Library()


@register.filter
def said(value: Value) -> str:
    """A signal's value in plain words; a dash where it could not be told."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".").replace("-", "−")
    return f"{value:,}".replace("-", "−") if isinstance(value, int) else value


@register.filter
def spaced(name: str) -> str:
    return name.replace("_", " ")
