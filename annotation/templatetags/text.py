from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.filter
def exact(text: str) -> SafeString:
    """Escape a text so that an HTML parser gives back every character of it.

    Parsers turn CR and CR LF into LF; only a character reference keeps the CR.
    """
    return mark_safe(escape(text).replace("\r", "&#13;"))  # noqa: S308 - escaped just now
