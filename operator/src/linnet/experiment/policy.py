"""The rules that decide, applied to what the metrics say."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from linnet.api.experiment import Condition, Experiment, MetricState, ResultRule, When
from linnet.experiment.contradictions import candidates

States = Mapping[str, frozenset[MetricState]]
"""What is said of each metric, by its name."""

WORDS = {
    MetricState.BETTER: "shown to be better",
    MetricState.WORSE: "shown to be worse",
    MetricState.MINIMUM_EFFECT: "measured with the effect asked for",
    MetricState.NOT_WORSE: "shown not to be worse by the margin",
    MetricState.FUTILE: "without a prospect of the effect asked for",
    MetricState.WITHIN_LIMIT: "within their limits",
    MetricState.BEYOND_LIMIT: "shown to be beyond their limits",
}


ASKED_OF_ALL = (MetricState.MINIMUM_EFFECT, MetricState.NOT_WORSE, MetricState.WITHIN_LIMIT)
"""What holds where no metric is asked for it; the others are never true of nothing."""


@dataclass(frozen=True)
class Checked:
    """One condition. those: metrics of which it holds. needed: how many it takes, of so many."""

    condition: Condition
    those: tuple[str, ...]
    needed: int
    of: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether there are enough."""
        return len(self.those) >= self.needed

    @property
    def told(self) -> str:
        """In words, e.g. "1 of 6 shown to be better (adoption), 1 needed"."""
        names = f" ({', '.join(self.those)})" if self.those else ""
        words = WORDS[self.condition.state]
        return f"{len(self.those)} of {len(self.of)} {words}{names}, {self.needed} needed"


@dataclass(frozen=True)
class Applied:
    """One rule. in_time: whether it may decide by now."""

    rule: ResultRule
    checks: tuple[Checked, ...]
    in_time: bool

    @property
    def holds(self) -> bool:
        """Whether it decides, if no rule before does."""
        return self.in_time and all(check.holds for check in self.checks)

    @property
    def told(self) -> str:
        """Its conditions in words, without those that no metric is asked for; '' without any."""
        return "; ".join(check.told for check in self.checks if check.of or not check.holds)


def apply(spec: Experiment, states: States, passed: timedelta) -> tuple[Applied, ...]:
    """All rules in their order; the first that holds decides. passed: since the start."""
    return tuple(
        Applied(
            rule,
            tuple(_checked(spec, condition, states) for condition in rule.conditions),
            _in_time(spec, rule.when, passed),
        )
        for rule in spec.rules
    )


def _in_time(spec: Experiment, when: When, passed: timedelta) -> bool:
    match when:
        case When.ANY_TIME:
            return True
        case When.AFTER_MINIMUM:
            return passed >= spec.minimum_duration
        case When.AT_END:
            return passed >= spec.duration


def _checked(spec: Experiment, condition: Condition, states: States) -> Checked:
    names = tuple(metric.name for metric in candidates(spec, condition))
    those = tuple(name for name in names if condition.state in states.get(name, frozenset()))
    needed = len(names) if condition.at_least is None else min(condition.at_least, len(names))
    if condition.state not in ASKED_OF_ALL:
        needed = max(needed, 1)
    return Checked(condition, those, needed, names)
