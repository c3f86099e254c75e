import type { ChaosReport } from './chaos.js';

const MICROS_PER_CREDIT = 1_000_000n;

/** The report as a person reads it. */
export function printed(report: ChaosReport): string {
  const { options, money, witness, kills } = report;
  const answers = [...witness.answers].sort(([, one], [, other]) => other - one);
  const lines: [string, string][] = [
    [
      'requests',
      `${witness.requests.toString()} in ${seconds(report.loadMs)}, ${options.callers.toString()} at once, seed ${options.seed.toString()}`,
    ],
    ['kills', `${kills.SIGKILL.toString()} SIGKILL, ${kills.SIGTERM.toString()} SIGTERM, and everything at the end`],
    ['answers', answers.map(([answer, count]) => `${count.toString()} ${answer}`).join(', ')],
    [
      'frozen',
      `${credits(money.frozen)} in ${money.freezes.toString()} freezes with ${money.extensions.toString()} extensions`,
    ],
    ['charged', `${credits(money.charged)} for ${money.settledCount.toString()} freezes`],
    ['released', `${credits(money.released)} of ${money.releasedCount.toString()} freezes`],
    ['expired', `${credits(money.expired)} of ${money.expiredCount.toString()} freezes`],
    ['shortfall', credits(money.shortfall)],
    ['promises kept', `${witness.promises.length.toString()} whole answers, ${witness.topUps.toString()} top-ups`],
    ['recovery', `${seconds(report.recoveryMs)} after the crash of everything nothing was frozen`],
    ['longest unresolved freeze', seconds(money.longestFreezeMs)],
    ['differences', report.differences.length.toString()],
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return [...lines.map(([name, text]) => `${name.padEnd(width)}  ${text}`), ...report.differences].join('\n');
}

function credits(amountMicros: bigint): string {
  const fraction = (amountMicros % MICROS_PER_CREDIT).toString().padStart(6, '0');
  return `${(amountMicros / MICROS_PER_CREDIT).toString()}.${fraction}`;
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}
