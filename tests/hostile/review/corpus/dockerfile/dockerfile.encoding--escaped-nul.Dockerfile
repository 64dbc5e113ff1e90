FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
CMD ["python3", "\u0000"]
USER 10001
CMD ["python3", "/app/main.py"]
