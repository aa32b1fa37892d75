# science-exam: every stage is a target here and a script of the same name in scripts/.
# `make` alone lists them. Variables are given behind the target: make train FOLD=1 CONFIG=demo

CONFIG    ?= demo
FOLD      ?= 0
QUESTIONS ?= data/sample/sample.jsonl
# further settings as key=value words: make train ARGS="epochs=2 lora.r=32" (script.py --help lists them)
ARGS      ?=

# The set's folder, the run's name and the default run follow from what was asked.
set       := data/questions/$(basename $(notdir $(QUESTIONS)))
RUN       ?= $(CONFIG)$(if $(filter-out sample,$(notdir $(set))),-$(notdir $(set)))

# PYTHON=path uses an interpreter that already has the packages and skips the virtual environment.
SYSTEM_PYTHON ?= python3
ifdef PYTHON
installed :=
export PYTHONPATH := src
else
PYTHON    := .venv/bin/python
installed := .venv/installed
endif
# TORCH_INDEX=URL takes torch from PyTorch's own index (its CPU builds, or another CUDA version).
TORCH_INDEX ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo questions train cv predict evaluate pretrain lint format test

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  variables: CONFIG=$(CONFIG) FOLD=$(FOLD) QUESTIONS=$(QUESTIONS) RUN=$(RUN) ARGS=\"key=value …\""

setup: $(installed) ## make the virtual environment and install the packages (every target does, once)

.venv/installed: requirements.txt requirements-dev.txt
	@$(SYSTEM_PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"error: found Python {v[0]}.{v[1]}, expected 3.11 to 3.13; choose one with: make SYSTEM_PYTHON=python3.12")'
	$(SYSTEM_PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -r requirements.txt -r requirements-dev.txt
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: train predict evaluate ## the whole way on the sample: train a fold, answer, score

questions: $(installed) ## question file -> questions, contexts and folds tables (QUESTIONS=path)
	$(PYTHON) scripts/questions.py path="$(QUESTIONS)" $(if $(filter questions,$(MAKECMDGOALS)),$(ARGS))

train: questions ## fine-tune an adapter, fold FOLD held out, and score it before and after
	$(PYTHON) scripts/train.py $(CONFIG) run=$(RUN) fold=$(FOLD) questions="$(set)" $(ARGS)

cv: questions ## train every fold, report all out-of-fold answers together
	$(PYTHON) scripts/cv.py $(CONFIG) run=$(RUN) questions="$(set)" $(ARGS)

predict: questions ## answer QUESTIONS with a trained run (RUN=name/fold0): predictions and submission.csv
	$(PYTHON) scripts/predict.py run="data/runs/$(if $(findstring /,$(RUN)),$(RUN),$(RUN)/fold$(FOLD))" questions="$(set)" $(if $(filter predict,$(MAKECMDGOALS)),$(ARGS))

evaluate: questions ## score a run's out-of-fold answers, or PREDICTIONS=file against QUESTIONS
	$(PYTHON) scripts/evaluate.py $(if $(PREDICTIONS),predictions="$(PREDICTIONS)" questions="$(set)",run="data/runs/$(RUN)")

pretrain: $(installed) ## pretrain the embedded base again (minutes on a GPU, hours without)
	$(PYTHON) scripts/pretrain_base.py tiny-science-llama $(ARGS)

lint: $(installed) ## check style and formatting
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

format: $(installed) ## apply the formatting
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

test: $(installed) ## run the tests
	$(PYTHON) -m pytest --numprocesses 2 --dist loadscope $(ARGS)
