"""Records of experiments in ConfigMaps: they grow, are the release's own, and five of them stay."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from linnet.api.experiment import Experiment, ExperimentResult
from linnet.core.actions import KeepExperiment
from linnet.core.labels import MANAGED_BY, RELEASE
from linnet.experiment.record import KEY, LABEL_EXPERIMENT, Record
from linnet.providers.errors import Conflict, Forbidden, Unusable
from linnet.providers.kubernetes import CONFIGMAPS
from linnet.providers.records import KEPT, ConfigMapRecords
from tests.support import experiments
from tests.support.fake_kubernetes import FakeKubernetes

SPEC = Experiment()


def wanted(days: float = 1, revision: str = "v2", **changes: Any) -> KeepExperiment:
    """What there is to keep after so many days."""
    data = experiments.data(days=days)
    fields = {"versions": ("v1", revision), "spec": SPEC, "data": data, **changes}
    record = Record("shop", "default", f"tone-{revision}", revision, **fields)
    return KeepExperiment(record, f"shop-experiment-{revision}", data.until, fresh=True)


@pytest.fixture
def client() -> FakeKubernetes:
    return FakeKubernetes()


@pytest.fixture
def records(client: FakeKubernetes) -> ConfigMapRecords:
    return ConfigMapRecords(client)


async def kept(client: FakeKubernetes, revision: str = "v2") -> Record:
    found = await client.get(CONFIGMAPS, "default", f"shop-experiment-{revision}")
    assert found is not None
    return Record.from_text(found["data"][KEY])


async def test_it_is_the_releases_own_and_goes_with_it(
    client: FakeKubernetes, records: ConfigMapRecords
) -> None:
    await records.keep(wanted(), "uid-1")
    found = await client.get(CONFIGMAPS, "default", "shop-experiment-v2")
    assert found is not None
    labels = found["metadata"]["labels"]
    assert labels == {MANAGED_BY: "linnet", RELEASE: "shop", LABEL_EXPERIMENT: "tone-v2"}
    (owner,) = found["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("CanaryRelease", "shop", "uid-1")


async def test_it_grows_and_then_has_its_result(
    client: FakeKubernetes, records: ConfigMapRecords
) -> None:
    for days in (1, 2, 3):
        await records.keep(wanted(days), "uid")
    end = wanted(4, result=ExperimentResult.SUCCESS, rule="success")
    end = replace(end, record=replace(end.record, ended_at=end.at))
    await records.keep(end, "uid")
    record = await kept(client)
    assert [look.at for look in record.looks] == [
        experiments.START + timedelta(days=day) for day in (1, 2, 3, 4)
    ]
    assert (record.result, record.rule, record.ended_at) == ("Success", "success", end.at)
    assert record.data == end.record.data


async def test_without_data_of_this_look_those_that_are_kept_stay(
    client: FakeKubernetes, records: ConfigMapRecords
) -> None:
    await records.keep(wanted(3), "uid")
    stopped = wanted(0, result=ExperimentResult.STOPPED)
    await records.keep(replace(stopped, fresh=False), "uid")
    record = await kept(client)
    assert record.data == experiments.data(days=3)
    assert record.result is ExperimentResult.STOPPED


async def test_doing_it_twice_adds_nothing(
    client: FakeKubernetes, records: ConfigMapRecords
) -> None:
    await records.keep(wanted(), "uid")
    before = await kept(client)
    await records.keep(wanted(), "uid")
    assert await kept(client) == before


async def test_somebody_elses_is_left_alone(
    client: FakeKubernetes, records: ConfigMapRecords
) -> None:
    taken = {"metadata": {"name": "shop-experiment-v2", "namespace": "default"}, "data": {}}
    client.add(CONFIGMAPS, taken)
    with pytest.raises(Unusable, match="was not made for CanaryRelease shop: remove it"):
        await records.keep(wanted(), "uid")


@pytest.mark.parametrize("text", ["{", json.dumps({"release": 1}), ""])
async def test_one_that_cannot_be_read_begins_anew(
    client: FakeKubernetes, records: ConfigMapRecords, text: str
) -> None:
    await records.keep(wanted(), "uid")
    client.edit(CONFIGMAPS, "default", "shop-experiment-v2", {"data": {KEY: text}})
    await records.keep(wanted(2), "uid")
    assert len((await kept(client)).looks) == 1


async def test_a_write_in_between_is_met_again(
    client: FakeKubernetes, records: ConfigMapRecords
) -> None:
    await records.keep(wanted(), "uid")
    client.fail(Conflict("changed"), verbs=("patch",), resource=CONFIGMAPS)
    await records.keep(wanted(2), "uid")
    assert len((await kept(client)).looks) == 2


async def test_a_refusal_is_told(client: FakeKubernetes, records: ConfigMapRecords) -> None:
    refusal = Forbidden(403, "Forbidden", "you may not")
    client.fail(refusal, verbs=("create",), resource=CONFIGMAPS)
    with pytest.raises(Forbidden):
        await records.keep(wanted(), "uid")


async def test_the_latest_stay_and_what_is_no_record_does(
    client: FakeKubernetes, records: ConfigMapRecords
) -> None:
    labels = {MANAGED_BY: "linnet", RELEASE: "shop"}
    client.add(CONFIGMAPS, {"metadata": {"name": "copy", "namespace": "default", "labels": labels}})
    names = [f"v{number}" for number in range(KEPT + 2)]
    days = iter(range(100))
    client.cluster.now = lambda: experiments.START + timedelta(days=next(days))
    for name in names:
        await records.keep(wanted(revision=name), "uid")
    found = await client.list(CONFIGMAPS, "default")
    there = {each["metadata"]["name"] for each in found}
    assert "copy" in there
    assert len(there) == KEPT + 1
    assert {f"shop-experiment-{name}" for name in names[-KEPT:]} < there
