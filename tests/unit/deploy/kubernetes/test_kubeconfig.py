"""A kubeconfig names one cluster and one user; whatever else it could make a server do is refused."""

import base64
import json
from pathlib import Path

import pytest

from cyberprivacy.deploy.kubernetes.kubeconfig import MAX_KUBECONFIG, BadKubeconfig, of_pod, read

PEM = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
CLUSTER = {"server": "https://one.example:6443/k8s/clusters/c-1/", "certificate-authority": "ca.crt"}
USER = {"client-certificate-data": base64.b64encode(PEM.encode()).decode(), "client-key": "keys/own.key"}


def written(folder: Path, *, cluster: object = CLUSTER, user: object = USER, **more: object) -> Path:
    (folder / "keys").mkdir(exist_ok=True)
    (folder / "ca.crt").write_text(PEM)
    (folder / "keys/own.key").write_text("secret key")
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}, {"name": "t", "user": {"tokenFile": "token"}}],
        "contexts": [
            {"name": "x", "context": {"cluster": "c", "user": "u", "namespace": "ignored"}},
            {"name": "y", "context": {"cluster": "c", "user": "t"}},
        ],
        "current-context": "x",
        "preferences": {},
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(document | more))
    return path


def test_paths_are_relative_to_the_file_and_inline_data_is_read(tmp_path: Path) -> None:
    access = read(written(tmp_path))
    assert access.server == "https://one.example:6443/k8s/clusters/c-1"
    assert (access.authority, access.certificate, access.key) == (PEM, PEM, "secret key")
    assert access.bearer() == ""


def test_another_context_can_be_named_and_its_token_is_read_anew_each_time(tmp_path: Path) -> None:
    access = read(written(tmp_path), context="y")
    for token in ("one", "two"):
        (tmp_path / "token").write_text(f"{token}\n")
        assert access.bearer() == token
    (tmp_path / "token").unlink()
    with pytest.raises(BadKubeconfig):
        access.bearer()


def test_no_secret_is_shown(tmp_path: Path) -> None:
    assert "secret" not in repr(read(written(tmp_path)))
    with pytest.raises(BadKubeconfig) as refusal:
        read(written(tmp_path, user={"token": "secret", "exec": {"command": "login"}}))
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"user": {"exec": {"command": "login"}}},
        {"user": {"auth-provider": {"name": "gcp"}}},
        {"user": {"as": "somebody"}},
        {"user": {"username": "a", "password": "b"}},
        {"cluster": CLUSTER | {"insecure-skip-tls-verify": True}},
        {"cluster": CLUSTER | {"proxy-url": "http://evil.example"}},
        {"cluster": CLUSTER | {"server": "http://one.example"}},
        {"cluster": CLUSTER | {"server": "https://user:secret@one.example"}},
        {"cluster": CLUSTER | {"certificate-authority-data": "not base64!"}},
        {"cluster": CLUSTER | {"certificate-authority": "absent"}},
        {"cluster": []},
        {"clusters": "none"},
        {"current-context": "absent"},
        {"users": [{"name": "u", "user": USER}] * 2},
    ],
    ids=lambda one: json.dumps(one)[:40],
)
def test_what_a_server_must_not_do_is_refused(tmp_path: Path, spoilt: dict[str, object]) -> None:
    with pytest.raises(BadKubeconfig) as refusal:
        read(written(tmp_path, **spoilt))
    assert refusal.value.code == "kubernetes.kubeconfig"
    assert "secret" not in str(refusal.value)


def test_a_certificate_that_is_none_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(BadKubeconfig):
        read(written(tmp_path)).tls()


@pytest.mark.parametrize("data", [b"a: *b", b"\xff", b"", b"x" * (MAX_KUBECONFIG + 1), b"[]"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "kubeconfig"
    path.write_bytes(data)
    with pytest.raises(BadKubeconfig):
        read(path)
    with pytest.raises(BadKubeconfig):
        read(tmp_path / "absent")


def test_a_pod_is_its_service_account_with_the_newest_token(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text(PEM)
    (tmp_path / "token").write_text("one\n")
    found = of_pod(tmp_path, {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"})
    assert (found.server, found.authority, found.bearer()) == ("https://10.0.0.1:443", PEM, "one")
    (tmp_path / "token").write_text("two")  # the kubelet renews it
    assert found.bearer() == "two"
    six = of_pod(tmp_path, {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"})
    assert six.server == "https://[fd00::1]:443"


@pytest.mark.parametrize("environment", [{}, {"KUBERNETES_SERVICE_HOST": "h", "KUBERNETES_SERVICE_PORT": "x/y"}])
def test_what_is_no_pod_has_no_service_account(tmp_path: Path, environment: dict[str, str]) -> None:
    with pytest.raises(BadKubeconfig):
        of_pod(tmp_path, environment)
    with pytest.raises(BadKubeconfig):  # a pod without a token
        of_pod(tmp_path, {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"})
