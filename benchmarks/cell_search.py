"""What a search for cells found: a table of the best ones, and where the others were given up.

    kerazoo search cells --tasks arithmetic,xml,text --workers 2 --out runs/search
    python benchmarks/cell_search.py runs/search [--trials 200] [--again 4] [--seeds 1 2 3] [--workers 2] [--out FILE]

The first trains; the second reads the cells in order of their smallest ratio to GRU, of how many settings each is the
best, and draws the best one that is not GRU. A ratio compares the best of some settings with the best of GRU's, so a
cell that was tried with more of them has an advantage, and the first ones owe their place to chance, too: the best
`--again` of them and LSTM are trained anew with their best settings from other seeds.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np

from kerazoo.base.cell_graph import GRAPHS, CellGraph
from kerazoo.tasks.plots import graph_plot
from kerazoo.training.cell_search import SEARCH, finished_trials, graph_key, known_key, ranked, worker_pool
from kerazoo.training.cell_tasks import MEMORY, Setting, score

SHOWN = 10
RESULTS = Path(__file__).with_name("results") / "cell_search.json"


NAMES = {known_key(name): name for name in GRAPHS}


def ended(trials, tasks):
    """Task -> how many new cells were given up after it; and how many reached the end."""
    last = Counter(list(trial["scores"])[-1] for trial in trials if trial["least"])
    return {task: last[task] for task in (MEMORY, *tasks[:-1])} | {"finished": last[tasks[-1]]}


def trained_again(job):
    cell, task, seed, steps, text = job
    return score(cell["graph"], task, Setting(**cell["best_settings"][task]), steps=steps, seed=seed, text=text)


def again(cells, plan, seeds, workers):
    """For each cell: task -> the scores of its best setting, one a seed."""
    jobs = [
        (cell, task, seed, plan["steps"], plan["text"]) for cell in cells for task in plan["tasks"] for seed in seeds
    ]
    with worker_pool(workers, None) as pool:
        scores = iter(pool.map(trained_again, jobs, chunksize=1))
    return [{task: [round(next(scores), 4) for _ in seeds] for task in plan["tasks"]} for _ in cells]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("search", type=Path)
    parser.add_argument("--trials", type=int)
    parser.add_argument("--again", type=int, default=4)
    parser.add_argument("--seeds", nargs="*", type=int, default=[1, 2, 3])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    plan = json.loads((arguments.search / SEARCH).read_text(encoding="utf-8"))
    trials = finished_trials(arguments.search)[: arguments.trials]
    settings = Counter()
    for trial in trials:
        settings[graph_key(trial["graph"])] += len(trial["settings"])
    cells = [
        {
            "name": NAMES.get(graph_key(cell.graph), f"new, {len(cell.graph['nodes'])} nodes"),
            "ratio": round(cell.ratio, 4),
            "settings": settings[graph_key(cell.graph)],
            "scores": {task: round(score, 4) for task, score in cell.scores.items()},
            "best_settings": cell.settings,
            "graph": cell.graph,
        }
        for cell in ranked(trials)
    ]
    best_of_new = {
        num: max((cell.ratio for cell in ranked(trials[:num]) if graph_key(cell.graph) not in NAMES), default=None)
        for num in range(20, len(trials) + 1, 20)
    }
    found = {
        "plan": {**plan, "num_trials": len(trials)},
        "new_cells_given_up_after": ended(trials, plan["tasks"]),
        "ratio_of_the_best_new_cell_after_trials": best_of_new,
        "cells": cells,
    }
    chosen = cells[: arguments.again] + [cell for cell in cells[arguments.again :] if cell["name"] == "lstm"]
    if arguments.seeds:
        for cell, scores in zip(chosen, again(chosen, plan, arguments.seeds, arguments.workers), strict=True):
            cell["again"] = scores
        found["seeds"] = arguments.seeds
    arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    best = next(cell for cell in cells if cell["name"] != "gru")
    graph_plot(CellGraph.read(best["graph"]), arguments.out.with_suffix(".png"), overwrite=True)
    tasks = [MEMORY, *plan["tasks"]]
    print(f"| cell | smallest ratio to GRU | settings | {' | '.join(tasks)} |\n|{' --- |' * (3 + len(tasks))}")
    for cell in cells[:SHOWN]:
        scores = " | ".join(f"{cell['scores'][task]:.3f}" for task in tasks)
        print(f"| {cell['name']} | {cell['ratio']:.3f} | {cell['settings']} | {scores} |")
    print("\nnew cells given up after:", found["new_cells_given_up_after"])
    if arguments.seeds:
        print(f"\n| cell, trained again | {' | '.join(plan['tasks'])} |\n|{' --- |' * (1 + len(plan['tasks']))}")
        for cell in chosen:
            means = (f"{np.mean(s):.3f} ({min(s):.3f} to {max(s):.3f})" for s in cell["again"].values())
            print(f"| {cell['name']} | {' | '.join(means)} |")


if __name__ == "__main__":
    main()
