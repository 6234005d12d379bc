"""The JSON Schema of a routing policy, for editors and the API's pages.

It says the shape; which facts there are, and what fits which fact, `policy_from_json` checks.
"""

from typing import Any

from curation.domain.routing.conditions import TESTS
from curation.domain.vocabulary import Route

SHARE = {"type": "number", "minimum": 0, "maximum": 1}
LISTED = {"type": "array", "items": {"$ref": "#/$defs/condition"}, "minItems": 1, "maxItems": 20}
ASKED = sorted({asks for kinds in TESTS.values() for asks in kinds})


def closed(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    return told | ({"required": required} if required else {})


CONDITION = {
    "oneOf": [
        closed({"all": LISTED}, ["all"]),
        closed({"any": LISTED}, ["any"]),
        closed({"not": {"$ref": "#/$defs/condition"}}, ["not"]),
        closed(
            {
                "fact": {"type": "string", "minLength": 1, "maxLength": 200},
                "is": {"enum": ASKED},
                "value": {},
            },
            ["fact", "is"],
        ),
    ]
}
ROUTE = closed(
    {
        "route": {"enum": [route.value for route in Route]},
        "overlap": {"type": "integer", "minimum": 1, "maximum": 100, "default": 1},
        "judges": {
            "type": "array",
            "items": {"type": "string", "minLength": 1, "maxLength": 120},
            "maxItems": 20,
        },
        "expertise": {"type": "string", "maxLength": 60},
        "rank": {"type": "integer", "minimum": -1_000_000, "maximum": 1_000_000, "default": 0},
    },
    ["route"],
)
RULE = closed(
    {
        "name": {"type": "string", "minLength": 1, "maxLength": 60},
        "when": {"$ref": "#/$defs/condition"},
        "route": {"$ref": "#/$defs/route"},
    },
    ["name", "when", "route"],
)
PRICE = {"type": "number", "minimum": 0, "maximum": 1_000_000}
LEARNED = closed(
    {
        "human_share": SHARE,
        "cost_human": PRICE | {"default": 0.0},
        "cost_judge": PRICE | {"default": 0.0},
        "value": PRICE | {"default": 1.0},
        "explore": SHARE | {"default": 0.05},
    },
    ["human_share"],
)
POLICY_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Routing policy",
    "$defs": {"condition": CONDITION, "route": ROUTE},
    **closed(
        {
            "rules": {"type": "array", "items": RULE, "maxItems": 50},
            "default": {"$ref": "#/$defs/route"},
            "learned": {"oneOf": [LEARNED, {"type": "null"}]},
            "audit_share": SHARE | {"default": 0.05},
            "error_limit": SHARE | {"default": 0.25},
            "error_confidence": {"type": "number", "minimum": 0.5, "maximum": 0.999},
            "slice_by": {"type": "string", "maxLength": 200},
        }
    ),
}
