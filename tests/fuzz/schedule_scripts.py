"""The scripts of schedules.py: their form, and the generator.

    schedule NAME      more than one may follow each other in a file
    mode loop          or runner, or runner2: run() once or twice
    c0                 main; other coroutines are c1, c2 and so on,
      spawn t0 c1      callbacks b0, b1; "after" is for the closed loop
      try cancelled    or error, or any
        await t0
      except
        reraise
      end
    end
    run

Names begin with a letter that says what they stand for: f for a future, t for
a task, w for a whole (gather, shield), k for a done callback, h for a handle, o
for a timeout, g for a group, i for what as_completed gives; "me" is the task
itself. They are global, and one that stands for nothing yet is told as "none".
Times are in ticks, eight a second. What an instruction does is in
schedule_model.py, in a method of its name.
"""

import itertools
import random
from dataclasses import dataclass, field

# ---- Scripts -------------------------------------------------------------

# What has blocks, and how many.
COMPOUND = {"try": 2, "timeout": 1, "group": 1}


@dataclass
class Instruction:
    words: list
    blocks: list = field(default_factory=list)

    @property
    def operation(self):
        return self.words[0]

    def __str__(self):
        return " ".join(self.words)


@dataclass
class Script:
    name: str
    mode: str = "loop"
    blocks: dict = field(default_factory=dict)

    def __str__(self):
        lines = [f"schedule {self.name}", f"mode {self.mode}"]
        for name, block in self.blocks.items():
            lines += [name, *_lines(block, "  "), "end"]
        return "\n".join([*lines, "run\n"])


def _lines(block, indent):
    for each in block:
        yield indent + str(each)
        for number, inner in enumerate(each.blocks):
            if number:
                yield indent + "except"
            yield from _lines(inner, indent + "  ")
        if each.blocks:
            yield indent + "end"


def parse(text):
    """The scripts in a text."""
    lines = [line.split("#")[0].split() for line in text.splitlines()]
    lines = iter([words for words in lines if words])

    def block():
        found = []
        for words in lines:
            if words[0] in ("end", "except"):
                return found
            inner = [block() for _ in range(COMPOUND.get(words[0], 0))]
            found.append(Instruction(words, inner))
        raise ValueError("a block without an end")

    scripts = []
    script = Script("")
    for words in lines:
        if words[0] == "schedule":
            script = Script(words[1])
        elif words[0] == "mode":
            script.mode = words[1]
        elif words[0] == "run":
            scripts.append(script)
        else:
            script.blocks[words[0]] = block()
    return scripts


def places(script):
    """Each instruction, as a block and its place there."""

    def within(block):
        for place, each in enumerate(block):
            yield block, place
            for inner in each.blocks:
                yield from within(inner)

    for block in script.blocks.values():
        yield from within(block)


# ---- The generator -------------------------------------------------------

PAUSES = {
    "sleep": 9,
    "await": 10,
    "wait": 3,
    "waitfor": 3,
    "waitforc": 2,
    "next": 0.7,
    "awaitany": 0.4,
}
BLOCKS = {"try": 6, "timeout": 4, "group": 3}
CALLS = {
    "spawn": 6,
    "gspawn": 2,
    "future": 1,
    "set": 4,
    "fail": 2,
    "cancel": 6,
    "uncancel": 1,
    "cancelling": 1,
    "state": 1,
    "result": 1,
    "exception": 1,
    "addcb": 3,
    "rmcb": 0.5,
    "soon": 2,
    "later": 2,
    "hcancel": 0.5,
    "hstate": 0.3,
    "gather": 3,
    "gather0": 0.2,
    "gather1": 0.5,
    "gatherc": 1,
    "gatherm": 0.7,
    "shield": 2,
    "shieldc": 0.7,
    "iter": 1.5,
    "reschedule": 0.7,
    "ostate": 0.4,
    "repr": 0.7,
    "tasks": 0.3,
    "current": 0.2,
    "drop": 0.4,
    "stop": 0.1,
    "close": 0.05,
    "nested": 0.1,
    "foreign": 0.1,
    "raise": 1.2,
}


# What a closed loop is asked.
AFTER = "set fail cancel spawn soon later addcb state result exception hcancel"


class Generator:
    """Makes a script of a seed: the same one with every Python."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.name = str(seed)
        self.futures = self.names("f", 1, 3)
        self.tasks = self.names("t", 2, 5)
        # What gather and shield give.
        self.wholes = self.names("w", 1, 3)
        self.coroutines = self.names("c", 2, 6)
        self.callbacks = self.names("b", 1, 4)
        # Each schedule is fond of some things, and does without others.
        self.pauses = self.mood(PAUSES)
        self.blocks = self.mood(BLOCKS)
        self.calls = self.mood(CALLS)
        self.deep = self.random.choice((1, 2, 3))
        self.number = 0
        self.scopes = []

    def names(self, letter, least, most):
        return [
            f"{letter}{i}" for i in range(self.random.randint(least, most))
        ]

    def mood(self, weights):
        taste = (0, 0.3, 1, 1, 3)
        return {
            word: weight * self.random.choice(taste) + 0.01
            for word, weight in weights.items()
        }

    def choose(self, weights):
        return self.random.choices([*weights], [*weights.values()])[0]

    def chance(self, share):
        return self.random.random() < share

    def script(self):
        mode = "loop"
        if self.chance(0.2):
            mode = self.random.choice(("runner", "runner", "runner2"))
        script = Script(self.name, mode)
        for self.number, name in enumerate(self.coroutines):
            block = self.block(self.random.randint(1, 7), self.deep)
            if name == "c0":
                block = self.opening() + block
            script.blocks[name] = block
        self.number = 0
        for name in self.callbacks:
            script.blocks[name] = block = []
            for _ in range(self.random.randint(1, 3)):
                block += self.call()
        if self.chance(0.2):
            script.blocks["after"] = [
                call
                for call in itertools.chain(*(self.call() for _ in range(8)))
                if call.operation in AFTER.split()
            ]
        return script

    def opening(self):
        """What main begins with, so that there is something to deal with."""
        block = [Instruction(["future", name]) for name in self.futures]
        for name in self.tasks:
            if self.chance(0.7):
                block.append(Instruction(["spawn", name, self.coroutine()]))
        for name in self.wholes:
            if self.chance(0.3):
                words = ["shield", name, self.variable()]
            elif self.chance(0.4):
                some = self.some(self.variable)
                words = ["gather", name, self.whether(), *some]
            else:
                continue
            block.append(Instruction(words))
        return block

    def block(self, length, deep, handler=False):
        block = []
        for _ in range(length):
            what = self.random.random()
            if what < 0.42:
                block.append(self.pause())
            elif what < 0.58 and deep:
                block.append(self.compound(deep - 1))
            elif what < 0.595:
                block.append(Instruction(["return", self.value()]))
            else:
                block += self.call()
                if block[-1].operation == "iter":
                    block += self.iterated(block[-1].words[1])
        if handler and self.chance(0.4):
            block.append(Instruction(["reraise"]))
        return block

    def compound(self, deep):
        length = self.random.randint(1, 4)
        operation = self.choose(self.blocks)
        if operation == "try":
            kind = self.random.choice(("cancelled", "error", "any", "any"))
            body = self.block(length, deep)
            handler = self.block(
                self.random.randint(0, 3), deep, handler=True
            )
            return Instruction(["try", kind], [body, handler])
        if operation == "timeout":
            words = ["timeout", self.limit(), self.delay(or_none=True)]
            begin = []
        else:
            words = ["group", self.group()]
            begin = [
                Instruction(
                    ["gspawn", words[1], self.task(), self.coroutine()]
                )
                for _ in range(self.random.randint(0, 3))
            ]
        self.scopes.append(words[1])
        body = begin + self.block(length, deep)
        self.scopes.pop()
        return Instruction(words, [body])

    def iterated(self, iteration):
        """Takes some of what as_completed gives."""
        block = []
        for _ in range(self.random.randint(0, 3)):
            one = Instruction(["next", iteration])
            if self.chance(0.3):
                one = Instruction(["try", "error"], [[one], []])
            block.append(one)
        return block

    def pause(self):
        operation = self.choose(self.pauses)
        words = {
            "sleep": lambda: [
                self.delay(),
                *([self.value()] if self.chance(0.1) else []),
            ],
            "await": lambda: [self.variable()],
            "awaitany": lambda: [self.target()],
            "wait": lambda: [
                self.random.choice(("first", "exception", "all")),
                self.delay(or_none=True),
                *self.some(self.variable, least=0 if self.chance(0.1) else 1),
            ],
            "waitfor": lambda: [self.variable(), self.delay(or_none=True)],
            "waitforc": lambda: [self.coroutine(), self.delay(or_none=True)],
            "next": lambda: [self.iteration()],
        }[operation]()
        return Instruction([operation, *words])

    def call(self):
        """One or two calls that have to do with each other."""
        block = [self.one_call()]
        first = block[0].words
        after = {"addcb": "rmcb", "soon": "hcancel", "later": "hcancel"}
        if first[0] in after and self.chance(0.15):
            block.append(Instruction([after[first[0]], first[1]]))
        elif first[0] in ("set", "cancel") and self.chance(0.2):
            # In one round, what wakes and what cancels.
            block.append(
                Instruction(["cancel", self.target(), *self.message()])
            )
        return block

    def one_call(self):
        operation = self.choose(self.calls)
        words = {
            "future": lambda: [self.future()],
            "spawn": lambda: [self.task(), self.coroutine()],
            "gspawn": lambda: [self.group(), self.task(), self.coroutine()],
            "set": lambda: [self.future(), self.value()],
            "fail": lambda: [self.future(), *self.error()],
            "cancel": lambda: [self.target(), *self.message()],
            "uncancel": lambda: [self.target(self.task)],
            "cancelling": lambda: [self.target(self.task)],
            "state": lambda: [self.target()],
            "addcb": lambda: [
                self.registration(),
                self.target(),
                self.callback(),
            ],
            "rmcb": lambda: [self.registration()],
            "soon": lambda: [self.handle(), self.callback()],
            "later": lambda: [self.handle(), self.delay(), self.callback()],
            "hcancel": lambda: [self.handle()],
            "hstate": lambda: [self.handle()],
            "gather": lambda: [
                self.whole(),
                self.whether(),
                *self.some(self.variable),
            ],
            "gather0": lambda: [self.whole()],
            "gather1": lambda: [self.whole(), self.variable()],
            "gatherc": lambda: [
                self.whole(),
                self.whether(),
                *self.some(self.coroutine),
            ],
            "gatherm": lambda: [
                self.whole(),
                self.whether(),
                self.future(),
                self.coroutine(),
            ],
            "shield": lambda: [self.whole(), self.variable()],
            "shieldc": lambda: [self.whole(), self.coroutine()],
            "iter": lambda: [
                self.iteration(),
                self.delay(or_none=True),
                *self.some(self.variable),
            ],
            "reschedule": lambda: [self.limit(), self.delay(or_none=True)],
            "ostate": lambda: [self.limit()],
            "repr": lambda: [self.target()],
            "tasks": lambda: [],
            "current": lambda: [],
            "stop": lambda: [],
            "close": lambda: [],
            "foreign": lambda: [self.future()],
            "raise": self.error,
        }.get(operation, lambda: [self.variable()])()
        return Instruction([operation, *words])

    def some(self, what, least=0):
        count = self.random.choice((0, 1, 1, 2, 2, 2, 3, 3, 4))
        return [what() for _ in range(max(count, least))]

    def one_of(self, names):
        if self.chance(0.06):
            names = self.futures + self.tasks + self.wholes
        return self.random.choice(names)

    def future(self):
        return self.one_of(self.futures)

    def task(self):
        return self.one_of(self.tasks)

    def whole(self):
        return self.one_of(self.wholes)

    def variable(self):
        return self.choose(
            {self.future: 3, self.task: 5, self.whole: 2}
        )()

    def target(self, otherwise=None):
        what = self.random.random()
        if what < 0.08:
            return "main"
        return "me" if what < 0.2 else (otherwise or self.variable)()

    def coroutine(self):
        """A later one, rarely any: most schedules end by themselves."""
        if self.chance(0.03):
            return self.random.choice(self.coroutines)
        later = self.coroutines[self.number + 1 :]
        return self.random.choice(later) if later else "nothing"

    def callback(self):
        return self.random.choice(self.callbacks)

    def value(self):
        return str(self.random.randint(1, 9))

    def delay(self, or_none=False):
        if or_none and self.chance(0.25):
            return "none"
        return str(self.random.choice((0, 0, 0, 1, 1, 2, 2, 3, 4, 6, -1)))

    def message(self):
        which = self.random.choice(("", "", "x", "y", "z"))
        return [which] if which else []

    def error(self):
        what = self.random.random()
        if what < 0.12:
            return ["cancelled", *self.message()]
        if what < 0.16:
            return ["interrupt"]
        if what < 0.2:
            return ["timeout"]
        return [self.value()]

    def whether(self):
        return self.random.choice(("results", "outcomes"))

    def scope(self, letter):
        """The innermost, or any."""
        names = [name for name in self.scopes if name[0] == letter]
        if names and self.chance(0.8):
            return names[-1]
        return letter + self.random.choice("001")

    def limit(self):
        return self.scope("o")

    def group(self):
        return self.scope("g")

    def iteration(self):
        return self.random.choice(("i0", "i1"))

    def registration(self):
        return self.random.choice(("k0", "k1"))

    def handle(self):
        return self.random.choice(("h0", "h1"))
