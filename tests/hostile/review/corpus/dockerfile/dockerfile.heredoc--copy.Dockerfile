FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
COPY <<"run.py" /app/run.py
import os
run.py
USER 10001
CMD ["python3", "/app/main.py"]
