# ruff: noqa: N999  (gunicorn looks for this name)
"""gunicorn: gevent workers, bounded waits, a graceful end. The bind address and the worker count come from the command line.

Why gevent: a live tracking page is an open connection, and a thousand of them are a thousand greenlets. The worker
patches the standard library before it loads the application (preload_app stays off for that reason), psycopg 3 then
waits through `select` and so yields, and botocore and urllib3 use the patched sockets.
"""

from __future__ import annotations

import gc
import multiprocessing
import os

worker_class = "gevent"
workers = int(os.environ.get("WEB_CONCURRENCY", min(4, multiprocessing.cpu_count())))
worker_connections = 2000
preload_app = False

# The arbiter kills a worker whose event loop stands still for this long; open connections do not count.
timeout = 30
# At SIGTERM the worker stops accepting and finishes what it has. Streams are told to end (webapp/tracking/hub.py).
graceful_timeout = 20
# Only for whoever talks to gunicorn itself, on a laptop: on the hosts nginx asks each request over a connection of its own,
# and nginx is the one that outlasts the ALB's idle timeout (web_keepalive_seconds).
keepalive = 75

limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190
forwarded_allow_ips = "127.0.0.1,::1"

# The application writes its own request line, with the correlation id; paths hold signed links and stay out of logs.
accesslog = None
errorlog = "-"
# The control socket would let every process of the same user command the server.
control_socket_disable = True
# Worker heartbeats live in memory, not on a disk that may stall.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108


def post_worker_init(worker):  # type: ignore[no-untyped-def]
    """Put the door before the application, and begin what a web process does besides answering: finish the checkouts that
    a killed process left."""
    from webapp import overload, reception
    from webapp.checkout import rounds

    # The plain page that the shop is measured against is served with these settings, too, and is no shop.
    is_shop = "cartwright" in worker.wsgi.extensions
    door = overload.door_before(worker.wsgi) if is_shop else overload.Door(worker.wsgi.wsgi_app)
    worker.wsgi.wsgi_app = door
    reception.open_reception()
    read_settings_once(worker.cfg)
    rounds.start(worker.wsgi)


def read_settings_once(cfg):  # type: ignore[no-untyped-def]
    """Give gunicorn's settings, which stay as they are for a worker's life, as plain attributes.

    It looks each up in a dictionary of objects, forty times a request: a quarter of what it takes to read and answer one.
    """
    for name, setting in cfg.settings.items():
        # What it works out of several settings is a property of its class, and stays one.
        if not hasattr(type(cfg), name):
            vars(cfg)[name] = setting.get()


def worker_exit(server, worker):  # type: ignore[no-untyped-def]
    """Close the streams that are still open, so that a stopped worker leaves no half-open page, and the spare pools."""
    application = getattr(worker, "wsgi", None)
    for part in ("cartwright-tracking-hub", "cartwright"):
        opened = getattr(application, "extensions", {}).get(part)
        if opened is not None:
            opened.close()
    # The interpreter would look through every object once more before it ends: seconds on a busy machine, in which the
    # port stays taken. What is frozen is not looked at.
    gc.freeze()
