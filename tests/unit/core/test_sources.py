import pytest

from linnet.api.comparison import HttpSource
from linnet.core.series import Matrix, Series, Span
from linnet.core.sources import SOURCES, Arm, Arms, arms, selectors
from linnet.providers.metrics.syntax import check
from tests.support.builders import VARIABLES

SPAN = Span(since=100, until=115, fresh_s=30)

ROUTE = "httproute-shop-web-gw-gateway-public-ep-web-0-de39b23c436fe4a2b203"
ARMS = {
    HttpSource.APPLICATION: ("web-abc12-xyz34", "web-canary-abc12-xyz34"),
    HttpSource.TRAEFIK: (
        f"{ROUTE}-svc-shop-web-0@kubernetesgateway",
        f"{ROUTE}-svc-shop-web-canary-1@kubernetesgateway",
    ),
    HttpSource.ISTIO: ("web", "web-canary"),
    HttpSource.ENVOY_GATEWAY: (
        "httproute/shop/web/rule/0/backend/0",
        "httproute/shop/web/rule/0/backend/1",
    ),
    HttpSource.INGRESS_NGINX: ("web", "web-canary"),
}


def counter(source: HttpSource, arm: int, before: float, after: float, **labels: str) -> Series:
    names = {SOURCES[source].owner: "counting", SOURCES[source].arm: ARMS[source][arm]}
    return Series({**names, **labels}, ((95, before), (110, after)))


def read(source: HttpSource, requests: list[Series], buckets: list[Series]) -> Arms:
    found = Matrix(tuple(requests)), Matrix(tuple(buckets))
    return arms(SOURCES[source], VARIABLES, *found, SPAN)


@pytest.mark.parametrize("source", HttpSource)
def test_both_arms_of_every_source(source: HttpSource) -> None:
    status = SOURCES[source].status[-1]
    edge = f"{0.1 / SOURCES[source].edge_s:g}"
    requests = [
        counter(source, 0, 1000, 1100, **{status: "200"}),
        counter(source, 0, 5, 6, **{status: "503"}),
        counter(source, 1, 10, 15, **{status: "200"}),
    ]
    buckets = [
        counter(source, 0, 800, 880, le=edge),
        counter(source, 0, 1005, 1106, le="+Inf"),
        counter(source, 1, 8, 12, le=edge),
    ]
    found = read(source, requests, buckets)
    assert found.stable == Arm(101, 1, 101, {0.1: 80})
    assert found.canary == Arm(5, 0, 0, {0.1: 4})


@pytest.mark.parametrize("source", HttpSource)
def test_what_is_asked_is_promql(source: HttpSource) -> None:
    for promql in selectors(SOURCES[source], VARIABLES, "45s"):
        assert promql.endswith("}[45s]")
        assert check(f"sum(rate({promql}))") == ""


def test_the_question_for_an_application() -> None:
    requests, buckets = selectors(SOURCES[HttpSource.APPLICATION], VARIABLES, "45s")
    pods = "web-[0-9a-z]+-[0-9a-z]{5}|web-canary-[0-9a-z]+-[0-9a-z]{5}"
    assert requests == f'http_requests_total{{namespace="shop",pod=~"{pods}"}}[45s]'
    assert buckets.startswith("http_request_duration_seconds_bucket{")


def test_an_arm_that_nobody_tells_of_is_unknown_and_not_zero() -> None:
    only_stable = [counter(HttpSource.TRAEFIK, 0, 1, 2, code="200")]
    assert read(HttpSource.TRAEFIK, only_stable, []) == Arms(Arm(1, 0), None)
    assert read(HttpSource.TRAEFIK, [], []) == Arms(None, None)


def test_a_gateways_first_requests_of_the_canary_all_count() -> None:
    """The gateway was there before the canary was: its new counter began at zero."""
    source = HttpSource.TRAEFIK
    begun = counter(source, 1, 0, 0, code="500")
    requests = [
        counter(source, 0, 10, 20, code="200"),
        Series(begun.labels, ((110, 4),)),
    ]
    assert read(source, requests, []).canary == Arm(4, 4)


def test_an_older_traefik_names_the_service_alone() -> None:
    requests = [
        Series({"pod": "traefik", "service": name, "code": "200"}, ((95, 1), (110, count)))
        for name, count in (
            ("shop-web-80@kubernetesgateway", 9),
            ("shop-web-canary-80@kubernetesgateway", 4),
            ("shop-web-old-80@kubernetesgateway", 99),
            (f"{ROUTE}-wrr@kubernetesgateway", 99),
            ("httproute-shop-other-gw-gateway-public-svc-shop-web-0@kubernetesgateway", 99),
        )
    ]
    assert read(HttpSource.TRAEFIK, requests, []) == Arms(Arm(8, 0), Arm(3, 0))
