from decimal import Decimal

from django import template

register = template.Library()


@register.filter
def told(value: float | str | None, is_share: bool = False) -> str:
    """A figure in words: a share in percent, another number with two decimals.

    What a template cannot find is "", and told as what is undefined.
    """
    if value is None or isinstance(value, str):
        return "–"
    if is_share:
        return f"{value:.1%}".replace(".0%", "%")
    return f"{value:.2f}".replace("-", "−")


@register.filter
def share(value: float | None) -> str:
    return told(value, True)


@register.filter
def amount(value: Decimal | str | None) -> str:
    """Money in words: to a millionth of a unit, without zeros at its end."""
    if value is None or isinstance(value, str):
        return "–"
    return f"{round(value, 6).normalize():,f}"


@register.filter
def lasting(seconds: float) -> str:
    """A duration in round words: "40 s", "3 min", "2 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"
