FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
RUN --mount=type=cache,target=/root/.cache,id=shared,sharing=shared ["python3", "-c", "1"]
USER 10001
CMD ["python3", "/app/main.py"]
