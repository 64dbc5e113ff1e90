"""The part of a node's configuration that names engines beside the embedded ones. Nothing in it chooses code.

```toml
[jenkins]                              # optional: a second builder; both must come to the same images
url = "https://jenkins.example"
user = "node"
token = "/etc/cyberprivacy/jenkins"    # file with its API token
ca = "/etc/cyberprivacy/ca.pem"        # optional: whom to trust instead of the machine's own list
templates = "/opt/cyberprivacy/deploy/templates"

[harbor]                               # optional: images are stored there, and fetched from there
url = "https://harbor.example"
project = "node-1"                     # of this node alone: it removes what it no longer needs
push = "/etc/cyberprivacy/push.json"   # auth files, from `cyberprivacy harbor prepare`
pull = "/etc/cyberprivacy/pull.json"
certificates = "/etc/cyberprivacy/ca"  # optional: folder with ca.crt, if the machine does not know the CA

[jenkins.values]                       # what the templates want; a secret is the path of its file
registry = "https://registry.example"

[jobs]                                 # optional: a second builder in a Kubernetes; as [jenkins], or beside it
kubeconfig = "/etc/cyberprivacy/builds.kubeconfig"
context = "builds"                     # optional: else the current one
namespace = "builds"                   # of these Jobs alone
image = "registry.example/agent@sha256:…"  # has `cyberprivacy`, buildah and a shell
templates = "/opt/cyberprivacy/deploy/templates"

[jobs.values]                          # as [jenkins.values]
registry = "https://registry.example"
```
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cyberprivacy.build.executor import Filling, SecondOpinion
from cyberprivacy.build.image import Builder
from cyberprivacy.build.jenkins import SERVICE, Jenkins
from cyberprivacy.build.jenkins_executor import JenkinsExecutor
from cyberprivacy.build.job import Yard
from cyberprivacy.bundle.access import Access, read_secret
from cyberprivacy.bundle.remote import Remote
from cyberprivacy.deploy.kubernetes import kubeconfig
from cyberprivacy.deploy.kubernetes.api import Cluster
from cyberprivacy.deploy.kubernetes.jobs import JobExecutor
from cyberprivacy.node.tables import Table, url
from cyberprivacy.registry.harbor_registry import HarborRegistry, open_harbor, trusted


@dataclass(frozen=True, slots=True)
class JenkinsAt:
    """A Jenkins that builds beside this node.

    Attributes:
        url: of the server.
        user: whose API token it is.
        token: file that holds the token.
        ca: PEM file of a private CA; None trusts the machine's list.
        templates: folder of pipeline templates.
        values: what the templates want.
    """

    url: str
    user: str
    token: Path
    ca: Path | None
    templates: Path
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class JobsAt:
    """A Kubernetes that builds beside this node.

    Attributes:
        kubeconfig: whom to talk to, and as whom.
        context: "" = the file's current one.
        yard: where Jobs run, and from which image.
        filling: of templates.
    """

    kubeconfig: Path
    context: str
    yard: Yard
    filling: Filling


@dataclass(frozen=True, slots=True)
class HarborAt:
    """A project of a Harbor that holds this node's images.

    Attributes:
        url: of the server, without a path.
        project: its name.
        push: auth file of the account that stores.
        pull: auth file of the account that fetches.
        certificates: folder with `ca.crt`; None trusts the machine's list.
    """

    url: str
    project: str
    push: Path
    pull: Path
    certificates: Path | None


def harbor_at(top: Table) -> HarborAt | None:
    """The section `harbor`, None if there is none.

    Raises:
        BadConfig: a key is missing, unknown, or of the wrong form.
    """
    if not top.has("harbor"):
        return None
    table = top.table("harbor", {"url", "project", "push", "pull", "certificates"})
    return HarborAt(
        url=url(table.text("url")),
        project=table.text("project"),
        push=Path(table.text("push")),
        pull=Path(table.text("pull")),
        certificates=Path(table.text("certificates")) if table.has("certificates") else None,
    )


def harbor(at: HarborAt) -> HarborRegistry:
    """The registry in that project.

    Raises:
        Misuse: "registry.authfile", "harbor.project", "access.ca", "access.plain", "bundle.url".
    """
    return open_harbor(at.url, at.project, at.push, at.certificates / "ca.crt" if at.certificates else None)


def jenkins_at(top: Table) -> JenkinsAt | None:
    """The section `jenkins`, None if there is none.

    Raises:
        BadConfig: a key is missing, unknown, or of the wrong form.
    """
    if not top.has("jenkins"):
        return None
    table = top.table("jenkins", {"url", "user", "token", "ca", "templates", "values"})
    return JenkinsAt(
        url=url(table.text("url")),
        user=table.text("user"),
        token=Path(table.text("token")),
        ca=Path(table.text("ca")) if table.has("ca") else None,
        templates=Path(table.text("templates")),
        values=dict(table.pairs("values")),
    )


def jobs_at(top: Table) -> JobsAt | None:
    """The section `jobs`, None if there is none.

    Raises:
        BadConfig: a key is missing, unknown, or of the wrong form.
        Misuse: "job.namespace", "job.image".
    """
    if not top.has("jobs"):
        return None
    table = top.table("jobs", {"kubeconfig", "context", "namespace", "image", "templates", "values"})
    return JobsAt(
        kubeconfig=Path(table.text("kubeconfig")),
        context=table.text("context") if table.has("context") else "",
        yard=Yard(table.text("namespace"), table.text("image")),
        filling=Filling(Path(table.text("templates")), dict(table.pairs("values"))),
    )


def beside(own: Builder, jenkins: JenkinsAt | None, jobs: JobsAt | None, agreed: Path) -> Builder:
    """The node's own builder, with each executor beside it that is configured.

    Args:
        own: the embedded builder.
        jenkins: a Jenkins.
        jobs: a cluster that builds.
        agreed: folder that remembers what was built alike.

    Raises:
        Misuse: "access.file", "access.ca", "access.plain", "bundle.url", "kubernetes.kubeconfig".
    """
    if jenkins is not None:
        own = SecondOpinion(own, _jenkins(jenkins), Filling(jenkins.templates, jenkins.values), agreed)
    if jobs is not None:
        cluster = Cluster(kubeconfig.read(jobs.kubeconfig, context=jobs.context))
        own = SecondOpinion(own, JobExecutor(cluster, jobs.yard), jobs.filling, agreed)
    return own


def _jenkins(at: JenkinsAt) -> JenkinsExecutor:
    access = Access.basic(at.user, read_secret(at.token))
    remote = Remote(at.url, SERVICE, access=access, tls=trusted(at.ca))
    return JenkinsExecutor(Jenkins(remote))
