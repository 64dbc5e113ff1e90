FROM cyberprivacy/python:3.11@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
USER 10001
CMD ["python3", "/app/main.py"]
