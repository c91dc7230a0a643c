"""The only maker of AWS clients, and the only reader of AWS errors.

The clients are made by botocore, boto3's lower half: boto3 itself would load S3's transfers and its resources, which
nothing here uses, and a Lambda's cold start and `worker info` would wait for them. Even botocore is imported inside the
functions: it takes longer than everything else that an order Lambda loads together. Retries live in one layer, botocore's, with few attempts and jitter; timeouts are set for each service so
that a slow dependency costs a known part of the caller's time budget.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from orders.domain.errors import CartwrightError, OutcomeUnknown, Refused, Unavailable
from orders.settings import Settings

CONNECT_TIMEOUT_SECONDS = 1.0
MAX_POOL_CONNECTIONS = 32
"""Threads of one program that may talk to one service at once without waiting for a connection."""


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """How long one attempt may take, and how many attempts botocore makes in all."""

    read_timeout_seconds: float
    attempts: int


ONE_ATTEMPT = CallPolicy(5.0, 1)
"""For calls that must not be made twice: sending an e-mail or a text message has no idempotency key."""

LONG_POLL = CallPolicy(25.0, 1)
"""For receiving: SQS answers after at most 20 seconds, and the poller's own loop is the retry."""

_POLICIES = {
    "dynamodb": CallPolicy(2.0, 3),
    "sqs": CallPolicy(2.0, 2),
    "sns": CallPolicy(3.0, 3),
    "sesv2": ONE_ATTEMPT,
}

_session_lock = threading.Lock()


def make_client(service: str, settings: Settings, policy: CallPolicy | None = None) -> Any:
    """A client of one AWS service, safe to share between threads. Make it once per program and keep it."""
    from botocore.config import Config

    chosen = policy or _POLICIES[service]
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=chosen.read_timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": chosen.attempts},
        max_pool_connections=MAX_POOL_CONNECTIONS,
        tcp_keepalive=True,
        # botocore would compose its own twice a call: an eighth of the processor time of a small one.
        user_agent=f"cartwright/{settings.release}",
    )
    # Clients may be shared between threads, their session may not.
    with _session_lock:
        client = _session().create_client(
            service,
            region_name=settings.aws_region,
            endpoint_url=settings.aws_endpoint_url or None,
            config=config,
        )
    client.meta.events.register("needs-retry", _note_doubt)
    return client


@cache
def _session() -> Any:
    """The program's one session: it keeps the credentials, and the models that clients are made from."""
    from botocore.session import Session

    return Session()


class _Doubt(threading.local):
    """Whether an attempt of this thread's present call may have been done although its answer never came."""

    is_there = False


_doubt = _Doubt()


def _note_doubt(caught_exception: BaseException | None = None, response: Any = None, **_: object) -> None:
    """Look at one attempt of a call. The last attempt may fail harmlessly after an earlier one was done."""
    from botocore.exceptions import HTTPClientError

    if isinstance(caught_exception, HTTPClientError) or (response and response[0].status_code == 500):
        _doubt.is_there = True


_THROTTLED = frozenset(
    {
        "KmsThrottled",
        "KMSThrottlingException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_OUR_SETUP = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AccountSuspendedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "AWS.SimpleQueueService.NonExistentQueue",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "MailFromDomainNotVerifiedException",
        "NotFound",
        "NotFoundException",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
        "SendingPausedException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
"""Rights, names or credentials that operators must mend; the caller's request is not at fault and may be tried again."""

_MESSAGE_REFUSED = frozenset({"MessageRejected", "BadRequestException", "InvalidParameter", "OptedOut"})
"""The provider looked at one message and will not send it."""

RETRY_AFTER_THROTTLING_SECONDS = 1.0


@contextmanager
def aws_errors(action: str) -> Iterator[None]:
    """Turn every botocore error of the block into one of orders.domain.errors; `action` says what was tried.

    The block makes one call. Unavailable then says that surely nothing was done, OutcomeUnknown that it may have been.
    """
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ParamValidationError

    _doubt.is_there = False
    try:
        yield
    except ClientError as error:
        raise _doubted(translate(action, error.response)) from error
    except ParamValidationError as error:
        raise CartwrightError(f"{action}: the request was built wrongly") from error
    except HTTPClientError as error:
        raise OutcomeUnknown(f"{action}: the answer was lost ({type(error).__name__})") from error
    except BotoCoreError as error:
        raise _doubted(Unavailable(f"{action}: not reached ({type(error).__name__})")) from error


def _doubted(error: CartwrightError) -> CartwrightError:
    """The error, or OutcomeUnknown when an attempt before the last may have been done."""
    if isinstance(error, Unavailable) and _doubt.is_there:
        return OutcomeUnknown(str(error), retry_after_seconds=error.retry_after_seconds)
    return error


def translate(action: str, response: Any) -> CartwrightError:
    """The domain's error for an error answer of AWS, told apart by code and status, never by text."""
    code = str(response.get("Error", {}).get("Code", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _THROTTLED or status == 429:
        return Unavailable(
            f"{action}: throttled ({code})", retry_after_seconds=RETRY_AFTER_THROTTLING_SECONDS
        )
    if status == 503:
        return Unavailable(f"{action}: {code}")
    if status >= 500 or code == "TransactionInProgressException":
        # After an internal error a write may or may not have happened.
        return OutcomeUnknown(f"{action}: {code}")
    if code in _OUR_SETUP:
        return Unavailable(f"{action}: {code}")
    if code in _MESSAGE_REFUSED:
        return Refused(f"{action}: {code}")
    return CartwrightError(f"{action}: {code or 'an unknown answer'}")
