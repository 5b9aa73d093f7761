# MLflow for deploy/compose.yaml: the version of requirements.lock, with PostgreSQL, S3 and accounts.
FROM python:3.12-slim
RUN pip install --no-cache-dir 'mlflow[auth]==3.17.2' psycopg2-binary boto3 \
    && useradd --system --home-dir /var/lib/mlflow --create-home mlflow
USER mlflow
WORKDIR /var/lib/mlflow
EXPOSE 5000
CMD ["mlflow", "server", "--app-name", "basic-auth"]
