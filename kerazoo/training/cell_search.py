"""An evolutionary search for recurrent cells, in worker processes, which goes on exactly where it was stopped.

Source: Jozefowicz, Zaremba and Sutskever 2015, "An Empirical Exploration of Recurrent Network Architectures", ICML,
section 3. It differs in rounds (a search of any number of workers is the same); in smaller trainings, after which a new
cell must remember 0.9 of what GRU does, as it must reach 0.9 of it on each task, not 95% of all symbols; and in the
score of texts without answers, the mean probability of a character.
"""

import contextlib
import json
import multiprocessing
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from kerazoo.base.cell_graph import GRAPHS, CellGraph
from kerazoo.tasks.plots import graph_plot
from kerazoo.training.cell_mutations import mutate, renamed
from kerazoo.training.cell_tasks import MEMORY, TEXT, Setting, check_tasks, score
from kerazoo.training.folder import held
from kerazoo.utils.console import begin_worker
from kerazoo.utils.errors import ConfigError, MissingDependencyError, TrainingError
from kerazoo.utils.files import check_free, new_file, new_folder

SEARCH, TRIALS, BEST, PICTURE = "search.json", "trials", "best.json", "best.png"
ROUND = 8  # trials that are proposed at once, whatever the number of workers, so that this does not change the search
BASELINE, FIRST = "gru", ("gru", "lstm")
WORSE = 0.9  # of the baseline's best score: a new cell below it on a task is tried no further
NEW = 0.5  # probability that a trial is one of a new cell, and not a further setting of one that is there


@dataclass(frozen=True)
class Plan:
    """What a search does; all that its results depend on.

    Attributes:
        tasks: tuple[str, ...]. Of `kerazoo.training.cell_tasks`.
        num_trials: int. How many trials.
        steps: int. Of each training.
        num_settings: int. Random hyperparameters that a cell is first tried with.
        population: int. How many cells may have descendants, the best ones; the paper's 100.
        seed: int.
        text: str. The source of the task `"text"`.
    """

    tasks: tuple[str, ...] = ("arithmetic", "xml", "text")
    num_trials: int = 200
    steps: int = 600
    num_settings: int = 3
    population: int = 100
    seed: int = 0
    text: str = TEXT

    def __post_init__(self):
        object.__setattr__(self, "tasks", check_tasks(self.tasks))


@dataclass
class Cell:
    """A cell and its best score on each task."""

    graph: dict
    scores: dict = field(default_factory=dict)
    settings: dict = field(default_factory=dict)
    ratio: float | None = None


# === One trial, in a process of its own ===


def run_trial(trial):
    """Train a cell with each of its settings on one task after the other, as long as it is worth it.

    Args:
        trial: dict. `graph`, `settings`, `seed`, `steps`, `tasks`, `text`, and `least`: task -> the score below which
            the cell is tried no further.

    Returns:
        dict. `trial`, with `scores`: task -> score of each setting; tasks that were not reached are left out.
    """
    scores, settings = {}, [Setting(**setting) for setting in trial["settings"]]
    for task in (MEMORY, *trial["tasks"]):
        options = {"steps": trial["steps"], "seed": trial["seed"], "text": trial["text"]}
        scores[task] = [score(trial["graph"], task, setting, **options) for setting in settings]
        if max(scores[task]) < trial["least"].get(task, 0.0):
            break
    return {**trial, "scores": scores}


# === The search ===


def ranked(trials):
    """The cells of finished trials, the best first.

    A cell's rank is its smallest ratio, over the tasks, of its best score to the baseline's; one that did not reach all
    tasks has none.

    Args:
        trials: list of dicts, as of `run_trial`.

    Returns:
        list[Cell].
    """
    cells = {}
    for trial in trials:
        cell = cells.setdefault(graph_key(trial["graph"]), Cell(trial["graph"]))
        for task, found in trial["scores"].items():
            if max(found) >= cell.scores.get(task, 0.0):
                cell.scores[task] = max(found)
                cell.settings[task] = trial["settings"][int(np.argmax(found))]
    baseline = cells.get(known_key(BASELINE))
    tasks = [task for task in (baseline.scores if baseline else ()) if task != MEMORY]
    for cell in cells.values():
        if tasks and all(task in cell.scores for task in tasks):
            cell.ratio = min(cell.scores[task] / max(baseline.scores[task], 1e-9) for task in tasks)
    known = [cell for cell in cells.values() if cell.ratio is not None]
    return sorted(known, key=lambda cell: (-cell.ratio, len(cell.graph["nodes"]), graph_key(cell.graph)))


def propose(plan, index, trials):
    """The trial of a place: a function of the plan, the place, and the trials of earlier rounds.

    The first ones try GRU and LSTM. Then, as likely, a member of the population is tried with another setting, or a
    mutation of one with several.
    """
    rng = np.random.default_rng([plan.seed, index])
    trial = {"index": index, "seed": plan.seed, "steps": plan.steps, "tasks": list(plan.tasks), "text": plan.text}
    draw = [asdict(Setting.drawn(rng)) for _ in range(plan.num_settings)]
    if index < len(FIRST):
        return {**trial, "graph": renamed(GRAPHS[FIRST[index]]).as_dict(), "settings": draw, "least": {}}
    members = ranked(trials)[: plan.population]
    if not members:
        raise TrainingError("neither GRU nor LSTM could be trained on all tasks; give the search more --steps")
    member = members[rng.integers(len(members))]
    if rng.random() >= NEW:
        return {**trial, "graph": member.graph, "settings": draw[:1], "least": {}}
    baseline = next(cell for cell in members if graph_key(cell.graph) == known_key(BASELINE))
    least = {task: WORSE * found for task, found in baseline.scores.items()}
    graph = mutate(CellGraph.read(member.graph), rng).as_dict()
    return {**trial, "graph": graph, "settings": draw, "least": least}


def search(plan, out, *, workers=1, address=None, resume=False, overwrite=False, say=lambda line: None):
    """Search for cells, and write what was found.

    Trials are proposed a round at a time, each from the plan, its place and the rounds before, and kept in a file each
    when they are done. So a search that was killed goes on exactly, and neither the number of workers nor the order in
    which they finish changes what it finds.

    Args:
        plan: Plan.
        out: str or Path. A folder: `search.json` (the plan), `trials/`, and `best.json`, the best cell's graph, which
            is an argument of `lstm_char_lm` (`--set model.cell=best.json`); `best.png` shows it.
        workers: int. Processes, each of which trains one cell at a time. Defaults to 1.
        address: str or None. Of a Ray cluster on which they run; `"local"` begins one here. Defaults to None, processes
            of this machine.
        resume: bool. Go on with the search in `out`, whose plan must be the same but for its length. Defaults to False.
        overwrite: bool. Whether a search in `out` may be replaced. Defaults to False.
        say: callable. Told of each trial in one line. Defaults to silence.

    Returns:
        list[Cell]. The best first.

    Raises:
        ConfigError, TrainingError, OutputError, MissingDependencyError: one line each.
    """
    out = Path(out)
    with contextlib.ExitStack() as stack:
        _open(plan, out, stack, resume=resume, overwrite=overwrite)
        done = {trial["index"]: trial for trial in finished_trials(out)}
        pool = None
        for begin in range(0, plan.num_trials, ROUND):
            # The baseline has a round of its own: what comes after it is measured by it.
            before = [done[index] for index in sorted(done) if index < begin]
            places = [index for index in range(begin, min(begin + ROUND, plan.num_trials)) if index not in done]
            first = [index for index in places if index < len(FIRST)]
            for part in filter(None, (first, [index for index in places if index not in first])):
                known = before or [done[index] for index in range(len(FIRST)) if index in done]
                proposed = [propose(plan, index, known) for index in part]
                pool = pool or stack.enter_context(worker_pool(workers, address))
                for trial in pool.imap_unordered(run_trial, proposed):
                    with new_file(out / TRIALS / f"{trial['index']:06}.json") as temporary:
                        temporary.write_text(json.dumps(trial, indent=1) + "\n", encoding="utf-8")
                    done[trial["index"]] = trial
                    say(_line(trial, plan))
        cells = ranked([done[index] for index in sorted(done) if index < plan.num_trials])
        if cells:
            with new_file(out / BEST, overwrite=True) as temporary:
                temporary.write_text(json.dumps(cells[0].graph, indent=2) + "\n", encoding="utf-8")
            graph_plot(CellGraph.read(cells[0].graph), out / PICTURE, overwrite=True)
        return cells


def finished_trials(out):
    """The trials of a search's folder, in order."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((out / TRIALS).glob("*.json"))]


def _open(plan, out, stack, *, resume, overwrite):
    if not resume:
        check_free(out, overwrite=overwrite)
        with new_folder(out, overwrite=overwrite, owned=(SEARCH, TRIALS)) as temporary:
            stack.enter_context(held(temporary))
            (temporary / TRIALS).mkdir()
            (temporary / SEARCH).write_text(json.dumps(asdict(plan), indent=2) + "\n", encoding="utf-8")
        return
    if not (out / SEARCH).is_file():
        raise TrainingError(f"{out}: no search to go on with (it has no {SEARCH}); leave out --resume to begin one")
    stack.enter_context(held(out))
    own = json.loads((out / SEARCH).read_text(encoding="utf-8"))
    asked = json.loads(json.dumps(asdict(plan)))
    other = [key for key in asked if key != "num_trials" and own.get(key) != asked[key]]
    if other:
        raise ConfigError(f"{out}: a search with {other[0]} = {own.get(other[0])!r}, not {asked[other[0]]!r}")


def worker_pool(workers, address):
    """Processes that run trials: of this machine, or of a Ray cluster."""
    if address is None:
        # A worker begins anew after each trial: TensorFlow keeps what it has traced.
        return multiprocessing.get_context("spawn").Pool(workers, begin_worker, maxtasksperchild=1)
    try:
        from ray.util.multiprocessing import Pool
    except ImportError:
        raise MissingDependencyError("a Ray cluster needs ray: pip install 'kerazoo[ray]'") from None
    return Pool(workers, begin_worker, maxtasksperchild=1, ray_address=None if address == "local" else address)


def _line(trial, plan):
    found = "  ".join(f"{task} {max(values):.3f}" for task, values in trial["scores"].items())
    return f"trial {trial['index'] + 1}/{plan.num_trials}  {len(trial['graph']['nodes'])} nodes  {found}"


def graph_key(graph):
    """A graph's text, by which cells are told apart."""
    return json.dumps(graph, sort_keys=True)


def known_key(name):
    """The key of one of `GRAPHS`."""
    return graph_key(renamed(GRAPHS[name]).as_dict())
