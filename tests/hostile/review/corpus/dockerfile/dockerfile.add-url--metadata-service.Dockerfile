FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
ADD http://169.254.169.254/latest/meta-data/iam/ /app/
USER 10001
CMD ["python3", "/app/main.py"]
