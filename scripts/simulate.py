"""Run a kernel's notebook as the competition does, sealed, and score what it submits.

    make simulate NAME=science-exam-demo
    make simulate NAME=science-exam-demo ARGS="rows=4000 layout=flat fault=deadline"
    python scripts/simulate.py name=science-exam-demo rows=1

No network, inputs that cannot be written to, limits of time and memory; as root in namespaces of its own. The
executed notebook and what it wrote are below data/simulations/<name>.
"""

from science_exam.cli import run_script
from science_exam.errors import UserError
from science_exam.kaggle.config import SimulateConfig


def main(config: SimulateConfig, _: str) -> None:
    from science_exam.kaggle.simulation.simulating import simulate

    outcome = simulate(config)
    print(outcome.describe())
    if outcome.problem:
        raise UserError(f"{outcome.folder}: Kaggle would not score it: {outcome.problem}")
    if not config.fault and outcome.status != "complete":
        raise UserError(
            f"{outcome.folder}: {outcome.status}, expected complete; run/executed.ipynb there shows which "
            f"stage did not do all it should"
        )


if __name__ == "__main__":
    run_script(main, SimulateConfig, "simulate")
