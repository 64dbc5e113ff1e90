FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
RUN --mount=target=/host,source=../../.. ls /host
USER 10001
CMD ["python3", "/app/main.py"]
