"""What runs the server for years: systemd units, a container file, Kubernetes manifests."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from voicelet import __version__
from voicelet.cli.main import build_parser
from voicelet.serve.config import read_config

ROOT = Path(__file__).resolve().parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
MANIFESTS = sorted(p for p in KUBERNETES.glob("*.yaml") if p.name != "kustomization.yaml")
UNITS = sorted((ROOT / "deploy" / "systemd").rglob("*.service"))


def manifest(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((KUBERNETES / name).read_text())
    return loaded


@pytest.mark.parametrize("version", ["1.30", "1.31", "1.32", "1.33", "1.34"])
def test_kubernetes_takes_every_manifest(version: str) -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is missing")
    for path in MANIFESTS:
        validate.validate(yaml.safe_load(path.read_text()), version, strict=True)


def test_labels_and_selectors_are_one() -> None:
    spec = manifest("deployment.yaml")["spec"]
    label = spec["template"]["metadata"]["labels"]
    assert label == spec["selector"]["matchLabels"] == manifest("service.yaml")["spec"]["selector"]
    for name, key in (("disruption.yaml", "selector"), ("network.yaml", "podSelector")):
        assert manifest(name)["spec"][key]["matchLabels"] == label


def test_the_kustomization_lists_what_is_there() -> None:
    kustomization = manifest("kustomization.yaml")
    assert sorted(kustomization["resources"]) == [p.name for p in MANIFESTS]
    assert kustomization["images"][0]["newTag"] == __version__
    assert manifest("deployment.yaml")["spec"]["template"]["spec"]["containers"][0][
        "image"
    ].endswith(__version__)


def test_pods_can_start_with_their_configuration_and_are_shut_in() -> None:
    pod = manifest("deployment.yaml")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    args = build_parser(["serve"]).parse_args(["serve", *container["args"]])
    assert Path(args.config).name == "voicelet.toml"
    config = read_config(KUBERNETES / "voicelet.toml")
    config.check_exposed()
    mounts = {m["mountPath"] for m in container["volumeMounts"]}
    assert str(Path(config.access.tokens or "").parent) in mounts
    assert not any(a != b and a.startswith(f"{b}/") for a in mounts for b in mounts)
    assert config.http.port == container["ports"][0]["containerPort"]
    assert pod["terminationGracePeriodSeconds"] > config.http.drain_s + 5
    assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
    inside = container["securityContext"]
    assert inside["readOnlyRootFilesystem"] and inside["capabilities"] == {"drop": ["ALL"]}
    for probe, path in (("startupProbe", "/readyz"), ("readinessProbe", "/readyz"),
                        ("livenessProbe", "/healthz")):  # fmt: skip
        assert container[probe]["httpGet"]["path"] == path
    assert manifest("network.yaml")["spec"]["egress"] == []


@pytest.mark.parametrize("path", UNITS, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_units_start_a_command_that_is_there(path: Path) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(path)
    service = unit["Service"]
    program, *arguments = service["ExecStart"].split()
    assert program.endswith("/voicelet")
    build_parser(["serve"]).parse_args(arguments)
    assert service["Type"] == "notify" and service["LimitCORE"] == "0"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd isn't installed")
def test_the_unit_is_hardened() -> None:
    unit = str(ROOT / "deploy" / "systemd" / "voicelet.service")
    command = ["systemd-analyze", "security", "--offline=yes", unit]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    found = re.search(r"exposure level for voicelet.service: ([0-9.]+)", done.stdout)
    if found is None:
        pytest.skip("this systemd can't look at files")
    assert float(found[1]) <= 2.5


def test_the_container_copies_what_is_there_and_is_nobody() -> None:
    text = (ROOT / "deploy" / "container" / "Containerfile").read_text()
    for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
    assert re.search(r"^USER 10484$", text, re.MULTILINE)
    entry = re.search(r"^ENTRYPOINT \[(.*)\]$", text, re.MULTILINE)
    assert entry is not None
    words = re.findall(r'"([^"]*)"', entry[1])
    assert words[0] == "voicelet"
    build_parser(words[1:]).parse_args([*words[1:], "--tokens", "x"])


@pytest.mark.skipif(sys.platform != "linux", reason="sockets of systemd")
def test_a_socket_of_systemd_is_taken_over(tmp_path: Path) -> None:
    """Started with a socket that is open already, as file descriptor 3."""
    script = (
        "import os, socket, sys\n"
        "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()\n"
        "print(s.getsockname()[1], flush=True)\n"
        "os.dup2(s.fileno(), 3); os.set_inheritable(3, True)\n"
        "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'voicelet', 'serve', '--port', '1'])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        port = process.stdout.readline().strip()
        for line in process.stderr:
            if line.startswith("voicelet serves at "):
                assert line.split()[-1] == f"http://127.0.0.1:{port}"
                break
        else:
            raise AssertionError("it didn't start")
        process.terminate()
        assert process.wait(60) == 0
