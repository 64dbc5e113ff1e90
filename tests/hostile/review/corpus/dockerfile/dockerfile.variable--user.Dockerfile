FROM cyberprivacy/python@sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
USER ${UID:-0}
CMD ["a"]
