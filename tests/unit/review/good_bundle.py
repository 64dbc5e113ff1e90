"""The smallest bundle that the gate lets through, and ways to spoil it."""

from pathlib import Path

DIGEST = "sha256:" + "5a" * 32
WHEEL = "8b" * 32

MANIFEST = f"""\
cyberprivacy: 1
name: guestbook
version: 1.0.0
release: 1
parent: null
pipeline: 1
images:
  web: {{dockerfile: Dockerfile}}
inputs:
  bases:
    - {{repository: cyberprivacy/python, digest: "{DIGEST}"}}
  wheels:
    - {{requirements: requirements.txt}}
  files:
    - {{name: thing.js, url: "https://files.example/thing.js", sha256: "{"7c" * 32}", size: 3200}}
public: {{service: web, port: 80}}
"""

DOCKERFILE = f"""\
FROM cyberprivacy/python@{DIGEST}
COPY app /app
RUN ["python3", "-m", "compileall", "/app"]
WORKDIR /app
USER 10001
CMD ["python3", "main.py"]
"""

REQUIREMENTS = f"""\
# compiled
click==8.3.0 \\
    --hash=sha256:{WHEEL}
"""

KUBERNETES = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      terminationGracePeriodSeconds: 20
      containers:
        - name: web
          image: bundle://web
          env:
            - name: GREETING
              valueFrom: {configMapKeyRef: {name: settings, key: greeting}}
          ports:
            - {containerPort: 8080, name: http}
          resources:
            limits: {cpu: 500m, memory: 64Mi}
          readinessProbe:
            httpGet: {path: /healthz, port: http}
          volumeMounts:
            - {name: data, mountPath: /data}
            - {name: tmp, mountPath: /tmp}
            - {name: settings, mountPath: /settings}
      volumes:
        - name: data
          persistentVolumeClaim: {claimName: data}
        - name: tmp
          emptyDir: {medium: Memory, sizeLimit: 16Mi}
        - name: settings
          configMap: {name: settings}
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports:
    - {port: 80, targetPort: http}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: data
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  greeting: hello
"""

SECOND_WORKLOAD = """\
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker}
spec:
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec:
      containers:
        - name: worker
          image: bundle://web
          ports: [{containerPort: 8081}]
          resources: {limits: {cpu: 100m, memory: 32Mi}}
          readinessProbe: {httpGet: {port: 8081}}
"""

FILES = {
    "cyberprivacy.yaml": MANIFEST,
    "Dockerfile": DOCKERFILE,
    "requirements.txt": REQUIREMENTS,
    "k8s/web.yaml": KUBERNETES,
    "app/main.py": "print('hello')\n",
}


def edited(text: str, *edits: tuple[str, str]) -> str:
    """`text` with each (old, new) applied once; an edit that fits nowhere is a broken test."""
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def write(folder: Path, files: dict[str, str | bytes] | None = None, **changed: str | bytes) -> Path:
    """Write the good bundle below `folder`, with `files` beside or instead of its own."""
    for path, content in {**FILES, **(files or {}), **changed}.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder
