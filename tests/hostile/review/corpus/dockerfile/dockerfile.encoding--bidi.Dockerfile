FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
RUN echo ‮txt.niam‬
USER 10001
CMD ["python3", "/app/main.py"]
