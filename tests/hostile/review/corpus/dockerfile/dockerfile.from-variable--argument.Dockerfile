ARG BASE=cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
FROM ${BASE}
USER 10001
CMD ["python3", "/app/main.py"]
