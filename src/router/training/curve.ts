/** How well an order of prompts recovers what the strong model gains. */
export interface Quality {
  /** Area under the share of the gap that is recovered, over the share of calls sent to the strong model. */
  apgr: number;
  /** Least share of calls to the strong model that recovers half, and four fifths, of the gap; `null` when none does. */
  cpt50: number | null;
  cpt80: number | null;
}

/** An order of prompts, highest score first, with the ends of runs of equal scores. */
export interface Ranking {
  order: Int32Array;
  /** For each place, the first place after its run of equal scores. */
  runEnds: Int32Array;
}

export function rankingOf(scores: ArrayLike<number>): Ranking {
  const order = Int32Array.from({ length: scores.length }, (_, at) => at).sort(
    (left, right) => (scores[right] ?? 0) - (scores[left] ?? 0) || left - right,
  );
  const runEnds = new Int32Array(order.length);
  let end = order.length;
  for (let at = order.length - 1; at >= 0; at -= 1) {
    if (at + 1 < order.length && scores[order[at] ?? 0] !== scores[order[at + 1] ?? 0]) end = at + 1;
    runEnds[at] = end;
  }
  return { order, runEnds };
}

/**
 * Goes down the ranking, sending ever more prompts to the strong model. Prompts of equal score go together, in a straight line.
 * @param gains what the strong model gains on each prompt.
 * @param counts how often each prompt is drawn (a bootstrap sample); once each when absent.
 */
export function qualityOf(ranking: Ranking, gains: ArrayLike<number>, counts?: ArrayLike<number>): Quality {
  const { order, runEnds } = ranking;
  let calls = 0;
  let gap = 0;
  for (const at of order) {
    calls += counts?.[at] ?? 1;
    gap += (gains[at] ?? 0) * (counts?.[at] ?? 1);
  }
  const quality: Quality = { apgr: 0, cpt50: null, cpt80: null };
  let [sent, recovered] = [0, 0];
  for (let place = 0; place < order.length; place = runEnds[place] ?? order.length) {
    let [runCalls, runGain] = [0, 0];
    for (let at = place; at < (runEnds[place] ?? 0); at += 1) {
      const prompt = order[at] ?? 0;
      runCalls += counts?.[prompt] ?? 1;
      runGain += (gains[prompt] ?? 0) * (counts?.[prompt] ?? 1);
    }
    quality.apgr += (runCalls / calls) * ((recovered + runGain / 2) / gap);
    const shareAt = (level: number): number => (sent + runCalls * ((level * gap - recovered) / runGain)) / calls;
    if (quality.cpt50 === null && (recovered + runGain) / gap >= 0.5) quality.cpt50 = shareAt(0.5);
    if (quality.cpt80 === null && (recovered + runGain) / gap >= 0.8) quality.cpt80 = shareAt(0.8);
    sent += runCalls;
    recovered += runGain;
  }
  return quality;
}
