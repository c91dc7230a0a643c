"""How each kind of resource is priced: from its own properties to quantities of what the price file knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from cloudformation.cost.prices import PriceList
from cloudformation.cost.resolve import Resolved
from cloudformation.cost.work import order_work
from cloudformation.deploy.template import Json

MINUTES_PER_MONTH = 43_800
POLLED_QUEUES = 3
WORKER_PROCESSES = 2
LONG_POLL_SECONDS = 20


@dataclass(frozen=True)
class StageLook:
    """What the rules look at: the layers as deployed, the prices, the use."""

    layers: Mapping[str, Resolved]
    prices: PriceList
    use: Mapping[str, float]

    @property
    def hours(self) -> int:
        return self.prices.hours

    def properties(self, logical_id: str) -> Json:
        """A resource of any layer by its logical id."""
        found = (
            properties
            for layer in self.layers.values()
            for name, _, properties in layer.resources()
            if name == logical_id
        )
        return next(found)


Quantities = Iterator[tuple[str, str, float]]
"""What it is, the name of its price, and how many units a month."""
Rule = Callable[[Json, StageLook], Quantities]


def _each(price: str, what: str = "") -> Rule:
    def rule(_: Json, stage: StageLook) -> Quantities:
        yield what, price, stage.hours if price.endswith("_hour") else 1

    return rule


def _database(properties: Json, stage: StageLook) -> Quantities:
    copies = 2 if str(properties["MultiAZ"]).lower() == "true" else 1
    size = float(properties["AllocatedStorage"])
    yield (
        "instance" + ("s in two zones" if copies == 2 else ""),
        f"rds.{properties['DBInstanceClass']}",
        copies * stage.hours,
    )
    yield "storage", "rds_gp3_gb", copies * size
    yield "administrator's secret", "secret_month", 1


def _proxy(_: Json, stage: StageLook) -> Quantities:
    # Both classes that the stages use have two processors, which is also the least that is charged.
    yield "two processors", "rds_proxy_vcpu_hour", 2 * stage.hours


def _group(properties: Json, stage: StageLook) -> Quantities:
    hosts = float(properties["MinSize"])
    template = stage.properties(properties["LaunchTemplate"]["LaunchTemplateId"]["Ref"])["LaunchTemplateData"]
    yield f"{hosts:.0f} hosts", f"ec2.{template['InstanceType']}", hosts * stage.hours
    disks = sum(float(each["Ebs"]["VolumeSize"]) for each in template["BlockDeviceMappings"])
    yield "their disks", "ebs_gp3_gb", hosts * disks
    if properties["LaunchTemplate"]["LaunchTemplateId"]["Ref"].startswith("Worker"):
        polls = hosts * WORKER_PROCESSES * POLLED_QUEUES * stage.hours * 3600 / LONG_POLL_SECONDS
        yield "polling empty queues", "sqs_million", polls / 1e6


def _nat(_: Json, stage: StageLook) -> Quantities:
    yield "gateway", "nat_hour", stage.hours
    gateways = sum(
        kind == "AWS::EC2::NatGateway" for layer in stage.layers.values() for _, kind, _ in layer.resources()
    )
    yield "its share of the traffic", "nat_gb", stage.use["nat_gb"] / gateways


def _endpoint(properties: Json, stage: StageLook) -> Quantities:
    if properties["VpcEndpointType"] == "Interface":
        yield "in each zone", "interface_endpoint_hour", len(properties["SubnetIds"]) * stage.hours


def _alarm(properties: Json, _: StageLook) -> Quantities:
    metrics = sum("MetricStat" in each for each in properties.get("Metrics", [])) or 1
    yield "", "alarm_month", metrics


def _version(properties: Json, stage: StageLook) -> Quantities:
    function = stage.properties(properties["FunctionName"]["Ref"])
    if function.get("SnapStart"):
        gb = float(function["MemorySize"]) / 1024
        yield (
            "snapshot",
            "lambda_snapstart_cache_gb_hour",
            gb * stage.hours * stage.use["snapshots_per_version"],
        )


def _canary(properties: Json, stage: StageLook) -> Quantities:
    # The schedule is a Sub over CanaryMinutes, which is all that it depends on.
    minutes = float(stage.layers["80-monitoring"].parameters["CanaryMinutes"])
    yield "runs", "canary_run", MINUTES_PER_MONTH / minutes


def _acl(properties: Json, _: StageLook) -> Quantities:
    yield "", "waf_acl_month", 1
    yield f"{len(properties['Rules'])} rules", "waf_rule_month", len(properties["Rules"])


def _project(properties: Json, stage: StageLook) -> Quantities:
    size = properties["Environment"]["ComputeType"].removeprefix("BUILD_GENERAL1_").lower()
    projects = sum(
        kind == "AWS::CodeBuild::Project" for _, kind, _ in stage.layers["70-pipeline"].resources()
    )
    minutes = stage.use["releases_per_month"] * stage.use["build_minutes_per_release"] / projects
    yield "its share of the minutes", f"codebuild_{size}_arm_minute", minutes


def _pipeline(_: Json, stage: StageLook) -> Quantities:
    yield (
        "minutes",
        "codepipeline_minute",
        stage.use["releases_per_month"] * stage.use["build_minutes_per_release"],
    )


def _vault(_: Json, stage: StageLook) -> Quantities:
    # The vault of another region holds copies of the same data, which also had to get there.
    database = float(stage.properties("Database")["AllocatedStorage"]) * 0.25
    yield "backups of a quarter-full database", "backup_rds_gb", database * stage.use["backup_times_data"]
    data = stage.use["orders_per_month"] * 12 * order_work().reservation_bytes / 1e9
    yield "backups of the tables", "backup_dynamodb_gb", data * stage.use["backup_times_data"]


def _table(properties: Json, stage: StageLook) -> Quantities:
    work = order_work()
    size = work.tracking_bytes if properties.get("TimeToLiveSpecification") else work.reservation_bytes
    stored = stage.use["orders_per_month"] * 12 * size / 1e9
    yield "a year's orders", "dynamodb_storage_gb", stored
    yield "recovery to any second", "dynamodb_pitr_gb", stored


def _bucket(_: Json, stage: StageLook) -> Quantities:
    buckets = sum(
        kind == "AWS::S3::Bucket" for layer in stage.layers.values() for _, kind, _ in layer.resources()
    )
    yield "its share", "s3_gb", stage.use["bucket_gb"] / buckets


def _slo(_: Json, stage: StageLook) -> Quantities:
    yield "two signals a minute", "slo_signals_million", 2 * MINUTES_PER_MONTH / 1e6


def _restore_test(_: Json, stage: StageLook) -> Quantities:
    yield "weekly", "restore_test", 365 / 12 / 7


def _queue(_: Json, stage: StageLook) -> Quantities:
    yield from ()  # Requests cost, counted with the orders and with the hosts that poll.


RULES: Mapping[str, Rule] = {
    "AWS::ApplicationSignals::ServiceLevelObjective": _slo,
    "AWS::AutoScaling::AutoScalingGroup": _group,
    "AWS::Backup::BackupVault": _vault,
    "AWS::Backup::RestoreTestingSelection": _restore_test,
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::CompositeAlarm": _each("composite_alarm_month"),
    "AWS::CloudWatch::Dashboard": _each("dashboard_month"),
    "AWS::CodeBuild::Project": _project,
    "AWS::CodePipeline::Pipeline": _pipeline,
    "AWS::DynamoDB::Table": _table,
    "AWS::EC2::EIP": _each("public_ipv4_hour"),
    "AWS::EC2::NatGateway": _nat,
    "AWS::EC2::VPCEndpoint": _endpoint,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _each("alb_hour"),
    "AWS::KMS::Key": _each("kms_key_month"),
    "AWS::Lambda::Version": _version,
    "AWS::RDS::DBInstance": _database,
    "AWS::RDS::DBProxy": _proxy,
    "AWS::S3::Bucket": _bucket,
    "AWS::SQS::Queue": _queue,
    "AWS::SecretsManager::Secret": _each("secret_month"),
    "AWS::Synthetics::Canary": _canary,
    "AWS::WAFv2::WebACL": _acl,
}
