"""The part of a node's configuration that names engines beside the embedded ones. Nothing in it chooses code.

```toml
[jenkins]                              # optional: a second builder; both must come to the same images
url = "https://jenkins.example"
user = "node"
token = "/etc/cyberprivacy/jenkins"    # file with its API token
ca = "/etc/cyberprivacy/ca.pem"        # optional: whom to trust instead of the machine's own list
templates = "/opt/cyberprivacy/deploy/templates"

[jenkins.values]                       # what the templates want; a secret is the path of its file
registry = "https://registry.example"
```
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cyberprivacy.build.image import Builder
from cyberprivacy.build.jenkins import SERVICE, Jenkins
from cyberprivacy.build.jenkins_builder import Filling, JenkinsBuilder
from cyberprivacy.bundle.access import Access, read_secret
from cyberprivacy.bundle.remote import Remote
from cyberprivacy.errors import Misuse
from cyberprivacy.node.tables import Table, url
from cyberprivacy.registry.distribution import trusting


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


def beside(own: Builder, at: JenkinsAt | None, agreed: Path) -> Builder:
    """The node's own builder, with a Jenkins beside it where one is configured.

    Args:
        own: the embedded builder.
        at: the Jenkins.
        agreed: folder that remembers what both built alike.

    Raises:
        Misuse: "access.file", "access.ca", "access.plain", "bundle.url".
    """
    if at is None:
        return own
    access = Access.basic(at.user, read_secret(at.token))
    try:
        tls = trusting(at.ca)
    except OSError as problem:
        reason = str(problem.strerror)
        raise Misuse("no certificates of a CA", code="access.ca", file=str(at.ca), reason=reason) from None
    remote = Remote(at.url, SERVICE, access=access, tls=tls)
    return JenkinsBuilder(own, Jenkins(remote), Filling(at.templates, at.values), agreed)
