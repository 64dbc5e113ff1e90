FROM scratch
COPY app /app
USER 10001
CMD ["python3", "/app/main.py"]
