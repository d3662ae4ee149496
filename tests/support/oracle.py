"""What must hold of every history, told from what happened and not from what the status says."""

from collections.abc import Callable, Iterator
from functools import partial

from linnet.api.alerts import ALERTS_LIMIT
from linnet.api.analysis import NoDataPolicy
from linnet.api.request import RequestOutcome
from linnet.api.spec import Provider
from linnet.api.status import HISTORY_LIMIT, Phase, Verdict
from linnet.core import tracking, transitions
from linnet.core.actions import RemoveCanary, ResumeStable, SetWeight, WriteConfig
from linnet.core.analysis import assess
from linnet.core.catalog import Check, checks
from linnet.core.decide import decide
from linnet.core.decision import Situation
from linnet.core.requests import PROMOTIONS, REQUESTED
from linnet.core.revision import config_part, template_part
from linnet.core.route import Backends, split
from linnet.core.transitions import RESTING
from tests.support.asking import action_of, id_of
from tests.support.looks import Look
from tests.support.world import World

BACKENDS = Backends("default", "shop", "shop-canary")
RULE = {"backendRefs": [{"name": "shop", "port": 80}]}


def assert_in_bounds(look: Look) -> None:
    status = look.decision.status
    transitions.check(look.before.phase, status.phase)
    assert len(status.history) <= HISTORY_LIMIT
    for action in look.decision.actions:
        assert not isinstance(action, SetWeight) or 0 <= action.weight <= 100


def assert_deterministic(look: Look) -> None:
    assert decide(look.spec, look.before, look.observed, look.at) == look.decision


def assert_traffic_first(look: Look) -> None:
    """Every end of a release gives the traffic back before anything else, and so does a breach."""
    before, after = look.before.phase, look.decision.status.phase
    if after is Phase.ROLLING_BACK and before is not after:
        assert look.decision.actions[0] == SetWeight(0)
    if any(check_breached(look, check) for check in checks(look.spec.analysis)):
        assert not went_up(look)
        assert not promotes(look)


def assert_pods_last(look: Look) -> None:
    """The canary's pods stay as long as a rule may send them requests.

    Where pods are the weights, the user's own rule picks them, and comes back after they are gone.
    """
    route = look.observed.route
    if route is None or look.spec.traffic.provider is Provider.REPLICAS:
        return
    if any(isinstance(action, RemoveCanary) for action in look.decision.actions):
        assert not route.canary_listed


def assert_only_verified_pods_get_traffic_back(look: Look) -> None:
    """After a promotion traffic returns to a stable that is whole, and runs what was verified."""
    before, status = look.before, look.decision.status
    if before.phase is not Phase.PROMOTING or status.phase is Phase.PROMOTING:
        return
    stable = look.observed.stable
    assert stable is not None
    assert stable.ready >= stable.replicas
    verified = {template_part(each) for each in (before.stable_revision, before.canary_revision)}
    assert {template_part(each) for each in stable.serving} <= verified


def check_breached(look: Look, check: Check) -> bool:
    metrics = {metric.name: metric for metric in look.decision.status.metrics}
    metric = metrics.get(check.name)
    return metric is not None and metric.verdict is Verdict.BREACH


def assert_stable_resumed_for_promotion_only(look: Look) -> None:
    for action in look.decision.actions:
        if isinstance(action, ResumeStable):
            assert look.decision.status.phase is Phase.PROMOTING
            assert action.revision == look.before.canary_revision
            config = look.observed.config
            assert config is None or config.live == config_part(action.revision)


def assert_content_written_for_its_version_only(look: Look) -> None:
    """Stable's pods read what stable runs; in a promotion what the canary has shown to be good."""
    status, config = look.decision.status, look.observed.config
    written = [a.config for a in look.decision.actions if isinstance(a, WriteConfig)]
    if not written:
        return
    assert config is not None
    if look.before.phase is Phase.PENDING:
        assert written == [config.live]
        assert not config.written
    else:
        promoting = status.phase is Phase.PROMOTING
        due = status.canary_revision if promoting else status.stable_revision
        assert written == [config_part(due)]


def assert_rest_costs_nothing(look: Look) -> None:
    status = look.decision.status
    if look.observed.deleting_since is not None:
        return
    if status.phase in RESTING - {Phase.PENDING} and status.phase is look.before.phase:
        situation = Situation(look.spec, status, look.observed, look.at)
        known = {None, "", status.stable_revision, status.failed_revision}
        # A new version may wait for the earlier canary to leave the window of the queries.
        if tracking.wanted(situation) in known:
            assert look.decision.wake_after is None


def assert_alarm_is_set(look: Look) -> None:
    """Where time alone brings the next decision, it is asked for."""
    measuring = look.decision.status.phase in (Phase.PENDING, Phase.PROGRESSING)
    if measuring and look.observed.deleting_since is None:
        assert look.decision.wake_after is not None


def went_up(look: Look) -> bool:
    """Whether the decision asks for more traffic than was wanted before."""
    weights = [a.weight for a in look.decision.actions if isinstance(a, SetWeight)]
    progressing = look.before.phase is Phase.PROGRESSING
    return progressing and max(weights, default=0) > look.before.weight.wanted


def promotes(look: Look) -> bool:
    return look.before.phase is Phase.PROGRESSING and look.decision.status.phase is Phase.PROMOTING


def asked_for(look: Look) -> bool:
    """Whether a person wanted the release to go on, and the history says so."""
    entry, standing = look.decision.status.history[-1], look.before.request
    actions = {action_of(look.observed.request)}
    if standing is not None and standing.outcome is RequestOutcome.ACCEPTED:
        actions.add(standing.action)
    return bool(actions & set(PROMOTIONS)) and entry.reason == REQUESTED


def assert_asked_once(world: World) -> None:
    """A request for the next step moves a release once, by one step."""
    risen: dict[str, set[int]] = {}
    for look in world.trail:
        if went_up(look) and asked_for(look) and action_of(look.observed.request) == "Promote":
            risen.setdefault(look.observed.request, set()).add(look.before.weight.wanted)
    assert all(len(weights) == 1 for weights in risen.values())


def assert_evidence(world: World, number: int) -> None:
    """Each check passed often enough while the gateway served this weight, and passed last."""
    look = world.trail[number]
    wanted = look.before.weight.wanted
    assert look.served == wanted
    proven = False
    for check in checks(look.spec.analysis):
        verdicts = _verdicts(world.trail[: number + 1], look, check)
        if verdicts and verdicts[-1] is Verdict.SKIPPED:
            continue
        silent = not verdicts or verdicts[-1] in (Verdict.NO_DATA, Verdict.ERROR)
        if silent and check.no_data is NoDataPolicy.IGNORE:
            continue
        needed = look.spec.analysis.min_samples
        assert verdicts[-needed:] == [Verdict.PASS] * needed, (check.name, str(world))
        proven = True
    assert proven


def _verdicts(trail: list[Look], last: Look, check: Check) -> list[Verdict]:
    """What the check's measurements said while the gateway served the weight of `last`."""
    return [
        assess(check, look.observed.samples[check.name], _limits(look))[0]
        for look in trail
        if look.served_since == last.served_since
        and look.at - look.served_since >= look.spec.analysis.window
        and (look.observed.stable is not None or check.requires is None)
        and check.name in look.observed.samples
    ]


def _limits(look: Look) -> frozenset[str]:
    """While the Deployment is away nobody knows, and no check that needs one is judged."""
    return look.observed.stable.limits if look.observed.stable else frozenset()


def assert_a_rollback_is_at_once(look: Look) -> None:
    """Who asks for a rollback while the canary comes up or is measured gets it in that look."""
    last = look.before.request
    fresh = last is None or last.id != id_of(look.observed.request)
    going = look.before.phase in (Phase.STARTING, Phase.PROGRESSING)
    wanted = action_of(look.observed.request) == "Rollback"
    if fresh and going and wanted and look.observed.deleting_since is None:
        assert look.decision.actions[0] == SetWeight(0)
        assert look.decision.status.phase is Phase.ROLLING_BACK


def assert_an_alert_acts_at_once_and_once(look: Look) -> None:
    """By the usual rules: a new alert ends a release in the look that hears of it, a known none."""
    known = {(each.fingerprint, each.starts_at) for each in look.before.alerts}
    fresh = {
        (alert.fingerprint, alert.starts_at): alert
        for alert in look.observed.alerts
        if not alert.resolved and (alert.fingerprint, alert.starts_at) not in known
    }
    status, before = look.decision.status, look.before
    assert len(status.alerts) <= ALERTS_LIMIT
    ended = [e for e in status.history if e not in before.history and e.reason == "AlertFired"]
    assert not ended or fresh
    going = before.phase in (Phase.STARTING, Phase.PROGRESSING)
    acts = [
        alert
        for alert in fresh.values()
        if alert.labels["severity"] == "critical" and alert.labels["track"] == "canary"
        if before.started_at is None or alert.starts_at >= before.started_at
    ]
    if not look.spec.alerts and going and acts and look.observed.deleting_since is None:
        assert look.decision.actions[0] == SetWeight(0)
        assert status.phase is Phase.ROLLING_BACK


def assert_status_survives(look: Look) -> None:
    assert look.stored == look.decision.status


def assert_weights_sum_to_100(look: Look) -> None:
    for action in look.decision.actions:
        if isinstance(action, SetWeight):
            [rule] = split([RULE], BACKENDS, action.weight)
            assert [ref["weight"] for ref in rule["backendRefs"]] == [
                100 - action.weight,
                action.weight,
            ]


def assert_risen_with_evidence(world: World, number: int) -> None:
    look = world.trail[number]
    if went_up(look) or promotes(look):
        assert not look.spec.suspend
        if not asked_for(look):
            assert_evidence(world, number)


RULES: dict[str, Callable[[Look], None]] = {
    "a status is in bounds, and moves as the table of phases says": assert_in_bounds,
    "the same look decides the same, after a restart too": assert_deterministic,
    "a status survives being stored": assert_status_survives,
    "weights sum to 100": assert_weights_sum_to_100,
    "traffic returns first, and a breach gives the canary no more": assert_traffic_first,
    "a rollback that is asked for is decided at once": assert_a_rollback_is_at_once,
    "an alert acts at once, and once": assert_an_alert_acts_at_once_and_once,
    "a canary goes once no rule names it": assert_pods_last,
    "only verified pods get traffic back": assert_only_verified_pods_get_traffic_back,
    "stable is resumed for a promotion only": assert_stable_resumed_for_promotion_only,
    "content is written for its version only": assert_content_written_for_its_version_only,
    "at rest nothing is due": assert_rest_costs_nothing,
    "where time decides there is an alarm": assert_alarm_is_set,
}
EVIDENCE = "nothing rises or is promoted without evidence taken at its weight, unless asked for"
ASKED = "a request for the next step moves a release once"


def broken(world: World) -> Iterator[tuple[str, str]]:
    """Hold every rule against every decision that was made; which are broken, and by what."""
    try:
        assert_asked_once(world)
    except AssertionError as error:
        yield ASKED, str(error)
    for number, look in enumerate(world.trail):
        rules: list[tuple[str, Callable[[], None]]] = [
            (name, partial(rule, look)) for name, rule in RULES.items()
        ]
        rules.append((EVIDENCE, partial(assert_risen_with_evidence, world, number)))
        for name, rule in rules:
            try:
                rule()
            except AssertionError as error:
                yield name, f"look {number}: {error}"


def assert_sound(world: World) -> None:
    """Hold every rule against every decision that was made."""
    found = list(broken(world))
    assert not found, (found, str(world))
