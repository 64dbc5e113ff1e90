FROM python:latest
USER 10001
CMD ["python3", "/app/main.py"]
