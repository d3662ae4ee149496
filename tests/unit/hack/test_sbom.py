"""Bills of materials: what is installed, by name, version and licence."""

from pathlib import Path

from hack.sbom import bill, distributions


def install(folder: Path, name: str, *lines: str) -> None:
    about = folder / f"{name}-1.0.dist-info"
    about.mkdir(parents=True)
    text = "\n".join(["Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0", *lines, "", "Body"])
    (about / "METADATA").write_text(text)


def test_packages_are_read_with_their_licences(tmp_path: Path) -> None:
    install(tmp_path, "Typing_Extensions", "License-Expression: PSF-2.0")
    install(tmp_path, "older", "License: MIT")
    install(tmp_path, "oldest", "Classifier: License :: OSI Approved :: BSD License")
    install(tmp_path, "silent")
    found = {each["name"]: each["licence"] for each in distributions(tmp_path)}
    assert found == {
        "typing-extensions": "PSF-2.0",
        "older": "MIT",
        "oldest": "BSD License",
        "silent": "",
    }


def test_a_licence_that_is_a_whole_text_is_its_first_line(tmp_path: Path) -> None:
    install(tmp_path, "long", "License: Apache 2.0", "        and then all of it")
    (found,) = distributions(tmp_path)
    assert found["licence"] == "Apache 2.0"


def test_a_bill_names_each_package_and_what_depends_on_it() -> None:
    installed = [
        {"name": "rich", "version": "14.0", "licence": "MIT"},
        {"name": "silent", "version": "1.0", "licence": ""},
    ]
    told = bill("linnet/operator", "0.1.0", installed)
    assert told["metadata"]["component"]["name"] == "linnet/operator"
    rich, silent, base = told["components"]
    assert rich["purl"] == "pkg:pypi/rich@14.0"
    assert rich["licenses"] == [{"license": {"name": "MIT"}}]
    assert "licenses" not in silent
    assert base["name"] == "python"
    references = [each["bom-ref"] for each in told["components"]]
    assert told["dependencies"] == [{"ref": "pkg:oci/operator@0.1.0", "dependsOn": references}]


def test_the_same_packages_give_the_same_bill_and_others_another() -> None:
    one = [{"name": "rich", "version": "14.0", "licence": "MIT"}]
    other = [{**one[0], "version": "14.1"}]
    assert bill("a", "1", one) == bill("a", "1", one)
    assert bill("a", "1", one)["serialNumber"] != bill("a", "1", other)["serialNumber"]
