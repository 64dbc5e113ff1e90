FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
RUN --mount=type=ssh ssh-add -l
USER 10001
CMD ["python3", "/app/main.py"]
