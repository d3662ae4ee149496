"""The records of experiments in ConfigMaps, each beside its release."""

from linnet.core.labels import labels_of
from linnet.experiment.record import KEY, LABEL_RELEASE, Record, kept_as
from linnet.providers.kubernetes import KubernetesClient
from linnet.providers.resources import CONFIGMAPS


class ConfigMapRecords:
    """See `linnet.server.records.Records`."""

    def __init__(self, client: KubernetesClient) -> None:
        self._client = client

    async def find(self, namespace: str, release: str, revision: str) -> Record | None:
        """See `Records.find`. What only has the name of a record is none, and isn't shown."""
        name = kept_as(release, revision)
        found = await self._client.get(CONFIGMAPS, namespace, name)
        if found is None or labels_of(found).get(LABEL_RELEASE) != release:
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
