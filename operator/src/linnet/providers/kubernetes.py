"""The Kubernetes API: plain dicts in and out, a time-out on every call, a fence before every write.

With `kubeconfig` the only module that imports the Kubernetes client. It uses its configuration
(in-cluster tokens that rotate, kubeconfig with exec plugins) and its connections, and none of its
models.

Retries: only `apply` is retried, at once and at most three times, because it may be repeated
without harm; and only where that promises something: a conflict inside the API server, a server
error, a broken connection, or "too many requests" with a wait of at most a second. Everything
else is for the caller, who reads again and decides again.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Self

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from linnet.providers.attempts import worth_repeating
from linnet.providers.errors import (
    ApiError,
    Conflict,
    ObjectMissing,
    Unreachable,
    api_error,
)
from linnet.providers.kubeconfig import in_pod
from linnet.providers.resources import (
    CANARYRELEASES,
    CONFIGMAPS,
    DEPLOYMENTS,
    ENDPOINTSLICES,
    EVENTS,
    HTTPROUTES,
    LEASES,
    PODS,
    REPLICASETS,
    SECRETS,
    SERVICES,
    Resource,
)
from linnet.providers.telemetry import API_REQUESTS, API_SECONDS

__all__ = [
    "CANARYRELEASES",
    "CONFIGMAPS",
    "DEPLOYMENTS",
    "ENDPOINTSLICES",
    "EVENTS",
    "HTTPROUTES",
    "LEASES",
    "PODS",
    "REPLICASETS",
    "SECRETS",
    "SERVICES",
    "KubernetesClient",
    "Manifest",
    "Resource",
]

Manifest = dict[str, Any]
Patch = Manifest | list[Manifest]
Fence = Callable[[], None]
Asking = Callable[[], Callable[[str], None]]
"""Called as a request begins; what it gives is called with the Date of the answer."""

APPLY_ATTEMPTS = 3
PAGE = 500
UNPROCESSABLE = 422
"""What the API server answers when a patch's test fails."""

MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


def _open() -> None:
    """The fence of a process that may always write."""


def _unheard() -> Callable[[str], None]:
    """For whom the API server's time is of no interest."""
    return lambda _: None


class KubernetesClient:
    """Reads and writes objects as plain dicts.

    fence: called before each write; raises LeaseLost when this process may no longer write.
    asking: is told of the API server's time by each answer.
    Every method raises ApiError, and every write lets through what the fence raises.
    """

    def __init__(
        self,
        api: ApiClient,
        fence: Fence = _open,
        timeout_seconds: float = 10.0,
        asking: Asking = _unheard,
    ) -> None:
        self._api = api
        self._fence = fence
        self._timeout_seconds = timeout_seconds
        self._asking = asking

    @classmethod
    async def connect(
        cls,
        *,
        kubeconfig: str = "",
        context: str = "",
        fence: Fence = _open,
        timeout_seconds: float = 10.0,
        asking: Asking = _unheard,
        agent: str = "linnet",
    ) -> Self:
        """Connect by this kubeconfig, or as a pod, or by the user's own kubeconfig.

        agent: the user agent, by which the API server's audit log tells one client from another.

        Raises:
            kubernetes.aio.config.ConfigException: no configuration, or an unusable one.
        """
        configuration = Configuration()
        if in_pod(kubeconfig, context):
            config.load_incluster_config(configuration)  # type: ignore[no-untyped-call]
        else:
            await config.load_kube_config(  # type: ignore[no-untyped-call]
                config_file=kubeconfig or None,
                context=context or None,
                client_configuration=configuration,
            )
        configuration.retries = None  # what may be repeated is decided here, not below
        api = ApiClient(configuration)
        api.user_agent = agent
        return cls(api, fence, timeout_seconds, asking)

    def fenced(self, fence: Fence) -> "KubernetesClient":
        """The same connections behind another fence."""
        return KubernetesClient(self._api, fence, self._timeout_seconds, self._asking)

    async def close(self) -> None:
        """Close the connections, also those of the clients made by `fenced`."""
        await self._api.close()  # type: ignore[no-untyped-call]

    async def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        """Read an object; None if there is none.

        Raises:
            NotFound: the cluster doesn't know this kind (its CRD isn't installed).
        """
        try:
            return await self._call("GET", resource.path(namespace, name))
        except ObjectMissing:
            return None

    async def read(self, path: str, query: dict[str, str] | None = None) -> Manifest:
        """What a path answers, e.g. of a Service behind the API server's proxy."""
        return await self._call("GET", path, query)

    async def send(self, path: str, body: Any, headers: dict[str, str]) -> Manifest:
        """What a path answers to a POST, e.g. of a Service behind the API server's proxy."""
        return await self._call("POST", path, None, body, headers=headers)

    async def token(self) -> str:
        """The bearer token that requests carry; '' where something else says who asks."""
        settings = await self._api.configuration.auth_settings()
        value = str((settings.get("BearerToken") or {}).get("value") or "")
        return value.removeprefix("Bearer ").strip()

    async def list(
        self, resource: Resource, namespace: str = "", label_selector: str = ""
    ) -> list[Manifest]:
        """Read all objects of a namespace, or of all namespaces, that match the selector."""
        query = {"limit": str(PAGE)}
        if label_selector:
            query["labelSelector"] = label_selector
        found: list[Manifest] = []
        while True:
            page = await self._call("GET", resource.path(namespace), query)
            found += page["items"]
            following = page["metadata"].get("continue")
            if not following:
                return found
            query["continue"] = following

    async def apply(
        self,
        resource: Resource,
        manifest: Manifest,
        field_manager: str,
        force: bool = True,
        subresource: str = "",
    ) -> Manifest:
        """Server-side apply; repeated at once where that promises something.

        With `metadata.resourceVersion` in the manifest it only succeeds on that version.

        Raises:
            Conflict: the object is at another version than the manifest's.
        """
        metadata = manifest["metadata"]
        path = resource.path(metadata.get("namespace", ""), metadata["name"], subresource)
        query = {"fieldManager": field_manager, "force": str(force).lower()}
        for _ in range(APPLY_ATTEMPTS - 1):
            try:
                return await self._write("PATCH", path, query, manifest, APPLY_PATCH)
            except ApiError as error:
                if not worth_repeating(error, versioned="resourceVersion" in metadata):
                    raise
                await asyncio.sleep(error.retry_after or 0)
        return await self._write("PATCH", path, query, manifest, APPLY_PATCH)

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: Patch,
        subresource: str = "",
    ) -> Manifest:
        """Merge patch (a dict) or JSON patch (a list of operations). Never repeated.

        Raises:
            Conflict: the patch names a `metadata.resourceVersion`, and it is another.
        """
        content_type = JSON_PATCH if isinstance(patch, list) else MERGE_PATCH
        path = resource.path(namespace, name, subresource)
        return await self._write("PATCH", path, {}, patch, content_type)

    async def create(self, resource: Resource, manifest: Manifest) -> Manifest:
        """Create an object. Never repeated.

        Raises:
            Conflict: there is one of that name.
        """
        path = resource.path(manifest["metadata"].get("namespace", ""))
        return await self._write("POST", path, {}, manifest, "application/json")

    async def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        uid: str = "",
        resource_version: str = "",
    ) -> bool:
        """Delete an object, its dependants afterwards; False if there was none.

        Raises:
            Conflict: it is another than the one with this uid or version.
        """
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        body = {
            "propagationPolicy": "Background",
            "preconditions": {key: value for key, value in preconditions.items() if value},
        }
        path = resource.path(namespace, name)
        try:
            await self._write("DELETE", path, {}, body, "application/json")
        except ObjectMissing:
            return False
        return True

    async def disown(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        field_manager: str,
        found: Manifest | None = None,
    ) -> None:
        """Give up a manager's fields while their values stay.

        found: the object with its `managedFields`, if it is at hand, e.g. a write's answer.

        An apply without the fields would remove them. Taking the manager out of `managedFields`
        doesn't (client-go's csaupgrade does the same): afterwards the user's next apply meets no
        conflict. An absent object, or one without the manager, is left as it is.

        Raises:
            Conflict: the object changed in between.
        """
        found = found or await self.get(resource, namespace, name)
        if found is None:
            return
        fields = found["metadata"].get("managedFields") or []
        places = [i for i, entry in enumerate(fields) if entry.get("manager") == field_manager]
        if not places:
            return
        operations: list[Manifest] = [
            {"op": "test", "path": f"/metadata/managedFields/{i}/manager", "value": field_manager}
            for i in places
        ]
        if len(places) == len(fields):
            # An empty list would mean "as it was"; one empty entry clears it.
            operations.append({"op": "replace", "path": "/metadata/managedFields", "value": [{}]})
        else:
            # From the last one, so that the places before it stay. Not bound to the version: a
            # controller that writes a status in between does no harm.
            operations += [
                {"op": "remove", "path": f"/metadata/managedFields/{i}"} for i in reversed(places)
            ]
        try:
            await self.patch(resource, namespace, name, operations)
        except ApiError as error:
            if error.status != UNPROCESSABLE:
                raise
            raise Conflict(f"the field managers of {name} changed in between") from error

    async def _write(
        self, method: str, path: str, query: dict[str, str], body: Any, content_type: str
    ) -> Manifest:
        self._fence()
        writing = asyncio.create_task(self._call(method, path, query, body, content_type))
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            # It may be done though nobody waits for it: so the lease isn't given up before.
            await asyncio.wait((writing,))
            writing.exception()  # nobody is left to be told
            raise

    async def _call(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> Manifest:
        headers = {"Accept": "application/json", "Content-Type": content_type, **(headers or {})}
        request = await self._api.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params=headers,
            body=body,
            auth_settings=["BearerToken"],
        )
        answered = self._asking()
        code = 0
        try:
            with API_SECONDS.time():
                response = await self._api.call_api(
                    *request, _request_timeout=aiohttp.ClientTimeout(total=self._timeout_seconds)
                )
                data = await response.read()  # type: ignore[no-untyped-call]
            code = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            what = "did not answer in time" if isinstance(error, TimeoutError) else str(error)
            raise Unreachable(f"API server: {method} {path}: {what}") from error
        finally:
            API_REQUESTS.labels(method, code).inc()
        answered(response.headers.get("Date", ""))
        if response.status >= 400:
            raise api_error(response.status, response.headers.get("Retry-After"), data, path)
        try:
            answer: Manifest = json.loads(data)
        except ValueError as error:
            raise Unreachable(f"API server: {method} {path}: the answer is not JSON") from error
        return answer
