"""The real builder makes the same image of our text as of the author's."""

import json
import subprocess
from pathlib import Path

import pytest
from good_bundle import DIGEST

from cyberprivacy.review import dockerfile

AUTHOR = r"""
# a comment
ARG V="x y"
ENV A="a\"b\\c $V" B=plain C="" \
    # in between
    D="d#e"
ENV E="${A}!" F="it's"
LABEL x.y/z="1 2" w="q\\"
WORKDIR /w
COPY --chmod=0755 --chown=7:8 a /b
copy ["a", "/c d"]
EXPOSE 8080/tcp 9090
STOPSIGNAL SIGINT
USER 7:8
ENTRYPOINT ["p", "a \"q\" \\ \n\u00e4"]
CMD ["x"]
"""


@pytest.mark.engines
def test_the_builder_makes_the_same_image_of_our_text(tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    (context / "a").write_text("hello\n")
    lines, findings = dockerfile.parse(f"FROM a/b@{DIGEST}{AUTHOR}".encode(), "Dockerfile")
    assert not findings
    ours = dockerfile.render(lines[1:])
    images = [
        built(tmp_path, context, name, f"FROM scratch\n{text}") for name, text in (("one", AUTHOR), ("two", ours))
    ]
    assert images[0] == images[1]
    config = images[1]["config"]
    assert 'A=a"b\\c x y' in config["Env"]
    assert config["Entrypoint"] == ["p", 'a "q" \\ \nä']
    assert config["User"] == "7:8"


def built(folder: Path, context: Path, name: str, text: str) -> dict[str, dict[str, object]]:
    """Config and layers of what buildah makes; there is no RUN in it, so that nothing is run."""
    (folder / name).write_text(text)
    store = ["--root", f"{folder}/store", "--runroot", f"{folder}/run", "--storage-driver", "vfs"]
    bud = ["bud", "-q", "--isolation", "chroot", "--timestamp", "0", "-f", str(folder / name), "-t", name]
    subprocess.run(["buildah", *store, *bud, str(context)], check=True, capture_output=True, timeout=120)
    inspect = ["buildah", *store, "inspect", "--type", "image", name]
    image = json.loads(subprocess.run(inspect, check=True, capture_output=True, timeout=60).stdout)["OCIv1"]
    return {"config": image["config"], "rootfs": image["rootfs"]}
