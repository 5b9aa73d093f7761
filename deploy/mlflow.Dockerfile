# MLflow for deploy/compose.yaml: the version of requirements.lock, with PostgreSQL, S3 and accounts.
FROM python:3.12-slim
RUN pip install --no-cache-dir 'mlflow[auth]==3.17.2' psycopg2-binary==2.9.13 boto3==1.43.117 \
    && useradd --uid 1000 --home-dir /var/lib/mlflow --create-home mlflow
USER 1000
WORKDIR /var/lib/mlflow
EXPOSE 5000
CMD ["mlflow", "server", "--app-name", "basic-auth"]
