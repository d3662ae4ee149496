"""A real kube-apiserver with its etcd on loopback: no nodes, no pods, but every API rule.

Each server has its own folder, ports, certificate, tokens and service account key. The
controllers (`start_controllers`) make ReplicaSets, pods and endpoints out of Deployments; as
there is no kubelet, a test sets the pods' status itself, or has nodes that are simulated
(`tests.support.simulated_nodes`).
"""

import contextlib
import json
import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hack.cluster.tools import GATEWAY_API, tool
from hack.ports import free_ports
from hack.processes import end

ROOT = Path(__file__).resolve().parents[2]
CRD_NAME = "canaryreleases.linnet.dev"

START_DEADLINE = 120.0
"""Seconds until a server must be ready. A cold start takes under ten."""

CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "endpoints-controller",
    "endpointslice-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "clusterrole-aggregation-controller",
    "horizontal-pod-autoscaler-controller",
    "disruption-controller",
)

_KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: test
contexts: [{{name: test, context: {{cluster: test, user: admin}}}}]
clusters: [{{name: test, cluster: {{server: "{url}", certificate-authority: "{ca}"}}}}]
users: [{{name: admin, user: {{token: "{token}"}}}}]
"""


AUDIT_POLICY = ROOT / "tests" / "support" / "audit_policy.yaml"
"""What the audit log has of each request: of all that it was made, of some writes what it did."""

BUSY = ("--kube-api-qps=1000", "--kube-api-burst=2000")
"""For programs that would otherwise slow themselves down long before the server does."""


class ServerError(Exception):
    """A program of the control plane ended, or wasn't ready in time."""


class KubectlError(Exception):
    """kubectl ended with an error; the message is what it wrote."""


@dataclass
class ApiServer:
    """A running API server. `kubeconfig` makes its bearer a cluster administrator."""

    folder: Path
    url: str
    token: str = field(repr=False)
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    _processes: list["Process"] = field(default_factory=list, repr=False)

    @property
    def kubeconfig(self) -> Path:
        """Path of the administrator's kubeconfig."""
        return self.folder / "kubeconfig"

    @property
    def audit_log(self) -> Path:
        """Path of the audit log, one JSON object a line; there is one where it was asked for."""
        return self.folder / "audit.log"

    def kubeconfig_for(self, user: str, url: str = "", ca: Path | None = None) -> Path:
        """Write a kubeconfig of one of the further administrators, and give its path.

        url, ca: where the server is asked instead, e.g. through a proxy.
        """
        return self._kubeconfig(user, self.tokens[user], url, ca)

    def kubeconfig_of(self, account: str, namespace: str) -> Path:
        """Write a kubeconfig of a service account, and give its path."""
        return self._kubeconfig(f"{namespace}-{account}", self.token_of(account, namespace))

    def token_of(self, account: str, namespace: str) -> str:
        """A token of a service account, good for an hour."""
        return self.kubectl("create", "token", account, "-n", namespace).strip()

    def _kubeconfig(self, name: str, token: str, url: str = "", ca: Path | None = None) -> Path:
        path = self.folder / f"kubeconfig-{name}"
        path.write_text(_KUBECONFIG.format(url=url or self.url, ca=ca or self.ca, token=token))
        return path

    @property
    def ca(self) -> Path:
        """Path of the certificate to trust."""
        return self.folder / "certs" / "apiserver.crt"

    def kubectl(self, *args: str, input: str | dict[str, Any] | None = None) -> str:  # noqa: A002
        """Run kubectl and return its output. A dict as `input` is sent as JSON.

        Raises:
            KubectlError: kubectl ended with an error.
        """
        done = subprocess.run(
            [tool("kubectl"), f"--kubeconfig={self.kubeconfig}", *args],
            input=json.dumps(input) if isinstance(input, dict) else input,
            env={"HOME": str(self.folder)},  # discovery is cached there, not in the user's home
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise KubectlError(done.stderr)
        return done.stdout

    def get(self, *args: str) -> dict[str, Any]:
        """Run ``kubectl get ... -o json`` and return the object."""
        answer: dict[str, Any] = json.loads(self.kubectl("get", *args, "-o", "json"))
        return answer

    def wait_for(self, kind_and_name: str, condition: str, timeout: str = "30s") -> None:
        """Wait for what ``kubectl wait --for`` takes, e.g. ``condition=Established``."""
        self.kubectl("wait", kind_and_name, f"--for={condition}", f"--timeout={timeout}")

    def install_crd(self) -> None:
        """Apply our CRD and wait until it is established and documented."""
        self._install(ROOT / "crds" / "linnet.dev_canaryreleases.yaml", CRD_NAME)

    def install_gateway_api(self) -> None:
        """Apply the Gateway API's CRDs and wait for HTTPRoutes."""
        self._install(GATEWAY_API.ensure(), "httproutes.gateway.networking.k8s.io")

    def _install(self, file: Path, name: str) -> None:
        self.kubectl("apply", "--server-side", "-f", str(file))
        established = ("wait", f"crd/{name}", "--for=condition=Established", "--timeout=10s")
        # kubectl gives up at once on a definition that has no conditions yet
        self.wait(f"{name} established", lambda: self._answers(*established))
        # the OpenAPI document, which `kubectl explain` reads, follows a second or two later
        plural = name.partition(".")[0]
        self.wait(f"{name} in OpenAPI", lambda: self._answers("explain", plural))

    def start_controllers(self) -> None:
        """Start kube-controller-manager with `CONTROLLERS`; once is enough."""
        if any(process.name == "kube-controller-manager" for process in self._processes):
            return
        self.start(
            "kube-controller-manager",
            *BUSY,
            f"--kubeconfig={self.kubeconfig}",
            f"--controllers={','.join(CONTROLLERS)}",
            "--leader-elect=false",
            "--secure-port=0",
            "--concurrent-gc-syncs=2",
            "--concurrent-deployment-syncs=10",
            "--concurrent-replicaset-syncs=10",
            f"--service-account-private-key-file={self.folder / 'sa.key'}",
            f"--root-ca-file={self.ca}",
        )

    def start(
        self, program: str, *flags: str, environment: Mapping[str, str] | None = None
    ) -> None:
        """Run one of the tools until the server ends."""
        self.run(program, (str(tool(program)), *flags), environment)

    def run(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        """Run any command until the server ends. Its output is in `name`.log."""
        self._processes.append(Process(name, self.folder, command, environment))

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the programs, by name."""
        return {process.name: process.pid for process in self._processes}

    def _wait_ready(self) -> None:
        """Ask with the token and check the certificate: ready means ready for a client."""
        self.wait("ready", lambda: self.ca.exists() and self._answers("get", "--raw=/readyz"))

    def _answers(self, *args: str) -> bool:
        try:
            return bool(self.kubectl(*args))
        except KubectlError:
            return False

    def wait(self, what: str, reached: Callable[[], bool]) -> None:
        """Wait until something is so.

        Raises:
            ServerError: a program has ended, or it isn't so in time.
        """
        deadline = time.monotonic() + START_DEADLINE
        while not reached():
            for process in self._processes:
                process.check()
            if time.monotonic() > deadline:
                logs = "\n".join(process.tail() for process in self._processes)
                raise ServerError(f"not {what} after {START_DEADLINE:.0f} s\n{logs}")
            time.sleep(0.1)

    def _stop(self) -> None:
        for process in reversed(self._processes):
            process.stop()


class Process:
    """A program, its output kept in a file. environment: on top of this process' own."""

    def __init__(
        self,
        name: str,
        folder: Path,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._log = folder / f"{name}.log"
        with self._log.open("wb") as log:
            self._popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env={**os.environ, **(environment or {})},
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    def check(self) -> None:
        if self._popen.poll() is not None:
            raise ServerError(f"ended with {self._popen.returncode}: {self.tail()}")

    def tail(self) -> str:
        return f"{self.name}:\n" + self._log.read_text(errors="replace")[-3000:]

    def stop(self) -> None:
        """End it, asking first; its data is thrown away, so not for long."""
        end(self._popen, 2)


@contextlib.contextmanager
def run_apiserver(
    folder: Path,
    *,
    controllers: bool = False,
    audit: bool = False,
    users: Sequence[str] = (),
    admission_off: Sequence[str] = (),
) -> Iterator[ApiServer]:
    """Run a server with its files in `folder`, until the block ends.

    audit: keep a log of all requests (`AUDIT_POLICY`). users: names of further administrators,
    so that a log tells who did what. admission_off: admission plugins to do without.

    Raises:
        ServerError: it wasn't ready in time; the ends of the logs are in the message.
    """
    etcd, peer, port = free_ports(3)
    server = ApiServer(
        folder,
        f"https://127.0.0.1:{port}",
        secrets.token_urlsafe(32),
        {user: secrets.token_urlsafe(32) for user in users},
    )
    _write_credentials(server)
    try:
        server.start("etcd", *_etcd_flags(folder, etcd, peer))
        # a pod may be made before its namespace has a service account: no kubelet mounts it
        off = ("ServiceAccount", *admission_off)
        flags = [
            *_apiserver_flags(folder, etcd, port),
            f"--disable-admission-plugins={','.join(off)}",
        ]
        if audit:
            flags += _audit_flags(server.audit_log)
        server.start("kube-apiserver", *flags)
        server._wait_ready()
        if controllers:
            server.start_controllers()
        yield server
    finally:
        server._stop()


def _write_credentials(server: ApiServer) -> None:
    """Write token, kubeconfig and service account key; the server makes its own certificate."""
    server.folder.chmod(0o700)
    tokens = {"admin": server.token, **server.tokens}
    lines = (f'{token},{user},{user},"system:masters"\n' for user, token in tokens.items())
    (server.folder / "tokens.csv").write_text("".join(lines))
    server.kubeconfig.write_text(
        _KUBECONFIG.format(url=server.url, ca=server.ca, token=server.token)
    )
    subprocess.run(
        ["openssl", "genrsa", "-out", str(server.folder / "sa.key"), "2048"],
        check=True,
        capture_output=True,
        timeout=60,
    )


def _etcd_flags(folder: Path, client: int, peer: int) -> list[str]:
    client_url, peer_url = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
    return [
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={client_url}",
        f"--advertise-client-urls={client_url}",
        f"--listen-peer-urls={peer_url}",
        f"--initial-advertise-peer-urls={peer_url}",
        f"--initial-cluster=default={peer_url}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _apiserver_flags(folder: Path, etcd: int, port: int) -> list[str]:
    key = folder / "sa.key"
    return [
        f"--etcd-servers=http://127.0.0.1:{etcd}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'certs'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--anonymous-auth=false",
        "--authorization-mode=RBAC",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-cluster-ip-range=10.43.0.0/16",
        "--endpoint-reconciler-type=none",
    ]


def _audit_flags(log: Path) -> list[str]:
    return [
        f"--audit-policy-file={AUDIT_POLICY}",
        f"--audit-log-path={log}",
        "--audit-log-maxsize=100000",  # MB: one file, whatever happens
    ]
