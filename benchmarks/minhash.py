"""MinHash signatures and candidate pairs of many texts, against datasketch in the same run.

    python -m benchmarks.minhash [TEXTS]

TEXTS (100,000) of some 30 words, a tenth of them another with two words changed. Both sides make
signatures of 128 values from the same shingles of five characters, ours from the raw text, and find
candidates with the same 32 bands. Exits with 1 if ours is slower, or finds less than .99 of the
planted pairs whose Jaccard similarity is .7 or more.
"""

import random
import sys
import time

from curation.domain.duplicates import minhash, shingles

LEAST_RECALL = 0.99
COUNTED_FROM = 0.7


def main(n: int = 100_000) -> int:
    texts, planted = made(n)
    begin = time.process_time()
    signed = minhash.signatures_of(texts)
    signatures = time.process_time() - begin
    first, second = minhash.candidates_of(signed.bands, signed.is_empty)
    ours = time.process_time() - begin
    found = set(zip(first.tolist(), second.tolist(), strict=True))
    near = {
        pair
        for pair in planted
        if shingles.jaccard_of(*(texts[end] for end in pair), minhash.SCHEME.shingle)
        >= COUNTED_FROM
    }
    recall = len(near & found) / len(near)
    theirs = with_datasketch(texts)
    print(f"{n:,} texts, {len(near):,} planted pairs at Jaccard {COUNTED_FROM} or more")
    print(f"ours        {ours:8.1f} CPU-s, signatures {signatures:.1f}   recall {recall:.4f}")
    print(f"datasketch  {theirs:8.1f} CPU-s")
    print(f"ratio       {theirs / ours:8.1f}")
    return int(ours > theirs or recall < LEAST_RECALL)


def made(n: int) -> tuple[list[str], set[tuple[int, int]]]:
    dice = random.Random(7)
    words = ["".join(dice.choices("etaoinshrdlu", k=dice.randint(2, 9))) for _ in range(20_000)]
    n_own = n - n // 10
    rows = [dice.choices(words, k=max(5, int(dice.gauss(30, 10)))) for _ in range(n_own)]
    planted = set()
    for place in range(n_own, n):
        source = dice.randrange(n_own)
        changed = list(rows[source])
        for _ in range(2):
            changed[dice.randrange(len(changed))] = dice.choice(words)
        rows.append(changed)
        planted.add((source, place))
    return [" ".join(row) for row in rows], planted


def with_datasketch(texts: list[str]) -> float:
    from datasketch import MinHash, MinHashLSH

    scheme = minhash.SCHEME
    begin = time.process_time()
    sets = ({text[at : at + 5].encode() for at in range(len(text) - 4)} for text in texts)
    signed = MinHash.bulk(sets, num_perm=scheme.num_perm, seed=scheme.seed)
    index = MinHashLSH(num_perm=scheme.num_perm, params=(scheme.bands, scheme.rows))
    for place, each in enumerate(signed):
        index.insert(place, each, check_duplication=False)
    for each in signed:
        index.query(each)
    return time.process_time() - begin


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
