"""The signals that are worked out from judgments, or elsewhere."""

from curation.domain.signals.signal import Signal, flag, number, share
from curation.domain.vocabulary import SignalFamily

VOTES, JUDGES, IMPORTED = SignalFamily.VOTES, SignalFamily.JUDGES, SignalFamily.IMPORTED
DIFFICULTY = SignalFamily.DIFFICULTY

PEOPLE = "people's judgments in force"
JEFFREYS = f"{PEOPLE}; p = (a + 1/2) / (n + 1), ties and “both bad” half"
FEEDBACK = "weak judgments in force"
MACHINES = "judgments in force of LLM judges, both orders of a judge averaged"
HELD = "probabilities of LLM judges, calibrated by people's labels, one vote for each model family"
MEAN = "for more than two responses the mean over all pairs"

VOTE_SIGNALS = (
    number("people_votes", VOTES, "People who took a side.", PEOPLE, 0.0, None, "people"),
    number("people_judgments", VOTES, "People who answered at all.", PEOPLE, 0.0, None, "people"),
    share(
        "people_probability",
        VOTES,
        "How likely one more person puts the first response above the second; only for two.",
        JEFFREYS,
    ),
    number(
        "vote_entropy",
        VOTES,
        f"How undecided people's votes are; 1 for an even split or no votes; {MEAN}.",
        f"{JEFFREYS}; entropy of p in bits",
        0.0,
        1.0,
        "bits",
    ),
    share(
        "vote_margin",
        VOTES,
        f"How clearly people's votes point one way, |2p - 1|; {MEAN}.",
        JEFFREYS,
    ),
    share(
        "vote_agreement",
        VOTES,
        "Share of pairs of people who say the same; null with fewer than two votes.",
        PEOPLE,
    ),
    share("tie_share", VOTES, "Share of people's votes that tie all responses.", PEOPLE),
    share("both_bad_share", VOTES, "Share of people's votes that call all responses bad.", PEOPLE),
    share("cannot_judge_share", VOTES, "Share of people who said they cannot judge it.", PEOPLE),
    share("unsure_share", VOTES, "Share of people who said they are unsure.", PEOPLE),
    number(
        "seconds_median",
        VOTES,
        "Median of the seconds people actively spent on it; null where unknown.",
        PEOPLE,
        0.0,
        None,
        "seconds",
    ),
    number(
        "n_feedback",
        VOTES,
        "Users of a product whose feedback prefers one of the two responses; no votes.",
        FEEDBACK,
        0.0,
        None,
        "users",
    ),
    share(
        "feedback_probability",
        VOTES,
        "How likely the first response is better, by users' feedback alone; null without any.",
        f"{FEEDBACK}; log-odds of the trust in each user's surest one, added up",
    ),
)
JUDGE_SIGNALS = (
    number("n_judges", JUDGES, "LLM judges that took a side.", MACHINES, 0.0, None, "judges"),
    share(
        "judge_probability",
        JUDGES,
        "Mean over judges of how much they favour the first response; only for two.",
        MACHINES,
    ),
    number(
        "judge_entropy",
        JUDGES,
        f"How undecided the judges are together; {MEAN}.",
        f"{MACHINES}; entropy in bits of their mean",
        0.0,
        1.0,
        "bits",
    ),
    number(
        "judge_disagreement",
        JUDGES,
        f"How much the judges differ among themselves: standard deviation over judges; {MEAN}.",
        MACHINES,
        0.0,
        0.5,
    ),
    share(
        "order_flip",
        JUDGES,
        "Share of the judges asked in both orders whose verdict changed with the order; "
        "only for two.",
        MACHINES,
    ),
    share(
        "judge_human_gap",
        JUDGES,
        f"How far the judges' mean is from people's probability; null without votes of both; "
        f"{MEAN}.",
        f"{MACHINES}; {JEFFREYS}",
    ),
    share(
        "judge_confidence",
        JUDGES,
        "How likely the response that the judges together lean to is the better one, 0.5 to 1; for "
        "more than two responses the mean confidence in the one they put first.",
        f"{HELD}; mean of log-odds",
    ),
    share(
        "judge_agreement",
        JUDGES,
        "Share of the judges, the undecided among them, whose verdict is that of all together.",
        HELD,
    ),
)

LOGPROB = "imported ref_logprob of each response"
LENGTH = "imported ref_tokens of each response, else its estimated tokens"
REWARDS = "imported reward:… of each response, one name per reward model"
CHOSEN = "by people's votes; null while they are even; only for two"
IMPORTED_SIGNALS = (
    number(
        "reference_log_ratio",
        IMPORTED,
        "The reference model's log-probability of the first response less that of the second; "
        "only for two.",
        LOGPROB,
        unit="nats",
    ),
    number(
        "reference_log_ratio_per_token",
        IMPORTED,
        "The same with each log-probability divided by the response's length; only for two.",
        f"{LOGPROB}; {LENGTH}",
        unit="nats per token",
    ),
    number(
        "reference_gap",
        IMPORTED,
        "The reference model's log-probability of the rejected response less that of the chosen "
        "one: above 0 it prefers the rejected.",
        f"{LOGPROB}; chosen and rejected {CHOSEN}",
        unit="nats",
    ),
    number(
        "reference_gap_per_token",
        IMPORTED,
        "The same with each log-probability divided by the response's length.",
        f"{LOGPROB}; {LENGTH}; chosen and rejected {CHOSEN}",
        unit="nats per token",
    ),
    number("n_reward_models", IMPORTED, "Reward models that scored all responses.", REWARDS, 0.0),
    number(
        "reward_gap_mean",
        IMPORTED,
        "Mean over reward models of the first response's reward less the second's; only for two.",
        REWARDS,
    ),
    number(
        "reward_gap_sd",
        IMPORTED,
        "Standard deviation of that over reward models; null with fewer than two.",
        REWARDS,
        0.0,
    ),
    number(
        "reward_gap_chosen",
        IMPORTED,
        "Mean over reward models of the chosen response's reward less the rejected one's.",
        f"{REWARDS}; chosen and rejected {CHOSEN}",
    ),
)
DIFFICULTY_SIGNALS: tuple[Signal, ...] = (
    share(
        "difficulty",
        DIFFICULTY,
        "How likely two more annotators would disagree, scaled so that 1 is a coin toss.",
        "foretold from the other signals; a stated heuristic until there are votes enough",
    ),
    share(
        "difficulty_order",
        DIFFICULTY,
        "The same for putting comparisons in order: finer, but not a probability.",
        "the logistic model before calibration; the heuristic until there is one",
    ),
    flag(
        "difficulty_is_fitted",
        DIFFICULTY,
        "Whether difficulty is foretold by a model fitted on this project's votes.",
        "the fit in force",
    ),
    number(
        "difficulty_fit",
        DIFFICULTY,
        "Number of the fit that foretold it, 0 for the heuristic.",
        "the fit in force",
        0.0,
    ),
)
