FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
RUN --network=host curl http://127.0.0.1:2375/containers/json
USER 10001
CMD ["python3", "/app/main.py"]
