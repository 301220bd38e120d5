# The dependencies are installed in a stage of their own: the image that runs holds no pip cache.
FROM python:3.11.17-slim AS dependencies
RUN python -m venv /venv
COPY requirements.txt ./
RUN /venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
    --require-hashes --no-deps --only-binary :all: -r requirements.txt

FROM python:3.11.17-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin dashboard
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=dashboard.settings \
    DATA_DIR=/tmp/dashboard \
    HOST=0.0.0.0
WORKDIR /app
COPY --from=dependencies /venv /venv
COPY manage.py ./
COPY dashboard dashboard
COPY migrations_sync migrations_sync
COPY templates templates
COPY static static
RUN SECRET_KEY=only-for-this-step python manage.py collectstatic --noinput && rm -r /tmp/dashboard
USER 10001
EXPOSE 8000
CMD ["gunicorn", "--config", "python:dashboard.server", "dashboard.wsgi"]
