"""Rules about Kubernetes objects: an allow-list, and Pod Security Standard "restricted".

Source: kubernetes.io/docs/concepts/security/pod-security-standards, level Restricted.
"""

from typing import Final

from cyberprivacy.review.rules.rule import Rule

_LEAVE_OUT: Final = "Leave it out."

KUBERNETES: Final = {
    "k8s.missing": Rule("There is at least one workload in k8s/*.yaml.", "Write a Deployment."),
    "k8s.file": Rule(
        "k8s/ holds files *.yaml only, at most 32 of 256 KiB each.", "Rename, move or remove the file."
    ),
    "k8s.document": Rule("A document is one object with apiVersion and kind.", "Remove what is none."),
    "k8s.objects": Rule("At most 16 workloads, 16 services, 16 config maps, 8 claims.", "Split the application."),
    "k8s.kind": Rule(
        "Only Deployment (apps/v1), Service, ConfigMap and PersistentVolumeClaim (v1).", "Remove the object."
    ),
    "k8s.kind-workload": Rule("Workloads are Deployments.", "Turn it into a Deployment."),
    "k8s.kind-secret": Rule(
        "No Secret: a bundle is public.", "Let the application ask its key service when it runs."
    ),
    "k8s.kind-ingress": Rule(
        "No Ingress or Gateway: users come through the cluster's TLS front.", "Name `public` in the manifest."
    ),
    "k8s.kind-network": Rule(
        "No NetworkPolicy: every application has its own closed network already.", "Remove it."
    ),
    "k8s.kind-rbac": Rule("No roles, bindings or service accounts.", "Remove it: pods have no API access."),
    "k8s.kind-extension": Rule(
        "No CustomResourceDefinition, webhook or API service: they change the cluster.", "Remove it."
    ),
    "k8s.kind-cluster": Rule("No objects of the cluster: namespaces, nodes, storage, priorities.", "Remove it."),
    "k8s.field": Rule("Every field is one that the cluster reads.", "Remove it."),
    "k8s.required": Rule("Every required field is there.", "Add it."),
    "k8s.type": Rule("Every field has the type and range that the documentation gives.", "Correct it."),
    "k8s.name": Rule(
        "Names are RFC 1123 labels of at most 40 characters; a Service starts with a letter.",
        "Use a-z, 0-9 and `-`, ending with a letter or digit.",
    ),
    "k8s.duplicate": Rule("No name twice: objects of one kind, containers, volumes, env, ports.", "Rename one."),
    "k8s.namespace": Rule("Objects name no namespace: the cluster gives each application its own.", _LEAVE_OUT),
    "k8s.annotations": Rule("No annotations: controllers act on them unseen.", _LEAVE_OUT),
    "k8s.labels": Rule("Labels are short and plain.", "Use the form app: web."),
    "k8s.replicas": Rule("1-10 replicas a workload, 20 together.", "Ask for fewer."),
    "k8s.totals": Rule(
        "All replicas together: at most 16 cores, 32 GiB memory; all claims: 100 GiB.", "Ask for less."
    ),
    "k8s.containers": Rule("A pod has exactly one container.", "Give the other one its own Deployment."),
    "k8s.init-containers": Rule("No initContainers.", "Do it at build time, or when the program starts."),
    "k8s.ephemeral-containers": Rule("No ephemeralContainers: nobody enters a pod.", _LEAVE_OUT),
    "k8s.image": Rule("An image is `bundle://<name>`.", "Build it from the bundle."),
    "k8s.image-unknown": Rule("The image is one of the manifest.", "Declare it, or correct its name."),
    "k8s.pull-secrets": Rule("No imagePullSecrets and no pull policy.", _LEAVE_OUT),
    "k8s.host-namespace": Rule("No namespace of the host or of other containers.", _LEAVE_OUT),
    "k8s.host-path": Rule("No hostPath: a pod sees nothing of its host.", "Use a claim or an emptyDir."),
    "k8s.host-port": Rule("No hostPort or hostIP.", "Use a Service."),
    "k8s.privileged": Rule("No privileged containers.", _LEAVE_OUT),
    "k8s.escalation": Rule("allowPrivilegeEscalation is false.", "Leave it out: false is forced."),
    "k8s.capabilities": Rule("capabilities: drop ALL, add none.", "Leave it out: drop ALL is forced."),
    "k8s.read-only-root": Rule(
        "readOnlyRootFilesystem is true.", "Leave it out: true is forced; write to an emptyDir or a claim."
    ),
    "k8s.root": Rule(
        "runAsNonRoot is true and runAsUser is 1-65533.", "Leave both out: the image's USER is taken."
    ),
    "k8s.group": Rule("runAsGroup and fsGroup equal the user.", "Leave them out: the user's number is taken."),
    "k8s.seccomp": Rule("seccompProfile is RuntimeDefault.", "Leave it out: it is forced."),
    "k8s.security-context": Rule("No other security settings.", _LEAVE_OUT),
    "k8s.service-account": Rule("No service account and no token in the pod.", _LEAVE_OUT),
    "k8s.scheduling": Rule("Where a pod runs is the cluster's choice.", _LEAVE_OUT),
    "k8s.lifecycle": Rule("No lifecycle hooks.", "Handle SIGTERM in the program."),
    "k8s.terminal": Rule("No terminal: nobody logs in.", _LEAVE_OUT),
    "k8s.device": Rule("No devices.", _LEAVE_OUT),
    "k8s.limits": Rule(
        "resources.limits gives cpu (10m-8) and memory (8Mi-16Gi).", "Add both; requests follow the limits."
    ),
    "k8s.readiness": Rule(
        "Every container has a readinessProbe: without it an update would lose requests.", "Add an httpGet."
    ),
    "k8s.probe-exec": Rule("No exec probes: nothing is run inside a container.", "Use httpGet."),
    "k8s.probe-kind": Rule("Probes are httpGet to the pod itself over HTTP.", "Use httpGet with path and port."),
    "k8s.probe-port": Rule("A probe asks a port that the container declares.", "Add it to `ports`."),
    "k8s.port": Rule("Container ports are 1024-65535, TCP.", "Listen on 8080, say; the Service may be on 80."),
    "k8s.env-name": Rule(
        "Names in env are A-Z, a-z, 0-9, `_`, do not start with a digit nor with CYBERPRIVACY_.", "Rename it."
    ),
    "k8s.env-from": Rule("No envFrom: what a program gets is listed one by one.", "Use configMapKeyRef."),
    "k8s.value-from": Rule("valueFrom takes a configMapKeyRef of this bundle only.", "Use configMapKeyRef."),
    "k8s.expansion": Rule(
        "No `$(` or `$$` in env, command and args: engines differ in what they make of it.", "Write it out."
    ),
    "k8s.volume-kind": Rule("A volume is a configMap, a persistentVolumeClaim or an emptyDir.", "Use one."),
    "k8s.volume-secret": Rule(
        "No secret, projected or downwardAPI volumes.", "Let the application ask its key service."
    ),
    "k8s.volume-unused": Rule("Every volume is mounted.", "Remove it."),
    "k8s.scratch": Rule(
        "An emptyDir is in memory (medium: Memory) with a sizeLimit within the container's memory.",
        "Add both; use a claim for what must last.",
    ),
    "k8s.sub-path": Rule("No subPath: it has led out of volumes.", "Mount the volume as a whole."),
    "k8s.mount-path": Rule(
        "Mount paths are absolute and plain, outside /proc, /sys and /dev, and not inside one another.",
        "Choose a directory of the application, such as /data.",
    ),
    "k8s.mount-propagation": Rule("No mountPropagation.", _LEAVE_OUT),
    "k8s.selector": Rule(
        "A Deployment selects its own pods and no others; a Service selects exactly one Deployment.",
        "Use one label, such as app: web, in selector and template.",
    ),
    "k8s.service-type": Rule("A Service is ClusterIP.", "Leave `type` out; name `public` in the manifest."),
    "k8s.external": Rule("No outside addresses: externalIPs, nodePort, load balancers.", _LEAVE_OUT),
    "k8s.service-ports": Rule("A Service has exactly one port.", "Write a second Service."),
    "k8s.service-target": Rule("targetPort is a port of the workload.", "Add it to the container's `ports`."),
    "k8s.config-map": Rule(
        "A ConfigMap holds texts under plain keys, 256 KiB together.", "Put larger files into the image."
    ),
    "k8s.config-map-missing": Rule("A ConfigMap or key that is named is in the bundle.", "Add it."),
    "k8s.claim": Rule("A claim is ReadWriteOnce, 1Mi-100Gi, without a storage class.", "Write only these."),
    "k8s.claim-missing": Rule("A claim that is mounted is in the bundle.", "Add it."),
    "k8s.claim-shared": Rule(
        "A claim belongs to one workload.", "Let the others ask that workload over its Service."
    ),
}
