FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
ARG SOURCE_DATE_EPOCH=0
USER 10001
CMD ["python3", "/app/main.py"]
