FROM cyberprivacy/python@md5:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
USER 10001
CMD ["python3", "/app/main.py"]
