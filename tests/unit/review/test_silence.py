"""Queries about stable are ones that Prometheus understands, and that ask about stable."""

import pytest

from linnet.providers.metrics import syntax
from linnet.review.silence import asked_of_stable
from tests.support.builders import make_spec

PODS = {
    "cpu": "cadvisor",
    "memory": "cadvisor",
    "restarts": "kubeStateMetrics",
    "oomKills": "cadvisor",
}


@pytest.mark.parametrize("http", ["application", "traefik", "istio"])
def test_every_question_is_about_stable(http: str) -> None:
    own = {"name": "own", "query": 'up{pod=~"{{pods}}",t="{{track}}"}', "rollback": {"above": 1}}
    ready_made = [{"use": name} for name in ("errorRate", "latencyP95", "memory", "cpu")]
    spec = make_spec(
        analysis={"metrics": [own, *ready_made], "comparison": {"use": {"http": http, **PODS}}}
    )
    asked = asked_of_stable(spec, "shops", "release")
    assert len(asked) == 12
    for promql in asked.values():
        assert syntax.check(promql) == ""
        assert "{{" not in promql
    assert 't="stable"' in asked["spec.analysis.metrics[own]"]
    assert "shop-canary" not in asked["spec.analysis.metrics[errorRate]"]
    assert 'namespace="shops"' in asked["spec.analysis.metrics[errorRate]"]
