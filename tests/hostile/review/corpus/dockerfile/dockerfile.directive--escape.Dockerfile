# escape=`
FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
RUN dir c:\\ `
  && whoami
USER 10001
CMD ["python3", "/app/main.py"]
