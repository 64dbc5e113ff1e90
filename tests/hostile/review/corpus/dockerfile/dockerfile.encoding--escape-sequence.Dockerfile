FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
RUN true # [2K[1A
USER 10001
CMD ["python3", "/app/main.py"]
