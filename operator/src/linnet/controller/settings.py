"""What the operator is told at its start: flags, each with an environment variable."""

import argparse
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, fields

from pydantic import TypeAdapter, ValidationError

from linnet.api.config import ConfigKind
from linnet.api.notifications import Receiver

_RECEIVERS = TypeAdapter(tuple[Receiver, ...])


@dataclass(frozen=True)
class Settings:
    """The operator's settings; `--help` says what each is for."""

    prometheus_url: str
    prometheus_token_file: str
    prometheus_ca_file: str
    namespace: str
    shard: str
    lease_namespace: str
    lease_name: str
    identity: str
    address: str
    port: int
    workers: int
    tracked_kinds: tuple[str, ...]
    alert_token_file: str
    alert_namespace_label: str
    alert_release_label: str
    receivers: tuple[Receiver, ...]
    api: bool
    api_audiences: tuple[str, ...]
    console: bool
    log_level: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `linnet run`."""

    def flag(name: str, default: str, text: str, kind: Callable[[str], object] = str) -> None:
        variable = "LINNET_" + name.upper().replace("-", "_")
        parser.add_argument(
            f"--{name}",
            type=kind,
            default=os.environ.get(variable, default),
            help=f"{text} ({variable}; default {default or 'none'})",
        )

    flag("prometheus-url", "http://prometheus.monitoring:9090", "Prometheus to ask")
    flag("prometheus-token-file", "", "file with a bearer token for Prometheus")
    flag("prometheus-ca-file", "", "certificate authority of Prometheus, PEM")
    flag("namespace", "", "watch only this namespace; all of them if empty")
    flag("shard", "", "work only on CanaryReleases with the label linnet.dev/shard of this value")
    flag("lease-namespace", "default", "namespace of the leader's Lease")
    flag("lease-name", "linnet-operator", "name of the leader's Lease")
    flag("identity", os.environ.get("POD_NAME", socket.gethostname()), "this replica's name")
    flag("address", "", "where other replicas reach this one, e.g. the pod's IP")
    flag("port", "8080", "port for /livez, /readyz, /metrics, /alerts and /api", int)
    flag("workers", "8", "releases that are worked on at the same time", _count)
    flag("tracked-kinds", "ConfigMap", "kinds that spec.trackedConfig may name, by commas", _kinds)
    flag("alert-token-file", "", "file with the bearer token of POST /alerts; off if empty")
    flag("alert-namespace-label", "namespace", "an alert's label with the release's namespace")
    flag("alert-release-label", "linnet_release", "an alert's label with the release's name")
    flag("receivers", "", "who may be told of decisions, a list in JSON", _receivers)
    flag("api", "off", "on: serve the HTTP API, /api/v2", _switch)
    flag("api-audiences", "", "whom callers' tokens must be meant for, by commas", _words)
    flag("console", "on", "on: serve the console, /console, where the API is on", _switch)
    flag("log-level", "INFO", "DEBUG, INFO, WARNING or ERROR", _level)


def from_arguments(arguments: argparse.Namespace) -> Settings:
    """The settings from parsed flags."""
    return Settings(**{field.name: getattr(arguments, field.name) for field in fields(Settings)})


def _count(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(kind for kind in text.split(",") if kind)
    if unknown := set(kinds) - {kind.value for kind in ConfigKind}:
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: not ConfigMap or Secret")
    return kinds


def _receivers(text: str) -> tuple[Receiver, ...]:
    if not text:
        return ()
    try:
        receivers = _RECEIVERS.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise argparse.ArgumentTypeError(f"{place}: {first['msg']}") from None
    if len({receiver.name for receiver in receivers}) < len(receivers):
        raise argparse.ArgumentTypeError("two receivers have the same name")
    return receivers


def _switch(text: str) -> bool:
    if (name := text.lower()) not in ("on", "off"):
        raise argparse.ArgumentTypeError(f"{text} is neither on nor off")
    return name == "on"


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _level(text: str) -> str:
    if (name := text.upper()) not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise argparse.ArgumentTypeError(f"{text} is none of DEBUG, INFO, WARNING, ERROR")
    return name
