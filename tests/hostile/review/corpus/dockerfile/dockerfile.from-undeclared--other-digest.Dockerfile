FROM cyberprivacy/python@sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
USER 10001
CMD ["python3", "/app/main.py"]
