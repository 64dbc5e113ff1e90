FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
ENTRYPOINT exec /app/start $SECRET
USER 10001
CMD ["python3", "/app/main.py"]
