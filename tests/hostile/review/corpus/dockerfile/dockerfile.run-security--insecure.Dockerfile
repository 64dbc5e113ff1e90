FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
RUN --security=insecure mount /dev/vda /mnt
USER 10001
CMD ["python3", "/app/main.py"]
