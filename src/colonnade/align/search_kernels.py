"""The search for hits: bwa's bounded traversal of partial alignments, best score first (bwt_match_gap, bwtgap.c).

Memory is what it waits for, so several reads are searched in turns: each asks for the cache lines that it needs next, then
leaves the turn to the next one. Beside that it differs from bwa in what is done, not in what comes of it:

- A read is first matched exactly, as far as that goes. bwa does so too, as the continuation without a difference is always the
  next one taken; but where the whole read matches, what bwa knows after that first hit is known from the start: which partial
  alignments are too bad to be taken, and which cannot lead anywhere with the one difference that is left.
- Before a hit, it is guessed what will be taken: what scores as two differences more than the bounds tell, or less. If there is no
  such hit, or one that allows more, the search begins again without a guess.
- What is not to be taken is counted, as the queue limit wants it, but not stored.
- A partial alignment continues without a difference in registers.
"""

from typing import NamedTuple

import numpy as np

from colonnade.align.bounds_kernels import prepare
from colonnade.align.fm_kernels import block_of, prefetch, step, step_all
from colonnade.jit import kernel

LANES = 12  # reads that are searched in turns
CHUNK_SHIFT = 6
CHUNK = 1 << CHUNK_SHIFT  # partial alignments of one score that are taken from the pool, or given back, at a time
MOST_CHILDREN = 9  # of a partial alignment: an insertion, deletions and mismatches of four bases each
MOST_AT_ONCE = 5  # of one score
MOST_BOUND = 3  # of differences, up to which a guess is worth its while
CROWDED = 1 << 20 >> CHUNK_SHIFT  # chunks in use: beyond, reads are searched one by one, lest memory grow with LANES

# columns of hits
ROW_START, ROW_END, SCORE, MISMATCHES, GAP_OPENS, GAP_EXTENSIONS, INSERTIONS, DELETIONS = range(8)
HIT_FIELDS = 8

# what a partial alignment ends with
MATCH, INSERTION, DELETION = 0, 1, 2

# what is to be done next for a read
IDLE, LOAD, BEGIN, SELECT, ENTER, EXACT, EXPAND, HIT, RETRY, FINISH = range(10)


class SearchSettings(NamedTuple):
    """``AlignOptions`` for kernels; ``differences`` by length of the read, (longest + 1,)."""

    differences: np.ndarray
    gap_opens: int
    gap_extensions: int
    count_extensions: bool  # extensions are differences
    indel_end_skip: int
    deletion_hits: int
    seed_length: int
    seed_differences: int
    queue_entries: int
    mismatch_penalty: int
    gap_open_penalty: int
    gap_extension_penalty: int
    most_best_hits: int
    log_gap_penalty: bool
    all_hits: bool


@kernel
def _shadow(rows, most, last, widths, bounds, slot):
    """Take a hit out of the bounds, so that it is not found again in other ways (gap_shadow, bwtgap.c)."""
    used = 0
    for i in range(last):
        if widths[slot, i] > rows:
            widths[slot, i] -= rows
        elif widths[slot, i] == rows:
            used += 1
            bounds[slot, i] = 1
            widths[slot, i] = most - used


@kernel
def _log2(value):
    """The position of the highest bit."""
    found = 0
    while value > 1:
        value >>= 1
        found += 1
    return found


# columns of a lane's state
TODO, SLOT, LEFT, LO, HI, MM, OPENS, EXTENSIONS, INS, DEL, STATE, LAST, POINTS = range(13)
ENTRIES, STORED, LOWEST, MOST_DIFF, MOST_OPENS, CAP, BEST, BEST_ROWS, HITS = range(13, 22)
IS_QUICK, IS_GUESS = 22, 23
STATE_WIDTH = 24

# columns of what the lanes share
NEXT_READ, SIZE, NEXT_SLOT, ACTIVE, FREE_CHUNK, FREE_CHUNKS, N_HITS = range(7)
SHARED_WIDTH = 8

# why the search stops
DONE, WANTS_CHUNKS, WANTS_HITS, WANTS_OUTPUT = range(4)


class Room(NamedTuple):
    """What the search writes to, by lane; made by ``colonnade.align.search``, and made larger when the kernel asks for it."""

    lanes: np.ndarray  # int64 (LANES, STATE_WIDTH)
    shared: np.ndarray  # int64 (SHARED_WIDTH,)
    children: np.ndarray  # int64 (4, 2): intervals
    tops: np.ndarray  # int64 (LANES, scores): behind the partial alignment stored last, or -1
    pool: np.ndarray  # int64 (chunks * CHUNK, 3): partial alignments
    chunks: np.ndarray  # int64 (chunks,): where the chunk before ends in the same stack, or the next free one
    found: np.ndarray  # int64 (LANES, most, HIT_FIELDS)
    hits: np.ndarray  # int64 (most, HIT_FIELDS): of reads that are done


@kernel
def _push(room, lane, score, left, lo, hi, mm, opens, extensions, ins, dele, state, last):
    """Store a partial alignment; there must be space for it."""
    lanes, pool, tops = room.lanes, room.pool, room.tops
    at = tops[lane, score]
    pool[at, 0] = lo << 24 | left << 8 | mm
    pool[at, 1] = hi << 24 | last << 8 | opens << 2 | state
    pool[at, 2] = extensions << 32 | ins << 16 | dele
    tops[lane, score] = at + 1
    lanes[lane, STORED] += 1
    if score < lanes[lane, LOWEST]:
        lanes[lane, LOWEST] = score


@kernel
def _make_space(room, lane, score):
    """See that the next partial alignments of a score have space, if need be in a new chunk; there must be one."""
    at = room.tops[lane, score]
    if (at - 1) & (CHUNK - 1) >= CHUNK - MOST_AT_ONCE:  # also where there is no chunk yet, and at is -1
        _begin_chunk(room, lane, score, at)


@kernel
def _begin_chunk(room, lane, score, at):
    """Take a chunk from the pool for the stack of a score, which so far ends at ``at``."""
    chunk = room.shared[FREE_CHUNK]
    room.shared[FREE_CHUNK] = room.chunks[chunk]
    room.shared[FREE_CHUNKS] -= 1
    room.chunks[chunk] = at
    room.tops[lane, score] = chunk << CHUNK_SHIFT


@kernel
def _release(room, chunk):
    """Give a chunk back to the pool; returns where the stack that it was the last of now ends."""
    top = room.chunks[chunk]
    room.chunks[chunk] = room.shared[FREE_CHUNK]
    room.shared[FREE_CHUNK] = chunk
    room.shared[FREE_CHUNKS] += 1
    return top


@kernel
def _forget(room, lane):
    """Give back what a lane has stored."""
    if room.lanes[lane, STORED] > 0:
        for score in range(room.lanes[lane, LOWEST], room.tops.shape[1]):
            at = room.tops[lane, score]
            while at >= 0:
                at = _release(room, (at - 1) >> CHUNK_SHIFT)
            room.tops[lane, score] = -1


@kernel
def search_reads(fm, data, offsets, lengths, settings, group, room, starts, counts):
    """Search reads until all are done, or space is wanting; called again with more of that, it goes on.

    ``starts`` and ``counts`` (reads,) are filled: where the hits of each read are in ``room.hits``, in no order of reads.
    """
    shared = room.shared
    while True:
        if shared[ACTIVE] == 0:
            size, following = prepare(fm, data, offsets, lengths, settings, group, shared[NEXT_READ])
            if size == 0:
                return DONE
            shared[NEXT_READ] = following
            shared[SIZE] = size
            shared[NEXT_SLOT] = 0
            shared[ACTIVE] = room.lanes.shape[0]
            for lane in range(room.lanes.shape[0]):
                room.lanes[lane, TODO] = LOAD
        stop = _search_group(fm, settings, group, room, starts, counts)
        if stop != DONE:
            return stop


@kernel
def _search_group(fm, settings, group, room, starts, counts):
    """Search the reads of a group, in turns, until all are done, or space is wanting."""
    lanes, shared, tops, pool = room.lanes, room.shared, room.tops, room.pool
    children, found, hits = room.children, room.found, room.hits
    codes, path, widths, bounds = group.codes, group.path, group.widths, group.bounds
    seed_widths, seed_bounds = group.seed_widths, group.seed_bounds
    n_lanes = lanes.shape[0]
    n_scores = tops.shape[1]
    seed_length = settings.seed_length
    mismatch, gap_open = settings.mismatch_penalty, settings.gap_open_penalty
    gap_extension = settings.gap_extension_penalty
    beyond = n_scores + mismatch  # a score that none reaches
    top = fm.length + 1

    while shared[ACTIVE] > 0:
        is_crowded = room.chunks.size - shared[FREE_CHUNKS] > CROWDED
        for lane in range(n_lanes):
            todo = lanes[lane, TODO]
            if todo == IDLE:
                continue
            stop = DONE
            slot = lanes[lane, SLOT]
            left = lanes[lane, LEFT]
            lo = lanes[lane, LO]
            hi = lanes[lane, HI]
            mm = lanes[lane, MM]
            opens = lanes[lane, OPENS]
            extensions = lanes[lane, EXTENSIONS]
            ins = lanes[lane, INS]
            dele = lanes[lane, DEL]
            state = lanes[lane, STATE]
            last = lanes[lane, LAST]
            points = lanes[lane, POINTS]

            while True:
                if todo == EXPAND:
                    # ---- all continuations of a partial alignment by one base
                    if shared[FREE_CHUNKS] < 2:
                        stop = WANTS_CHUNKS
                        break
                    left -= 1
                    length = group.lengths[slot]
                    base = np.int64(codes[slot, left])
                    allow_diff = allow_mm = True
                    used = mm + opens + (extensions if settings.count_extensions else 0)
                    if left > 0:
                        allowed = lanes[lane, MOST_DIFF] - used - 1
                        bound = np.int64(bounds[slot, left - 1])
                        allow_diff = bound <= allowed
                        if bound == allowed and bounds[slot, left] == bound:
                            allow_mm = widths[slot, left - 1] != widths[slot, left]
                        inner = left - (length - seed_length)
                        if length > seed_length and inner > 0:
                            allowed = settings.seed_differences - used - 1
                            bound = np.int64(seed_bounds[slot, inner - 1])
                            allow_diff = allow_diff and bound <= allowed
                            if bound == allowed and seed_bounds[slot, inner] == bound:
                                allow_mm = allow_mm and seed_widths[slot, inner - 1] != seed_widths[slot, inner]

                    rows = hi - lo
                    exact_lo = exact_hi = np.int64(0)
                    entries = lanes[lane, ENTRIES]
                    if not allow_diff:
                        if base < 4:
                            exact_lo = step(fm, lo, base)
                            exact_hi = step(fm, hi, base)
                    else:
                        if mm + opens == 0 and rows == 1 and left >= group.dead[slot]:
                            # on the path of the exact match: the only base is known
                            for other in range(4):
                                children[other, 0] = 0
                                children[other, 1] = 0
                            children[base, 0] = path[slot, left, 0]
                            children[base, 1] = path[slot, left, 1]
                        else:
                            children[0, 0], children[1, 0], children[2, 0], children[3, 0] = step_all(fm, lo)
                            children[0, 1], children[1, 1], children[2, 1], children[3, 1] = step_all(fm, hi)
                        if base < 4:
                            exact_lo = children[base, 0]
                            exact_hi = children[base, 1]
                        cap = lanes[lane, CAP]
                        n_children = np.int64(0)
                        for other in range(4):
                            n_children += children[other, 0] < children[other, 1]

                        # indels
                        gaps = extensions + opens
                        margin = settings.indel_end_skip + (_log2(gaps) // 2 + 1 if settings.log_gap_penalty else gaps)
                        opening = state == MATCH and opens < lanes[lane, MOST_OPENS]
                        extending = state != MATCH and extensions < settings.gap_extensions
                        if (opening or extending) and left >= margin and length - left >= margin:
                            score = points + (gap_open if opening else gap_extension)
                            inserts = opening or state == INSERTION
                            deletes = opening or (
                                state == DELETION and (gaps < lanes[lane, MOST_DIFF] or rows < settings.deletion_hits)
                            )
                            n_new = inserts + n_children * deletes
                            entries += n_new
                            if n_new > 0 and score <= cap:
                                new_opens = opens + opening
                                new_extensions = extensions + extending
                                _make_space(room, lane, score)
                                if inserts:
                                    _push(
                                        room, lane, score, left, lo, hi, mm, new_opens, new_extensions,
                                        ins + 1, dele, INSERTION, left,
                                    )  # fmt: skip
                                if deletes:
                                    for other in range(4):
                                        if children[other, 0] < children[other, 1]:
                                            _push(
                                                room, lane, score, left + 1, children[other, 0], children[other, 1], mm,
                                                new_opens, new_extensions, ins, dele + 1, DELETION, left + 1,
                                            )  # fmt: skip

                        # mismatches
                        n_new = n_children - (exact_lo < exact_hi)
                        if allow_mm and n_new > 0:
                            score = points + mismatch
                            entries += n_new
                            if score <= cap:
                                _make_space(room, lane, score)
                                for j in range(1, 4 + (base > 3)):
                                    other = (base + j) & 3
                                    if children[other, 0] < children[other, 1]:
                                        _push(
                                            room, lane, score, left, children[other, 0], children[other, 1], mm + 1,
                                            opens, extensions, ins, dele, MATCH, left,
                                        )  # fmt: skip

                    # the continuation without a difference is the next one taken
                    lanes[lane, ENTRIES] = entries
                    todo = SELECT
                    if exact_lo < exact_hi:
                        lo, hi, state, last = exact_lo, exact_hi, np.int64(MATCH), np.int64(0)
                        todo = ENTER if entries < settings.queue_entries else FINISH

                elif todo == ENTER:
                    # ---- what a partial alignment that has been taken needs
                    allowed = lanes[lane, MOST_DIFF] - mm - opens
                    if settings.count_extensions:
                        allowed -= extensions
                    if lanes[lane, IS_QUICK] and mm + opens == 0:
                        # only a mismatch could be stored, and only where not all rows have the same base
                        while left > 0 and (
                            hi - lo == 1 or (left > 1 and widths[slot, left - 2] == widths[slot, left - 1])
                        ):
                            left -= 1
                            lo = path[slot, left, 0]
                            hi = path[slot, left, 1]
                        last = np.int64(0)
                    is_on_path = mm + opens == 0 and hi - lo == 1 and left > group.dead[slot]
                    if allowed < 0 or (left > 0 and allowed < bounds[slot, left - 1]):
                        todo = SELECT
                    elif left == 0:
                        todo = HIT
                    else:
                        todo = EXPAND
                        if allowed == 0 and (
                            state == MATCH or settings.count_extensions or extensions == settings.gap_extensions
                        ):
                            todo = EXACT
                        if not is_on_path:
                            prefetch(fm.blocks, block_of(fm, lo))
                            prefetch(fm.blocks, block_of(fm, hi))
                            break

                elif todo == EXACT:
                    # ---- no difference left: one base at a time
                    base = np.int64(codes[slot, left - 1])
                    todo = SELECT
                    if base < 4:
                        lo = step(fm, lo, base)
                        hi = step(fm, hi, base)
                        if lo < hi:
                            left -= 1
                            if left == 0:
                                todo = HIT
                            else:
                                todo = EXACT
                                prefetch(fm.blocks, block_of(fm, lo))
                                prefetch(fm.blocks, block_of(fm, hi))
                                break

                elif todo == SELECT:
                    # ---- take the partial alignment that was stored last among the best
                    if lanes[lane, STORED] == 0 or lanes[lane, ENTRIES] > settings.queue_entries:
                        is_open = lanes[lane, IS_GUESS] and lanes[lane, HITS] == 0 and lanes[lane, STORED] == 0
                        todo = RETRY if is_open else FINISH
                    else:
                        points = lanes[lane, LOWEST]
                        at = tops[lane, points] - 1
                        word = pool[at, 0]
                        lo = word >> 24
                        left = word >> 8 & 0xFFFF
                        mm = word & 0xFF
                        word = pool[at, 1]
                        hi = word >> 24
                        last = word >> 8 & 0xFFFF
                        opens = word >> 2 & 0x3F
                        state = word & 3
                        word = pool[at, 2]
                        extensions = word >> 32
                        ins = word >> 16 & 0xFFFF
                        dele = word & 0xFFFF
                        if at & (CHUNK - 1) == 0:
                            at = _release(room, at >> CHUNK_SHIFT)
                        tops[lane, points] = at
                        lanes[lane, ENTRIES] -= 1
                        lanes[lane, STORED] -= 1
                        if at < 0:
                            lowest = beyond
                            if lanes[lane, STORED] > 0:
                                lowest = points + 1
                                while tops[lane, lowest] < 0:
                                    lowest += 1
                            lanes[lane, LOWEST] = lowest
                        todo = FINISH if points > lanes[lane, CAP] else ENTER

                elif todo == HIT:
                    # ---- a whole alignment
                    n_found = lanes[lane, HITS]
                    if n_found == found.shape[1]:
                        stop = WANTS_HITS
                        break
                    if n_found == 0 and lanes[lane, IS_GUESS] and points + mismatch > lanes[lane, CAP]:
                        todo = RETRY
                        continue
                    rows = hi - lo
                    if n_found == 0:
                        lanes[lane, BEST] = points
                        if not settings.all_hits:
                            differences = mm + opens + (extensions if settings.count_extensions else 0)
                            lanes[lane, MOST_DIFF] = min(lanes[lane, MOST_DIFF], differences + 1)
                            lanes[lane, CAP] = points + mismatch
                    todo = SELECT
                    if points == lanes[lane, BEST]:
                        lanes[lane, BEST_ROWS] += rows
                    elif lanes[lane, BEST_ROWS] > settings.most_best_hits:
                        todo = FINISH
                    is_new = todo == SELECT
                    if is_new and opens > 0:
                        for j in range(n_found):
                            if found[lane, j, ROW_START] == lo and found[lane, j, ROW_END] == hi:
                                is_new = False
                                break
                    if is_new:
                        if last > 0:
                            _shadow(rows, fm.length, last, widths, bounds, slot)
                        found[lane, n_found, ROW_START] = lo
                        found[lane, n_found, ROW_END] = hi
                        found[lane, n_found, SCORE] = points
                        found[lane, n_found, MISMATCHES] = mm
                        found[lane, n_found, GAP_OPENS] = opens
                        found[lane, n_found, GAP_EXTENSIONS] = extensions
                        found[lane, n_found, INSERTIONS] = ins
                        found[lane, n_found, DELETIONS] = dele
                        lanes[lane, HITS] = n_found + 1

                elif todo == FINISH:
                    # ---- hand over the hits, and forget the rest
                    read = group.reads[slot]
                    n_found = lanes[lane, HITS]
                    n_hits = shared[N_HITS]
                    if n_hits + n_found > hits.shape[0]:
                        stop = WANTS_OUTPUT
                        break
                    starts[read] = n_hits
                    counts[read] = n_found
                    for j in range(n_found):
                        for field in range(HIT_FIELDS):
                            hits[n_hits + j, field] = found[lane, j, field]
                    shared[N_HITS] = n_hits + n_found
                    _forget(room, lane)
                    todo = LOAD

                elif todo == RETRY:
                    # ---- too little was stored: once more, with all; no hit has changed the bounds yet
                    _forget(room, lane)
                    lanes[lane, IS_GUESS] = 0
                    lanes[lane, CAP] = beyond
                    todo = BEGIN

                elif todo == BEGIN:
                    # ---- from no base on
                    lanes[lane, ENTRIES] = 0
                    lanes[lane, STORED] = 0
                    lanes[lane, LOWEST] = beyond
                    lanes[lane, BEST_ROWS] = 0
                    lanes[lane, HITS] = 0
                    left = group.lengths[slot]
                    lo, hi = np.int64(0), top
                    mm = opens = extensions = ins = dele = state = last = points = np.int64(0)
                    todo = ENTER

                else:  # LOAD
                    # ---- the next read of the group
                    slot = shared[NEXT_SLOT]
                    if slot == shared[SIZE]:
                        shared[ACTIVE] -= 1
                        todo = IDLE
                        break
                    shared[NEXT_SLOT] = slot + 1
                    if group.hopeless[slot]:
                        continue
                    left = group.lengths[slot]
                    most = settings.differences[left]
                    # an exact hit, and a queue that it cannot fill: search as after that hit
                    is_exact = (
                        group.dead[slot] == 0
                        and not settings.all_hits
                        and MOST_CHILDREN * (left + 1) <= settings.queue_entries
                    )
                    # else a guess: that the best hit has one difference more than the bounds tell, or fewer
                    bound = group.bounds[slot, left - 1]
                    is_guess = not is_exact and not settings.all_hits and bound <= MOST_BOUND
                    lanes[lane, MOST_DIFF] = min(most, 1) if is_exact else most
                    lanes[lane, MOST_OPENS] = min(settings.gap_opens, most)
                    lanes[lane, IS_QUICK] = is_exact and gap_open > mismatch
                    lanes[lane, IS_GUESS] = is_guess
                    lanes[lane, CAP] = mismatch if is_exact else (bound + 2) * mismatch if is_guess else beyond
                    todo = BEGIN

            lanes[lane, TODO] = todo
            lanes[lane, SLOT] = slot
            lanes[lane, LEFT] = left
            lanes[lane, LO] = lo
            lanes[lane, HI] = hi
            lanes[lane, MM] = mm
            lanes[lane, OPENS] = opens
            lanes[lane, EXTENSIONS] = extensions
            lanes[lane, INS] = ins
            lanes[lane, DEL] = dele
            lanes[lane, STATE] = state
            lanes[lane, LAST] = last
            lanes[lane, POINTS] = points
            if stop != DONE:
                return stop
            if is_crowded:
                break
    return DONE
