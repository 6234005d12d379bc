from django import template

register = template.Library()


@register.filter
def points(value: float | None) -> str:
    """A difference of two shares in percentage points, with one decimal."""
    return "–" if value is None else f"{100 * value:.1f}".replace("-", "−")


@register.filter
def thousandths(value: float | str | None) -> str:
    """A figure with three decimals; a dash where it is undefined."""
    if value is None or isinstance(value, str):
        return "–"
    return f"{value:.3f}".replace("-", "−")
