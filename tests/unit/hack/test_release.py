"""What a release is made of: its tag, its digests, and archives without a time in them."""

import gzip
import os
import subprocess
from pathlib import Path

import pytest

from hack.cluster.run import ClusterError
from hack.release import SUMS, agreed, compress, main, summed
from hack.version import version


def test_a_tag_names_the_version_of_the_sources() -> None:
    agreed(f"v{version()}")
    agreed(None)
    with pytest.raises(ClusterError, match=r"the tag is v9\.9\.9"):
        agreed("v9.9.9")


def test_another_tag_ends_the_build_before_it_begins(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tag", "v9.9.9"]) == 1
    assert "the sources are at" in capsys.readouterr().err


def test_an_archive_is_compressed_to_the_same_bytes(tmp_path: Path) -> None:
    found = []
    for time in (1_000_000_000, 1_700_000_000):
        file = tmp_path / "image.tar"
        file.write_bytes(b"layers" * 1000)
        os.utime(file, (time, time))
        compress(file)
        assert not file.exists()
        found.append((tmp_path / "image.tar.gz").read_bytes())
    assert found[0] == found[1]
    assert gzip.decompress(found[0]) == b"layers" * 1000


def test_digests_are_as_sha256sum_reads_them(tmp_path: Path) -> None:
    for name in ("b.tgz", "a.whl"):
        (tmp_path / name).write_text(name)
    sums = summed(tmp_path)
    assert [line.split()[1] for line in sums.read_text().splitlines()] == ["a.whl", "b.tgz"]
    done = subprocess.run(["sha256sum", "--check", SUMS], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0
