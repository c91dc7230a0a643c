"""The one reader of the environment: a frozen Settings, built once per program and handed down.

Every field has a default for the laptop; outside the local stage an insecure or missing value refuses to start.
The environment name of a field is CARTWRIGHT_ and the field in upper case, except for AWS's own names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

LAPTOP_SECRET = "a-laptop-is-no-secret-place"  # noqa: S105  (refused outside the local stage)


LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch"}
"""The languages that the shop can speak, by code, each by its own name."""


def _setting(
    default: Any,
    doc: str,
    *,
    env: str = "",
    required: bool = False,
    secret: bool = False,
    trial: bool = False,
) -> Any:
    """A field. The default of a `trial` one is right on every stage but prod."""
    return field(
        default=default,
        repr=not secret,
        metadata={"doc": doc, "env": env, "required": required, "secret": secret, "trial": trial},
    )


class SettingsError(ValueError):
    """The environment is wrong; the text names each variable and what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of every program. `required` fields must be set outside the local stage."""

    stage: str = _setting("local", "The deployment stage: local, dev or prod.")
    aws_region: str = _setting("eu-west-1", "The AWS region.", env="AWS_REGION")
    aws_endpoint_url: str = _setting(
        "", "Where AWS is, when it is not AWS (the laptop).", env="AWS_ENDPOINT_URL"
    )
    database_url: str = _setting(
        "postgresql+psycopg://app@127.0.0.1:5433/cartwright",
        "PostgreSQL, as an SQLAlchemy URL.",
        required=True,
        secret=True,
    )
    database_pool_size: int = _setting(5, "Database connections kept per process.")
    database_iam_auth: bool = _setting(
        False, "Sign in to RDS with a short-lived IAM token instead of a password."
    )
    secret_key: str = _setting(
        LAPTOP_SECRET, "Signs sessions and order links; at least 32 characters.", required=True, secret=True
    )
    previous_secret_keys: str = _setting(
        "", "Older secret keys, comma separated, still accepted while they are rotated out.", secret=True
    )
    public_url: str = _setting(
        "http://127.0.0.1:8000",
        "The shop's address as shoppers see it, without a final slash.",
        required=True,
    )
    trusted_proxies: int = _setting(
        0,
        "How many proxies in front may set X-Forwarded-*; 1 behind nginx, which looks through what stands before it.",
    )
    order_api_url: str = _setting(
        "http://127.0.0.1:4566/_aws/execute-api/none/local", "Base URL of the order API.", required=True
    )
    order_api_timeout_seconds: float = _setting(
        8.0, "The whole time budget of one call to the order API, retries included."
    )
    order_api_concurrency: int = _setting(
        8, "Calls to the order API at once per web process; more wait, then get a 503."
    )
    inventory_table: str = _setting(
        "cartwright-local-inventory", "DynamoDB table of stock and reservations.", required=True
    )
    tracking_table: str = _setting(
        "cartwright-local-tracking", "DynamoDB table of the tracking projection.", required=True
    )
    orders_queue_url: str = _setting("", "SQS queue of accepted orders and their jobs.", required=True)
    orders_dlq_url: str = _setting("", "Dead-letter queue of the orders queue.")
    high_queue_url: str = _setting("", "SQS queue of urgent jobs (cancel, release).")
    high_dlq_url: str = _setting("", "Dead-letter queue of the high queue.")
    low_queue_url: str = _setting("", "SQS queue of bulk jobs.")
    low_dlq_url: str = _setting("", "Dead-letter queue of the low queue.")
    notify_queue_url: str = _setting("", "SQS queue between the topic and the notifier.")
    notify_dlq_url: str = _setting("", "Dead-letter queue of the notify queue.")
    order_events_topic_arn: str = _setting(
        "", "SNS topic on which order events are published.", required=True
    )
    mail_sender: str = _setting(
        "Cartwright & Co <orders@cartwright.example>", "Sender of e-mails; a verified SES identity."
    )
    inbox_url: str = _setting("", "Where the local stage shows what it sent, for /inbox. Empty elsewhere.")
    sms_enabled: bool = _setting(True, "Whether text messages are sent to shoppers who asked for them.")
    shop_name: str = _setting("Cartwright & Co", "The shop's name on pages and in e-mails.")
    currency: str = _setting("EUR", "The shop's currency (ISO 4217).")
    time_zone: str = _setting(
        "UTC", "The shop's time zone (IANA name, such as Europe/Berlin), in which staff read and type times."
    )
    languages: str = _setting(
        "en,de",
        "The languages on offer, comma separated: the first one's addresses have no prefix, another's begin with its code.",
    )
    payment_provider: str = _setting(
        "test", "Which payment provider takes new payments: test or stripe.", trial=True
    )
    stripe_secret_key: str = _setting("", "Stripe's API key.", secret=True)
    stripe_webhook_secret: str = _setting("", "Signs Stripe's webhooks.", secret=True)
    stripe_api_base: str = _setting("", "Where Stripe's API is, when it is not Stripe (tests).")
    capture_rule: str = _setting("confirm", "When money is taken: confirm (at once) or ship.")
    reservation_ttl_seconds: int = _setting(
        86_400, "How long an accepted order may stay unrecorded before its stock is given back."
    )
    sweep_after_seconds: int = _setting(5, "How old an unsent order is before the sweeper sends it.")
    cart_ttl_days: int = _setting(30, "How long an untouched cart is kept.")
    failpoint: str = _setting(
        "", "Planted faults, `name:crash|error|delay=MS[@N]`, comma separated; refused in prod."
    )
    log_format: str = _setting("auto", "json, text, or auto: text on a terminal, JSON otherwise.")
    log_level: str = _setting("INFO", "DEBUG, INFO, WARNING or ERROR.")
    otlp_endpoint: str = _setting("", "OTLP/HTTP endpoint for traces (the CloudWatch agent); empty for none.")
    release: str = _setting("dev", "The release's name, in logs and at /healthz.")

    @property
    def zone(self) -> tzinfo:
        """The shop's time zone. UTC needs no database of zones, which a function on AWS may not have."""
        return UTC if self.time_zone == "UTC" else ZoneInfo(self.time_zone)

    @property
    def is_local(self) -> bool:
        """Whether this is a laptop."""
        return self.stage == "local"

    @property
    def language_codes(self) -> tuple[str, ...]:
        """The languages on offer, the first one first."""
        return tuple(dict.fromkeys(code.strip() for code in self.languages.split(",")))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read and check every setting. Raises SettingsError naming all that is wrong at once."""
        values: dict[str, Any] = {}
        problems: list[str] = []
        for spec in fields(cls):
            name = environment_name(spec.name)
            if name not in environment:
                continue
            try:
                values[spec.name] = _parse(environment[name], type(spec.default))
            except ValueError:
                problems.append(f"{name} must be {_WORDS[type(spec.default)]}, not {environment[name]!r}")
        settings = cls(**values)
        problems += _insecurities(settings, values)
        if problems:
            raise SettingsError("; ".join(problems))
        return settings


_WORDS: dict[type, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
_TRUTHS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def environment_name(field_name: str) -> str:
    """The environment variable of a field."""
    for spec in fields(Settings):
        if spec.name == field_name:
            return str(spec.metadata["env"]) or f"CARTWRIGHT_{field_name.upper()}"
    raise KeyError(field_name)


def _parse(text: str, kind: type) -> Any:
    if kind is bool:
        if text.lower() not in _TRUTHS:
            raise ValueError(text)
        return _TRUTHS[text.lower()]
    return kind(text)


def _insecurities(settings: Settings, given: Mapping[str, Any]) -> list[str]:
    problems = []
    if settings.stage not in {"local", "dev", "prod"}:
        problems.append(f"CARTWRIGHT_STAGE must be local, dev or prod, not {settings.stage!r}")
    if settings.capture_rule not in {"confirm", "ship"}:
        problems.append("CARTWRIGHT_CAPTURE_RULE must be confirm or ship")
    if not _is_zone(settings):
        problems.append(
            f"CARTWRIGHT_TIME_ZONE must be an IANA name such as Europe/Berlin, not {settings.time_zone!r}"
        )
    unknown = [code for code in settings.language_codes if code not in LANGUAGES]
    if unknown:
        problems.append(
            f"CARTWRIGHT_LANGUAGES must be of {', '.join(LANGUAGES)}, comma separated, not {settings.languages!r}"
        )
    if settings.is_local:
        return problems
    if "secret_key" in given and (settings.secret_key == LAPTOP_SECRET or len(settings.secret_key) < 32):
        problems.append("CARTWRIGHT_SECRET_KEY must be a random text of at least 32 characters")
    if settings.stage == "prod" and settings.failpoint:
        problems.append("CARTWRIGHT_FAILPOINT must not be set in prod")
    # Of those who name a provider. Who takes payments must name one (`require`); a function that takes none need not.
    if "payment_provider" in given and settings.payment_provider == "test" and settings.stage == "prod":
        problems.append("CARTWRIGHT_PAYMENT_PROVIDER=test takes no real money; set stripe in prod")
    return problems


def _is_zone(settings: Settings) -> bool:
    try:
        settings.zone.utcoffset(None)
    except (KeyError, ValueError, OSError):
        # Unknown, no name at all, or a folder of zones (`Europe`).
        return False
    return True


def require(settings: Settings, *names: str) -> None:
    """Refuse to start outside the local stage while one of these settings has its laptop default.

    One whose default is right for a trial is asked for in prod only. Each program names what it needs. Raises
    SettingsError naming every missing variable.
    """
    if settings.is_local:
        return
    specs = {spec.name: spec for spec in fields(Settings)}
    missing = [
        environment_name(name)
        for name in names
        if getattr(settings, name) == specs[name].default
        and not (specs[name].metadata["trial"] and settings.stage != "prod")
    ]
    if missing:
        raise SettingsError(f"set {', '.join(missing)}: there is no safe default outside the local stage")
