FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
ARG HTTPS_PROXY=http://evil.example:3128
USER 10001
CMD ["python3", "/app/main.py"]
