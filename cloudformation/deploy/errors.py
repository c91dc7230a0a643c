"""What can stop a deployment, each with a message for the person who typed the command.

DeployError
+-- TemplateError        a template, or the settings of a stage, cannot be right
+-- UnsafeChange         the plan would replace or remove data, and nobody said it may
+-- StackFailed          CloudFormation gave up; carries the first real cause
+-- StackStuck           CloudFormation did not come to an end in time
"""

from __future__ import annotations


class DeployError(Exception):
    """Deploying cannot go on; the text says why and what to do."""


class TemplateError(DeployError):
    """A template or a stage's settings are wrong before anything is sent to AWS."""


class UnsafeChange(DeployError):
    """The plan replaces or removes stateful resources that were not released by name."""


class StackFailed(DeployError):
    """A stack operation failed. `cause` is the first real failure among its events."""

    def __init__(self, stack: str, status: str, cause: str) -> None:
        super().__init__(f"{stack} ended in {status}: {cause}")
        self.stack = stack
        self.status = status
        self.cause = cause


class StackStuck(DeployError):
    """A stack did not reach an end within the time allowed; running the same command again resumes."""
