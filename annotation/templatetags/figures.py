from django import template

register = template.Library()


@register.filter
def told(value: float | None, is_share: bool = False) -> str:
    """A figure in words: a share in percent, another number with two decimals."""
    if value is None:
        return "–"
    if is_share:
        return f"{value:.1%}".replace(".0%", "%")
    return f"{value:.2f}".replace("-", "−")


@register.filter
def share(value: float | None) -> str:
    return told(value, True)
