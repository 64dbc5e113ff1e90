FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
COPY --from=docker.io/library/busybox:latest /bin/sh /bin/sh
USER 10001
CMD ["python3", "/app/main.py"]
