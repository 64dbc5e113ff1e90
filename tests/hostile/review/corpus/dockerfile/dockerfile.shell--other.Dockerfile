FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
SHELL ["/app/evil"]
USER 10001
CMD ["python3", "/app/main.py"]
