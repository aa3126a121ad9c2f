"""Builds everything, once, from the settings. Nothing connects until it is used."""

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson
import sentry_sdk
import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from redis import Redis
from sentry_sdk.integrations.stdlib import StdlibIntegration
from sqlalchemy import Engine

from app_settings import Settings
from data.archive import Archive, FolderArchive
from data.cache_entry import EntryFormat
from data.client_activity import ClientActivity
from data.engine import build_engine
from data.kept_answers import KeptAnswers
from data.mailer import EmlMailer, Mailer, SmtpMailer
from data.memory_cache import MemoryCache
from data.outbox import Shipper
from data.pulse_store import PulseStore
from data.pump import Reports, Sink
from data.queue import Queue
from data.redis_cache import RedisCache
from data.redis_client import build_redis
from data.s3_archive import S3Archive
from data.spool import Spool
from data.stage_client import StageClient
from data.tiered_cache import Count, Tier, TieredCache
from data.webhook import WebhookSender
from helpers.clock import Clock, SystemClock
from helpers.failsoft import FailSoft
from helpers.memory import GIVE_BACK_SECONDS, give_back
from helpers.metrics import Metrics
from modeling.decorators.cache import Cached, Rules
from modeling.decorators.prediction_id import PredictionId
from modeling.decorators.timing import Timed
from modeling.interface import MLModel
from modeling.registry import ModelRegistry
from services.access_tokens import AccessTokens
from services.accounts import AccountService
from services.background import Background
from services.callers import Callers
from services.config.last import LastConfig
from services.config.lifecycle import Lifecycle
from services.config.live import LiveConfigSource
from services.config.staging import StagingDeployment
from services.customers import CustomerService
from services.holdout_effect import HoldoutEffect
from services.idempotency import Idempotency
from services.jwt_keys import read_keys
from services.ledger import ArchiveSink, LedgerSink
from services.monitoring.monitor import Monitor
from services.monitoring.pulse import BEAT_SECONDS, Pulse
from services.prediction import PredictionService
from services.readout.kept import Readings
from services.score_spread import ScoreSpread
from services.second_factor import SecondFactor
from services.signed_tokens import SignedTokenReader
from services.snapshot import Snapshot
from services.token_memory import REREAD_SECONDS, TokenMemory

log = structlog.get_logger()
RETRY_SECONDS = 5
CLOSE_SECONDS = 5.0


@dataclass
class Wiring:
    """Everything that an edge may reach. `ensure_started` begins the duties of this process."""

    settings: Settings
    clock: Clock
    engine: Engine
    redis: Redis
    redis_guard: FailSoft
    activity: ClientActivity
    registry: ModelRegistry
    live: LiveConfigSource
    config_changes: Lifecycle
    staging: StagingDeployment | None
    customers: CustomerService
    predictions: PredictionService
    idempotency: Idempotency
    accounts: AccountService
    second_factor: SecondFactor
    access_tokens: AccessTokens
    token_memory: TokenMemory
    callers: Callers
    readings: Readings
    holdout_effect: HoldoutEffect
    score_spread: ScoreSpread
    spool: Spool
    shipper: Shipper
    queue: Queue
    mailer: Mailer
    webhook: WebhookSender | None
    archive: Archive
    metrics: Metrics
    draining: bool = False
    pulse: Pulse = field(init=False)
    monitor: Monitor = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _started_in: int | None = None
    _scheduler: BackgroundScheduler | None = None

    def __post_init__(self) -> None:
        pulses = PulseStore(self.redis)
        self.pulse = Pulse(
            pulses, self.metrics, self.live, self.shipper.depth, self._amiss, self.redis_guard, self.clock
        )
        self.monitor = Monitor(self.engine, pulses, self.live, self.queue.depth, self.redis_guard, self.clock)

    def load_models(self) -> None:
        """Before a fork: every process that comes of it shares the models that are in force now, and no connection."""
        self.live.load_models()
        self.engine.dispose()

    def ensure_started(self) -> None:
        """Starts, once a process and after any fork: reads the config, loads its models, ships the
        outbox, and keeps the config fresh. Never raises: a process without a database starts unready."""
        if self._started_in == os.getpid():
            return
        with self._lock:
            if self._started_in != os.getpid():
                self._started_in = os.getpid()
                self._start()

    def stop(self) -> None:
        """Ends the duties and ships what can be shipped in a few seconds; the rest stays in the spool."""
        if self._started_in != os.getpid() or self._scheduler is None:
            return
        self._started_in = None
        self._scheduler.shutdown(wait=False)
        self.pulse.leave()
        self.shipper.close(CLOSE_SECONDS)
        self.engine.dispose()

    def snapshot(self) -> Snapshot:
        """What is in force in the fleet, for whoever asks something else than a prediction. Raises NotReady."""
        told = self.redis_guard.call(lambda: (self.activity.fleet_revision(),), default=None)
        return self.live.current() if told is None else self.live.following(told[0])

    def announce(self) -> bool:
        """Tells every process that the config table changed; False when Redis does not answer."""
        return self.redis_guard.call(self.activity.announce, default=False)

    def degraded(self) -> dict[str, str]:
        """The dependencies that fail at present, with what that means."""
        found = {}
        if self.redis_guard.resting:
            found["redis"] = "does not answer: seen counts are unknown, config changes arrive late"
        if not self.customers.answers:
            found["database"] = "does not answer: lifetime values may be out of date, the ledger waits"
        return found

    def _amiss(self) -> dict[str, str]:
        full = {"outbox": "the spool is full or cannot be written: predictions answer 503"}
        return self.degraded() if self.has_room() else {**self.degraded(), **full}

    def has_room(self) -> bool:
        """Whether the outbox can take another answer."""
        return self.spool.has_room()

    def _start(self) -> None:
        self.shipper.start()
        scheduler = BackgroundScheduler(timezone="UTC", daemon=True)
        every = partial(scheduler.add_job, trigger="interval", max_instances=1, coalesce=True)
        every(self._refresh, seconds=self.settings.config_refresh_seconds, jitter=60)
        every(self.live.retry, seconds=RETRY_SECONDS)
        every(self.token_memory.reread, seconds=REREAD_SECONDS)
        every(self.customers.look_after, seconds=RETRY_SECONDS)
        every(self.pulse.beat, seconds=BEAT_SECONDS)
        every(give_back, seconds=GIVE_BACK_SECONDS)
        scheduler.start()
        self._scheduler = scheduler
        self._refresh()
        Background("archive", threads=1).submit(self.archive.warm)
        self.customers.warm()
        self.token_memory.warm()
        self.pulse.beat()

    def _refresh(self) -> None:
        seen = self.redis_guard.call(self.activity.fleet_revision, default=None)
        self.live.reread(seen)


def build_wiring(
    settings: Settings,
    *,
    engine: Engine | None = None,
    redis: Redis | None = None,
    mailer: Mailer | None = None,
    webhook: WebhookSender | None = None,
    archive: Archive | None = None,
    clock: Clock | None = None,
) -> Wiring:
    """The whole service behind its edges. A leaf that is given is used; everything above it is real."""
    _report_errors(settings)
    clock = clock or SystemClock()
    metrics = Metrics()
    engine = engine or build_engine(settings.database_address())
    redis = redis or build_redis(settings.redis_address())
    queue = Queue(settings.redis_address())
    archive = archive or _archive(settings)
    registry, live = _models(settings, engine, clock, metrics)
    spool, shipper = _outbox(settings, [LedgerSink(engine, queue), ArchiveSink(archive)], metrics)
    redis_guard = FailSoft("redis", on_failure=lambda _: metrics.dependency_failures.labels("redis").inc())
    activity = ClientActivity(redis)
    customers = CustomerService(engine, clock, lambda: live.config.feature_ttl_seconds, metrics)
    token_memory = TokenMemory(engine, clock)
    readings = Readings(engine, clock)
    predictions = PredictionService(live, customers, activity, redis_guard, partial(_record, spool), clock, metrics)
    staging = _staging(settings, engine, clock)
    return Wiring(
        settings=settings,
        clock=clock,
        engine=engine,
        redis=redis,
        redis_guard=redis_guard,
        activity=activity,
        registry=registry,
        live=live,
        config_changes=Lifecycle(
            engine, registry, clock, partial(redis_guard.call, activity.announce, default=False), staging
        ),
        staging=staging,
        customers=customers,
        predictions=predictions,
        idempotency=Idempotency(KeptAnswers(redis), redis_guard),
        accounts=AccountService(engine, clock),
        second_factor=SecondFactor(engine, clock, settings.secret_key.get_secret_value()),
        access_tokens=AccessTokens(engine, clock),
        token_memory=token_memory,
        callers=_callers(settings, token_memory, clock),
        readings=readings,
        holdout_effect=HoldoutEffect(engine, clock, readings),
        score_spread=ScoreSpread(engine, clock),
        spool=spool,
        shipper=shipper,
        queue=queue,
        mailer=mailer or _mailer(settings),
        webhook=webhook or _webhook(settings, clock),
        archive=archive,
        metrics=metrics,
    )


def _models(
    settings: Settings, engine: Engine, clock: Clock, metrics: Metrics
) -> tuple[ModelRegistry, LiveConfigSource]:
    """The models and the config that chooses among them; their cache asks the config what to keep."""

    def rules() -> Rules:
        return live.config

    decorate = partial(_decorate, _cache(settings, clock, metrics), rules, metrics)
    registry = ModelRegistry(settings.var_dir / "models", decorate=decorate, classes=settings.model_class_paths())
    last = LastConfig(settings.var_dir / "last-config.json")
    live: LiveConfigSource = LiveConfigSource(engine, registry, last, metrics)
    return registry, live


def _cache(settings: Settings, clock: Clock, metrics: Metrics) -> TieredCache:
    """The memory of this process and, behind it, the nodes that processes share, if there are any."""
    tiers: list[Tier] = [MemoryCache(clock)]
    if settings.cache_addresses():
        tiers.append(
            RedisCache(
                settings.cache_addresses(),
                EntryFormat(settings.cache_format),
                settings.cache_prefix,
                clock,
                count=_lookups(metrics, "predictions_redis"),
                on_failure=lambda _: metrics.dependency_failures.labels("cache").inc(),
            )
        )
    return TieredCache(tiers, clock, _lookups(metrics, "predictions"))


def _outbox(settings: Settings, sinks: Sequence[Sink], metrics: Metrics) -> tuple[Spool, Shipper]:
    spool = Spool(settings.var_dir / "spool", fsync=settings.spool_fsync, max_bytes=settings.spool_max_bytes)
    reports = Reports(partial(_count, metrics.ledger_shipped), partial(_count, metrics.ledger_quarantined))
    return spool, Shipper(spool, sinks, reports=reports, on_depth=metrics.spool_depth.set)


def _callers(settings: Settings, made: TokenMemory, clock: Clock) -> Callers:
    signed = SignedTokenReader(read_keys(settings.jwt_keys.get_secret_value()), settings.jwt_audience, clock)
    return Callers(settings.access_token.get_secret_value(), made, signed)


def _report_errors(settings: Settings) -> None:
    """Tracing is off, and neither bodies nor local variables leave: they hold customers and secrets. Lines of the
    source do not either: they are two fifths of what a report costs the request.

    Calls to others are not watched: their addresses may hold tokens, and would be given headers that tell of us.
    """
    dsn = settings.sentry_dsn.get_secret_value()
    if dsn:
        sentry_sdk.init(
            dsn,
            environment=settings.environment,
            include_local_variables=False,
            include_source_context=False,
            max_request_body_size="never",
            send_default_pii=False,
            disabled_integrations=[StdlibIntegration()],
            shutdown_timeout=1,
        )


def _mailer(settings: Settings) -> Mailer:
    url = settings.smtp_url.get_secret_value()
    return SmtpMailer(url) if url else EmlMailer(settings.var_dir / "mail")


def _webhook(settings: Settings, clock: Clock) -> WebhookSender | None:
    """Nobody is told where no address is set."""
    url = settings.webhook_url.get_secret_value()
    return WebhookSender(url, settings.webhook_secret.get_secret_value(), clock) if url else None


def _staging(settings: Settings, engine: Engine, clock: Clock) -> StagingDeployment | None:
    """Nothing is tried out elsewhere where no address is set."""
    url, token = settings.stage_url, settings.stage_token.get_secret_value()
    return StagingDeployment(StageClient(url, token), settings.environment, engine, clock) if url else None


def _archive(settings: Settings) -> Archive:
    if settings.s3_bucket:
        return S3Archive(settings.s3_bucket, settings.s3_endpoint_url)
    return FolderArchive(settings.var_dir / "archive")


def _decorate(cache: TieredCache, rules: Callable[[], Rules], metrics: Metrics, model: MLModel) -> MLModel:
    """Every answer has an id of its own, so the id is outermost; the time is that of a hit or a miss."""
    name = f"{model.qualified_name}@{model.version}"
    cached = Cached(model, cache, rules=rules)
    return PredictionId(Timed(cached, lambda _operation, seconds: metrics.model_seconds.labels(name).observe(seconds)))


def _record(spool: Spool, records: Iterable[dict[str, Any]]) -> None:
    spool.append_many([orjson.dumps(record) for record in records])


def _lookups(metrics: Metrics, cache: str) -> Count:
    hit, miss = (metrics.cache_lookups.labels(cache, result) for result in ("hit", "miss"))

    def count(hits: int, misses: int) -> None:
        if hits:
            hit.inc(hits)
        if misses:
            miss.inc(misses)

    return count


def _count(counter: Any, sink: str, number: int) -> None:
    counter.labels(sink).inc(number)
