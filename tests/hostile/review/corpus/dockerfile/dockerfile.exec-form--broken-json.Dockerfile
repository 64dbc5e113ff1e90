FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
RUN ["python3", "-c", "x"
USER 10001
CMD ["python3", "/app/main.py"]
