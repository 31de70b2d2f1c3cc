"""What a file is after each beat of a chapter, also when the stage has changed
since the chapter was written."""
from __future__ import annotations

import difflib
import itertools

from .book import Beat, find_run
from .differences import changed_ranges


class Line:
    """A line that a file has at some time in a chapter.

    It is there after the beats birth, birth + 1, ... death - 1. Birth 0: it
    comes from the stage before. Death None: it stays. Birth None: no beat
    claims it.
    """

    def __init__(self, text: str, birth: int | None = 0,
                 death: int | None = None, after: Line | None = None) -> None:
        self.text = text
        self.birth = birth
        self.death = death
        self.after = after              # where a new line belongs
        self.shown_by: set[int] = set()     # the beats with it as context

    def there(self, beat: int) -> bool:
        return (self.birth is not None and self.birth <= beat
                and (self.death is None or self.death > beat))

    def telling(self) -> bool:
        """Whether the text says where it belongs: a brace does not."""
        return any(char.isalnum() for char in self.text)


class History:
    """All lines that a file has in the course of a chapter, in one order.

    The file after beat k is made of the lines that are there at k. So moving
    a line to another beat, or adding lines, can not break any other state.
    """

    def __init__(self, exists: bool, lines: list[Line]) -> None:
        self.exists = exists            # already in the stage before
        self.lines = lines

    def file_at(self, beat: int) -> list[str] | None:
        if self.exists or any(line.birth is not None and line.birth <= beat
                              for line in self.lines):
            return [line.text for line in self.lines if line.there(beat)]
        return None

    def body(self, beat: int, lead: int, trail: int) -> list[str]:
        """The beat's block, with lead and trail lines of context or more."""
        changed = [number for number, line in enumerate(self.lines)
                   if beat in (line.birth, line.death)]
        if not changed:
            return []
        above = [line.text for line in self.lines[:changed[0]]
                 if line.there(beat)]
        below = [line.text for line in self.lines[changed[-1] + 1:]
                 if line.there(beat)]
        shown = [line for line in self.lines[changed[0]:changed[-1] + 1]
                 if line.there(beat - 1) or line.there(beat)]
        run = [line.text for line in shown if line.there(beat - 1)]
        up, down = enough_context(above, run, below, lead, trail)
        ops = [(" " if line.there(beat - 1) and line.there(beat)
                else "+" if line.there(beat) else "-", line.text)
               for line in shown]
        ops = removals_first(ops)
        return ([text and " " + text for text in above[len(above) - up:]]
                + [text and " " + text if kind == " " else kind + text
                   for kind, text in ops]
                + [text and " " + text for text in below[:down]])


def enough_context(above: list[str], run: list[str], below: list[str],
                   lead: int, trail: int) -> tuple[int, int]:
    """How much context makes run unique, at least lead and trail lines."""
    text = above + run + below
    for extra in range(len(text) + 1):
        for more in range(extra, -1, -1):
            up = min(lead + more, len(above))
            down = min(trail + extra - more, len(below))
            start = len(above) - up
            if len(find_run(text, text[start:start + up + len(run) + down])
                   ) == 1:
                return up, down
    return len(above), len(below)


def removals_first(ops: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Sorts neighbouring changes that begin with an added line."""
    result = []
    for context, group in itertools.groupby(ops, key=lambda op: op[0] == " "):
        changes = list(group)
        if not context and changes[0][0] == "+":
            changes.sort(key=lambda op: op[0] == "+")
        result += changes
    return result


class Retake(History):
    """The history that old beats tell, fitted to what the stage is now."""

    def __init__(self, before: list[str] | None, beats: list[Beat],
                 final: list[str]) -> None:
        super().__init__(before is not None,
                         [Line(text) for text in before or []])
        self.before = list(self.lines)
        self.homeless: dict[int, list[Line]] = {}   # by beat: without a place
        for beat in beats:
            self._apply(beat)
        last = beats[-1].number if beats else 0
        self.old_final = [line for line in self.lines if line.there(last)]
        self.final = self._claim_all(final)
        self._reunite()
        self._sort()

    def unclaimed_additions(self) -> list[int]:
        """Indices of the stage's lines that no beat adds."""
        return [number for number, line in enumerate(self.final)
                if line.birth is None]

    def unclaimed_removals(self) -> list[int]:
        """Indices of the former stage's lines that no beat removes."""
        final = set(self.final)
        return [number for number, line in enumerate(self.before)
                if line.death is None and line not in final]

    # What the old beats say, also where they do not match any more.

    def _apply(self, beat: Beat) -> None:
        run = beat.texts(" ", "-")
        found = self._place(run, [line for line in self.lines
                                  if line.there(beat.number - 1)])
        if not found and (run or self.lines):
            self.homeless[beat.number] = [
                Line(text, beat.number) for text in beat.texts("+")]
            return
        position = self.lines.index(found[min(found)]) if found else 0
        index = 0
        for kind, text in beat.ops:
            if kind == "+":
                self.lines.insert(position, Line(text, beat.number))
                position += 1
                continue
            if line := found.get(index):
                position = self.lines.index(line) + 1
                if kind == "-":
                    line.death = beat.number
                else:
                    line.shown_by.add(beat.number)
            index += 1

    @staticmethod
    def _place(run: list[str], there: list[Line]) -> dict[int, Line]:
        """The lines that those of run stand for, by index in run."""
        texts = [line.text for line in there]
        places = find_run(texts, run)
        if not places:          # lines may have been edited
            run = [line if line in texts else
                   next(iter(difflib.get_close_matches(line, texts, 1)), line)
                   for line in run]
            places = find_run(texts, run)
        if places:
            return dict(enumerate(there[places[0]:places[0] + len(run)]))
        match = difflib.SequenceMatcher(None, run, texts, autojunk=False)
        best = match.find_longest_match()
        start = max(best.b - best.a - len(run), 0)
        match.set_seq2(texts[start:start + 3 * len(run)])
        found = {one + offset: there[start + other + offset]
                 for one, other, size in match.get_matching_blocks()
                 for offset in range(size)}
        return found if any(map(Line.telling, found.values())) else {}

    # What the stage says: each line that differs gets a beat.

    def _claim_all(self, final: list[str]) -> list[Line]:
        old = self.old_final
        ranges = changed_ranges([line.text for line in old], final)
        sizes: dict[int, int] = {}
        for line in old + sum(self.homeless.values(), []):
            sizes[line.birth] = sizes.get(line.birth, 0) + line.telling()
        for i1, i2, _, _ in ranges:
            for line in old[i1:i2]:
                if line.birth:
                    self.homeless.setdefault(line.birth, []).append(line)
        result: list[Line] = []
        done = 0
        for i1, i2, j1, j2 in ranges:
            result += old[done:i1]
            result += self._claim(i1, i2, final[j1:j2], sizes)
            done = i2
        return result + old[done:]

    def _claim(self, i1: int, i2: int, texts: list[str],
               sizes: dict[int, int]) -> list[Line]:
        """New lines for texts, which replace old_final[i1:i2].

        Whole beats that were moved keep their lines; other lines go to the
        beat of the line they replace, else to the one at their place.
        """
        replaced = self.old_final[i1:i2]
        births = [line.birth for line in replaced if line.birth]
        place = self._beat_at(i1, i2)
        owners: list[int | None] = self._moved(texts, sizes) or [
            births[number * len(births) // len(texts)] if births else place
            for number in range(len(texts))]
        for number, line in enumerate(replaced):
            if line.birth == 0:
                line.death = (owners[number * len(owners) // len(replaced)]
                              if owners else place) or place
        after = self.old_final[i2 - 1] if i2 else None
        return [Line(text, owner, after=after)
                for text, owner in zip(texts, owners)]

    def _beat_at(self, i1: int, i2: int) -> int | None:
        """The beat that works next to old_final[i1:i2], or has it in view."""
        old = self.old_final
        before = old[i1 - 1] if i1 else None
        after = old[i2] if i2 < len(old) else None
        for line in (before, after):
            if line and line.birth:
                return line.birth
        start = self.lines.index(before) + 1 if before else 0
        end = self.lines.index(after) if after else len(self.lines)
        for line in self.lines[start:end]:
            if line.birth or line.death:
                return line.birth or line.death
        views = [line.shown_by if line else set()
                 for line in old[i1:i2] or (before, after)]
        if i1 < i2:
            return min(set.union(*views), default=None)
        return min(set.intersection(*views), default=None)

    def _moved(self, texts: list[str],
               sizes: dict[int, int]) -> list[int | None]:
        """Owners, when at least half of a homeless beat is among texts."""
        pools = {}
        for beat, lines in self.homeless.items():
            pool = {line.text for line in lines if line.telling()}
            if 2 * len(pool.intersection(texts)) >= sizes.get(beat, 1):
                pools[beat] = pool
        known = set().union(*pools.values())
        if 2 * sum(text in known for text in texts) < sum(
                Line(text).telling() for text in texts):
            return []
        owners: list[int | None] = []
        for text in texts:
            last = owners[-1] if owners else None
            owners.append(next((beat for beat in (last, *pools)
                                if text in pools.get(beat, ())), last))
        first = next((beat for beat in owners if beat), None)
        return [beat or first for beat in owners] if first else []

    # One order for all.

    def _reunite(self) -> None:
        """Lines that both stages have now are neither removed nor added."""
        old = set(self.old_final)
        ends = [line for line in self.final if line.birth == 0] + [None]
        i = j = 0
        for end in ends:
            leaving = list(itertools.takewhile(
                lambda line: line is not end, self.before[i:]))
            coming = list(itertools.takewhile(
                lambda line: line is not end, self.final[j:]))
            match = difflib.SequenceMatcher(
                None, [line.text for line in leaving],
                [line.text for line in coming], autojunk=False)
            for one, other, size in match.get_matching_blocks():
                pairs = list(zip(leaving[one:one + size],
                                 coming[other:other + size]))
                if any(line.telling() for line, _ in pairs):
                    for offset, (line, twin) in enumerate(pairs, start=j):
                        if line in old or twin not in old:
                            line.death = None
                            self.final[other + offset] = line
            i += len(leaving) + 1
            j += len(coming) + 1

    def _sort(self) -> None:
        """Merges the former stage's lines, the stage's, and passing ones."""
        position = {line: number for number, line in enumerate(self.lines)}
        keys: dict[Line, tuple[int, int, int]] = {}
        gap = 0                 # how many lines that never change are above
        for number, line in enumerate(self.final):
            if line.birth == 0:
                gap += 1
                keys[line] = (gap, -2, 0)
            else:
                place = position.get(line, position.get(line.after, -1))
                keys[line] = (gap, place, number)
        gap = 0
        for line in self.lines:
            if line in keys:
                gap += line.birth == 0
            elif line.birth == 0 or line.death:
                keys[line] = (gap, position[line], -1)
        self.lines = sorted(keys, key=keys.__getitem__)
