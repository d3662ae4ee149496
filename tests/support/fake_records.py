"""Records of experiments in memory."""

from linnet.experiment.record import Record


class FakeRecords:
    """See `linnet.server.records.Records`. broken: why a record can't be read, by its place."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, str], Record] = {}
        self.broken: dict[tuple[str, str, str], str] = {}

    def keep(self, record: Record) -> None:
        self.kept[record.namespace, record.release, record.revision] = record

    def spoil(self, namespace: str, release: str, revision: str) -> None:
        self.broken[namespace, release, revision] = "is no JSON"

    async def find(self, namespace: str, release: str, revision: str) -> Record | None:
        if reason := self.broken.get((namespace, release, revision)):
            raise ValueError(reason)
        return self.kept.get((namespace, release, revision))
