"""What a container reads is written for it, under names that are ours."""

from ipaddress import IPv4Network
from pathlib import Path

from tests.unit.deploy.conftest import container

from cyberprivacy.build.image import Digest
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.deploy.container import write_files
from cyberprivacy.deploy.deployment import Application
from cyberprivacy.deploy.plan import Place, generation
from cyberprivacy.registry.pushed import SEAL, PushedImage
from cyberprivacy.review.workload import ConfigMap, Service, Topology, Workload

PLACE = Place(name="book", number=0, network=IPv4Network("10.9.0.0/24"), first_uid=1 << 20)


def test_a_config_map_may_have_the_name_of_a_file_of_ours(tmp_path):
    topology = Topology(
        workloads=(Workload("web", 1, container(mounts=()), 5),),
        services=(Service("web", 80, "web", 8080),),
        config_maps=(ConfigMap("hosts", (("hosts", "theirs"),)),),
        claims=(),
        public="web",
    )
    digest = Digest(f"sha256:{'d' * 64}")
    image = PushedImage(name="web", reference=f"r/web@{digest}", digest=digest, seal=SEAL)
    release = Application(name="book", release=Cid.of(DAG_PB, b"r"), topology=topology, images={"web": image})
    mounts = write_files(tmp_path / "files", generation(release, PLACE, (), {}))
    assert Path(mounts["hosts"]).read_text() == "127.0.0.1 localhost\n10.9.0.16 web\n"
    assert Path(mounts["config/hosts"], "hosts").read_text() == "theirs"
