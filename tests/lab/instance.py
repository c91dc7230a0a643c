"""An EC2 instance in the lab: a bare machine with what an instance has on AWS, and CodeDeploy's agent played by hand."""

from __future__ import annotations

import re
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

import yaml

from cloudformation.deploy import template
from tests.lab import machines
from tests.lab.endpoints import METADATA_PORT, Endpoints, names
from tests.lab.estate import GATEWAY, REPOSITORY, Machine

METADATA = "169.254.169.254"
REVISION = "/opt/codedeploy-agent/deployment-root/revision"
EVENTS = ("BeforeInstall", "Install", "AfterInstall", "ApplicationStart", "ValidateService")
"""What CodeDeploy does on a host, in its order; at Install the agent itself copies files."""

METADATA_SOCKET = f"""\
[Socket]
ListenStream={METADATA}:80
NetworkNamespacePath=/run/netns/metadata
[Install]
WantedBy=sockets.target
"""
METADATA_SERVICE = f"""\
[Service]
ExecStart=/lib/systemd/systemd-socket-proxyd {GATEWAY}:{METADATA_PORT}
"""
# botocore brings certificates of its own; on AWS those are right.
TRUST = "[Service]\nEnvironment=AWS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt\n"
# In a network namespace of its own: beside the machine, as on AWS, and not on the machine's own port 80.
PREPARATION = f"""
set -eu
update-ca-certificates
ip netns add metadata
ip link add metadata type veth peer name eth0 netns metadata
ip address add 169.254.169.253/30 dev metadata
ip link set metadata up
ip -n metadata address add {METADATA}/30 dev eth0
ip -n metadata link set eth0 up
systemctl daemon-reload
systemctl enable --now instance-metadata.socket
"""


def launch_template(resource: str) -> tuple[str, dict[str, object]]:
    """The user data of a launch template of 50-web as the deployer hands it to AWS, and what Fn::Sub fills in by hand."""
    body = template.load(REPOSITORY / "cloudformation" / "50-web.yaml").resources
    found = body[resource]["Properties"]["LaunchTemplateData"]["UserData"]["Fn::Base64"]["Fn::Sub"]
    return str(found[0]), dict(found[1])


def association(resource: str) -> str:
    """The command of an association of 50-web that repairs drift, before Fn::Sub."""
    body = template.load(REPOSITORY / "cloudformation" / "50-web.yaml").resources
    [command] = body[resource]["Properties"]["Parameters"]["commands"]
    return str(command["Fn::Sub"][0])


def fill_in(text: str, values: dict[str, str]) -> str:
    """What Fn::Sub makes of a text; raises KeyError for a name that it does not know."""
    return re.sub(r"\$\{([^!}]+)\}", lambda found: values[found[1]], text)


@dataclass(frozen=True)
class Instance:
    """One instance."""

    machine: Machine
    amazon: Endpoints

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script as root, as a service of its own. No ssh: an instance has none once it is configured."""
        return machines.run_inside(self.machine, script)

    def must(self, script: str) -> str:
        """Run a script that must succeed, and return its output."""
        done = self.run(script)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout

    def put(self, path: str, content: str | Path) -> None:
        """Write a file of the instance."""
        target = self.machine.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content.read_bytes())

    def become(self, bucket: str) -> None:
        """Make a bare machine what an instance is at its birth: metadata, and the names of AWS."""
        self.put("/usr/local/share/ca-certificates/amazon.crt", self.amazon.certificate)
        self.put("/etc/systemd/system/instance-metadata.socket", METADATA_SOCKET)
        self.put("/etc/systemd/system/instance-metadata.service", METADATA_SERVICE)
        self.put("/etc/systemd/system/cartwright-.service.d/lab.conf", TRUST)
        with (self.machine.root / "etc/hosts").open("a", encoding="ascii") as known:
            known.write("".join(f"{GATEWAY} {name}\n" for name in names(bucket)))
        self.must(PREPARATION)

    def boot(self, user_data: str) -> subprocess.CompletedProcess[str]:
        """Run the user data, as cloud-init does at the first boot."""
        self.put("/var/lib/cloud/instance/user-data.txt", user_data)
        return self.run("exec bash /var/lib/cloud/instance/user-data.txt")

    def code_deploy(self, bundle: Path) -> tuple[str, subprocess.CompletedProcess[str]]:
        """Do with a release what CodeDeploy's agent does. Returns the event at which it ended, and its last script."""
        self.must(f"rm -rf {REVISION}; mkdir -p {REVISION}")
        self.put(f"{REVISION}.tar.gz", bundle)
        self.must(f"tar -xzf {REVISION}.tar.gz -C {REVISION}")
        with tarfile.open(bundle) as tar:
            member = tar.extractfile("appspec.yml")
            assert member is not None
            spec = yaml.safe_load(member.read())
        for event in EVENTS:
            scripts = [(hook["location"], hook["timeout"]) for hook in spec["hooks"].get(event, [])]
            commands = [f"cd {REVISION} && timeout {timeout} {location}" for location, timeout in scripts]
            if event == "Install":
                commands = [
                    f"mkdir -p {entry['destination']} && cp -rT {REVISION}{entry['source']} {entry['destination']}"
                    for entry in spec["files"]
                ]
            for command in commands:
                done = self.run(command)
                if done.returncode:
                    return event, done
        return event, done
