from dataclasses import dataclass

from django import forms

MOST_COST = 1_000_000


@dataclass(frozen=True)
class Budget:
    """A share of the comparisons, in percent, that people judge, and what one label costs."""

    percent: int = 25
    cost_human: float = 1.0
    cost_judge: float = 0.01

    def cost_of(self, n: int) -> float:
        """What `n` comparisons cost, if judges judge all of them."""
        return n * (self.percent / 100 * self.cost_human + self.cost_judge)


class BudgetForm(forms.Form):
    """Every field may be left out; one that cannot be read has its usual value."""

    percent = forms.IntegerField(min_value=0, max_value=100, required=False)
    cost_human = forms.FloatField(min_value=0, max_value=MOST_COST, required=False)
    cost_judge = forms.FloatField(min_value=0, max_value=MOST_COST, required=False)

    def budget(self, usual: Budget) -> Budget:
        self.is_valid()
        given = {name: value for name, value in self.cleaned_data.items() if value is not None}
        return Budget(**(vars(usual) | given))
