FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a AS one
USER 10001
CMD ["python3", "/app/main.py"]
FROM debian:12
USER 10001
CMD ["python3", "/app/main.py"]
