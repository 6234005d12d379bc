"""The signals that are worked out from texts, and from their vectors and topics."""

from curation.domain.signals.signal import flag, number, share, word, words
from curation.domain.vocabulary import SignalFamily

TEXT, VECTORS, TOPIC = SignalFamily.TEXT, SignalFamily.VECTORS, SignalFamily.TOPIC

COUNTED = "counted in the stored texts"
ESTIMATED = "estimated: the greater of words and a quarter of the UTF-8 bytes"
MARKED_UP = "found by fixed patterns in the stored texts"
MEAN = "for more than two responses the mean over all pairs"
FORMS = {
    "code": "code",
    "maths": "mathematical notation",
    "list": "a list",
    "table": "a table",
    "heading": "headings",
    "bold": "bold text",
    "quote": "block quotes",
    "url": "web addresses",
}
SIMILARITIES = {
    "rouge_1": (
        "How many words two responses share, as ROUGE-1 F",
        "words in lower case, not stemmed; the first 2,000 of each text",
    ),
    "rouge_l": (
        "How much of two responses is the same words in the same order, as ROUGE-L F",
        "longest common subsequence of words in lower case; the first 2,000 of each text",
    ),
    "ngram_similarity": (
        "How alike two responses are in short runs of characters",
        "Jaccard index of the sets of 5-character runs, folded; the first 5,000 characters",
    ),
    "edit_similarity": (
        "How much of two responses stays when one is edited into the other",
        "1 less normalised Indel distance by rapidfuzz; the first 5,000 characters",
    ),
    "entity_overlap": (
        "How many of the names and numbers in two responses stand in both",
        "shared by all of capitalised spans within sentences, and numbers; 0 where there are none",
    ),
}

LENGTHS = tuple(
    number(f"{which}_{unit}", TEXT, f"Length of the {what} in {unit}.", rule, 0.0, None, unit)
    for unit, rule in (("characters", COUNTED), ("words", COUNTED), ("tokens", ESTIMATED))
    for which, what in (
        ("prompt", "prompt"),
        ("shortest", "shortest response"),
        ("longest", "longest response"),
    )
)
DIFFERENCES = (
    number(
        "length_difference",
        TEXT,
        "Characters of the first response less those of the second; only for two responses.",
        COUNTED,
        unit="characters",
    ),
    number(
        "relative_length_difference",
        TEXT,
        "Length difference by the length of both responses together; only for two responses.",
        COUNTED,
        -1.0,
        1.0,
    ),
    share(
        "relative_length_gap",
        TEXT,
        "Longest response less shortest, by the sum of the two; 0 where all are empty.",
        COUNTED,
    ),
)
SHAPE = (
    number("n_turns", TEXT, "Messages in the prompt.", COUNTED, 1.0, None, "messages"),
    number("n_responses", TEXT, "Responses compared.", COUNTED, 2.0, 9.0, "responses"),
    flag("identical_responses", TEXT, "Two responses are the same, byte for byte.", COUNTED),
    flag("empty_response", TEXT, "A response holds nothing but white space.", COUNTED),
    flag("no_entities", TEXT, "No response names anything or holds a number.", MARKED_UP),
)
ALIKE = tuple(
    signal
    for name, (meaning, rule) in SIMILARITIES.items()
    for signal in (
        share(name, TEXT, f"{meaning}; {MEAN}.", rule),
        share(f"{name}_min", TEXT, f"{meaning}; the least alike pair.", rule),
        share(f"{name}_max", TEXT, f"{meaning}; the most alike pair.", rule),
    )
)
LANGUAGES = (
    word("prompt_language", TEXT, "Language of the prompt as ISO 639-1 code.", "py3langid"),
    words("response_languages", TEXT, "Languages of the responses, sorted.", "py3langid"),
    flag(
        "language_mismatch",
        TEXT,
        "A response is in another language than the prompt or another response.",
        "py3langid; texts too short to tell count as no other language",
    ),
)
FORMATS = (
    *(
        flag(f"prompt_has_{form}", TEXT, f"The prompt holds {w}.", MARKED_UP)
        for form, w in FORMS.items()
    ),
    *(
        share(f"responses_with_{form}", TEXT, f"Share of the responses that hold {w}.", MARKED_UP)
        for form, w in FORMS.items()
    ),
    *(
        number(
            f"{form}_difference",
            TEXT,
            f"Pieces of {w} in the first response less those in the second; only for two.",
            MARKED_UP,
        )
        for form, w in FORMS.items()
    ),
    share(
        "format_distance",
        TEXT,
        f"Share of the {len(FORMS)} formats that only one of two responses uses; {MEAN}.",
        MARKED_UP,
    ),
)
TEXT_SIGNALS = (*LENGTHS, *DIFFERENCES, *SHAPE, *ALIKE, *LANGUAGES, *FORMATS)

COSINE = "cosine of the active embedding model's vectors, each of the whole text"
VECTOR_SIGNALS = (
    number(
        "response_cosine",
        VECTORS,
        f"How close two responses are in meaning; {MEAN}.",
        COSINE,
        -1.0,
        1.0,
    ),
    number("response_cosine_min", VECTORS, "The same of the least alike pair.", COSINE, -1.0, 1.0),
    number("response_cosine_max", VECTORS, "The same of the most alike pair.", COSINE, -1.0, 1.0),
    number(
        "prompt_response_cosine",
        VECTORS,
        "How close the responses are to the prompt in meaning, on average.",
        COSINE,
        -1.0,
        1.0,
    ),
    number(
        "prompt_response_cosine_difference",
        VECTORS,
        "How much closer to the prompt the first response is than the second; only for two.",
        COSINE,
        -2.0,
        2.0,
    ),
    number(
        "novelty",
        VECTORS,
        "How far the prompt is from the prompts of other comparisons that people have judged: "
        "1 less the greatest cosine, 1 where none is judged.",
        f"{COSINE}; the prompts of the last 50,000 judgments, read anew when the number of judged "
        "comparisons has grown by a quarter",
        0.0,
        2.0,
    ),
    word("embedding_model", VECTORS, "The embedding model and its revision.", "settings"),
)
TOPIC_SIGNALS = (
    number("topic", TOPIC, "Number of the prompt's topic on the map.", "clusters of the map", 0.0),
    word("topic_label", TOPIC, "What the prompt's topic is called.", "its most typical prompts"),
)
