FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
COPY ../../../../etc/passwd /app/passwd
USER 10001
CMD ["python3", "/app/main.py"]
