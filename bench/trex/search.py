# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Search for throughput as RFC 9971 (MLRsearch) specifies it, RFC 2544 being one of its goals. No input or output.

A load is classified for each goal from the trials at that load (RFC 9971, "Load Classification Logic"): as a lower
bound when even the worst outcome of the trials still missing leaves few enough lossy ones, as an upper bound when
the best one does not, and as undecided before. The search narrows the gap between both down to the goal's width.
How loads are chosen is not part of the specification; here it is bisection in the logarithm of the load, with short
trials first. Loads are packets a second on one interface.
"""

from dataclasses import dataclass, field
from math import sqrt


@dataclass(frozen=True)
class Goal:
    """A Search Goal. Durations in seconds, ratios of 1, the width relative to the upper bound."""
    name: str
    loss_ratio: float
    final_duration: float
    duration_sum: float
    exceed_ratio: float
    width: float
    initial_duration: float

    def __post_init__(self):
        if not (0 <= self.loss_ratio < 1 and 0 <= self.exceed_ratio < 1 and 0 < self.width < 1):
            raise ValueError(f"{self.name}: ratios are of 0 to 1, and the width is more than 0")
        if not 0 < self.initial_duration <= self.final_duration:
            raise ValueError(f"{self.name}: the first trials last no longer than the final ones")


def rfc2544(width=0.005, initial=1.0, final=60.0):
    """No loss in a trial of a minute (RFC 2544, 24 and 26.1)."""
    return Goal("RFC2544", 0.0, final, final, 0.0, width, min(initial, final))


def ndr(width=0.005):
    """The non-drop rate as FD.io CSIT searches it: no loss in most of 21 trials of a second."""
    return Goal("NDR", 0.0, 1.0, 21.0, 0.5, width, 1.0)


def pdr(width=0.005):
    """The partial drop rate: as NDR, with up to 0.5 % of loss."""
    return Goal("PDR", 0.005, 1.0, 21.0, 0.5, width, 1.0)


@dataclass(frozen=True)
class Trial:
    """A Trial Result: what was sent and how much of that came back."""
    load: float
    duration: float
    loss_ratio: float

    @property
    def forwarding_rate(self):
        return self.load * (1 - self.loss_ratio)


@dataclass(frozen=True)
class Classification:
    """What the trials at one load say for one goal."""
    optimistic: float
    pessimistic: float
    exceed_ratio: float

    @property
    def is_lower(self):
        return self.pessimistic <= self.exceed_ratio

    @property
    def is_upper(self):
        return self.optimistic > self.exceed_ratio

    @property
    def text(self):
        return "lower bound" if self.is_lower else "upper bound" if self.is_upper else "undecided"


def classify(goal, trials):
    """RFC 9971, "Load Classification Logic": of the trials at one load."""
    full = [trial for trial in trials if trial.duration >= goal.final_duration]
    short = [trial for trial in trials if trial.duration < goal.final_duration]
    lossy = lambda some: sum(trial.duration for trial in some if trial.loss_ratio > goal.loss_ratio)
    clean = lambda some: sum(trial.duration for trial in some if trial.loss_ratio <= goal.loss_ratio)
    # Short trials without loss make up for short ones with it, as far as the goal tolerates lossy trials.
    balancing = clean(short) * goal.exceed_ratio / (1 - goal.exceed_ratio)
    high = lossy(full) + max(0.0, lossy(short) - balancing)
    done = high + clean(full)
    whole = max(done, goal.duration_sum)
    return Classification(high / whole, (high + whole - done) / whole, goal.exceed_ratio)


def conditional_throughput(goal, load, trials):
    """RFC 9971, "Conditional Throughput": the forwarding rate to expect at a lower bound, without surprises."""
    full = sorted((trial for trial in trials if trial.duration >= goal.final_duration),
                  key=lambda trial: trial.loss_ratio)
    remaining = max(goal.duration_sum, sum(trial.duration for trial in full)) * (1 - goal.exceed_ratio)
    quantile = None
    for trial in full:
        if quantile is not None and remaining <= 0:
            break
        quantile = trial.loss_ratio
        remaining -= trial.duration
    else:
        quantile = 1.0 if remaining > 0 else quantile
    return load * (1 - quantile)


@dataclass
class Result:
    """A Goal Result: regular when both bounds were found."""
    goal: Goal
    lower: float | None
    upper: float | None
    throughput: float | None

    @property
    def is_regular(self):
        return self.lower is not None and self.upper is not None


@dataclass
class Search:
    """One search: the measurer is called with a load and a duration, and gives a loss ratio back."""
    measure: object
    minimum: float
    maximum: float
    tell: object = lambda trial, goal: None
    most_trials: int = 2000
    trials: list = field(default_factory=list)

    def at(self, load):
        return [trial for trial in self.trials if trial.load == load]

    def bounds(self, goal):
        """The smallest upper bound, and the largest lower bound below it (RFC 9971: Relevant Bounds)."""
        classes = {load: classify(goal, self.at(load)) for load in {trial.load for trial in self.trials}}
        upper = min((load for load, what in classes.items() if what.is_upper), default=None)
        lower = max((load for load, what in classes.items() if what.is_lower and (upper is None or load < upper)),
                    default=None)
        return lower, upper

    def run(self, goals):
        """Results of all goals, in their order."""
        if not 0 < self.minimum < self.maximum:
            raise ValueError("the least load is above 0 and below the largest")
        # One trial with everything: the device's forwarding rate there is near what is looked for.
        rate = self.trial(self.maximum, min(goal.initial_duration for goal in goals), None).forwarding_rate
        results = []
        for goal in goals:
            # What bounds another goal is a good guess, and has trials already.
            known = [load for other in results for load in (other.lower, other.upper) if load]
            self.narrow(goal, [*known, rate * (1 - goal.width / 2), rate * (1 + goal.width / 2)])
            results.append(self.result(goal))
        return [self.result(goal) for goal in goals]

    def result(self, goal):
        lower, upper = self.bounds(goal)
        throughput = None if lower is None else conditional_throughput(goal, lower, self.at(lower))
        return Result(goal, lower, upper, throughput)

    def narrow(self, goal, guesses):
        while (load := self.next_load(goal, guesses)) is not None:
            self.decide(goal, load)

    def next_load(self, goal, guesses):
        """The load to decide on next, or none where the goal is reached."""
        lower, upper = self.bounds(goal)
        floor, ceiling = lower or 0.0, upper or float("inf")
        if lower and upper and (upper - lower) / upper <= goal.width:
            return None
        for guess in guesses:
            if floor < guess < ceiling and self.minimum <= guess <= self.maximum:
                return guess
        if lower is None and upper is None:
            return self.maximum
        # Away from the only bound in growing steps, rather than into the middle of nothing.
        if upper is None:
            return None if lower >= self.maximum else min(self.maximum, lower / self.step(goal))
        if lower is None:
            return None if upper <= self.minimum else max(self.minimum, upper * self.step(goal))
        middle = sqrt(lower * upper)
        return middle if lower < middle < upper else None

    def step(self, goal):
        """The width of the goal, squared once more for every load that is decided."""
        loads = {trial.load for trial in self.trials}
        decided = [what for what in (classify(goal, self.at(load)) for load in loads) if what.is_lower or what.is_upper]
        return (1 - goal.width) ** (2 ** min(9, 1 + len(decided)))

    def decide(self, goal, load):
        """Trials at one load until it is a bound: the short ones first, since loss shows in them too."""
        duration = goal.initial_duration
        while True:
            what = classify(goal, self.at(load))
            if what.is_lower or what.is_upper:
                return
            self.trial(load, duration, goal)
            duration = goal.final_duration

    def trial(self, load, duration, goal):
        if len(self.trials) >= self.most_trials:
            raise RuntimeError(f"{self.most_trials} trials and no end: the device is too irregular for these goals")
        trial = Trial(load, duration, self.measure(load, duration))
        self.trials.append(trial)
        self.tell(trial, goal)
        return trial
