FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
RUN --mount=type=secret,id=aws,target=/root/.aws/credentials cat /root/.aws/credentials
USER 10001
CMD ["python3", "/app/main.py"]
