"""What people write wrong, and what `kubectl apply` tells them: the field and the remedy.

A new field gets its rows in `REFUSED`, and in `ACCEPTED` where something unusual is right. The
file is long because of them: one table, in the order of the fields, shows which are missing.
"""

from typing import Any

import pytest

from tests.support.apiserver import ApiServer, KubectlError
from tests.support.releases import MINIMAL, Object, release


def steps(*weights: Any) -> Object:
    return {"steps": [{"weight": weight} for weight in weights]}


def held(duration: Any) -> Object:
    return {"steps": [{"weight": 100, "hold": duration}]}


def analysis(**fields: Any) -> Object:
    return {"analysis": fields}


def metrics(*each: Any) -> Object:
    return analysis(metrics=list(each))


def query(text: str = "up", **fields: Any) -> Object:
    return metrics({"name": "own", "query": text, "rollback": {"above": 1}} | fields)


def target(**fields: Any) -> Object:
    return {"targetRef": {"name": "shop"} | fields}


def traffic(**fields: Any) -> Object:
    return {"traffic": {"httpRoute": "shop"} | fields}


def sticky(**ways: Any) -> Object:
    return traffic(sticky=ways)


def tracked(*each: tuple[str, str, str]) -> Object:
    keys = ("kind", "name", "mountedAs")
    return {"trackedConfig": [dict(zip(keys, one, strict=True)) for one in each]}


HEADER_STICKY = traffic(sticky={"header": {"name": "X-User-Bucket"}})


def experiment(weight: Any = 50, **fields: Any) -> Object:
    """A release with an experiment as its first step."""
    return HEADER_STICKY | {"steps": [{"weight": weight, "experiment": fields}, {"weight": 100}]}


def goal(name: Any = "orders", **fields: Any) -> Object:
    """A metric of an experiment."""
    return {"name": name, **fields}


def judged(*conditions: Object, **rule: Any) -> Object:
    """An experiment with a rule of its own, before one that always holds."""
    first = {"name": "first", "result": "Success", "conditions": list(conditions), **rule}
    last = {"name": "last", "result": "Conditional"}
    return experiment(metrics=[goal()], rules=[first, last])


READ_AS_EDITED = (
    "spec.trackedConfig[].mountedAs must not be the name of what people edit: choose another, "
    "e.g. NAME-live"
)
COOKIE_OR_HEADER = "spec.traffic.sticky has either cookie or header: set exactly one"
NO_OWN_HEADER = "spec.traffic.sticky.header.name must be a header of your own, e.g. X-User-Bucket"
COOKIE_TOO_SHORT = (
    "spec.traffic.sticky.cookie.maxAge must not be shorter than all steps' hold together: "
    "raise it, or shorten spec.steps[].hold"
)
NO_TOKEN = "must have letters, digits, dashes and underscores only, a letter or digit first"
NO_DURATION = (
    "must be a duration such as 30s, 5m or 1h30m: whole numbers with the units h, m, s, ms"
)
NO_TARGET_NAME = (
    "must be the name of a Deployment in the same namespace: lower-case letters, digits and "
    "dashes; one with dots can't be guarded"
)
NO_ROUTE = (
    "spec.traffic.httpRoute is required with provider GatewayAPI: name the HTTPRoute that leads to "
    "the Service, or set spec.traffic.provider to Replicas where there is no gateway"
)
NO_ROUTE_NAME = "must be a name in the same namespace: lower-case letters, digits, dashes and dots"
NO_SERVICE_NAME = "must be a name in the same namespace: lower-case letters, digits and dashes"
NO_CHECK_NAME = "must begin with a letter, and have letters, digits and dashes only"
NOT_DEPLOYMENT = "spec.targetRef must name an apps/v1 Deployment: other kinds are not supported"
NOT_RISING = "spec.steps must rise: give each step a greater weight than the one before"
NOT_100 = "spec.steps must end with weight 100: add a last step with weight 100"
NO_TIME = (
    "holdDeadline must be at least window + minSamples x interval, or no step that was held can "
    "pass in time: raise holdDeadline, or lower the others"
)
USE_OR_QUERY = "a metric has either use (a ready-made check) or query (own PromQL): set exactly one"
NO_LIMIT = "a metric with a query needs a limit: set rollback.above or rollback.below"
OPPOSITE = "rollback and advance must face the same way: above goes with atMost, below with atLeast"
WRONG_SIDE = (
    "errorRate, latencyP95, memory and cpu are bad when high: limit them by rollback.above and "
    "advance.atMost; availability by rollback.below and advance.atLeast"
)
PERCENT = "errorRate, memory, cpu and availability are in percent: give limits from 0 to 100"
MILLISECONDS = "latencyP95 is in milliseconds: give limits from 1 to 3600000"
UNKNOWN_VARIABLE = (
    "query names a variable that doesn't exist: there are {{namespace}}, {{release}}, {{target}}, "
    "{{track}}, {{workload}}, {{pods}}, {{window}}"
)
SAME_NAME = "spec.analysis.metrics must have different names: set metrics[].name"
CHECKS = '"errorRate", "latencyP95", "memory", "cpu", "availability"'

METRIC = "spec.analysis.metrics[0]"
EXPERIMENT = "spec.steps[0].experiment"
NOT_AT_THE_END = (
    "the last rule must hold at the end whatever was measured: add one with a name and a result "
    "only"
)

REFUSED: dict[str, tuple[Object, str, str]] = {
    # id: (what the spec has beside the smallest one, the field that is named, what is said)
    # --- what is guarded, and where its traffic comes from ---
    "no target": ({"targetRef": None}, "spec.targetRef:", "Required value"),
    "no target name": ({"targetRef": {}}, "spec.targetRef.name:", "Required value"),
    "target name empty": (target(name=""), "spec.targetRef.name:", NO_TARGET_NAME),
    "target name in capitals": (target(name="Shop"), "spec.targetRef.name:", NO_TARGET_NAME),
    "target name with a kind": (target(name="deploy/shop"), "targetRef.name:", NO_TARGET_NAME),
    "target name with dots": (target(name="shop.v1"), "spec.targetRef.name:", NO_TARGET_NAME),
    "target name too long": (target(name="n" * 56), "targetRef.name:", "may not be more than 55"),
    "a StatefulSet": (target(kind="StatefulSet"), "spec.targetRef:", NOT_DEPLOYMENT),
    "kind in lower case": (target(kind="deployment"), "spec.targetRef:", NOT_DEPLOYMENT),
    "kind with its group": (target(kind="deployments.apps"), "spec.targetRef:", NOT_DEPLOYMENT),
    "wrong API version": (target(apiVersion="v1"), "spec.targetRef:", NOT_DEPLOYMENT),
    "target of another namespace": (
        target(namespace="other"),
        "spec.targetRef.namespace",
        "unknown field",
    ),
    "no traffic": ({"traffic": None}, "spec.traffic:", "Required value"),
    "no route": ({"traffic": {}}, "spec.traffic:", NO_ROUTE),
    "no route for a gateway": (
        {"traffic": {"provider": "GatewayAPI", "service": "shop"}},
        "spec.traffic:",
        NO_ROUTE,
    ),
    "a route without a gateway": (
        traffic(provider="Replicas"),
        "spec.traffic:",
        "spec.traffic.httpRoute has no use with provider Replicas, which splits by the pods behind "
        "spec.traffic.service: remove it",
    ),
    "sticky without a gateway": (
        {"traffic": {"provider": "Replicas", "sticky": {"header": {"name": "X-User-Bucket"}}}},
        "spec.traffic:",
        "spec.traffic.sticky needs provider GatewayAPI: behind one Service nobody tells users "
        "apart. Remove it",
    ),
    "unknown provider": (
        traffic(provider="Istio"),
        "spec.traffic.provider:",
        'Unsupported value: "Istio": supported values: "GatewayAPI", "Replicas"',
    ),
    "route name empty": (traffic(httpRoute=""), "spec.traffic.httpRoute:", NO_ROUTE_NAME),
    "route of another namespace": (
        traffic(httpRoute="gateway/shop"),
        "spec.traffic.httpRoute:",
        NO_ROUTE_NAME,
    ),
    "two routes": (
        traffic(httpRoute=["shop", "api"]),
        "spec.traffic.httpRoute",
        "must be of type string",
    ),
    "sticky in no way": (sticky(), "spec.traffic.sticky:", COOKIE_OR_HEADER),
    "sticky in two ways": (
        sticky(cookie={"name": "c"}, header={"name": "X"}),
        "spec.traffic.sticky:",
        COOKIE_OR_HEADER,
    ),
    "cookie without a name": (sticky(cookie={}), "sticky.cookie.name:", "Required value"),
    "cookie name not a word": (sticky(cookie={"name": "a=b"}), "sticky.cookie.name:", NO_TOKEN),
    "cookie that a browser binds to TLS": (
        sticky(cookie={"name": "__Host-shop"}),
        "sticky.cookie.name:",
        NO_TOKEN,
    ),
    "cookie that is gone at once": (
        sticky(cookie={"name": "c", "maxAge": "59s"}),
        "sticky.cookie.maxAge:",
        "must be at least 1m: it should cover a release",
    ),
    "cookie that is gone before the release is over": (
        sticky(cookie={"name": "c", "maxAge": "1h"})
        | {"steps": [{"weight": 50, "hold": "40m"}, {"weight": 100, "hold": "20m1s"}]},
        "spec:",
        COOKIE_TOO_SHORT,
    ),
    "header without a name": (sticky(header={}), "sticky.header.name:", "Required value"),
    "header that everybody sends": (
        sticky(header={"name": "Cookie"}),
        "sticky.header:",
        NO_OWN_HEADER,
    ),
    "header that the route matches on": (
        sticky(header={"name": "host"}),
        "sticky.header:",
        NO_OWN_HEADER,
    ),
    "header compared in another way": (
        sticky(header={"name": "X-User-Bucket", "type": "Prefix"}),
        "sticky.header.type:",
        'Unsupported value: "Prefix": supported values: "Exact", "RegularExpression"',
    ),
    "service with its port": (
        traffic(service="shop:80"),
        "spec.traffic.service:",
        NO_SERVICE_NAME,
    ),
    "service by its address": (
        traffic(service="shop.default.svc"),
        "spec.traffic.service:",
        NO_SERVICE_NAME,
    ),
    "traffic field of another operator": (
        traffic(virtualService="shop"),
        "spec.traffic.virtualService",
        "unknown field",
    ),
    # --- steps ---
    "a typing error": ({"step": []}, "spec.step", "unknown field"),
    "a typing error in a step": (
        {"steps": [{"wieght": 5, "weight": 100}]},
        "spec.steps[0].wieght",
        "unknown field",
    ),
    "pause instead of hold": (
        {"steps": [{"weight": 100, "pause": "5m"}]},
        "spec.steps[0].pause",
        "unknown field",
    ),
    "config of another kind": (
        tracked(("Pod", "a", "a-live")),
        "spec.trackedConfig[0].kind:",
        'Unsupported value: "Pod": supported values: "ConfigMap", "Secret"',
    ),
    "config without a source": (
        {"trackedConfig": [{"mountedAs": "a-live"}]},
        "spec.trackedConfig[0].name:",
        "Required value",
    ),
    "config without the name that is read": (
        {"trackedConfig": [{"name": "a"}]},
        "spec.trackedConfig[0].mountedAs:",
        "Required value",
    ),
    "config not a name": (
        tracked(("Secret", "A_b", "a-live")),
        "spec.trackedConfig[0].name:",
        NO_ROUTE_NAME,
    ),
    "config with a name too long for its copies": (
        tracked(("Secret", "a", "a" * 241)),
        "spec.trackedConfig[0].mountedAs:",
        "may not be more than 240",
    ),
    "config that is read as it is edited": (
        tracked(("ConfigMap", "a", "a")),
        "spec.trackedConfig:",
        READ_AS_EDITED,
    ),
    "config that is read as another is edited": (
        tracked(("ConfigMap", "a", "b"), ("ConfigMap", "b", "c")),
        "spec.trackedConfig:",
        READ_AS_EDITED,
    ),
    "config of two sources": (
        tracked(("ConfigMap", "a", "live"), ("ConfigMap", "b", "live")),
        "spec.trackedConfig:",
        "spec.trackedConfig[].mountedAs must differ within a kind: give each entry a name of its",
    ),
    "too much config": (
        tracked(*(("Secret", "a", f"live-{number}") for number in range(21))),
        "spec.trackedConfig:",
        "Too many: 21: must have at most 20",
    ),
    "no steps": ({"steps": []}, "spec.steps", "should have at least 1 items"),
    "too many steps": (steps(*range(80, 101)), "spec.steps:", "must have at most 20 items"),
    "steps as text": ({"steps": "5,10,50,100"}, "spec.steps", "must be of type array"),
    "steps as numbers": ({"steps": [100]}, "spec.steps[0]", "must be of type object"),
    "last step not 100": (steps(5, 50), "spec.steps:", NOT_100),
    "steps fall": (steps(50, 10, 100), "spec.steps:", NOT_RISING),
    "steps repeat": (steps(50, 50, 100), "spec.steps:", NOT_RISING),
    "no weight": ({"steps": [{"hold": "1m"}]}, "spec.steps[0].weight:", "Required value"),
    "weight 0": (steps(0, 100), "spec.steps[0].weight", "should be greater than or equal to 1"),
    "weight 101": (
        steps(101, 100),
        "spec.steps[0].weight",
        "should be less than or equal to 100",
    ),
    "weight below 0": (
        steps(-5, 100),
        "spec.steps[0].weight",
        "should be greater than or equal to 1",
    ),
    "weight in percent": (steps("5%", 100), "spec.steps[0].weight", "must be of type integer"),
    "weight quoted": (steps("5", 100), "spec.steps[0].weight", "must be of type integer"),
    "weight not whole": (steps(5.5, 100), "spec.steps[0].weight", "must be of type integer"),
    # --- experiments ---
    "a typing error in an experiment": (
        experiment(minDuration="1h"),
        f"{EXPERIMENT}.minDuration",
        "unknown field",
    ),
    "the experiment's share of users": (
        experiment(treatmentPercent=50),
        f"{EXPERIMENT}.treatmentPercent",
        "unknown field",
    ),
    "an experiment without stable's users": (
        HEADER_STICKY | {"steps": [{"weight": 100, "experiment": {}}]},
        "spec.steps[0]:",
        "a step with an experiment needs a weight below 100: at 100 there are no users of stable",
    ),
    "two experiments": (
        HEADER_STICKY
        | {"steps": [{"weight": n, "experiment": {}} for n in (20, 50)] + [{"weight": 100}]},
        "spec.steps:",
        "spec.steps has several experiments: a release has one at most",
    ),
    "an experiment whose users change sides": (
        experiment() | {"traffic": {"httpRoute": "shop"}},
        "spec:",
        "spec.steps[].experiment needs spec.traffic.sticky, with provider GatewayAPI: each user "
        "has to stay on one version",
    ),
    "an experiment without a gateway": (
        experiment() | {"traffic": {"provider": "Replicas"}},
        "spec:",
        "spec.steps[].experiment needs spec.traffic.sticky, with provider GatewayAPI",
    ),
    "an experiment that outlives its users' cookies": (
        experiment() | sticky(cookie={"name": "c", "maxAge": "335h"}),
        "spec:",
        "spec.traffic.sticky.cookie.maxAge must not be shorter than the experiment's duration",
    ),
    "experiment's name in capitals": (
        experiment(name="Tone"),
        f"{EXPERIMENT}.name:",
        "must have lower-case letters, digits and dashes only, no dash at an end",
    ),
    "experiment's name too long": (
        experiment(name="n" * 41),
        f"{EXPERIMENT}.name:",
        "may not be more than 40",
    ),
    "experiment of no time": (
        experiment(duration="59s", minimumDuration="0s"),
        f"{EXPERIMENT}.duration:",
        "must be at least 1m: users need time to come",
    ),
    "experiment's time in days": (experiment(duration="14d"), f"{EXPERIMENT}.dur", NO_DURATION),
    "experiment that ends before it may be a success": (
        experiment(duration="48h"),
        f"{EXPERIMENT}:",
        "minimumDuration must not be longer than duration: shorten it",
    ),
    "experiment without metrics": (
        experiment(metrics=[]),
        f"{EXPERIMENT}.metrics",
        "should have at least 1 items",
    ),
    "experiment with too many metrics": (
        experiment(metrics=[goal(f"m{n}") for n in range(17)]),
        f"{EXPERIMENT}.metrics:",
        "must have at most 16 items",
    ),
    "experiment without a goal": (
        experiment(metrics=[goal(role="Guardrail")]),
        f"{EXPERIMENT}:",
        "metrics has no goal: set role to Goal for what the treatment is to make better",
    ),
    "the same metric of an experiment twice": (
        experiment(metrics=[goal(), goal()]),
        f"{EXPERIMENT}:",
        "metrics must have different names: give each its own",
    ),
    "a metric's name with a dash": (
        experiment(metrics=[goal("new-orders")]),
        f"{EXPERIMENT}.metrics[0].name:",
        "must begin with a letter, and have letters, digits and underscores only",
    ),
    "a quantile as a goal": (
        experiment(metrics=[goal(), goal("slow", kind="Quantile")]),
        f"{EXPERIMENT}.metrics[1]:",
        "a Quantile is between edges and has no p-value: set role to Guardrail",
    ),
    "a limit on both sides": (
        experiment(metrics=[goal(limit={"above": 1, "below": 2})]),
        f"{EXPERIMENT}.metrics[0].limit:",
        "limit has either below or above: set exactly one",
    ),
    "a limit of nothing": (
        experiment(metrics=[goal(limit={})]),
        f"{EXPERIMENT}.metrics[0].limit:",
        "limit has either below or above: set exactly one",
    ),
    "no effect at all as the smallest one": (
        experiment(metrics=[goal(minimumEffect=0)]),
        f"{EXPERIMENT}.metrics[0].minimumEffect",
        "should be greater than 0",
    ),
    "certainty": (
        experiment(confidencePercent=100),
        f"{EXPERIMENT}.confidencePercent",
        "should be less than 100",
    ),
    "an unknown state": (
        judged({"state": "Good"}),
        f"{EXPERIMENT}.rules[0].conditions[0].state:",
        'Unsupported value: "Good"',
    ),
    "a rule about an unknown metric": (
        judged({"state": "Better", "metrics": ["adoption"]}),
        f"{EXPERIMENT}:",
        "rules[].conditions[].metrics names a metric that isn't in metrics",
    ),
    "a result that no rule can give": (
        judged(result="Invalid"),
        f"{EXPERIMENT}.rules[0].result:",
        'supported values: "Success", "Conditional", "Failure"',
    ),
    "no rules": (experiment(rules=[]), f"{EXPERIMENT}.rules", "should have at least 1 items"),
    "no rule for the end": (
        experiment(rules=[{"name": "r", "result": "Success", "when": "AfterMinimum"}]),
        f"{EXPERIMENT}:",
        NOT_AT_THE_END,
    ),
    "a last rule that may not hold": (
        experiment(
            rules=[{"name": "r", "result": "Success", "conditions": [{"state": "Better"}]}],
        ),
        f"{EXPERIMENT}:",
        NOT_AT_THE_END,
    ),
    # --- durations ---
    "duration in words": (held("5 minutes"), "spec.steps[0].hold:", NO_DURATION),
    "duration in long units": (held("5min"), "spec.steps[0].hold:", NO_DURATION),
    "duration in days": (held("1d"), "spec.steps[0].hold:", NO_DURATION),
    "duration in ISO 8601": (held("PT30S"), "spec.steps[0].hold:", NO_DURATION),
    "duration below 0": (held("-5m"), "spec.steps[0].hold:", NO_DURATION),
    "duration not whole": (held("1.5h"), "spec.steps[0].hold:", NO_DURATION),
    "duration without a unit": (held("30"), "spec.steps[0].hold:", NO_DURATION),
    "duration empty": (held(""), "spec.steps[0].hold:", NO_DURATION),
    "duration a number": (held(30), "spec.steps[0].hold", "must be of type string"),
    "duration too long": (held("1s" * 15), "spec.steps[0].hold:", "may not be more than 28"),
    "no interval": (analysis(interval="0s"), "spec.analysis.interval:", "must be at least 1s"),
    "interval too short": (
        analysis(interval="999ms"),
        "spec.analysis.interval:",
        "must be at least 1s",
    ),
    "window too short": (
        analysis(window="500ms"),
        "spec.analysis.window:",
        "must be at least 1s: it should cover several scrapes",
    ),
    "no time for the canary to become ready": (
        {"canary": {"readyDeadline": "0s"}},
        "spec.canary.readyDeadline:",
        "must be at least 1s: pods need time to become ready",
    ),
    "a drain without end": (
        {"canary": {"drainPeriod": "99999h"}},
        "spec.canary.drainPeriod:",
        "must be at most 24h: every release ends with this wait",
    ),
    "no time for stable to take over": (
        {"promotion": {"progressDeadline": "0s"}},
        "spec.promotion.progressDeadline:",
        "must be at least 1s: pods need time to become ready",
    ),
    "no hold at all": (analysis(holdDeadline="0s"), "spec.analysis:", NO_TIME),
    "window longer than the hold may last": (analysis(window="2h"), "spec.analysis:", NO_TIME),
    "more samples than fit into the deadline": (
        analysis(interval="1m", minSamples=60),
        "spec.analysis:",
        NO_TIME,
    ),
    # --- the analysis ---
    "a typing error in the analysis": (
        analysis(minsamples=3),
        "spec.analysis.minsamples",
        "unknown field",
    ),
    "no samples": (
        analysis(minSamples=0),
        "spec.analysis.minSamples",
        "should be greater than or equal to 1",
    ),
    "unknown profile": (
        analysis(profile="Loose"),
        "spec.analysis.profile:",
        'supported values: "Standard", "Strict"',
    ),
    "unknown end of a hold": (
        analysis(onHoldDeadline="Promote"),
        "spec.analysis.onHoldDeadline:",
        'supported values: "Rollback", "Wait"',
    ),
    "no canary pods": (
        {"canary": {"minReplicas": 0}},
        "spec.canary.minReplicas",
        "should be greater than or equal to 1",
    ),
    "a number of canary pods and a share": (
        {"canary": {"replicas": 3, "minReplicas": 2}},
        "spec.canary takes either replicas (a fixed number) or minReplicas",
        "remove one",
    ),
    "no canary pods in a step": (
        {"steps": [{"weight": 100, "replicas": 0}]},
        "spec.steps[0].replicas",
        "should be greater than or equal to 1",
    ),
    "a number of canary pods where pods are the share": (
        {"traffic": {"provider": "Replicas"}, "canary": {"replicas": 3}},
        "spec.canary.replicas and spec.steps[].replicas have no use with provider Replicas",
        "remove them",
    ),
    "a comparison by an unknown source": (
        analysis(comparison={"use": {"http": "nginx"}}),
        "spec.analysis.comparison.use.http",
        'supported values: "application", "traefik", "istio", "envoyGateway", "ingressNginx"',
    ),
    "a comparison that may not err at all": (
        analysis(comparison={"falseRollbackPercent": 0}),
        "spec.analysis.comparison",
        "falseRollbackPercent must be at least 0.01",
    ),
    "a comparison with an objective that nothing meets": (
        analysis(comparison={"objectivePercent": 0}),
        "spec.analysis.comparison",
        "objectivePercent must be at least 0.001",
    ),
    "a comparison that may nearly never err": (
        analysis(comparison={"falseRollbackPercent": 0.001}),
        "spec.analysis.comparison.falseRollbackPercent",
        "should be greater than or equal to 0.01",
    ),
    "a comparison that warms up for a day": (
        analysis(comparison={"warmUp": "24h"}),
        "spec.analysis.comparison.warmUp",
        "must be at most 1h",
    ),
    "a comparison by a gateway where there is none": (
        {"traffic": {"provider": "Replicas"}, **analysis(comparison={"use": {"http": "traefik"}})},
        "spec.analysis.comparison.use.http must be application or istio with provider Replicas",
        "don't tell the two versions behind one Service apart",
    ),
    "a number of pods in a step where pods are the share": (
        {"traffic": {"provider": "Replicas"}, "steps": [{"weight": 100, "replicas": 3}]},
        "spec.canary.replicas and spec.steps[].replicas have no use with provider Replicas",
        "remove them",
    ),
    "suspend as text": ({"suspend": "true"}, "spec.suspend", "must be of type boolean"),
    # --- checks ---
    "metrics by name": (
        analysis(metrics={"errorRate": {}}),
        "spec.analysis.metrics.errorRate",
        "unknown field",
    ),
    "too many metrics": (
        metrics(*({"use": "cpu", "name": f"cpu-{n}"} for n in range(21))),
        "spec.analysis.metrics:",
        "must have at most 20 items",
    ),
    "unknown ready-made check": (metrics({"use": "latencyP99"}), f"{METRIC}.use:", CHECKS),
    "ready-made check in lower case": (metrics({"use": "errorrate"}), f"{METRIC}.use:", CHECKS),
    "unknown no-data policy": (
        metrics({"use": "cpu", "noData": "Pass"}),
        f"{METRIC}.noData:",
        'supported values: "Hold", "Rollback", "Ignore"',
    ),
    "threshold of another operator": (
        metrics({"use": "cpu", "thresholdRange": {"max": 1}}),
        f"{METRIC}.thresholdRange",
        "unknown field",
    ),
    "both use and query": (query(use="cpu"), f"{METRIC}:", USE_OR_QUERY),
    "neither use nor query": (
        metrics({"name": "own", "rollback": {"above": 1}}),
        f"{METRIC}:",
        USE_OR_QUERY,
    ),
    "query without name": (
        metrics({"query": "up", "rollback": {"below": 1}}),
        f"{METRIC}:",
        "a metric with a query needs a name: set metrics[].name",
    ),
    "query without limit": (query(rollback=None), f"{METRIC}:", NO_LIMIT),
    "query with an empty limit": (query(rollback={"consecutive": 2}), f"{METRIC}:", NO_LIMIT),
    "query empty": (query(""), f"{METRIC}.query", "should be at least 1 chars long"),
    "query too long": (query("x" * 4097), f"{METRIC}.query:", "may not be more than 4096"),
    "query with an unknown variable": (
        query('sum(orders{pod=~"{{pod}}"})'),
        f"{METRIC}:",
        UNKNOWN_VARIABLE,
    ),
    "query with a variable of another operator": (
        query('sum(orders{service="{{ args.service-name }}"})'),
        f"{METRIC}:",
        UNKNOWN_VARIABLE,
    ),
    "query with a variable of a template": (
        query('sum(orders{namespace="{{ .Release.Namespace }}"})'),
        f"{METRIC}:",
        UNKNOWN_VARIABLE,
    ),
    "query with a variable that isn't closed": (
        query('sum(orders{pod=~"{{pods}"})'),
        f"{METRIC}:",
        UNKNOWN_VARIABLE,
    ),
    "the same check twice": (
        metrics({"use": "cpu"}, {"use": "cpu", "rollback": {"above": 90}}),
        "spec.analysis.metrics:",
        SAME_NAME,
    ),
    "a name that another check goes by": (
        metrics({"use": "cpu"}, {"use": "memory", "name": "cpu"}),
        "spec.analysis.metrics:",
        SAME_NAME,
    ),
    "check's name in words": (
        metrics({"use": "cpu", "name": "5xx rate"}),
        f"{METRIC}.name:",
        NO_CHECK_NAME,
    ),
    # --- limits ---
    "above and below": (
        query(rollback={"above": 2, "below": 1}),
        f"{METRIC}.rollback:",
        "rollback takes either above or below, not both: remove one",
    ),
    "at most and at least": (
        query(advance={"atMost": 1, "atLeast": 1}),
        f"{METRIC}.advance:",
        "advance takes either atMost or atLeast, not both: remove one",
    ),
    "limit in percent": (
        query(rollback={"above": "1%"}),
        f"{METRIC}.rollback.above",
        "must be of type number",
    ),
    "no breaches in a row": (
        metrics({"use": "cpu", "rollback": {"consecutive": 0}}),
        f"{METRIC}.rollback.consecutive",
        "should be greater than or equal to 1",
    ),
    "advance looser than rollback above": (
        query(advance={"atMost": 1.5}),
        f"{METRIC}:",
        "advance.atMost must not exceed rollback.above: lower advance.atMost",
    ),
    "advance looser than rollback below": (
        query(rollback={"below": 99.5}, advance={"atLeast": 99}),
        f"{METRIC}:",
        "advance.atLeast must not be less than rollback.below: raise advance.atLeast",
    ),
    "above with at least": (query(advance={"atLeast": 1}), f"{METRIC}:", OPPOSITE),
    "below with at most": (
        query(rollback={"below": 1}, advance={"atMost": 1}),
        f"{METRIC}:",
        OPPOSITE,
    ),
    "error rate rolled back when low": (
        metrics({"use": "errorRate", "rollback": {"below": 1}}),
        f"{METRIC}:",
        WRONG_SIDE,
    ),
    "latency that must be high": (
        metrics({"use": "latencyP95", "advance": {"atLeast": 200}}),
        f"{METRIC}:",
        WRONG_SIDE,
    ),
    "availability rolled back when high": (
        metrics({"use": "availability", "rollback": {"above": 99}}),
        f"{METRIC}:",
        WRONG_SIDE,
    ),
    "error rate above 100 %": (
        metrics({"use": "errorRate", "rollback": {"above": 150}}),
        f"{METRIC}:",
        PERCENT,
    ),
    "availability below 0 %": (
        metrics({"use": "availability", "rollback": {"below": -1}}),
        f"{METRIC}:",
        PERCENT,
    ),
    "latency in seconds": (
        metrics({"use": "latencyP95", "rollback": {"above": 0.5}}),
        f"{METRIC}:",
        MILLISECONDS,
    ),
}


@pytest.mark.parametrize(("change", "field", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(apiserver: ApiServer, change: Object, field: str, words: str) -> None:
    told = complaints(apiserver, release(MINIMAL | change))
    assert [line for line in told if field in line and words in line], told
    # a rule that fails over what another one has named would only confuse
    assert not [line for line in told if "evaluating rule" in line]


def complaints(apiserver: ApiServer, manifest: Object) -> list[str]:
    """What `kubectl apply` says is wrong, a line each."""
    with pytest.raises(KubectlError) as refusal:
        apiserver.kubectl("apply", "--dry-run=server", "-f", "-", input=manifest)
    return str(refusal.value).splitlines()


def whole(**fields: Any) -> Object:
    return release(MINIMAL) | fields


RESOURCES: dict[str, tuple[Object, str, str]] = {
    "no spec": (whole(spec=None), "spec:", "Required value"),
    "spec beside its place": (
        whole(spec=None, targetRef={"name": "shop"}),
        '"targetRef"',
        "unknown field",
    ),
    "version that doesn't exist": (
        whole(apiVersion="linnet.dev/v1"),
        '"CanaryRelease" in version "linnet.dev/v1"',
        "no matches for kind",
    ),
    "kind of another operator": (whole(kind="Canary"), '"Canary"', "no matches for kind"),
    "name too long for a label": (
        whole(metadata={"name": "a" * 64}),
        "metadata.name",
        "may have at most 63 characters: choose a shorter one",
    ),
    "name in capitals": (
        whole(metadata={"name": "Shop"}),
        "metadata.name:",
        "must consist of lower case alphanumeric characters",
    ),
}


@pytest.mark.parametrize(("manifest", "field", "words"), RESOURCES.values(), ids=RESOURCES.keys())
def test_refused_as_a_whole(apiserver: ApiServer, manifest: Object, field: str, words: str) -> None:
    told = complaints(apiserver, manifest)
    assert [line for line in told if field in line and words in line], told


CHANGES: dict[str, tuple[Object, str]] = {
    "another target": (
        target(name="other"),
        "spec.targetRef.name can't be changed: delete the CanaryRelease and create another",
    ),
    "another provider": (
        {"traffic": {"provider": "Replicas"}},
        "spec.traffic can't be changed: delete the CanaryRelease and create another",
    ),
    "another route": (
        traffic(httpRoute="other"),
        "spec.traffic can't be changed: delete the CanaryRelease and create another",
    ),
}


@pytest.mark.parametrize(("change", "words"), CHANGES.values(), ids=CHANGES.keys())
def test_refused_later(apiserver: ApiServer, namespace: str, change: Object, words: str) -> None:
    apply = ("apply", "-n", namespace, "-f", "-")
    apiserver.kubectl(*apply, input=release(MINIMAL))
    apiserver.kubectl(*apply, input=release(MINIMAL | {"suspend": True}))
    with pytest.raises(KubectlError) as refusal:
        apiserver.kubectl(*apply, input=release(MINIMAL | change))
    assert words in str(refusal.value)


LONGEST = "".join(["99999h", "99999m", "99999s", "99999ms"])

ACCEPTED: dict[str, Object] = {
    "the longest names": target(name="n" * 55) | traffic(httpRoute="r" * 253, service="s" * 63),
    "a route named after its host": traffic(httpRoute="shop.example.com"),
    "no gateway": {"traffic": {"provider": "Replicas"}},
    "no gateway, and a Service of another name": {
        "traffic": {"provider": "Replicas", "service": "front"}
    },
    "names that begin with a digit": target(name="5shop") | traffic(service="5shop"),
    "all at once": held("0s"),
    "a single step of two weeks": held("336h"),
    "the longest duration": held(LONGEST),
    "a duration in unusual order": held("30m1h"),
    "twenty steps": steps(*range(81, 101)),
    "a drain of no time": {"canary": {"drainPeriod": "0s"}},
    "a drain of a day": {"canary": {"drainPeriod": "24h"}},
    "a deadline that is just long enough": analysis(
        interval="30s", window="1m", minSamples=3, holdDeadline="2m30s"
    ),
    "Stalled at the first hold": analysis(holdDeadline="0s", onHoldDeadline="Wait"),
    "a window longer than a hold": analysis(window="10m"),
    "a check with another name": metrics({"use": "cpu"}, {"use": "cpu", "name": "cpu-again"}),
    "limits at both ends": metrics(
        {"use": "errorRate", "rollback": {"above": 100}, "advance": {"atMost": 0}},
        {"use": "availability", "rollback": {"below": 0}, "advance": {"atLeast": 100}},
    ),
    "own query with limits below 0": query(rollback={"above": -5}, advance={"atMost": -10.5}),
    "own query over several lines": query("sum(\n  rate(orders[{{ window }}])\n)\n"),
    "braces round a variable": query("max(queue_length{{{pods}}}) or vector(0) # {} { {{pods}}"),
    "braces in a regular expression": query('sum(orders{code=~"5.{2}"})'),
    "nothing but suspended": {"suspend": True},
    "an experiment by its defaults": experiment(),
    "an experiment, by a cookie that lasts": (
        experiment() | sticky(cookie={"name": "c", "maxAge": "337h"})
    ),
    "the largest experiment": experiment(
        name="n" * 40,
        duration=LONGEST,
        metrics=[goal(f"{'m' * 61}{n}") for n in range(16)],
        rules=[
            *(
                {
                    "name": f"r{n}",
                    "result": "Success",
                    "conditions": [
                        {"state": "Better", "metrics": [f"{'m' * 61}{n}" for n in range(16)]}
                        for _ in range(6)
                    ],
                }
                for n in range(7)
            ),
            {"name": "last", "result": "Failure"},
        ],
    ),
    "config of both kinds by the same names": tracked(
        ("ConfigMap", "a", "a.live"), ("Secret", "a", "a.live"), ("Secret", "a", "a" * 240)
    ),
    "as much config as may be": tracked(
        *(("Secret", f"{number}{'a' * 238}", f"{number}{'b' * 238}") for number in range(20))
    ),
}


@pytest.mark.parametrize("change", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_unusual_but_right(apiserver: ApiServer, change: Object) -> None:
    told = apiserver.kubectl(
        "apply", "--dry-run=server", "-f", "-", input=release(MINIMAL | change)
    )
    assert told == "canaryrelease.linnet.dev/shop created (server dry run)\n"


def test_a_typing_error_in_a_server_side_apply(apiserver: ApiServer) -> None:
    manifest = release(MINIMAL | {"step": []})
    with pytest.raises(KubectlError, match=r"\.spec\.step: field not declared in schema"):
        apiserver.kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", input=manifest)


def test_there_are_enough_of_them() -> None:
    assert len(REFUSED) + len(RESOURCES) + len(CHANGES) >= 40
