"""LOCAL STAGE ONLY: sets through the services' own APIs what the local AWS's CloudFormation leaves out.

On AWS the templates alone do all of this and nothing here runs. The local CloudFormation accepts, and then drops, a
table's time to live and point-in-time recovery, and the request validators and schemas of an API imported from OpenAPI.
Everything here may be applied again at any time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from cloudformation.deploy.cloud import Cloud
from cloudformation.deploy.template import Json, Template

_METHODS = {"get", "post", "put", "delete", "patch", "head", "options"}
_VALIDATION = "x-amazon-apigateway-request-validator"


def fill(cloud: Cloud, template: Template, stack: str) -> list[str]:
    """Set what was dropped for a freshly deployed layer. Returns what was done, for the log."""
    found = cloud.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    physical = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}
    done: list[str] = []
    for logical_id, resource in template.resources.items():
        if logical_id not in physical:
            continue
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::DynamoDB::Table":
            done += _table(cloud, physical[logical_id], properties)
        elif resource["Type"] == "AWS::ApiGateway::RestApi" and isinstance(properties.get("Body"), dict):
            stages = [
                physical[name]
                for name, other in template.resources.items()
                if other["Type"] == "AWS::ApiGateway::Stage" and name in physical
            ]
            done += _api(cloud, physical[logical_id], properties["Body"], stages)
    return done


def _table(cloud: Cloud, name: str, properties: Json) -> Iterator[str]:
    dynamodb = cloud.client("dynamodb")
    if wanted := properties.get("TimeToLiveSpecification"):
        now = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"]
        if now not in {"ENABLED", "ENABLING"}:
            dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=wanted)
            yield f"time to live of {name}"
    if properties.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"):
        dynamodb.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        yield f"point-in-time recovery of {name}"


def _api(cloud: Cloud, api: str, spec: Json, stages: list[str]) -> Iterator[str]:
    """Give each operation the validator, the required parameters and the body's schema that the OpenAPI file names."""
    gateway = cloud.client("apigateway")
    validators = {
        name: gateway.create_request_validator(restApiId=api, name=name, **flags)["id"]
        for name, flags in (spec.get(f"{_VALIDATION}s") or {}).items()
    }
    resources = gateway.get_resources(restApiId=api, limit=500)["items"]
    by_path = {resource["path"]: resource["id"] for resource in resources}
    models: set[str] = set()
    for path, method, operation in _operations(spec):
        name = operation.get(_VALIDATION, spec.get(_VALIDATION))
        if name not in validators:
            continue
        patches = [{"op": "replace", "path": "/requestValidatorId", "value": validators[name]}]
        patches += [
            {"op": "add", "path": f"/requestParameters/{place}", "value": "true"}
            for place in _required_parameters(spec, path, operation)
        ]
        schema = _body_schema(operation)
        if schema is not None:
            model = f"{operation['operationId']}Body"
            if model not in models:
                gateway.create_model(
                    restApiId=api,
                    name=model,
                    contentType="application/json",
                    schema=json.dumps(_dereferenced(schema, spec)),
                )
                models.add(model)
            patches.append({"op": "add", "path": "/requestModels/application~1json", "value": model})
        gateway.update_method(
            restApiId=api, resourceId=by_path[path], httpMethod=method.upper(), patchOperations=patches
        )
        yield f"validation of {method.upper()} {path}"
    if validators:
        for stage in stages:
            gateway.create_deployment(restApiId=api, stageName=stage, description="with request validation")


def _operations(spec: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in spec["paths"].items():
        for method, operation in item.items():
            if method in _METHODS:
                yield path, method, operation


def _required_parameters(spec: Json, path: str, operation: Json) -> Iterator[str]:
    places = {"path": "path", "query": "querystring", "header": "header"}
    shared = spec["paths"][path].get("parameters", [])
    for parameter in [*shared, *operation.get("parameters", [])]:
        resolved = _dereferenced(parameter, spec)
        if resolved.get("required") and resolved["in"] in places:
            yield f"method.request.{places[resolved['in']]}.{resolved['name']}"


def _body_schema(operation: Json) -> Json | None:
    content: Mapping[str, Any] = operation.get("requestBody", {}).get("content", {})
    schema: Json | None = content.get("application/json", {}).get("schema")
    return schema


def _dereferenced(node: Any, spec: Json) -> Any:
    """A schema with every `#/...` reference replaced by what it points at (a model stands alone)."""
    if isinstance(node, list):
        return [_dereferenced(item, spec) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target: Any = spec
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return _dereferenced(target, spec)
    return {key: _dereferenced(value, spec) for key, value in node.items()}
