FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
RUN --network=none --mount=type=cache,target=/x true
USER 10001
CMD ["python3", "/app/main.py"]
