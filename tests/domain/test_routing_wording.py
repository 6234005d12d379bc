from curation.domain.routing.policy import policy_from_json
from curation.domain.routing.wording import LONGEST, policy_words


def words(**content):
    return policy_words(policy_from_json(content))


class TestPolicyWords:
    def test_tell_each_rule_and_what_becomes_of_the_rest(self):
        hard = {"fact": "difficulty", "is": ">=", "value": 0.7}
        fresh = {"not": {"fact": "n_people", "is": "between", "value": [1, 3]}}
        tagged = {"any": [{"fact": "tags", "is": "contains", "value": "safety"}, hard]}

        told = words(
            rules=[
                {"name": "unsafe", "when": tagged, "route": {"route": "expert", "overlap": 2}},
                {"name": "fresh", "when": {"all": [fresh, tagged]}, "route": "skip"},
            ],
            default={"route": "judge", "judges": ["strict 1"]},
        )

        assert told == [
            "unsafe: where tags contains “safety” or difficulty is at least 0.7, "
            "two experts judge it.",
            "fresh: where not (n people is within 1 and 3) and "
            "(tags contains “safety” or difficulty is at least 0.7), nobody judges it.",
            "Otherwise, the judge strict 1 judges it.",
        ]

    def test_tell_of_the_learned_router(self):
        [told] = words(
            default={"route": "judge", "judges": ["strict 1"]}, learned={"human_share": 0.2}
        )

        assert told == (
            "Always the learned router sends up to 20 % of the work to people, where they gain "
            "most, explores 5 % by chance, and otherwise the judge strict 1 judges it."
        )

    def test_tell_a_policy_without_rules(self):
        assert words() == ["Always, one person judges it."]

    def test_stay_short(self):
        tests = [{"fact": "metadata.x", "is": "is", "value": "y" * 60}] * 20
        [told, _] = words(rules=[{"name": "long", "when": {"all": tests}, "route": "human"}])

        assert len(told) == LONGEST
