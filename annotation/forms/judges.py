from decimal import Decimal
from typing import Any

from django import forms

from annotation.domain.judges.money import MOST, amount_of, plainly
from annotation.domain.judges.starters import STARTERS, Starter
from annotation.domain.vocabulary import OrderPolicy, TemplateKind
from annotation.models import Endpoint, Judge, Project, PromptTemplate
from annotation.selectors import judges
from annotation.services.judges.configuring import EndpointDraft, JudgeDraft, TemplateDraft

NEW = "new"
# A browser's own field for numbers drops a decimal comma without a word: 0,5 would become 05.
AMOUNT = {"inputmode": "decimal", "autocomplete": "off"}
STARTER, TEMPLATE = "starter:", "template:"
KINDS = [
    (TemplateKind.OVERALL, "Overall: which answer is better"),
    (TemplateKind.CRITERIA, "Criteria: each criterion of the project, then overall"),
    (TemplateKind.RANKING, "Ranking: all answers in order"),
]
ORDERS = [
    (OrderPolicy.BOTH, "Both orders: costs twice, and shows what the order does"),
    (OrderPolicy.ONE, "One order, drawn by chance"),
]


class EndpointForm(forms.Form):
    name = forms.CharField(max_length=100, help_text="What you call this server.")
    base_url = forms.CharField(
        max_length=500,
        label="Address",
        widget=forms.TextInput(attrs={"placeholder": "https://host/v1", "inputmode": "url"}),
        help_text="Of an OpenAI-compatible server, up to /v1. This machine and private networks "
        "are allowed, because models run there; link-local and cloud metadata addresses are not.",
    )
    key_variable = forms.CharField(
        max_length=100,
        required=False,
        label="Environment variable with the key",
        widget=forms.TextInput(attrs={"placeholder": "JUDGE_KEY_…", "autocomplete": "off"}),
        help_text="Its name starts with JUDGE_KEY_; set it where web and workers run.",
    )
    key = forms.CharField(
        max_length=2000,
        required=False,
        label="Or the key itself",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="It is stored encrypted and never shown again. Leave both empty where no key is "
        "needed.",
    )
    max_concurrency = forms.IntegerField(
        min_value=1,
        max_value=256,
        initial=8,
        label="Requests at once",
        help_text="How many requests may be on their way at once.",
    )
    timeout_seconds = forms.IntegerField(
        min_value=1,
        max_value=600,
        initial=60,
        label="Time limit, in seconds",
        help_text="After which a request is given up and tried again.",
    )
    takes_batches = forms.BooleanField(
        required=False,
        label="It takes batches",
        help_text="Files of requests, answered within a day, through OpenAI’s /files and /batches.",
    )
    batch_price_share = forms.DecimalField(
        min_value=0,
        max_value=1,
        max_digits=4,
        decimal_places=3,
        required=False,
        initial=Decimal("0.5"),
        label="Price in a batch, as a share",
        help_text="0.5: a request in a batch costs half of the judge’s price.",
    )

    def clean_batch_price_share(self) -> Decimal:
        share: Decimal | None = self.cleaned_data["batch_price_share"]
        return Decimal("0.5") if share is None else share

    def draft(self) -> EndpointDraft:
        return EndpointDraft(**self.cleaned_data)


class ChangeEndpointForm(EndpointForm):
    forgets_key = forms.BooleanField(required=False, label="Forget the stored key")

    field_order = ["name", "base_url", "key_variable", "key", "forgets_key"]

    def __init__(self, endpoint: Endpoint, *args: Any) -> None:
        kept = ("name", "base_url", "key_variable", "max_concurrency", "timeout_seconds")
        kept += ("takes_batches", "batch_price_share")
        super().__init__(*args, initial={name: getattr(endpoint, name) for name in kept})
        if endpoint.key_cipher is None:
            del self.fields["forgets_key"]
        else:
            self.fields[
                "key"
            ].help_text = (
                "A key is stored; it is never shown. Empty keeps it, unless the address changes."
            )


class TemplateForm(forms.Form):
    name = forms.SlugField(
        max_length=60, help_text="Letters, digits, - and _. A change gets the next number under it."
    )
    kind = forms.ChoiceField(choices=KINDS, label="What is asked")
    asks_why = forms.BooleanField(
        required=False,
        label="Ask for an explanation before the verdict",
        help_text="It is kept as the judge’s rationale. Without it a request costs much less.",
    )
    uses_reference = forms.BooleanField(
        required=False,
        label="Show the item’s reference answer",
        help_text="Where its metadata has one under “reference”.",
    )
    instructions = forms.CharField(
        max_length=20_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "true"}),
        help_text="How to judge. Quorum itself adds the texts, so that none can pass for an "
        "instruction, and the form of the answer.",
    )

    def draft(self) -> TemplateDraft:
        return TemplateDraft(**self.cleaned_data)


class JudgeForm(forms.Form):
    name = forms.CharField(
        max_length=100, help_text="A change of what it is asked gets the next number under it."
    )
    endpoint = forms.ChoiceField()
    model_name = forms.CharField(
        max_length=200, label="Model", help_text="As the endpoint calls it."
    )
    template = forms.ChoiceField(
        label="Prompt template", help_text="The first starter suits most projects."
    )
    price_in = forms.DecimalField(
        min_value=0,
        max_value=100_000,
        max_digits=12,
        decimal_places=6,
        label="Price of a million tokens sent",
        widget=forms.TextInput(attrs=AMOUNT),
        help_text="In your currency; type 0 where nothing is paid.",
    )
    price_out = forms.DecimalField(
        min_value=0,
        max_value=100_000,
        max_digits=12,
        decimal_places=6,
        label="Price of a million tokens answered",
        widget=forms.TextInput(attrs=AMOUNT),
        help_text="In the same currency.",
    )
    budget = forms.DecimalField(
        min_value=0,
        max_value=MOST,
        decimal_places=6,
        initial=Decimal(5),
        label="Budget",
        widget=forms.TextInput(attrs=AMOUNT),
        help_text="A total that is never exceeded: a request’s worst case is set aside before it "
        "is sent. You can raise it at any time.",
    )
    order_policy = forms.ChoiceField(choices=ORDERS, label="Orders in which answers are shown")
    reads_logprobs = forms.BooleanField(
        required=False,
        initial=True,
        label="Read probabilities from the log-probabilities of the verdict",
        help_text="Where the server does not give them, repeated samples count instead.",
    )
    temperature = forms.FloatField(min_value=0, max_value=2, initial=0)
    n_samples = forms.IntegerField(
        min_value=1,
        max_value=20,
        initial=1,
        label="Samples in each order",
        help_text="More than one makes sense above temperature 0.",
    )
    max_tokens = forms.IntegerField(
        min_value=1, max_value=32_000, initial=512, label="Most tokens of an answer"
    )
    seed = forms.IntegerField(
        required=False, min_value=-(2**31), max_value=2**31 - 1, help_text="Empty: none is sent."
    )
    family = forms.CharField(
        max_length=60,
        required=False,
        label="Model family",
        help_text="Judges of one family have one vote together. Empty: told from the model’s name.",
    )

    SHAPE = ("order_policy", "reads_logprobs", "temperature", "n_samples", "max_tokens", "seed")

    def __init__(self, project: Project, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.project = project
        endpoints = list(project.endpoints.order_by("name"))
        self.fields["endpoint"].choices = [
            *[(str(one.pk), f"{one.name} ({one.base_url})") for one in endpoints],
            (NEW, "A new endpoint…"),
        ]
        self.fields["endpoint"].initial = self.fields["endpoint"].choices[0][0]
        kept = judges.newest_templates(project)
        self.fields["template"].choices = [
            ("Of this project", [(f"{TEMPLATE}{one.pk}", str(one)) for one in kept]),
            ("Starters", [(f"{STARTER}{one.name}", one.title) for one in STARTERS]),
        ][0 if kept else 1 :]

    @property
    def wants_endpoint(self) -> bool:
        return self["endpoint"].value() == NEW

    def chosen_starter(self) -> Starter | None:
        chosen = self.cleaned_data["template"].removeprefix(STARTER)
        return next((one for one in STARTERS if one.name == chosen), None)

    def chosen_template(self) -> PromptTemplate:
        number = int(self.cleaned_data["template"].removeprefix(TEMPLATE))
        return self.project.prompt_templates.get(pk=number)

    def chosen_endpoint(self) -> Endpoint:
        return self.project.endpoints.get(pk=int(self.cleaned_data["endpoint"]))

    def draft(self, endpoint: Endpoint, template: PromptTemplate) -> JudgeDraft:
        return JudgeDraft(**self.cleaned_data | {"endpoint": endpoint, "template": template})


class ChangeJudgeForm(JudgeForm):
    def __init__(self, judge: Judge, *args: Any) -> None:
        plain = ("name", "model_name", "price_in", "price_out", "family", *self.SHAPE)
        super().__init__(
            judge.project,
            *args,
            initial={name: getattr(judge, name) for name in plain}
            | {
                "endpoint": str(judge.endpoint_id),
                "template": f"{TEMPLATE}{judge.template_id}",
                "price_in": plainly(judge.price_in),
                "price_out": plainly(judge.price_out),
                "budget": plainly(amount_of(judge.budget)),
            },
        )
        self.fields["name"].disabled = True
        self.fields["endpoint"].choices.pop()
        self._keep_choosable(judge)

    def _keep_choosable(self, judge: Judge) -> None:
        """An old number of a template stays choosable for the judge that has it."""
        group, kept = self.fields["template"].choices[0]
        value = f"{TEMPLATE}{judge.template_id}"
        if value not in dict(kept):
            self.fields["template"].choices = [
                (group, [(value, str(judge.template)), *kept]),
                *self.fields["template"].choices[1:],
            ]


class BudgetForm(forms.Form):
    budget = forms.DecimalField(
        min_value=0,
        max_value=MOST,
        decimal_places=6,
        label="Budget",
        widget=forms.TextInput(attrs=AMOUNT),
    )


class CompareForm(forms.Form):
    a = forms.TypedChoiceField(coerce=int, label="One")
    b = forms.TypedChoiceField(coerce=int, label="Another")

    def __init__(self, rows: list[Judge], *args: Any) -> None:
        super().__init__(*args)
        choices = [(one.pk, f"{one} ({one.model_name})") for one in rows]
        self.fields["a"].choices = self.fields["b"].choices = choices

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given.get("a") is not None and given.get("a") == given.get("b"):
            self.add_error("b", "Choose two different judges.")
        return given
