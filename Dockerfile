# The image of every Airflow process, and a stage of its own for the sandbox. See docs/deploy.md.
#   docker build --target airflow .     the deployment (default)
#   docker build --target sandbox .     adds the simulated bksb, MIS and mailbox
# The slim image holds Airflow without further providers, so that constraints.txt alone decides what is installed.
ARG AIRFLOW_IMAGE=apache/airflow:slim-3.3.2-python3.12

FROM ${AIRFLOW_IMAGE} AS wheel
COPY --chown=airflow:0 constraints.txt pyproject.toml README.md LICENSE /tmp/source/
RUN pip install --quiet --compile --no-cache-dir -c /tmp/source/constraints.txt hatchling
COPY --chown=airflow:0 plugins/bksb /tmp/source/plugins/bksb
COPY --chown=airflow:0 sql /tmp/source/sql
RUN pip wheel --quiet --no-cache-dir --no-deps --no-build-isolation --wheel-dir /tmp/wheel /tmp/source

FROM ${AIRFLOW_IMAGE} AS project
# Without a file here, Airflow writes one at its first start, with a JWT secret of its own.
COPY --chmod=0444 deploy/image/airflow.cfg /opt/airflow/airflow.cfg
ENV AIRFLOW_CONFIG=/opt/airflow/airflow.cfg \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DUMB_INIT_SETSID=0
COPY constraints.txt requirements.txt requirements-image.txt /opt/bksb/
RUN pip install --quiet --compile --no-cache-dir -c /opt/bksb/constraints.txt \
        -r /opt/bksb/requirements.txt -r /opt/bksb/requirements-image.txt \
    && pip check
# The driver of the MIS database, such as MIS_DRIVER=pymssql==2.3.7 in .env
ARG MIS_DRIVER=""
RUN if [ -n "$MIS_DRIVER" ]; then \
        pip install --quiet --compile --no-cache-dir -c /opt/bksb/constraints.txt $MIS_DRIVER; \
    fi
RUN --mount=type=bind,from=wheel,source=/tmp/wheel,target=/tmp/wheel \
    pip install --quiet --compile --no-cache-dir --no-deps /tmp/wheel/*.whl
COPY dags /opt/airflow/dags
COPY deploy/image/*.py /opt/bksb/
# Not the entrypoint of the base image: it goes on after a failed migration or a failed creation of a user.
ENTRYPOINT ["/usr/bin/dumb-init", "--"]
USER 50000:0
LABEL org.opencontainers.image.title="bksb sync" \
      org.opencontainers.image.description="Keeps a training provider's MIS and the bksb assessment platform in step" \
      org.opencontainers.image.licenses="Apache-2.0"

FROM project AS sandbox
RUN pip install --quiet --compile --no-cache-dir -c /opt/bksb/constraints.txt aiosmtpd fastapi uvicorn
COPY sandbox /opt/bksb/sandbox
# a new volume takes over the owner of this folder
RUN mkdir /home/airflow/sandbox
ENV PYTHONPATH=/opt/bksb

# The last stage is what a build without --target makes.
FROM project AS airflow
CMD ["airflow", "version"]
