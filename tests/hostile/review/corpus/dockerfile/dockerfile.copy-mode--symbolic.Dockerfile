FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
COPY --chmod=u+s app/main.py /usr/bin/become-root
USER 10001
CMD ["python3", "/app/main.py"]
