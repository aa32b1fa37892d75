# science-exam: every stage is a target here and a script of the same name in scripts/.
# `make` alone lists them. Variables are given behind the target: make train FOLD=1 CONFIG=demo

# (":=", so that variables of the environment do not leak in)
CONFIG      := demo
FOLD        := 0
QUESTIONS   := data/sample/sample.jsonl
FOLDS       := 5
# further settings as key=value words: make train ARGS="epochs=2 lora.r=32" (script.py --help lists them)
ARGS        :=
# the corpus and its index, below data/corpus and data/index; SOURCES are what it is made from (files, folders)
CORPUS      := sample
SOURCES     :=
# question of make search and make ask; OPTIONS are its five, with | between them
Q           :=
OPTIONS     :=
# GPUs of make train, make predict and make pretrain; make cv trains a fold on each there is
GPUS        := 1
# JSON lines with prompt and completion: make train DATA=pairs.jsonl trains on them instead of questions
DATA        :=
# folder of retrieved contexts (data/contexts/NAME) to train and answer with, instead of those in the question file;
# make predict takes several, "given" for those in the file: CONTEXTS="given data/contexts/NAME"
CONTEXTS    :=
# of make blend: names of the runs to blend
RUNS        :=
# file to score instead of a run: predictions.parquet or submission.csv; AGAINST are earlier ones, or folders of
# runs, that it is compared with: make evaluate PREDICTIONS=new.csv QUESTIONS=train.csv AGAINST="old.csv data/runs/demo"
PREDICTIONS :=
AGAINST     :=
# of make bench-train: folder of a Llama, rows to train on
BASE        :=
ROWS        :=
# TORCH_INDEX=URL takes torch from PyTorch's own index (its CPU builds, or another CUDA version)
TORCH_INDEX :=

# make questions CONFIG=stem builds a set of that name; QUESTIONS=data/questions/stem takes it from then on.
builds := $(and $(filter command line,$(origin CONFIG)),$(filter questions,$(MAKECMDGOALS)))
# The question set is named after its file, the run after its config and its set; NAME= and RUN= say otherwise.
stem = $(shell basename "$(1)" | sed 's/\.[^.]*$$//' | tr -c 'A-Za-z0-9._\n-' '-')
NAME := $(if $(builds),$(patsubst %.yaml,%,$(notdir $(CONFIG))),$(if $(wildcard $(QUESTIONS)/manifest.json),$(notdir $(QUESTIONS)),$(call stem,$(QUESTIONS))))
RUN  := $(CONFIG)$(if $(DATA),-$(call stem,$(DATA)),$(if $(filter-out sample,$(NAME)),-$(NAME)))
set  := data/questions/$(NAME)
# A test set is answered by the run of the sample unless RUN= names another; the fold may follow a slash.
answering_run := $(if $(filter command line,$(origin RUN)),$(RUN),$(CONFIG))
answering_folder := data/runs/$(answering_run)$(if $(findstring /,$(answering_run)),,/fold$(FOLD))
# make predict RUN=demo answers with all its folds together, FOLD=0 with one.
all_folds := $(and $(filter predict,$(MAKECMDGOALS)),$(filter command line,$(origin RUN)),$(if $(filter command line,$(origin FOLD)),,yes))
# make kernel takes all folds of its runs too, unless FOLD= names one.
one_fold = $(if $(filter command line,$(origin FOLD)),$(if $(findstring /,$(run)),,/fold$(FOLD)))

# A config named on the command line, for the target that was asked for; the sample has its own.
named = $(and $(filter command line,$(origin CONFIG)),$(filter $@,$(MAKECMDGOALS)),$(CONFIG))
config = $(or $(named),$(call sample,$(if $(wildcard configs/$@/demo.yaml),demo)))
# ARGS belong to the target that was asked for, not to those before it.
args = $(if $(filter $@,$(MAKECMDGOALS)),$(ARGS))
# A process a GPU, which take their steps together.
processes = $(if $(filter-out 1,$(GPUS)),-m torch.distributed.run --standalone --nproc-per-node $(GPUS))
comma := ,
sources = $(if $(SOURCES),sources="[$(subst $() ,$(comma),$(strip $(SOURCES)))]")
contexts = $(if $(CONTEXTS),contexts="$(CONTEXTS)")
# The sample's corpus and index are made on the way; others by their own commands, which name the sources.
sample = $(if $(filter sample,$(CORPUS)),$(1))

# PYTHON=path uses an interpreter that already has the packages and skips the virtual environment.
SYSTEM_PYTHON := python3
ifeq ($(origin PYTHON),command line)
installed :=
export PYTHONPATH := src
else
PYTHON    := .venv/bin/python
installed := .venv/installed
endif

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo corpus index generate questions retrieve search ask train cv predict blend merge evaluate pretrain bench-train kernel simulate push submit leaderboard lint format test

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  variables: CONFIG=$(CONFIG) FOLD=$(FOLD) QUESTIONS=$(QUESTIONS) NAME=$(NAME) CORPUS=$(CORPUS) RUN=$(RUN) ARGS=\"key=value …\""

setup: $(installed) ## make the virtual environment and install the packages (every target does, once)

.venv/installed: requirements.txt requirements-dev.txt
	@$(SYSTEM_PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"error: found Python {v[0]}.{v[1]}, expected 3.11 to 3.13; choose one with: make SYSTEM_PYTHON=python3.12")'
	$(SYSTEM_PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -r requirements.txt -r requirements-dev.txt
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: train predict evaluate ## the whole way on the sample: train a fold, answer, score

corpus: $(installed) ## dumps and text files -> articles -> passages (SOURCES="dump.xml.bz2 folder" CORPUS=name)
	$(PYTHON) scripts/corpus.py $(config) name="$(CORPUS)" $(sources) $(args)

index: $(call sample,corpus) $(installed) ## passages -> BM25 index and vectors (CORPUS=name)
	$(PYTHON) scripts/index.py $(config) corpus="data/corpus/$(CORPUS)" $(args)

retrieve: questions $(call sample,index) ## the passages each question is read with: data/contexts/NAME
	$(PYTHON) scripts/retrieve.py $(config) questions="$(set)" index="data/index/$(CORPUS)" $(args)

search: $(call sample,index) $(installed) ## passages for one question: make search Q="why is the sky blue"
	@$(PYTHON) scripts/search.py q='$(subst ','\'',$(value Q))' index="data/index/$(CORPUS)" $(args)

ask: $(call sample,index) $(installed) ## answer one question: make ask Q="…" OPTIONS="a|b|c|d|e" RUN=demo/fold0 (no RUN: the base alone)
	@$(PYTHON) scripts/ask.py q='$(subst ','\'',$(value Q))' options='$(subst ','\'',$(value OPTIONS))' index="data/index/$(CORPUS)" \
	$(if $(filter command line,$(origin RUN)),run="$(answering_folder)") $(args)

generate: $(call sample,corpus) $(installed) ## passages -> questions by rules, a local model or a server (CORPUS=name CONFIG=server)
	$(PYTHON) scripts/generate.py $(named) corpus="data/corpus/$(CORPUS)" $(args)

questions: $(installed) ## question file -> questions, contexts and folds tables (QUESTIONS=path); CONFIG=name builds from many
	$(if $(builds),$(PYTHON) scripts/build.py $(CONFIG) name="$(NAME)" $(if $(filter command line,$(origin FOLDS)),folds=$(FOLDS)) $(args),$(if $(wildcard $(QUESTIONS)/manifest.json),@:,\
	$(PYTHON) scripts/questions.py path="$(QUESTIONS)" name="$(NAME)" folds=$(FOLDS)))

train: $(if $(DATA),$(installed),questions) ## fine-tune an adapter or an encoder, fold FOLD held out, and score it before and after (DATA=file: any prompts and completions)
	$(PYTHON) $(processes) scripts/train.py $(CONFIG) run="$(RUN)" $(if $(DATA),data="$(DATA)",fold=$(FOLD) questions="$(set)" $(contexts)) $(ARGS)

cv: questions ## train every fold, report all out-of-fold answers together
	$(PYTHON) scripts/cv.py $(CONFIG) run="$(RUN)" questions="$(set)" $(contexts) $(ARGS)

predict: questions ## answer QUESTIONS with a trained run (RUN=demo, or a fold of it: RUN=demo/fold0): predictions and submission.csv
	$(PYTHON) scripts/predict.py run="$(if $(all_folds),data/runs/$(RUN),$(answering_folder))" questions="$(set)" \
	$(if $(CONTEXTS),contexts='[$(subst $() ,$(comma),$(foreach name,$(CONTEXTS),"$(name)"))]') $(if $(filter-out 1,$(GPUS)),gpus=$(GPUS)) $(args)

evaluate: questions ## score a run's out-of-fold answers, or PREDICTIONS=file for QUESTIONS; AGAINST="files runs": what has changed
	$(PYTHON) scripts/evaluate.py $(if $(PREDICTIONS),predictions="$(PREDICTIONS)" questions="$(set)",run="data/runs/$(RUN)") \
	$(if $(AGAINST),against='[$(subst $() ,$(comma),$(foreach file,$(AGAINST),"$(file)"))]')

blend: $(installed) ## several runs as one: make blend RUNS="a b c" (QUESTIONS=test.csv: their answers to it too)
	$(PYTHON) scripts/blend.py runs='[$(subst $() ,$(comma),$(foreach run,$(RUNS),"$(run)"))]' $(if $(filter command line,$(origin RUN)),name="$(RUN)") \
	$(if $(filter command line,$(origin QUESTIONS)),test="$(set)") $(args)

merge: $(installed) ## merge a run's adapter (RUN=demo/fold0) into its 16-bit base: data/merged/NAME (ARGS=base=… names another)
	$(PYTHON) scripts/merge.py run="$(answering_folder)" $(args)

pretrain: $(installed) ## pretrain the embedded base again (minutes on GPUs, weeks without; GPUS=2 takes two)
	$(PYTHON) $(processes) scripts/pretrain_base.py tiny-science-llama $(ARGS)

bench-train: $(installed) ## training speed beside TRL and Unsloth on a GPU (BASE=folder ROWS=rows.jsonl)
	$(PYTHON) benchmarks/train_speed.py "$(BASE)" "$(ROWS)" $(args)

kernel: $(call sample,index) $(installed) ## runs, index and code -> a Kaggle notebook and bundles to upload: make kernel RUN=demo NAME=my-kernel (RUNS="a b"; CORPUS=: closed book)
	$(PYTHON) scripts/kernel.py runs='[$(subst $() ,$(comma),$(foreach run,$(or $(RUNS),$(answering_run)),"data/runs/$(run)$(one_fold)"))]' \
	$(if $(filter command line,$(origin NAME)),name="$(NAME)") index="$(if $(CORPUS),data/index/$(CORPUS))" $(args)

simulate: $(installed) ## run a kernel's notebook as the competition does, sealed, and score it: make simulate NAME=my-kernel ARGS="rows=4000"
	$(PYTHON) scripts/simulate.py $(if $(filter command line,$(origin NAME)),name="$(NAME)") \
	$(if $(filter command line,$(origin QUESTIONS)),questions="$(QUESTIONS)") $(args)

push: $(installed) ## upload a kernel's bundles and notebook and wait for its session: make push NAME=my-kernel (ARGS=--dry-run: only the plan)
	$(PYTHON) scripts/push.py $(if $(filter command line,$(origin NAME)),name="$(NAME)") $(args)

submit: $(installed) ## submit the pushed version and write its scores down: make submit NAME=my-kernel ARGS="message='two folds'"
	$(PYTHON) scripts/submit.py $(if $(filter command line,$(origin NAME)),name="$(NAME)") $(args)

leaderboard: $(installed) ## all submissions, best first
	@$(PYTHON) scripts/leaderboard.py $(args)

lint: $(installed) ## check style and formatting
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

format: $(installed) ## apply the formatting
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

test: $(installed) ## run the tests
	$(PYTHON) -m pytest --numprocesses 2 --dist loadscope $(ARGS)
