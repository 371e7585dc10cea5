"""The laws of the Helm values: the chart takes them, Kubernetes restricts what comes of them."""

from __future__ import annotations

import configparser
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

ROOT = Path(__file__).resolve().parents[3]
HELM = ROOT / "deploy" / "helm"
VALUES: dict[str, Any] = yaml.safe_load((HELM / "values.yaml").read_text("utf-8"))
SCHEMA = json.loads(Path(__file__).with_name("airflow-chart-1.22.0.schema.json").read_text("utf-8"))
ELSEWHERE = {
    ("core", "executor"): "the chart has a value for it",
    ("core", "dags_folder"): "the bundle says where DAGs lie",
    ("fab", "config_file"): "the chart puts it into its own home",
}


def manifests() -> Iterator[dict[str, Any]]:
    for path in sorted(HELM.glob("*.yaml")):
        if path.name != "values.yaml":
            yield from yaml.safe_load_all(path.read_text("utf-8"))


def at(path: str) -> Any:
    """The value at a path with dots."""
    value: Any = VALUES
    for name in path.split("."):
        value = value[name]
    return value


def unknown(values: Any, schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """Values that the schema does not name: where it lets others be, they do nothing."""
    while "$ref" in schema:
        schema = SCHEMA["definitions"][schema["$ref"].rpartition("/")[2]]
    named = schema.get("properties")
    if isinstance(values, dict) and named:
        for key, value in values.items():
            if key in named:
                yield from unknown(value, named[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"


def test_the_chart_takes_the_values() -> None:
    errors = [f"{list(e.path)}: {e.message}" for e in Draft7Validator(SCHEMA).iter_errors(VALUES)]
    assert errors == []


def test_no_value_is_one_that_the_chart_does_not_know() -> None:
    assert list(unknown(VALUES, SCHEMA)) == []


@pytest.mark.parametrize("wrong", [{"executor": "kubernetes"}, {"triggerer": {"replica": 2}}])
def test_the_checks_find_what_is_wrong(wrong: dict[str, Any]) -> None:
    errors = list(Draft7Validator(SCHEMA).iter_errors(wrong))
    assert errors or list(unknown(wrong, SCHEMA))


def test_airflow_is_set_as_in_its_settings_for_production() -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "deploy" / "airflow" / "airflow.cfg", "utf-8")
    wanted = {
        (section, option): value
        for section in parser.sections()
        for option, value in parser[section].items()
        if not option.endswith("_cmd") and (section, option) not in ELSEWHERE
    }
    found = {
        (section, option): value
        for section, options in VALUES["config"].items()
        for option, value in options.items()
        if (section, option) not in ELSEWHERE
    }
    assert found == wanted


@pytest.mark.parametrize(
    ("pod", "containers"),
    [
        ("securityContexts.pod", ["securityContexts.containers"]),
        # These the chart gives what they say themselves, and nothing of the above.
        (
            "pgbouncer.securityContexts.pod",
            [
                "pgbouncer.securityContexts.container",
                "pgbouncer.metricsExporterSidecar.securityContexts.container",
            ],
        ),
        ("statsd.securityContexts.pod", ["statsd.securityContexts.container"]),
    ],
)
def test_pods_are_as_the_restricted_profile_wants_them(pod: str, containers: list[str]) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/"""
    assert at(pod)["runAsNonRoot"] is True
    assert at(pod)["runAsUser"] != 0
    assert at(pod)["seccompProfile"]["type"] == "RuntimeDefault"
    for container in map(at, containers):
        assert container["allowPrivilegeEscalation"] is False
        assert container["capabilities"] == {"drop": ["ALL"]}
        assert container["runAsNonRoot"] is True
        assert container["seccompProfile"]["type"] == "RuntimeDefault"


def test_the_namespace_refuses_pods_that_are_not_restricted() -> None:
    (namespace,) = [one for one in manifests() if one["kind"] == "Namespace"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize(
    "part", ["scheduler.livenessProbe", "scheduler.startupProbe", "triggerer.livenessProbe",
             "dagProcessor.livenessProbe"],
)  # fmt: skip
def test_a_probe_needs_nothing_of_the_official_image(part: str) -> None:
    """The commands themselves are run in our image by tests/images."""
    command = " ".join(at(part)["command"])
    assert "entrypoint" not in command
    assert re.search(r"^healthy |airflow jobs check", command)


@pytest.mark.parametrize("part", ["scheduler", "triggerer", "dagProcessor"])
def test_no_container_runs_a_script_of_the_official_image(part: str) -> None:
    assert VALUES[part]["logGroomerSidecar"] == {"enabled": False}


def test_every_image_that_runs_comes_from_a_registry_of_ones_own() -> None:
    """Others that the chart knows belong to what is off."""
    off = {"flower", "redis", "gitSync"}
    assert not VALUES["flower"]["enabled"]
    assert not VALUES["redis"]["enabled"]
    assert not VALUES["dags"]["gitSync"]["enabled"]
    known = SCHEMA["properties"]["images"]["properties"]
    wanted = {name for name in known if "repository" in known[name].get("properties", {})}
    # A task's pod runs Airflow's image unless this says otherwise.
    named = {name: image["repository"] for name, image in VALUES["images"].items()}
    assert named.keys() == wanted - off - {"pod_template"}
    assert all(place.startswith("CHANGE-ME/") for place in named.values())


def test_the_image_is_named_by_digest() -> None:
    airflow = VALUES["images"]["airflow"]
    assert airflow["tag"] is None
    assert airflow["digest"].startswith("sha256:")


def test_no_secret_stands_in_the_values_and_none_is_made_up_by_the_chart() -> None:
    for name in ("fernetKeySecretName", "apiSecretKeySecretName", "jwtSecretName"):
        assert VALUES[name]
    assert VALUES["data"] == {"metadataSecretName": "hearth-database"}
    assert VALUES["pgbouncer"]["configSecretName"]
    # Else the chart makes one from the password that it has by default.
    assert VALUES["pgbouncer"]["metricsExporterSidecar"]["statsSecretName"]
    assert VALUES["createUserJob"] == {"enabled": False}


def test_waits_outlive_a_triggerer() -> None:
    assert VALUES["triggerer"]["replicas"] >= 2


def test_every_part_is_one_account_to_aws() -> None:
    (account,) = [one for one in manifests() if one["kind"] == "ServiceAccount"]
    assert "eks.amazonaws.com/role-arn" in account["metadata"]["annotations"]
    parts = [VALUES[name] for name in ("apiServer", "scheduler", "triggerer", "dagProcessor")]
    for part in (*parts, VALUES["workers"]["kubernetes"], VALUES["migrateDatabaseJob"]):
        assert part["serviceAccount"] == {"create": False, "name": account["metadata"]["name"]}


def test_kubernetes_own_models_know_every_field_of_the_manifests() -> None:
    from kubernetes.client import ApiClient  # noqa: PLC0415 - three seconds

    models = {
        "Namespace": "V1Namespace",
        "ServiceAccount": "V1ServiceAccount",
        "NetworkPolicy": "V1NetworkPolicy",
    }
    client = ApiClient()
    for manifest in manifests():
        read = client._ApiClient__deserialize(manifest, models[manifest["kind"]])
        assert client.sanitize_for_serialization(read) == manifest


def test_nobody_talks_to_anybody_who_is_not_named() -> None:
    policies = {
        p["metadata"]["name"]: p["spec"] for p in manifests() if p["kind"] == "NetworkPolicy"
    }
    assert policies["nobody"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for spec in policies.values():
        for rule in (*spec.get("egress", ()), *spec.get("ingress", ())):
            peers = rule.get("to", rule.get("from"))
            assert peers
            assert all(peer.get("ipBlock", {}).get("cidr") != "0.0.0.0/0" for peer in peers)
