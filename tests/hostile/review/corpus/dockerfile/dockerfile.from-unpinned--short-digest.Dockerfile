FROM cyberprivacy/python@sha256:abc
USER 10001
CMD ["python3", "/app/main.py"]
