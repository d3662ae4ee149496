"""Whom the operator's network policy lets in, and where it lets the operator go."""

from tests.support.charts import OPERATOR, Object, only, rendered


def in_namespace(name: str) -> Object:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def tcp(*ports: int) -> list[Object]:
    return [{"port": port, "protocol": "TCP"} for port in ports]


def test_the_policy_closes_the_pods_to_all_but_the_chosen_peers() -> None:
    sets = ("networkPolicy.enabled=true", *CHOSEN_PEERS)
    policy = only(rendered(OPERATOR, *sets), "NetworkPolicy")["spec"]
    test = {"app.kubernetes.io/instance": "linnet", "app.kubernetes.io/component": "test"}
    peers = [policy["podSelector"], {"matchLabels": test}]
    assert policy["policyTypes"] == ["Ingress"]
    assert policy["ingress"] == [
        {
            "ports": [{"port": "http"}],
            "from": [in_namespace("monitoring"), *({"podSelector": peer} for peer in peers)],
        }
    ]
    assert "egress" not in policy


CHOSEN_PEERS = (
    "networkPolicy.ingressFrom[0].namespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name"
    "=monitoring",
)


def test_the_policy_lets_everybody_in_where_no_peers_are_chosen() -> None:
    policy = only(rendered(OPERATOR, "networkPolicy.enabled=true"), "NetworkPolicy")["spec"]
    assert policy["ingress"] == [{"ports": [{"port": "http"}]}]


def test_the_policy_is_for_the_pods_and_their_port() -> None:
    objects = rendered(OPERATOR, "networkPolicy.enabled=true")
    policy = only(objects, "NetworkPolicy")["spec"]
    template = only(objects, "Deployment")["spec"]["template"]
    test = only(objects, "Pod")["metadata"]["labels"]
    chosen = policy["podSelector"]["matchLabels"].items()
    assert chosen <= template["metadata"]["labels"].items()
    assert not chosen <= test.items()
    [container] = template["spec"]["containers"]
    [rule] = policy["ingress"]
    assert [port["name"] for port in container["ports"]] == [each["port"] for each in rule["ports"]]


def test_the_policy_leaves_the_ways_to_names_api_server_and_prometheus() -> None:
    sets = (
        "networkPolicy.enabled=true",
        "networkPolicy.egress.enabled=true",
        "networkPolicy.egress.apiServer.to[0].ipBlock.cidr=10.0.0.1/32",
        "networkPolicy.egress.apiServer.ports={6443}",
        "networkPolicy.egress.prometheus.port=9091",
        "networkPolicy.egress.more[0].ports[0].port=3128",
    )
    policy = only(rendered(OPERATOR, *sets), "NetworkPolicy")["spec"]
    dns = in_namespace("kube-system") | {"podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["egress"] == [
        {"ports": [{"port": 53, "protocol": "UDP"}, *tcp(53)], "to": [dns]},
        {"ports": tcp(6443), "to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}]},
        {"ports": tcp(8080), "to": [{"podSelector": policy["podSelector"]}]},
        {"ports": tcp(9091), "to": [in_namespace("monitoring")]},
        {"ports": [{"port": 3128}]},
    ]


def test_the_policy_leads_to_the_prometheus_that_is_asked_by_default() -> None:
    sets = ("networkPolicy.enabled=true", "networkPolicy.egress.enabled=true")
    objects = rendered(OPERATOR, *sets)
    env = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["env"]
    [url] = [each["value"] for each in env if each["name"] == "LINNET_PROMETHEUS_URL"]
    *_, prometheus = only(objects, "NetworkPolicy")["spec"]["egress"]
    [port], [peer] = prometheus["ports"], prometheus["to"]
    namespace = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
    assert url == f"http://prometheus.{namespace}:{port['port']}"
