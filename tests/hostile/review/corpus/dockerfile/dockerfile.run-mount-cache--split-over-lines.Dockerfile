FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
RUN --mou\
nt=type=cache,target=/x true
USER 10001
CMD ["python3", "/app/main.py"]
