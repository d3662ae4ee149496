"""Records of experiments, each in a ConfigMap beside its release, with which it goes."""

import logging

from linnet.core.actions import KeepExperiment
from linnet.core.labels import MANAGED_BY, MANAGER, RELEASE, is_own, label_value, labels_of
from linnet.core.recording import merged
from linnet.experiment.record import KEY, LABEL_EXPERIMENT, Record, kept_as
from linnet.providers.attempts import again_on_conflict
from linnet.providers.errors import Unusable
from linnet.providers.kubernetes import KubernetesClient, Manifest
from linnet.providers.resources import CANARYRELEASES, CONFIGMAPS

log = logging.getLogger(__name__)

KEPT = 5
"""Records of a release that stay, the latest."""


class ConfigMapRecords:
    """Reads and writes records (`linnet.server.records.Records`). Every call may be repeated."""

    def __init__(self, client: KubernetesClient) -> None:
        self._client = client

    async def find(self, namespace: str, release: str, revision: str) -> Record | None:
        """See `Records.find`. What only has the name of a record is none, and isn't shown."""
        name = kept_as(release, revision)
        found = await self._client.get(CONFIGMAPS, namespace, name)
        if found is None or labels_of(found).get(RELEASE) != label_value(release):
            return None
        text = (found.get("data") or {}).get(KEY)
        if text is None:
            return None
        try:
            record = Record.from_text(text)
        except ValueError as error:
            raise ValueError(f"ConfigMap {name}: {KEY}: {error}") from error
        if (record.namespace, record.release) != (namespace, release):
            raise ValueError(f"ConfigMap {name}: {KEY}: is of another release")
        return record

    async def keep(self, wanted: KeepExperiment, uid: str) -> None:
        """Have the record of an experiment, with the looks that are kept already.

        uid: of its CanaryRelease, with which the record goes.

        Raises:
            Unusable: there is a ConfigMap of that name that isn't this release's.
            ApiError: the API server refused, or could not be asked.
        """
        await again_on_conflict(lambda: self._keep(wanted, uid))

    async def _keep(self, wanted: KeepExperiment, uid: str) -> None:
        new = wanted.record
        found = await self._client.get(CONFIGMAPS, new.namespace, wanted.name)
        if found is None:
            text = merged(None, wanted).to_text()
            await self._client.create(CONFIGMAPS, _manifest(wanted, uid, text))
            await self._remove_oldest(new, wanted.name)
            return
        if not is_own(found, new.release):
            raise Unusable(
                "NameTaken",
                f"ConfigMap {wanted.name} was not made for CanaryRelease {new.release}: remove it",
            )
        text = merged(_read(found), wanted).to_text()
        patch = [
            {
                "op": "replace",
                "path": "/metadata/resourceVersion",
                "value": found["metadata"]["resourceVersion"],
            },
            # A version that is tried again has another experiment, whose record takes its place.
            {"op": "add", "path": "/metadata/labels", "value": _labels(new)},
            {"op": "add", "path": "/data", "value": {KEY: text}},
        ]
        await self._client.patch(CONFIGMAPS, new.namespace, wanted.name, patch)

    async def _remove_oldest(self, new: Record, name: str) -> None:
        """Remove all but the latest, of which the one of this name is one."""
        selector = f"{MANAGED_BY}={MANAGER},{RELEASE}={label_value(new.release)}"
        made = await self._client.list(CONFIGMAPS, new.namespace, selector)
        others = [
            each["metadata"]
            for each in made
            if LABEL_EXPERIMENT in labels_of(each) and each["metadata"]["name"] != name
        ]
        others.sort(key=lambda each: str(each["creationTimestamp"]))
        for each in others[: max(0, len(others) - KEPT + 1)]:
            await self._client.delete(CONFIGMAPS, new.namespace, each["name"], uid=each["uid"])


def _read(found: Manifest) -> Record | None:
    """The record that is kept; None where it can't be read, so that a new one takes its place."""
    try:
        return Record.from_text(str((found.get("data") or {}).get(KEY, "")))
    except ValueError as error:
        name = found["metadata"]["name"]
        log.warning("The record in ConfigMap %s can't be read and begins anew: %s", name, error)
        return None


def _manifest(wanted: KeepExperiment, uid: str, text: str) -> Manifest:
    new = wanted.record
    owner = {
        "apiVersion": CANARYRELEASES.api_version,
        "kind": CANARYRELEASES.kind,
        "name": new.release,
        "uid": uid,
    }
    return {
        "apiVersion": CONFIGMAPS.api_version,
        "kind": CONFIGMAPS.kind,
        "metadata": {
            "name": wanted.name,
            "namespace": new.namespace,
            "labels": _labels(new),
            "ownerReferences": [owner],
        },
        "data": {KEY: text},
    }


def _labels(new: Record) -> dict[str, str]:
    return {
        MANAGED_BY: MANAGER,
        RELEASE: label_value(new.release),
        LABEL_EXPERIMENT: new.id,
    }
