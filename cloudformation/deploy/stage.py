"""A stage as a whole: deploys, plans, destroys and inspects its layers in order. The same code for the laptop and AWS."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from cloudformation.deploy import changesets, layers, local_gaps, records, stacks
from cloudformation.deploy.artefacts import ROOT, Artefact, lambda_artefacts
from cloudformation.deploy.bundles import HostsBundle
from cloudformation.deploy.cloud import Cloud
from cloudformation.deploy.errors import DeployError, StackFailed, TemplateError
from cloudformation.deploy.plan import Change, Plan
from cloudformation.deploy.stages import Stage, load_stage
from cloudformation.deploy.template import STACK_PREFIX, Template, load_all, render, stamp_snapshots
from cloudformation.deploy.uploads import Uploads

Report = Callable[[str], None]

BUCKET_OUTPUT = "ArtefactBucketName"
ROLE_OUTPUT = "CloudFormationRoleArn"


def deploy_stage(
    stage: str,
    *,
    region: str,
    endpoint_url: str | None,
    only: Sequence[str] | None = None,
    report: Report = print,
    allow_replace: Iterable[str] = (),
    parameters: Mapping[str, Mapping[str, str]] | None = None,
    root: Path = ROOT,
) -> dict[str, str]:
    """Bring a stage to what templates, parameters and sources say, and return its run-time settings by environment variable.

    Layers whose template, parameters and artefacts are unchanged since their last deployment are not touched, so a
    repeat costs a second. An interrupted run is resumed by running again. Raises DeployError; a failed layer has been
    rolled back by then and the layers before it stay deployed. `parameters` overrides the stage's file, by layer.
    """
    deployment = Deployment.of(stage, region, endpoint_url, report, root)
    deployment.override(parameters or {})
    deployment.apply(only, frozenset(allow_replace))
    return deployment.settings()


@dataclass
class Deployment:
    """One run of the deployer against one stage of one region."""

    stage: Stage
    cloud: Cloud
    report: Report
    root: Path
    _artefacts: Sequence[Artefact | HostsBundle] = field(default_factory=list)
    _abroad: dict[str, Cloud] = field(default_factory=dict)
    _states: dict[str, stacks.StackState] = field(default_factory=dict)
    _templates: list[Template] = field(default_factory=list)

    @classmethod
    def of(
        cls, stage: str, region: str, endpoint_url: str | None, report: Report, root: Path = ROOT
    ) -> Deployment:
        """Read the stage's settings. Refuses to send the local stage to AWS."""
        settings = load_stage(stage, root / "cloudformation" / "parameters")
        if settings.is_local and not endpoint_url:
            raise TemplateError(
                "the local stage needs the local AWS's endpoint (AWS_ENDPOINT_URL); it never goes to AWS"
            )
        artefacts: list[Artefact | HostsBundle] = [*lambda_artefacts(root)]
        if "50-web" in settings.layers:
            artefacts.append(HostsBundle(root))
        return cls(settings, Cloud(region, endpoint_url), report, root, artefacts)

    def override(self, parameters: Mapping[str, Mapping[str, str]]) -> None:
        """Put values over those of the stage's file, for this run."""
        merged = {layer: dict(values) for layer, values in self.stage.parameters.items()}
        for layer, values in parameters.items():
            merged.setdefault(layer, {}).update(values)
        self.stage = replace(self.stage, parameters=merged)

    def templates(self) -> list[Template]:
        """The stage's templates in the order they are deployed."""
        if self._templates:
            return self._templates
        known = load_all(self.root / "cloudformation")
        if missing := set(self.stage.layers) - known.keys():
            raise TemplateError(f"{self.stage.name}.json lists layers without a template: {sorted(missing)}")
        self._templates = layers.in_order(
            {layer: known[layer] for layer in self.stage.layers}, self.stage.name
        )
        return self._templates

    def cloud_of(self, template: Template) -> Cloud:
        """Where a layer lives: the stage's region, or the one that the stage's file names for it."""
        region = self.stage.regions.get(template.layer, self.cloud.region)
        if region == self.cloud.region:
            return self.cloud
        if region not in self._abroad:
            self._abroad[region] = Cloud(region, self.cloud.endpoint_url, self.cloud.patience_seconds)
        return self._abroad[region]

    @property
    def _uploads(self) -> Uploads:
        return Uploads(self.cloud, self._artefacts, self.report)

    def apply(self, only: Sequence[str] | None, released: frozenset[str]) -> None:
        """Deploy every layer, or only the named ones, in order."""
        known = records.read_records(self.cloud, self.stage.name)
        self._refresh()
        for template in self._chosen(only):
            body, parameters = self._rendered(template)
            digest = records.fingerprint(body, parameters, self.stage.tags)
            record = known.get(template.layer)
            state = self._states.get(self._stack(template))
            if record and record.fingerprint == digest and state and state.exists:
                self.report(f"{template.layer}: unchanged")
                continue
            self._apply_layer(template, body, parameters, released)
            records.write_record(
                self.cloud, self.stage.name, template.layer, digest, records.release_name(self.root)
            )

    def _apply_layer(
        self, template: Template, body: str, parameters: dict[str, str], released: frozenset[str]
    ) -> None:
        started = time.monotonic()
        self._uploads.upload(parameters, self._output(BUCKET_OUTPUT))
        plan = self._plan_with_change_set(template, body, parameters)
        # A new stack is told by its counts; `plan` lists every resource.
        for line in plan.lines()[: 1 if plan.kind == "create" else None]:
            self.report(line)
        if plan.changes:
            state = self._states.get(plan.stack) or stacks.StackState(plan.stack)
            try:
                plan.check(released)
            except DeployError:
                changesets.discard(self.cloud_of(template), plan.change_set_id, state)
                raise
            records.forget_record(self.cloud, self.stage.name, template.layer)
            self._execute(
                template,
                plan,
                {name.split("/")[1] for name in released if name.startswith(f"{template.layer}/")},
            )
            self.report(f"{template.layer}: done in {time.monotonic() - started:.1f} s")
        if self.stage.is_local:
            for what in local_gaps.fill(self.cloud, template, plan.stack):
                self.report(f"{template.layer}: local AWS: set {what}")

    def _execute(self, template: Template, plan: Plan, released: set[str]) -> None:
        cloud = self.cloud_of(template)
        if self.stage.is_protected and plan.kind == "update":
            changesets.protect(cloud, plan.stack, released)
        try:
            self._states[plan.stack] = changesets.execute(cloud, plan)
        except StackFailed as failure:
            self.report(f"{plan.layer}: FAILED, rolled back: {failure.cause}")
            raise
        finally:
            if self.stage.is_protected and stacks.describe(cloud, plan.stack).exists:
                changesets.protect(cloud, plan.stack)

    def plan(self, only: Sequence[str] | None) -> list[Plan]:
        """What `apply` would do, layer by layer; nothing is changed."""
        self._refresh()
        plans = []
        for template in self._chosen(only):
            if self._waits_for_others(template):
                added = tuple(Change("Add", name, each["Type"]) for name, each in template.resources.items())
                plans.append(Plan(template.layer, self._stack(template), "create", added))
                continue
            body, parameters = self._rendered(template)
            plan = self._plan_with_change_set(template, body, parameters)
            if plan.change_set_id:
                state = self._states.get(plan.stack) or stacks.StackState(plan.stack)
                changesets.discard(self.cloud_of(template), plan.change_set_id, state)
            plans.append(plan)
        return plans

    def _waits_for_others(self, template: Template) -> bool:
        # CloudFormation refuses a change set whose imports nobody exports yet.
        providers = [
            other
            for other in self.templates()
            if other.exports(self.stage.name) & template.imports(self.stage.name)
            or other.handed_over & template.parameters.keys()
        ]
        states = [self._states.get(self._stack(other)) for other in providers]
        return any(state is None or not state.exists for state in states)

    def _plan_with_change_set(self, template: Template, body: str, parameters: dict[str, str]) -> Plan:
        cloud = self.cloud_of(template)
        state = stacks.settle(cloud, self._stack(template), self.report)
        self._states[state.name] = state
        # The layer that makes the role cannot be deployed with it.
        role = "" if ROLE_OUTPUT in template.body["Outputs"] else self._output(ROLE_OUTPUT)
        # CloudFormation reads a large template from a bucket of its own region.
        bucket = self._output(BUCKET_OUTPUT) if cloud is self.cloud else ""
        return changesets.create(
            cloud, template.layer, state, body, parameters, self.stage.tags, bucket, role
        )

    def _rendered(self, template: Template) -> tuple[str, dict[str, str]]:
        names = template.parameters.keys()
        found = self._uploads.parameters(names, self._output(BUCKET_OUTPUT))
        given = {name: self._output(name) for other in self.templates() for name in other.handed_over & names}
        parameters = self.stage.parameters_for(template, found, given)
        return render(stamp_snapshots(template, parameters)), parameters

    def _chosen(self, only: Sequence[str] | None) -> list[Template]:
        templates = self.templates()
        if only is None:
            return templates
        wanted = set(only)
        chosen = [template for template in templates if {template.layer, template.name} & wanted]
        if unknown := wanted - {name for template in chosen for name in (template.layer, template.name)}:
            raise TemplateError(f"{self.stage.name} has no layer {', '.join(sorted(unknown))}")
        return chosen

    def _stack(self, template: Template) -> str:
        return template.stack_name(self.stage.name)

    def _refresh(self) -> None:
        clouds = {cloud.region: cloud for cloud in map(self.cloud_of, self.templates())}
        self._states = {}
        for cloud in {self.cloud.region: self.cloud, **clouds}.values():
            self._states |= stacks.describe_all(cloud, f"{STACK_PREFIX}-{self.stage.name}-")

    def _output(self, name: str) -> str:
        """What the one stack that has this output says; empty while it is not deployed."""
        found = (
            state.outputs[name] for state in self._states.values() if state.outputs and name in state.outputs
        )
        return next(found, "")

    def bucket(self, output: str) -> str:
        """The name of a deployed bucket. Raises DeployError while no deployed layer has this output."""
        self._refresh()
        if name := self._output(output):
            return name
        raise DeployError(f"no layer of {self.stage.name} says its {output}: deploy the stage first")

    def settings(self) -> dict[str, str]:
        """The stage's run-time settings by environment variable, as its programs need them."""
        settings = {"CARTWRIGHT_STAGE": self.stage.name, **records.read_settings(self.cloud, self.stage.name)}
        if self.stage.is_local:
            settings = {name: self._on_the_laptop(value) for name, value in settings.items()}
        return settings

    def _on_the_laptop(self, value: str) -> str:
        """An AWS address as the local AWS answers to it, whatever its port is today."""
        endpoint = (self.cloud.endpoint_url or "").rstrip("/")
        url = urlsplit(value)
        host = url.hostname or ""
        if ".execute-api." in host:
            return f"{endpoint}/_aws/execute-api/{host.split('.')[0]}{url.path}"
        if url.scheme in {"http", "https"} and url.path.startswith("/000000000000/"):
            return f"{endpoint}{url.path}"
        return value
