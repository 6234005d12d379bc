from typing import Any

WHY = {
    "no_votes": "nobody whose vote counts has taken a side",
    "joint": "its responses answer two different prompts",
    "unsettled": "too few votes, or no outcome likely enough",
    "both_bad": "the annotators found no response good",
    "tie": "the annotators found the responses equal",
    "identical_responses": "the responses are the same, byte for byte",
    "empty_response": "a response has no text",
    "unsafe": "an annotator marked it as unsafe",
    "low_agreement": "the annotators agree too little",
    "duplicate": "another item of its group of duplicates stands for it",
}


def drops_of(counts: dict[str, Any]) -> list[dict[str, Any]]:
    """Each reason with its count, the most frequent first."""
    dropped = sorted(counts.get("dropped", {}).items(), key=lambda pair: (-pair[1], pair[0]))
    total = counts.get("comparisons") or 1
    return [
        {"reason": reason, "why": WHY[reason], "number": number, "percent": 100 * number / total}
        for reason, number in dropped
    ]


def kept_share(counts: dict[str, Any]) -> float:
    return 100 * counts.get("kept", 0) / (counts.get("comparisons") or 1)
