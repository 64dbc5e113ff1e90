# The verbs of this project. `make help` lists them.
export PATH := $(CURDIR)/.tools/gobin:$(PATH):$(CURDIR)/.tools/bin
RUN := uv run --locked
# Where an environment forbids Python to keep what it compiled, each of our many processes would compile all again.
unexport PYTHONDONTWRITEBYTECODE
# In CI one order of tests, so that a red run can be run again; elsewhere each run has an order of its own.
ORDER := $(if $(filter true,$(CI)),-p no:randomly)

# What takes longest begins first, so that no worker is left alone with it at the end.
SLOWEST := tests/unit/deploy tests/unit/vault
LONGEST := tests/faults tests/cli/test_tutorial.py tests/flow/test_demo.py tests/flow/test_road.py
ROADS := $(LONGEST) $(filter-out $(LONGEST),$(wildcard tests/flow/test_*.py tests/cli/test_*.py))
# Whoever has one test left gets the next file at once: so behind the story comes one that takes seconds.
ATTACKS := $(patsubst %,tests/privacy_os/test_%.py,story start data_disk emulator upgrade beset)
STARTS := $(ATTACKS) $(filter-out $(ATTACKS),$(wildcard tests/privacy_os/test_*.py))
# OS_IMAGE=DIR takes an image that is made.
MADE := $(if $(OS_IMAGE),,os-image)
IN_QEMU := $(RUN) pytest -p no:randomly --timeout 900 --durations 20 -n 3 --dist loadfile --no-loadscope-reorder
UNITS := $(SLOWEST) $(filter-out %__pycache__ $(SLOWEST),$(wildcard tests/unit/*)) tests/hostile tests/interop

.PHONY: style mypy basedpyright help install demo demo-network demo-kubernetes demo-os test unit flow law lint fuzz bench mutants some-mutants slither vault-faults os-image os-verify-release test-os attack-os kubernetes test-kubernetes test-engines test-kubo clean

help: ## what each verb does
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

install: ## everything that Debian, PyPI and npm must give (idempotent)
	@deploy/install-debian.sh

demo: install ## the whole story on this machine: vote, build, deploy, verify, update
	@$(RUN) cyberprivacy demo $(DEMO)

demo-kubernetes: install ## the same story inside a real Kubernetes: compiled once (some seven minutes), then pods
	@deploy/install-debian.sh containerd containernetworking-plugins
	@deploy/install-go.sh
	@$(RUN) cyberprivacy demo kubernetes $(DEMO)

demo-network: install ## three clusters watch one another; each way to cheat is caught and shown
	@$(RUN) cyberprivacy demo network $(DEMO)

test: install ## everything but a real Kubernetes and the Privacy OS: what uses one core by twos, then what wants the machine for itself
	@$(MAKE) --jobs 2 --output-sync basedpyright law mypy slither style some-mutants
	@$(MAKE) unit
	@$(MAKE) flow

lint: style mypy basedpyright ## format, lint, layers, types

style: install
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) lint-imports

mypy basedpyright: install
	$(RUN) $@

unit: install ## each room alone, with the real engines it needs
	$(RUN) pytest $(UNITS) -m "not flow" -n 3 --dist loadfile --no-loadscope-reorder --durations 40 $(ORDER)

flow: install ## the story end to end, by hand and by the demo, and the faults: kill, cut, corrupt
	$(RUN) pytest $(ROADS) -p no:randomly -n 3 --dist loadfile --no-loadscope-reorder --durations 12 --ignore-glob 'tests/faults/test_vault_*'

vault-faults: install ## a vault under load: killed, its database stopped, its disk full; alone, as it takes the whole machine
	$(RUN) pytest $(wildcard tests/faults/test_vault_*.py) -p no:randomly

law: install ## contracts: forge tests, storage layout, gas, artifacts
	$(RUN) pytest tests/law

mutants: install ## each mutant of the contracts must be killed: before contracts land
	$(RUN) python contracts/mutants.py

some-mutants: install ## a twelfth of the mutants, so that a full run stays short
	$(RUN) python contracts/mutants.py --share 12

slither: install ## static analysis of the contracts, in a venv of its own
	contracts/slither.sh

fuzz: install ## each reader of evidence for FUZZ_SECONDS (60), the vault's interface with FUZZ_CASES (200); a finding ends it
	for each in $$($(RUN) python tests/fuzz/fuzz.py 2>/dev/null); do \
		$(RUN) python tests/fuzz/fuzz.py $$each $(or $(FUZZ_SECONDS),60) .fuzz/$$each || exit 1; done
	UDI_FUZZ=$(or $(FUZZ_CASES),200) $(RUN) pytest tests/unit/vault/test_web_description.py --timeout 3600

bench: install ## side-by-side measurements; each prints a ratio
	@deploy/install-debian.sh qemu-system-x86 ovmf mmdebstrap
	for one in bench/*.py; do $(RUN) python $$one || exit 1; done

os-image: install ## the Privacy OS, from locked packages, into build/os (root)
	$(RUN) cyberprivacy os build --to build/os

os-verify-release: install ## build the Privacy OS again and compare it with RELEASE (build/os)
	$(RUN) cyberprivacy os verify-release $(or $(RELEASE),build/os)

demo-os: install os-image ## the story inside the Privacy OS, in QEMU with a software TPM; then a changed image is refused
	@deploy/install-debian.sh qemu-system-x86 ovmf
	@$(RUN) cyberprivacy demo os $(DEMO)

test-os: install $(MADE) ## make the Privacy OS, start it in QEMU, predict, verify, attack, keep data, update
	@deploy/install-debian.sh qemu-system-x86 ovmf osslsigncode cryptsetup-bin
	OS_IMAGE=$(or $(OS_IMAGE),build/os) $(IN_QEMU) $(STARTS)

attack-os: install $(MADE) ## of these the story of `make demo-os`, and the attacks on a start, a machine that runs, its disk and its update
	@deploy/install-debian.sh qemu-system-x86 ovmf
	OS_IMAGE=$(or $(OS_IMAGE),build/os) $(IN_QEMU) $(ATTACKS)

kubernetes: install ## compile Kubernetes, Helm and a firewall, once; with what processor time nobody else wants
	@deploy/install-go.sh
	@chrt --idle 0 $(RUN) python -m cyberprivacy.testing.kubernetes.binaries deploy/kubernetes-rig

test-kubernetes: kubernetes ## real Kubernetes with pods that run, once two of them; some twenty minutes, and what `kubernetes` takes once
	@deploy/install-debian.sh containerd containernetworking-plugins ipset
	$(RUN) pytest tests/kubernetes -p no:randomly --durations 40 -n 2 --dist loadfile --no-loadscope-reorder

test-engines: install ## one release through a Jenkins and a Harbor (doubles that do the work), a Jenkins that lies, three executors, the registry; some five minutes
	$(RUN) pytest tests/other_engines -p no:randomly --durations 12

test-kubo: install ## bundles against a real Kubo, compiled once
	@deploy/install-go.sh
	program=$$(tests/interop/kubo/build.sh) && CYBERPRIVACY_KUBO=$$program $(RUN) pytest tests/interop/test_kubo.py -p no:randomly

clean: ## remove what can be made again
	rm -rf .demo .demo-kubernetes .demo-network .demo-os .fuzz build dist contracts/out contracts/cache .pytest_cache .mypy_cache .ruff_cache .hypothesis
