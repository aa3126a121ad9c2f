# The image of Holdfast: one image for the web server, the worker, the scheduler and every command.
#
#   docker build -t holdfast .
#   docker run --read-only --tmpfs /tmp -v holdfast:/var/lib/holdfast -p 8000:8000 holdfast
#
# Behind a package mirror, hand pip its configuration for the time of the build alone:
#   docker build --secret id=pip,src=$HOME/.config/pip/pip.conf -t holdfast .

ARG PYTHON_IMAGE=docker.io/library/python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements.txt /build/
# Only wheels, each with a recorded hash: nothing is compiled here and nothing unrecorded gets in.
# The packages' own tests and C headers, and CatBoost's plotting in notebooks, serve nobody at run time.
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --no-compile --only-binary :all: --require-hashes \
        -r /build/requirements.txt \
    && pip --python /opt/venv/bin/python uninstall --yes plotly \
    && find /opt/venv/lib -depth -type d \( -name tests -o -name include \) -path '*/site-packages/*' \
        -exec rm -r {} + \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib
COPY . /app
RUN rm /app/requirements.txt && python -m compileall -q --invalidation-mode unchecked-hash /app

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Holdfast" \
      org.opencontainers.image.description="Predicts which customers will leave, and closes the loop around the prediction."
# LightGBM needs the OpenMP runtime. Debian replaces versions in place, so a pinned one would soon be gone.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin holdfast \
    && install -d -o 10001 -g 10001 -m 0750 /var/lib/holdfast /var/lib/holdfast/models
COPY --from=builder /opt/venv /opt/venv
COPY --from=builder /app /app
# Nothing is written outside VAR_DIR, /tmp and /dev/shm, so the root file system may be read-only.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ORT_DISABLE_TELEMETRY=1 \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    VAR_DIR=/var/lib/holdfast \
    WEB_HOST=0.0.0.0 \
    PORT=8000
WORKDIR /app
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/health', timeout=4)"]
CMD ["gunicorn", "app:create_app()"]
