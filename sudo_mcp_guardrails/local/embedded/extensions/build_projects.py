"""Gap: CloudFormation drops the log, the network and the limits of a CodeBuild project, and takes any role for it.

They are kept on the project, where `BatchGetProjects` shows them; nothing runs a build here, so that none of them is
used. A project is made only with a role that trusts `codebuild.amazonaws.com`, with the project as `aws:SourceArn`.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-codebuild-project.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.core.responses import get_account_id
from ministack.services import codebuild
from ministack.services.cloudformation import provisioners

from . import principals
from .support import after

if TYPE_CHECKING:
    from .support import Props

SERVICE = "codebuild.amazonaws.com"
_KEPT = {
    name: name[0].lower() + name[1:]
    for name in (
        *("AutoRetryLimit", "Cache", "ConcurrentBuildLimit", "LogsConfig", "QueuedTimeoutInMinutes", "VpcConfig"),
    )
}
"""Properties in a template to their names in the API."""


def install() -> None:
    """Keep the properties after the project was created or updated, and show them."""
    after("AWS::CodeBuild::Project", _project)
    shape = codebuild._project_shape

    def project_shape(project: dict[str, Any]) -> dict[str, Any]:
        return {**shape(project), **{name: project[name] for name in _KEPT.values() if name in project}}

    codebuild._project_shape = project_shape


def _project(name: str, old: Props, new: Props) -> None:
    del old
    role, arn = str(new.get("ServiceRole") or ""), codebuild._project_arn(name)
    if not principals.service_may_assume(role, SERVICE, get_account_id(), source_arn=arn):
        message = f"CodeBuild is not authorized to perform: sts:AssumeRole on service role {role} for {arn}"
        raise ValueError(message)
    project = codebuild._projects[name]
    for prop, name_there in _KEPT.items():
        value = new.get(prop)
        project.pop(name_there, None)
        if value is not None:
            project[name_there] = provisioners._pascal_to_camel(value)
