"""Kubernetes YAML says what our model can hold, or it is refused by the rule that it breaks."""

import pytest
from good_bundle import KUBERNETES, SECOND_WORKLOAD, edited
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.bundle.manifest import Public
from cyberprivacy.review import kubernetes
from cyberprivacy.review.finding import Finding
from cyberprivacy.review.rules.kubernetes import KUBERNETES as RULES
from cyberprivacy.review.workload import (
    Claim,
    ClaimMount,
    ConfigMap,
    ConfigMapMount,
    Container,
    Probe,
    ScratchMount,
    Service,
    Topology,
    Workload,
)

Edit = tuple[str, str]
POD = "      terminationGracePeriodSeconds: 20\n"
IMAGE = "          image: bundle://web\n"
SPEC = "  selector: {app: web}\n"
NAME = "metadata:\n  name: web\nspec:\n  replicas"
GET = "            httpGet: {path: /healthz, port: http}\n"
TMP = "          emptyDir: {medium: Memory, sizeLimit: 16Mi}\n"
MOUNT = "            - {name: tmp, mountPath: /tmp}\n"
ENV = "          env:\n"
PORT = "            - {containerPort: 8080, name: http}\n"
LIMITS = "limits: {cpu: 500m, memory: 64Mi}"
END = "  greeting: hello\n"


def pod(line: str) -> Edit:
    return POD, f"{POD}      {line}\n"


def container(line: str) -> Edit:
    return IMAGE, f"{IMAGE}          {line}\n"


def other(kind: str, version: str = "v1") -> Edit:
    return END, f"{END}---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: x}}\n"


def services(count: int) -> str:
    text = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{}}}\n"
    return "".join(text.format(number) for number in range(count))


SAME: Edit = (END, END)
GOOD_CONTEXT = container(
    "securityContext: {runAsNonRoot: true, runAsUser: 7, runAsGroup: 7, privileged: false,"
    " allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]},"
    " seccompProfile: {type: RuntimeDefault}}"
)

# code: (an edit that is fine, one that breaks exactly this rule)
EDITS: dict[str, tuple[Edit, Edit]] = {
    "k8s.document": (SAME, (END, f"{END}---\n- a\n")),
    "k8s.objects": ((END, END + services(15)), (END, END + services(16))),
    "k8s.kind": (SAME, other("Service", "v1beta1")),
    "k8s.kind-workload": (SAME, other("StatefulSet", "apps/v1")),
    "k8s.kind-secret": (SAME, other("Secret")),
    "k8s.kind-ingress": (SAME, other("Ingress", "networking.k8s.io/v1")),
    "k8s.kind-network": (SAME, other("NetworkPolicy", "networking.k8s.io/v1")),
    "k8s.kind-rbac": (SAME, other("ClusterRoleBinding", "rbac.authorization.k8s.io/v1")),
    "k8s.kind-extension": (SAME, other("CustomResourceDefinition", "apiextensions.k8s.io/v1")),
    "k8s.kind-cluster": (SAME, other("Namespace")),
    "k8s.field": (pod("enableServiceLinks: false"), pod("hostnetwork: true")),
    "k8s.required": (
        SAME,
        (MOUNT, MOUNT.replace("/tmp}", "/tmp}\n            - {name: other, mountPath: /other}")),
    ),
    "k8s.type": ((POD, POD.replace("20", "120")), (POD, POD.replace("20", "121"))),
    "k8s.name": (SAME, ("        - name: web\n", "        - name: Web\n")),
    "k8s.duplicate": (
        (ENV, f"{ENV}            - {{name: A, value: b}}\n"),
        (ENV, f"{ENV}            - {{name: GREETING, value: b}}\n"),
    ),
    "k8s.namespace": (SAME, (NAME, NAME.replace("name: web", "name: web\n  namespace: kube-system"))),
    "k8s.annotations": (SAME, (NAME, NAME.replace("name: web", "name: web\n  annotations: {a: b}"))),
    "k8s.labels": (
        (NAME, NAME.replace("name: web", "name: web\n  labels: {example.org/a: b}")),
        (NAME, NAME.replace("name: web", "name: web\n  labels: {a: 'b c'}")),
    ),
    "k8s.replicas": (("replicas: 2", "replicas: 10"), ("replicas: 2", "replicas: 11")),
    "k8s.totals": (("cpu: 500m", "cpu: 8"), ("replicas: 2", "replicas: 10")),
    "k8s.containers": (
        SAME,
        ("      volumes:\n", "        - {name: two, image: bundle://web}\n      volumes:\n"),
    ),
    "k8s.init-containers": (SAME, pod("initContainers: []")),
    "k8s.ephemeral-containers": (SAME, pod("ephemeralContainers: []")),
    "k8s.image": (SAME, ("bundle://web", "docker.io/library/nginx")),
    "k8s.image-unknown": (SAME, ("bundle://web", "bundle://other")),
    "k8s.pull-secrets": (SAME, pod("imagePullSecrets: [{name: a}]")),
    "k8s.host-namespace": (SAME, pod("hostPID: true")),
    "k8s.host-path": (SAME, (TMP, f"{TMP}        - name: h\n          hostPath: {{path: /}}\n")),
    "k8s.host-port": (SAME, (PORT, PORT.replace("name: http", "name: http, hostPort: 8080"))),
    "k8s.privileged": (GOOD_CONTEXT, container("securityContext: {privileged: true}")),
    "k8s.escalation": (GOOD_CONTEXT, container("securityContext: {allowPrivilegeEscalation: true}")),
    "k8s.capabilities": (
        GOOD_CONTEXT,
        container("securityContext: {capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}"),
    ),
    "k8s.read-only-root": (GOOD_CONTEXT, container("securityContext: {readOnlyRootFilesystem: false}")),
    "k8s.root": (GOOD_CONTEXT, container("securityContext: {runAsUser: 0}")),
    "k8s.group": (GOOD_CONTEXT, container("securityContext: {runAsUser: 7, runAsGroup: 0}")),
    "k8s.seccomp": (GOOD_CONTEXT, container("securityContext: {seccompProfile: {type: Unconfined}}")),
    "k8s.security-context": (GOOD_CONTEXT, container("securityContext: {procMount: Unmasked}")),
    "k8s.service-account": (
        pod("automountServiceAccountToken: false"),
        pod("automountServiceAccountToken: true"),
    ),
    "k8s.scheduling": (SAME, pod("nodeName: master")),
    "k8s.lifecycle": (SAME, container("lifecycle: {postStart: {exec: {command: [a]}}}")),
    "k8s.terminal": (SAME, container("tty: true")),
    "k8s.device": (SAME, container("volumeDevices: []")),
    "k8s.limits": ((LIMITS, "limits: {cpu: '0.5', memory: 1Gi}"), (LIMITS, "limits: {cpu: 500m}")),
    "k8s.readiness": (SAME, (f"          readinessProbe:\n{GET}", "")),
    "k8s.probe-exec": (
        container("livenessProbe: {httpGet: {port: 8080}, periodSeconds: 5}"),
        container("livenessProbe: {exec: {command: [a]}}"),
    ),
    "k8s.probe-kind": (SAME, (GET, GET.replace("port: http", "port: http, host: 169.254.169.254"))),
    "k8s.probe-port": (
        (GET, GET.replace("port: http", "port: 8080")),
        (GET, GET.replace("port: http", "port: 9")),
    ),
    "k8s.port": (SAME, (PORT, PORT.replace("name: http", "name: http, protocol: UDP"))),
    "k8s.env-name": (SAME, (ENV, f"{ENV}            - {{name: CYBERPRIVACY_KEY, value: b}}\n")),
    "k8s.env-from": (SAME, container("envFrom: []")),
    "k8s.value-from": (
        SAME,
        (ENV, f"{ENV}            - {{name: A, valueFrom: {{secretKeyRef: {{name: a, key: b}}}}}}\n"),
    ),
    "k8s.expansion": (container("args: [$HOME]"), container("args: [$(GREETING)]")),
    "k8s.volume-kind": (SAME, (TMP, f"{TMP}        - name: other\n          nfs: {{server: a, path: /}}\n")),
    "k8s.volume-secret": (SAME, (TMP, f"{TMP}        - name: other\n          projected: {{sources: []}}\n")),
    "k8s.volume-unused": (SAME, (MOUNT, "")),
    "k8s.scratch": ((TMP, TMP.replace("16Mi", "64Mi")), (TMP, TMP.replace("16Mi", "65Mi"))),
    "k8s.sub-path": (SAME, (MOUNT, MOUNT.replace("/tmp}", "/tmp, subPath: ../..}"))),
    "k8s.mount-path": ((MOUNT, MOUNT.replace("/tmp}", "/da}")), (MOUNT, MOUNT.replace("/tmp}", "/data/x}"))),
    "k8s.mount-propagation": (SAME, (MOUNT, MOUNT.replace("/tmp}", "/tmp, mountPropagation: Bidirectional}"))),
    "k8s.selector": (SAME, (SPEC, "  selector: {app: other}\n")),
    "k8s.service-type": ((SPEC, f"{SPEC}  type: ClusterIP\n"), (SPEC, f"{SPEC}  type: NodePort\n")),
    "k8s.external": (SAME, (SPEC, f"{SPEC}  externalIPs: [10.0.0.1]\n")),
    "k8s.service-ports": (SAME, ("  ports:\n    - {port: 80,", "  ports:\n    - {port: 81}\n    - {port: 80,")),
    "k8s.service-target": (
        ("targetPort: http", "targetPort: 8080"),
        ("targetPort: http", "targetPort: 22"),
    ),
    "k8s.config-map": ((END, f"{END}  a.b: |\n    two\n    lines\n"), (END, f"{END}  a/b: c\n")),
    "k8s.config-map-missing": (SAME, ("key: greeting", "key: other")),
    "k8s.claim": (("storage: 1Gi", "storage: 100Gi"), ("storage: 1Gi}}", "storage: 1Gi}}\n  storageClassName: x")),
    "k8s.claim-missing": (SAME, ("claimName: data", "claimName: other")),
    "k8s.claim-shared": (
        (END, END + SECOND_WORKLOAD),
        (
            END,
            END
            + SECOND_WORKLOAD
            + "          volumeMounts: [{name: data, mountPath: /x}]\n"
            + "      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]\n",
        ),
    ),
}
ELSEWHERE = {"k8s.file", "k8s.missing"}  # below: they are about files


def read(text: str | bytes, path: str = "k8s/web.yaml") -> tuple[Topology | None, tuple[Finding, ...]]:
    data = text if isinstance(text, bytes) else text.encode()
    return kubernetes.read({path: data}, users={"web": 10001}, public=Public("web", 80))


def codes(text: str) -> set[str]:
    topology, findings = read(text)
    assert (topology is None) == bool(findings)
    return {finding.code for finding in findings}


def test_every_rule_has_an_example_on_each_side() -> None:
    assert EDITS.keys() | ELSEWHERE == RULES.keys()


@pytest.mark.parametrize("code", EDITS)
def test_an_edit_is_fine_and_another_breaks_this_rule_alone(code: str) -> None:
    good, bad = EDITS[code]
    assert codes(edited(KUBERNETES, good)) == set()
    if code == "k8s.totals":  # ten replicas are fine, and so are eight cores, but not ten times eight
        assert codes(edited(KUBERNETES, bad)) == set()
        assert codes(edited(KUBERNETES, good, bad)) == {code}
    else:
        assert codes(edited(KUBERNETES, bad)) == {code}


def test_the_good_example_becomes_the_whole_model() -> None:
    topology, findings = read(KUBERNETES)
    assert not findings
    assert topology == Topology(
        workloads=(
            Workload(
                "web",
                2,
                Container(
                    name="web",
                    image="web",
                    command=(),
                    args=(),
                    env=(("GREETING", "hello"),),
                    ports=(8080,),
                    user=10001,
                    cpu_millis=500,
                    memory=64 << 20,
                    readiness=Probe("/healthz", 8080, 0, 10, 1, 3),
                    liveness=None,
                    mounts=(
                        ClaimMount("/data", "data", read_only=False),
                        ScratchMount("/tmp", 16 << 20),
                        ConfigMapMount("/settings", "settings"),
                    ),
                ),
                20,
            ),
        ),
        services=(Service("web", 80, "web", 8080),),
        config_maps=(ConfigMap("settings", (("greeting", "hello"),)),),
        claims=(Claim("data", 1 << 30),),
        public="web",
    )


def test_a_breach_is_named_by_field_and_line() -> None:
    _, (one,) = read(edited(KUBERNETES, EDITS["k8s.privileged"][1]))
    assert (one.path, one.line) == ("k8s/web.yaml", 17)
    assert one.what.startswith("spec.template.spec.containers[0].securityContext.privileged")


def test_all_breaches_of_all_documents_are_named_at_once() -> None:
    text = edited(KUBERNETES, pod("hostNetwork: true"), EDITS["k8s.external"][1], ("cpu: 500m", "cpu: 900"))
    assert codes(text) == {"k8s.host-namespace", "k8s.external", "k8s.limits"}


def test_a_pods_user_holds_unless_its_container_names_another() -> None:
    of_pod = pod("securityContext: {runAsUser: 5, runAsGroup: 5, fsGroup: 5}")
    for edits, user in (
        ([of_pod], 5),
        ([of_pod, container("securityContext: {runAsUser: 6}")], 6),
        ([SAME], 10001),
    ):
        topology, _ = read(edited(KUBERNETES, *edits))
        assert topology is not None
        assert topology.workloads[0].container.user == user


def test_a_long_text_is_mounted_and_not_put_into_a_variable() -> None:
    long = ("greeting: hello", f"greeting: {'a' * 40_000}")
    assert codes(edited(KUBERNETES, long)) == {"k8s.config-map"}
    other = (ENV + KUBERNETES.split(ENV)[1].split("          ports:")[0], "")
    assert codes(edited(KUBERNETES, long, other)) == set()


@pytest.mark.parametrize("key", [".", "..", "..data", "a b", "a/b"])
def test_a_key_that_is_no_file_name_is_refused(key: str) -> None:
    assert codes(edited(KUBERNETES, (END, f"{END}  '{key}': x\n"))) == {"k8s.config-map"}


def test_two_workloads_may_not_select_each_others_pods() -> None:
    both = KUBERNETES + SECOND_WORKLOAD
    assert codes(both) == set()
    assert codes(edited(both, ("labels: {app: worker}", "labels: {app: web}"))) == {"k8s.selector"}


def test_public_must_be_a_service_and_its_port() -> None:
    files = {"k8s/web.yaml": KUBERNETES.encode()}
    for public, code in (("web", "manifest.public-port"), ("other", "manifest.public-service")):
        _, (one,) = kubernetes.read(files, users={"web": 1}, public=Public(public, 81))
        assert (one.code, one.path) == (code, "cyberprivacy.yaml")


def test_an_image_that_no_workload_runs_is_named() -> None:
    users = {"web": 1, "other": 1}
    _, (one,) = kubernetes.read({"k8s/a.yaml": KUBERNETES.encode()}, users=users, public=Public("web", 80))
    assert one.code == "manifest.image-unused"


@pytest.mark.parametrize("path", ["k8s/web.yml", "k8s/deep/web.yaml", "k8s/values.json"])
def test_only_yaml_files_stand_in_k8s(path: str) -> None:
    files = {path: b"", "k8s/web.yaml": KUBERNETES.encode()}
    _, (one,) = kubernetes.read(files, users={"web": 1}, public=Public("web", 80))
    assert (one.code, one.path) == ("k8s.file", path)


def test_a_bundle_without_workload_is_refused() -> None:
    _, findings = kubernetes.read({}, users={}, public=Public("web", 80))
    assert {one.code for one in findings} == {"k8s.missing", "manifest.public-service"}


def test_objects_may_be_spread_over_files() -> None:
    parts = dict(enumerate(KUBERNETES.split("---\n")))
    files = {f"k8s/{number}.yaml": text.encode() for number, text in parts.items()}
    topology, findings = kubernetes.read(files, users={"web": 1}, public=Public("web", 80))
    assert not findings
    assert topology is not None


# Whatever stands in a file, the answer is a topology or a list of breaches.

VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-5, 10**9), st.sampled_from(["web", "", "a b", "80m", "$(A)"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["name", "spec", "hostPath", "limits", "port", "containers", "value", "x"]), inner
        ),
    ),
    max_leaves=6,
)


def _places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path]
    if isinstance(value, dict):
        for key, item in value.items():
            found += _places(item, (*path, key))
    if isinstance(value, list):
        for at, item in enumerate(value):
            found += _places(item, (*path, at))
    return found


@given(st.data())
def test_any_value_in_any_place_gives_breaches_or_a_model(data: st.DataObject) -> None:
    import json

    from cyberprivacy import strict_yaml

    documents = strict_yaml.load_all(KUBERNETES.encode(), limit=1 << 20)
    path = data.draw(st.sampled_from([place for place in _places(documents) if place]))
    target: object = documents
    for step in path[:-1]:
        target = target[step]  # type: ignore[index]
    target[path[-1]] = data.draw(VALUES)  # type: ignore[index]
    topology, findings = read("\n---\n".join(json.dumps(document) for document in documents))
    assert (topology is None) == bool(findings)


@given(st.binary(max_size=100))
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    topology, findings = read(data)
    assert topology is None
    assert findings
