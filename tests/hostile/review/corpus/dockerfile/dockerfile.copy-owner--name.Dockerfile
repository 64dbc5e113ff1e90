FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
COPY --chown=root:root app /app
USER 10001
CMD ["python3", "/app/main.py"]
