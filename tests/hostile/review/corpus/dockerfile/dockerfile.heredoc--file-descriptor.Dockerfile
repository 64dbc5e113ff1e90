FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
RUN 3<<-EOF cat /dev/fd/3
	hello
	EOF
USER 10001
CMD ["python3", "/app/main.py"]
