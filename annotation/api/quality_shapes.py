"""The shapes of quality figures, for the schema. Undefined figures are null."""

from rest_framework import serializers


def figure() -> serializers.FloatField:
    return serializers.FloatField(allow_null=True)


class Age(serializers.Serializer):
    """`is_current` is false while judgments are newer than the figures."""

    computed_at = serializers.DateTimeField(allow_null=True)
    is_current = serializers.BooleanField()


class Agreement(serializers.Serializer):
    n_items = serializers.IntegerField(help_text="Comparisons with two votes of people or more.")
    n_votes = serializers.IntegerField()
    n_pairs = serializers.IntegerField()
    pairwise = figure()
    pairwise_no_ties = figure()
    pairwise_mean_item = figure()
    unanimous = figure()
    alpha_nominal = figure()
    alpha_ordinal = figure()
    ac1 = figure()
    tie_rate = figure()
    prevalence = serializers.ListField(child=serializers.FloatField())


class Voter(serializers.Serializer):
    """One annotator or judge beside the people, by their votes on pairs."""

    annotator = serializers.CharField()
    id = serializers.IntegerField()
    model = serializers.CharField(allow_null=True)
    n = serializers.IntegerField()
    n_unparsed = serializers.IntegerField()
    n_compared = serializers.IntegerField()
    n_flips = serializers.IntegerField()
    tie_rate = figure()
    agreement_with_majority = figure()
    agreement_with_majority_no_ties = figure()
    agreement_with_single_vote = figure()
    agreement_with_single_vote_no_ties = figure()
    kappa = figure()
    first_shown_rate = figure()
    order_flip_rate = figure()
    longer_win_rate = figure()
    accuracy_vs_gold = figure()
    median_seconds = figure()
    worth = figure()
    flags = serializers.ListField(child=serializers.CharField())


class Place(serializers.Serializer):
    model = serializers.CharField()
    score = serializers.FloatField(help_text="Logits against the average model.")
    low = serializers.FloatField()
    high = serializers.FloatField()
    rank = serializers.IntegerField()
    rank_low = serializers.IntegerField()
    rank_high = serializers.IntegerField()
    n = serializers.IntegerField()
    win_rate = serializers.FloatField()
    tie_rate = serializers.FloatField()
    win_rate_equal_length = serializers.FloatField()


class Quality(Age):
    counts = serializers.DictField()
    consensus = serializers.DictField()
    agreement = Agreement()
    agreement_by_group = serializers.DictField()
    gold = serializers.DictField()
    rankings = serializers.DictField()
    criteria = serializers.ListField(child=serializers.DictField())
    bias = serializers.DictField()
    judges = Voter(many=True)
    annotators = Voter(many=True)
    leaderboard = Place(many=True)
    transitivity = serializers.DictField()


class OwnQuality(Age):
    figures = Voter(allow_null=True)


class WinMatrix(serializers.Serializer):
    """Strict wins of row over column, and ties, in the order of `models`."""

    models = serializers.ListField(child=serializers.CharField())
    wins = serializers.ListField(child=serializers.ListField(child=serializers.FloatField()))
    ties = serializers.ListField(child=serializers.ListField(child=serializers.FloatField()))


class Leaderboard(Age):
    by = serializers.CharField(help_text="Whose votes: human or llm.")
    places = Place(many=True)
    n_votes = serializers.IntegerField()
    n_annotators = serializers.IntegerField()
    intervals = serializers.CharField(help_text="sandwich, bootstrap or model.")
    tie_propensity = figure()
    n_components = serializers.IntegerField()
    is_separable = serializers.BooleanField()
    n_left_out = serializers.IntegerField()
    win_matrix = WinMatrix()
    transitivity = serializers.DictField(allow_null=True)
