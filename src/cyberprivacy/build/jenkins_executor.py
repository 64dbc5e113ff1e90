"""Pipelines by a Jenkins: each template is a job, each of its secrets a credential, each bundle a build."""

from collections.abc import Mapping
from pathlib import Path

from cyberprivacy.build import jenkinsfile
from cyberprivacy.build.executor import MAX_RESULT, QUEUE, Result, redacted
from cyberprivacy.build.jenkins import Jenkins
from cyberprivacy.build.shell import variable
from cyberprivacy.build.template import SECRET, Template
from cyberprivacy.bundle.access import secret_bytes
from cyberprivacy.bundle.remote import Down
from cyberprivacy.cid import Cid


class JenkinsExecutor:
    """An `Executor`.

    Args:
        jenkins: the server.
    """

    def __init__(self, jenkins: Jenkins) -> None:
        self._jenkins = jenkins

    @property
    def kind(self) -> str:
        """As the port says."""
        return "Jenkins"

    @property
    def name(self) -> str:
        """URL of the server."""
        return self._jenkins.name

    def start(self, pipeline: Template, values: Mapping[str, str], source: Cid) -> str:
        """Write the job and its credentials as they must be, and queue a build; the number of its place."""
        job = jenkinsfile.job_name(pipeline)
        for value in pipeline.value:
            if value.kind == SECRET:
                content = secret_bytes(Path(values[value.name]))
                name = jenkinsfile.credential_id(pipeline, value)
                self._jenkins.entrust(name, jenkinsfile.credential(name, value.name, content))
        public = {value.name: values[value.name] for value in pipeline.value if value.kind == "url"}
        self._jenkins.define(job, jenkinsfile.job(pipeline, jenkinsfile.render(pipeline, public)))
        return str(self._jenkins.start(job, {variable(pipeline.source): str(source)}))

    def cancel(self, run: str) -> None:
        """Take it out of the queue; a build that runs already ends by itself, and nobody asks for it."""
        self._jenkins.cancel(int(run))

    def finish(self, pipeline: Template, values: Mapping[str, str], run: str) -> Result:
        """As the port says.

        Raises:
            Down: "jenkins.failed", with the end of the log; or as `Jenkins.finish`.
            BadReply: as `Jenkins.result`.
        """
        job = jenkinsfile.job_name(pipeline)
        ended = self._jenkins.finish(job, int(run), seconds=QUEUE + 60.0 * pipeline.minutes)
        if ended.result != "SUCCESS":
            raise Down(
                "the build failed there",
                code="jenkins.failed",
                hint="Its console says why; it is run again by itself.",
                job=job,
                build=ended.number,
                result=ended.result,
                log=redacted(ended.tail, pipeline, values),
            )
        return self._jenkins.result(job, ended.number, pipeline.result, limit=MAX_RESULT).read(Result)
