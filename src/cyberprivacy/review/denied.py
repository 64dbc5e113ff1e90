"""Fields and kinds that have a rule of their own, so that an author reads why, not only that."""

from typing import Final


def _each(code: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), code)


FIELDS: Final = {
    **_each("k8s.host-namespace", "hostNetwork hostPID hostIPC hostUsers shareProcessNamespace hostAliases"),
    **_each("k8s.host-path", "hostPath"),
    **_each("k8s.host-port", "hostPort hostIP"),
    **_each("k8s.service-account", "serviceAccountName serviceAccount"),
    **_each("k8s.init-containers", "initContainers"),
    **_each("k8s.ephemeral-containers", "ephemeralContainers"),
    **_each("k8s.pull-secrets", "imagePullSecrets imagePullPolicy"),
    **_each("k8s.sub-path", "subPath subPathExpr"),
    **_each("k8s.mount-propagation", "mountPropagation recursiveReadOnly"),
    **_each("k8s.env-from", "envFrom"),
    **_each("k8s.value-from", "secretKeyRef fieldRef resourceFieldRef fileKeyRef"),
    **_each("k8s.probe-exec", "exec"),
    **_each("k8s.probe-kind", "tcpSocket grpc host httpHeaders startupProbe"),
    **_each("k8s.lifecycle", "lifecycle"),
    **_each("k8s.terminal", "stdin stdinOnce tty"),
    **_each("k8s.device", "volumeDevices resourceClaims claims"),
    **_each("k8s.namespace", "namespace"),
    **_each("k8s.annotations", "annotations finalizers ownerReferences generateName managedFields"),
    **_each(
        "k8s.scheduling",
        "nodeName nodeSelector affinity tolerations topologySpreadConstraints schedulerName priority"
        " priorityClassName preemptionPolicy runtimeClassName overhead strategy schedulingGates",
    ),
    **_each(
        "k8s.security-context",
        "procMount seLinuxOptions windowsOptions appArmorProfile sysctls supplementalGroups"
        " supplementalGroupsPolicy fsGroupChangePolicy seLinuxChangePolicy localhostProfile",
    ),
    **_each("k8s.capabilities", "add"),
    **_each("k8s.limits", "requests"),
    **_each("k8s.volume-secret", "secret projected downwardAPI"),
    **_each(
        "k8s.volume-kind",
        "nfs iscsi csi glusterfs rbd cephfs cinder fc flexVolume flocker gcePersistentDisk gitRepo image"
        " awsElasticBlockStore azureDisk azureFile ephemeral photonPersistentDisk portworxVolume quobyte"
        " scaleIO storageos vsphereVolume",
    ),
    **_each(
        "k8s.external",
        "externalIPs externalName loadBalancerIP loadBalancerClass loadBalancerSourceRanges nodePort"
        " externalTrafficPolicy healthCheckNodePort allocateLoadBalancerNodePorts",
    ),
    **_each(
        "k8s.claim", "storageClassName volumeName selector dataSource dataSourceRef volumeAttributesClassName"
    ),
    **_each("k8s.config-map", "binaryData immutable"),
}

KINDS: Final = {
    **_each(
        "k8s.kind-workload", "Pod ReplicaSet ReplicationController StatefulSet DaemonSet Job CronJob PodTemplate"
    ),
    **_each("k8s.kind-secret", "Secret"),
    **_each("k8s.kind-ingress", "Ingress IngressClass Gateway HTTPRoute GatewayClass TCPRoute"),
    **_each("k8s.kind-network", "NetworkPolicy Endpoints EndpointSlice AdminNetworkPolicy"),
    **_each("k8s.kind-rbac", "Role RoleBinding ClusterRole ClusterRoleBinding ServiceAccount"),
    **_each(
        "k8s.kind-extension",
        "CustomResourceDefinition APIService ValidatingWebhookConfiguration MutatingWebhookConfiguration"
        " ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding MutatingAdmissionPolicy"
        " CertificateSigningRequest",
    ),
    **_each(
        "k8s.kind-cluster",
        "Namespace Node PersistentVolume StorageClass PriorityClass RuntimeClass CSIDriver ResourceQuota"
        " LimitRange PodDisruptionBudget HorizontalPodAutoscaler Lease Event",
    ),
}
